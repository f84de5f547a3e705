//! Durations as people say them.

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::time::seconds_rounded_up;

/// A duration, rounded up to a step that people use. It is never rounded down, because clients that come
/// back when the page says must not be too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CoarseDuration {
    /// Up to five seconds.
    Moments,
    /// A number of seconds, from 10 to 45.
    Seconds(u64),
    /// Up to a minute.
    Minute,
    /// A number of minutes, from 2 to 45.
    Minutes(u64),
    /// Up to an hour.
    Hour,
    /// A number of hours, from 2 to 47.
    Hours(u64),
    /// A number of days, at least 2.
    Days(u64),
}

impl From<Duration> for CoarseDuration {
    fn from(duration: Duration) -> Self {
        let seconds = seconds_rounded_up(duration);
        let minutes = seconds.div_ceil(60);
        let hours = minutes.div_ceil(60);
        match (seconds, minutes, hours) {
            (0..=5, ..) => Self::Moments,
            (6..=20, ..) => Self::Seconds(up_to(seconds, 5)),
            (21..=30, ..) => Self::Seconds(30),
            (31..=45, ..) => Self::Seconds(45),
            (_, 0..=1, _) => Self::Minute,
            (_, 2..=10, _) => Self::Minutes(minutes),
            (_, 11..=30, _) => Self::Minutes(up_to(minutes, 5)),
            (_, 31..=45, _) => Self::Minutes(45),
            (_, _, 0..=1) => Self::Hour,
            (_, _, 2..=47) => Self::Hours(hours),
            _ => Self::Days(hours.div_ceil(24)),
        }
    }
}

/// Returns `value`, rounded up to a multiple of `step`.
fn up_to(value: u64, step: u64) -> u64 {
    value.checked_next_multiple_of(step).unwrap_or(value)
}
