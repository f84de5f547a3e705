//! The delay after which a client should come back.
//!
//! The base is the time for which the filter itself rejects requests, else the upstream's own
//! `Retry-After` if the configuration honors it, else the configured time for the status. Then each
//! client gets its own [slot](crate::retry::load), or, without slots, a random part of the base on
//! top: clients that failed in the same second should not come back in the same second.

use std::time::{Duration, UNIX_EPOCH};

use crate::config::Retry;
use crate::time::{saturating_millis, seconds_rounded_up, Timestamp};

/// Minimum delay: `Retry-After: 0` would send the crowd straight back.
pub const MIN_DELAY: Duration = Duration::from_secs(1);

/// Without slots, a hint is longer than its base by up to this many thousandths of the base.
pub const JITTER_PERMILLE: u64 = 200;

/// The delay after which a client should come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint(Duration);

impl Hint {
    /// Returns a hint with this delay from now.
    pub fn new(delay: Duration) -> Self {
        Self(delay)
    }

    /// Returns the delay from now.
    pub fn delay(self) -> Duration {
        self.0
    }

    /// Returns the value of `Retry-After`: whole seconds, rounded up (RFC 9110 §10.2.3).
    pub fn seconds(self) -> u64 {
        seconds_rounded_up(self.0)
    }
}

/// The facts of a failure that its hint depends on.
#[derive(Debug, Clone, Copy)]
pub struct FailureInfo<'a> {
    /// Status of the failure, as Envoy would have sent it.
    pub status: u16,
    /// How much longer the request would be rejected, if known.
    pub remaining: Option<Duration>,
    /// `Retry-After` of the failed response.
    pub retry_after: Option<&'a [u8]>,
    /// The current time. If it is unknown, dates are ignored and no slot is taken.
    pub now: Option<Timestamp>,
}

/// Returns the earliest delay for any client.
pub fn base_delay(retry: &Retry, failure: &FailureInfo<'_>) -> Duration {
    let retry_after = failure.retry_after.filter(|_| retry.honor_upstream);
    failure
        .remaining
        .or_else(|| parse_retry_after(retry_after?, failure.now))
        .unwrap_or_else(|| configured(retry, failure.status))
        .max(MIN_DELAY)
        .min(retry.max)
}

/// Returns the hint of a client without a slot: the base and a random part of it.
pub(crate) fn scattered(base: Duration, max: Duration, random: u64) -> Hint {
    let base_ms = saturating_millis(base);
    let spread_ms = base_ms.saturating_mul(JITTER_PERMILLE) / 1000;
    let longest = base.saturating_add(Duration::from_millis(spread_ms));
    Hint(between(base, longest, random).min(max))
}

/// Returns a delay of whole milliseconds from `first` to `last`, each equally likely.
pub(crate) fn between(first: Duration, last: Duration, random: u64) -> Duration {
    let (first_ms, last_ms) = (saturating_millis(first), saturating_millis(last));
    let choices = last_ms.saturating_sub(first_ms).saturating_add(1);
    let offset_ms = random.checked_rem(choices).unwrap_or(0);
    Duration::from_millis(first_ms.saturating_add(offset_ms))
}

fn configured(retry: &Retry, status: u16) -> Duration {
    let listed = retry.after.by_status.iter().find(|(of, _)| *of == status);
    listed.map_or(retry.after.default, |&(_, after)| after)
}

/// Parses `Retry-After` (RFC 9110 §10.2.3): a number of seconds, or a date in any of the three
/// formats of §5.6.7. Returns the delay from `now`; zero for a date in the past.
pub fn parse_retry_after(value: &[u8], now: Option<Timestamp>) -> Option<Duration> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // A number that overflows is bounded by `retry.max` as any other.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let since_epoch = date.duration_since(UNIX_EPOCH).ok()?;
    Some(since_epoch.saturating_sub(now?.since_epoch()))
}

#[cfg(test)]
mod tests;
