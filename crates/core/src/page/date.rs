//! Dates and times as pages write them: in UTC, to the second.

#[cfg(test)]
mod tests;

use jiff::civil::DateTime;

/// Returns a date and time for programs: `2026-08-23T10:15:30Z` (RFC 3339 §5.6).
pub(super) fn rfc3339(time: DateTime) -> String {
    format!("{time}Z")
}

/// Returns a date and time for people: `2026-08-23 10:15:30 UTC`, the same in every language.
pub(super) fn readable(time: DateTime) -> String {
    format!("{} {} UTC", time.date(), time.time())
}
