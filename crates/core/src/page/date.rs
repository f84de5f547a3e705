//! Dates and times as pages write them: in UTC, to the second.

#[cfg(test)]
mod tests;

use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimePrinter;

/// Returns a date and time for programs: `2026-08-23T10:15:30Z` (RFC 3339 §5.6).
pub(super) fn rfc3339(time: DateTime) -> String {
    let printer = const { DateTimePrinter::new() };
    printer.datetime_to_string(&time) + "Z"
}

/// Returns a date and time for people: `2026-08-23 10:15:30 UTC`, the same in every language.
pub(super) fn readable(time: DateTime) -> String {
    let printer = const { DateTimePrinter::new().separator(b' ') };
    printer.datetime_to_string(&time) + " UTC"
}
