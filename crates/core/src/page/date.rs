//! Dates and times as pages write them: in UTC, to the second.

#[cfg(test)]
mod tests;

use std::time::SystemTime;

/// The length of `2026-08-23`.
const DATE_BYTES: usize = 10;

/// Returns a date and time for programs: `2026-08-23T10:15:30Z` (RFC 3339 §5.6). `time`: up to year 9999.
pub(super) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Returns a date and time for people: `2026-08-23 10:15:30 UTC`, the same in every language. `time`: up to year
/// 9999.
pub(super) fn readable(time: SystemTime) -> String {
    for_people(&rfc3339(time))
}

/// Returns what people read instead of a date and time for programs.
pub(super) fn for_people(time: &str) -> String {
    let (date, clock) = time.split_at_checked(DATE_BYTES).unwrap_or_default();
    let clock = clock.trim_start_matches('T').trim_end_matches('Z');
    [date, " ", clock, " UTC"].concat()
}
