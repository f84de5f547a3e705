//! Times and durations in milliseconds.

use core::time::Duration;

/// Whole milliseconds of nanoseconds, which is what the host's clock tells.
pub fn from_ns(ns: u64) -> u64 {
    ns.checked_div(1_000_000).unwrap_or(0)
}

/// A duration in whole milliseconds; the longest there is, where it is longer.
pub(crate) fn millis(duration: Duration) -> u64 {
    // Not `as_millis`: dividing 128 bits would be a kilobyte of the module.
    duration
        .as_secs()
        .saturating_mul(1000)
        .saturating_add(u64::from(duration.subsec_millis()))
}
