//! Points in time. Milliseconds appear at the edges only: record bytes and the host's interface.

use std::time::{Duration, SystemTime};

/// A clock that goes back by no more than this is a difference between two readings.
pub const CLOCK_SLACK: Duration = Duration::from_secs(1);

/// A point in time: whole milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);
    /// The last second of year 9999, the last that RFC 3339 can write.
    pub(crate) const LAST_DATE: Self = Self::from_secs(253_402_300_799);

    /// Returns the time that is `ms` milliseconds after the Unix epoch.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Returns the time that is `seconds` after the Unix epoch; the latest representable time on overflow.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Returns the time of a date and time whose offset from UTC is `offset` seconds, rounded down to
    /// seconds; `None` before the Unix epoch.
    pub(crate) fn from_date(date: SystemTime, offset: i64) -> Option<Self> {
        let local = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let local = i64::try_from(local.as_secs()).ok()?;
        let seconds = u64::try_from(local.checked_sub(offset)?).ok()?;
        Some(Self::from_secs(seconds))
    }

    /// Returns the time that is `ns` nanoseconds after the Unix epoch, rounded down to milliseconds.
    pub const fn from_nanos(ns: u64) -> Self {
        Self(ns / 1_000_000)
    }

    /// Returns the milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns the date and time in UTC, rounded down to seconds, in the type that packages for dates take;
    /// `None` after year 9999, which they cannot write.
    pub(crate) fn to_utc(self) -> Option<SystemTime> {
        let seconds = Self::from_secs(self.0 / 1000);
        let since_epoch = (seconds <= Self::LAST_DATE).then(|| seconds.since_epoch())?;
        SystemTime::UNIX_EPOCH.checked_add(since_epoch)
    }

    /// Returns the time that passed since the Unix epoch.
    pub const fn since_epoch(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// Returns the time that passed since `earlier`; zero if `earlier` is later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Returns this time, or the latest possible one if it is further ahead of `now` than `longest`
    /// explains: then the clock was set back.
    pub fn at_most_ahead(self, now: Self, longest: Duration) -> Self {
        let latest = now.saturating_add(longest);
        if self > latest.saturating_add(CLOCK_SLACK) {
            latest
        } else {
            self
        }
    }

    /// Returns the time that is `duration` later; the latest representable time on overflow.
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(saturating_millis(duration)))
    }

    /// Returns the time that is `duration` earlier; the Unix epoch on underflow.
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(saturating_millis(duration)))
    }
}

/// Returns a duration in whole milliseconds; [`u64::MAX`] on overflow.
pub fn saturating_millis(duration: Duration) -> u64 {
    // `as_millis` multiplies numbers of 128 bits.
    let whole = duration.as_secs().saturating_mul(1000);
    whole.saturating_add(duration.subsec_millis().into())
}

/// Returns a duration in whole seconds, rounded up.
pub(crate) fn seconds_rounded_up(duration: Duration) -> u64 {
    saturating_millis(duration).div_ceil(1000)
}

#[cfg(test)]
mod tests;
