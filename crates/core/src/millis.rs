//! Times and durations in milliseconds.

use core::time::Duration;

/// Whole milliseconds of nanoseconds, which is what the host's clock tells.
pub fn from_ns(ns: u64) -> u64 {
    ns.checked_div(1_000_000).unwrap_or(0)
}

/// A duration in whole milliseconds; the longest there is, where it is longer.
// Not inlined, here and below: a product that is looked after takes forty bytes wherever it stands.
#[inline(never)]
pub(crate) fn millis(duration: Duration) -> u64 {
    // Not `as_millis`: dividing 128 bits would be a kilobyte of the module.
    times(duration.as_secs(), 1000).saturating_add(u64::from(duration.subsec_millis()))
}

/// A product; the greatest there is, where it is greater.
#[inline(never)]
pub(crate) fn times(number: u64, by: u64) -> u64 {
    number.saturating_mul(by)
}
