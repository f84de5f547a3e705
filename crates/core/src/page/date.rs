//! Dates and times as pages write them: in UTC, to the second.

#[cfg(test)]
mod tests;

use std::time::SystemTime;

/// Returns a date and time for programs: `2026-08-23T10:15:30Z` (RFC 3339 §5.6). `time`: up to year 9999.
pub(super) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Returns a date and time for people: `2026-08-23 10:15:30 UTC`, the same in every language. `time`: up to year
/// 9999.
pub(super) fn readable(time: SystemTime) -> String {
    rfc3339(time).replace('T', " ").replace('Z', " UTC")
}
