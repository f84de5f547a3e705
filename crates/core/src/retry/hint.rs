//! The delay after which a client should come back.
//!
//! It is the time for which the filter itself rejects requests, if that is known. Else it is the
//! configured interval for the status, shortened by a random part: clients that failed in the same second
//! should not come back in the same second. The upstream's own `Retry-After`, if the configuration honors
//! it, is the least; that of a limit on the client's own requests is kept as it is. If many clients wait,
//! the interval is longer ([`waiting`](crate::retry::waiting)).

use std::time::{Duration, UNIX_EPOCH};

use crate::config::Retry;
use crate::time::{seconds_rounded_up, Timestamp};

/// Minimum delay: `Retry-After: 0` would send the crowd straight back.
pub const MIN_DELAY: Duration = Duration::from_secs(1);

/// The longest `Retry-After` of an upstream that is believed: nobody waits for longer.
const MAX_ASKED: Duration = Duration::from_secs(24 * 3600);
/// An interval is shortened to this part of it at most, so that the longest one is the configured one.
const LEAST_PART: f64 = 0.6;
/// The interval of a crowd is drawn from a whole of it that begins at this part. Intervals of nearly the
/// same length would keep those together who were told to wait in the same second, and at the times
/// between, newcomers would be let in before them.
const LEAST_CROWD_PART: f64 = 0.2;

/// The delay after which a client should come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hint {
    delay: Duration,
    is_crowded: bool,
}

impl Hint {
    /// Returns a hint with this delay from now. `is_crowded`: it is longer because many clients wait.
    pub fn new(delay: Duration, is_crowded: bool) -> Self {
        Self { delay, is_crowded }
    }

    /// Returns the delay from now.
    pub fn delay(self) -> Duration {
        self.delay
    }

    /// Returns whether the delay is longer because many clients wait.
    pub fn is_crowded(self) -> bool {
        self.is_crowded
    }

    /// Returns the value of `Retry-After`: whole seconds, rounded up (RFC 9110 §10.2.3).
    pub fn seconds(self) -> u64 {
        seconds_rounded_up(self.delay)
    }
}

/// Clients come back after a maintenance within this part of the time for which they were told to wait: the
/// longer it is announced, the more of them wait for its end.
const SPREAD_OF_MAINTENANCE: u32 = 100;

/// Returns how much later than the end of a maintenance clients may come, which is `remaining` away.
pub fn spread_of_maintenance(remaining: Duration) -> Duration {
    let spread = remaining.checked_div(SPREAD_OF_MAINTENANCE);
    spread.unwrap_or_default()
}

/// The facts of a failure that its hint depends on.
#[derive(Debug, Clone, Copy)]
pub struct FailureInfo<'a> {
    /// Status of the failure, as Envoy would have sent it.
    pub status: u16,
    /// How much longer the request would be rejected, if known.
    pub remaining: Option<Duration>,
    /// How much later than that clients may come, so that they do not all come at that moment.
    /// [`Retry::max`] limits it.
    pub spread: Duration,
    /// Whether the failure is about this client, which sends too much, and not about the site.
    pub is_limit: bool,
    /// `Retry-After` of the failed response.
    pub retry_after: Option<&'a [u8]>,
    /// The current time. If it is unknown, dates are ignored.
    pub now: Option<Timestamp>,
}

/// Returns when a client should come back. `crowd_interval`: the interval at which the clients that wait
/// can be answered; zero if they are few. `unit`: a random number in `[0, 1)`.
pub fn hint(retry: &Retry, failure: &FailureInfo<'_>, crowd_interval: Duration, unit: f64) -> Hint {
    let asked = failure
        .retry_after
        .filter(|_| retry.honor_upstream)
        .and_then(|value| parse_retry_after(value, failure.now))
        .map(|asked| asked.min(MAX_ASKED));
    if let Some(asked) = asked.filter(|_| failure.is_limit) {
        // The limiter knows when it lets this client in again.
        return Hint::new(asked.max(MIN_DELAY), false);
    }
    let usual = configured(retry, failure.status);
    let crowd = crowd_interval.min(retry.max);
    let is_crowded = crowd > usual;
    let delay = match failure.remaining {
        // Nobody is let in before, and not all can ask at that moment.
        Some(remaining) => {
            let spread = failure.spread.min(retry.max).max(crowd);
            remaining.saturating_add(spread.mul_f64(unit))
        }
        None if is_crowded => crowd.mul_f64(LEAST_CROWD_PART + unit).min(retry.max),
        None => usual.mul_f64(LEAST_PART + (1.0 - LEAST_PART) * unit),
    };
    Hint {
        delay: delay.max(asked.unwrap_or_default()).max(MIN_DELAY),
        is_crowded,
    }
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
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let since_epoch = date.duration_since(UNIX_EPOCH).ok()?;
    Some(since_epoch.saturating_sub(now?.since_epoch()))
}

#[cfg(test)]
mod tests;
