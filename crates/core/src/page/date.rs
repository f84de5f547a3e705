//! Points in time as pages write them: in UTC, to the second.

#[cfg(test)]
mod tests;

use jiff::civil::DateTime;
use jiff::SignedDuration;

use crate::time::Timestamp;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Returns the date and time of a point in time, or `None` after year 9999, for which RFC 3339 has no form.
pub(super) fn utc(time: Timestamp) -> Option<DateTime> {
    let seconds = i64::try_from(time.as_millis() / 1000).ok()?;
    EPOCH.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// Returns a date and time for programs: `2026-08-23T10:15:30Z` (RFC 3339 §5.6).
pub(super) fn rfc3339(time: DateTime) -> String {
    format!("{}T{}Z", time.date(), time.time())
}

/// Returns a date and time for people: `2026-08-23 10:15:30 UTC`, the same in every language.
pub(super) fn readable(time: DateTime) -> String {
    format!("{} {} UTC", time.date(), time.time())
}
