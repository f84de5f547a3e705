//! How the configuration writes durations, statuses, dates and numbers.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::SignedDuration;

use super::limits;

/// Units of a duration, largest first, with their length in milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration such as `"250ms"`, `"5s"`, `"2m"` or `"1h"`: a whole number without leading
/// zeros, and one unit.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    if number.len() > 1 && number.starts_with('0') {
        return None;
    }
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let number: u64 = number.parse().ok()?;
    number.checked_mul(*length).map(Duration::from_millis)
}

/// Writes a duration in the largest unit that divides it.
pub(super) fn duration_text(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if ms == 0 {
        return "0s".to_owned();
    }
    let largest = UNITS.iter().find_map(|(unit, length)| {
        Some((ms.checked_div(*length)?, *length, unit))
            .filter(|(number, length, _)| number.checked_mul(*length) == Some(ms))
    });
    largest.map_or_else(
        || format!("{ms}ms"),
        |(number, _, unit)| format!("{number}{unit}"),
    )
}

/// Reads the first and the last status of `"502"`, `"502-504"` or `"5xx"`; all of them are failures.
pub(super) fn status_range(text: &str) -> Option<(u16, u16)> {
    match text {
        "4xx" => return Some((400, 499)),
        "5xx" => return Some((500, 599)),
        _ => {}
    }
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high) = (status(low)?, status(high)?);
    (low <= high).then_some((low, high))
}

/// Reads a status of three digits.
pub(crate) fn status(text: &str) -> Option<u16> {
    if text.len() != 3 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    status_number(text.parse().ok()?)
}

/// Reads a status that is given as a number.
pub(super) fn status_number(number: i64) -> Option<u16> {
    let status = u16::try_from(number).ok()?;
    (limits::STATUS_MIN..=limits::STATUS_MAX)
        .contains(&status)
        .then_some(status)
}

/// The Unix epoch in UTC.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Reads an RFC 3339 date and time as seconds since the Unix epoch. Fractions of a second are cut
/// off. Times before the epoch and leap seconds are refused.
///
/// The shape is checked here because `jiff` reads more than the schema promises (weeks, time zone
/// names, hours without minutes).
pub(super) fn date(text: &str) -> Option<u64> {
    let (civil, zone) = text.split_at_checked(19)?;
    let is_civil =
        has_shape(civil, "0000-00-00T00:00:00") || has_shape(civil, "0000-00-00 00:00:00");
    if !is_civil || civil.ends_with("60") {
        return None;
    }
    let civil: DateTime = civil.parse().ok()?;
    let offset = offset_seconds(after_fraction(zone)?)?;
    let local = civil.duration_since(EPOCH).as_secs();
    u64::try_from(local.checked_sub(offset)?).ok()
}

/// Writes seconds since the Unix epoch as [`date`] reads them.
pub(super) fn date_text(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let utc = EPOCH.saturating_add(SignedDuration::from_secs(seconds));
    format!("{utc}Z")
}

/// Whether a text has a digit wherever the shape has `0`, and elsewhere the same characters in
/// either case.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text
            .bytes()
            .zip(shape.bytes())
            .all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                _ => byte.eq_ignore_ascii_case(&shape),
            })
}

/// Returns what follows a fraction of a second, which may be missing.
fn after_fraction(text: &str) -> Option<&str> {
    let Some(digits) = text.strip_prefix('.') else {
        return Some(text);
    };
    let rest = digits.trim_start_matches(|character: char| character.is_ascii_digit());
    (rest.len() < digits.len()).then_some(rest)
}

/// Reads the offset of a date: `Z`, `+00:00` or `-00:00`.
fn offset_seconds(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("Z") {
        return Some(0);
    }
    if !has_shape(zone, "+00:00") && !has_shape(zone, "-00:00") {
        return None;
    }
    let hours: i64 = zone.get(1..3)?.parse().ok()?;
    let minutes: i64 = zone.get(4..6)?.parse().ok()?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours
        .checked_mul(3600)?
        .checked_add(minutes.checked_mul(60)?)?;
    Some(if zone.starts_with('-') {
        seconds.checked_neg()?
    } else {
        seconds
    })
}

/// The largest number that [`number`] writes.
const LARGEST: f64 = 1e12;

/// Writes a number for people: a whole number, or at most six decimals.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size.is_nan() || size >= LARGEST {
        return "a number out of range".to_owned();
    }
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        "-0" | "0" if size > 0.0 => "a number near 0".to_owned(),
        "-0" => "0".to_owned(),
        _ => text.to_owned(),
    }
}

/// Whether [`number`] writes the number without loss.
pub(crate) fn is_decimal(value: f64) -> bool {
    number(value).parse() == Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expected) in [
            ("250ms", Some(250)),
            ("5s", Some(5_000)),
            ("2m", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("0s", Some(0)),
            ("", None),
            ("s", None),
            ("5", None),
            ("5 s", None),
            (" 5s", None),
            ("+5s", None),
            ("-5s", None),
            ("05s", None),
            ("1.5s", None),
            ("1m30s", None),
            ("5S", None),
            ("5d", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
            ("٣s", None),
        ] {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(duration(text), expected, "{text}");
        }
        for (ms, expected) in [
            (0, "0s"),
            (1, "1ms"),
            (999, "999ms"),
            (1_000, "1s"),
            (1_500, "1500ms"),
            (60_000, "1m"),
            (90_000, "90s"),
            (600_000, "10m"),
            (3_600_000, "1h"),
            (86_400_000, "24h"),
        ] {
            let time = Duration::from_millis(ms);
            assert_eq!(duration_text(time), expected);
            assert_eq!(duration(expected), Some(time));
        }
    }

    #[test]
    fn statuses() {
        for (text, expected) in [
            ("502", Some((502, 502))),
            ("502-504", Some((502, 504))),
            ("5xx", Some((500, 599))),
            ("4xx", Some((400, 499))),
            ("3xx", None),
            ("5XX", None),
            ("504-502", None),
            ("399", None),
            ("600", None),
            ("0502", None),
            ("+502", None),
            ("502-", None),
            ("-502", None),
            ("502-503-504", None),
            ("", None),
        ] {
            assert_eq!(status_range(text), expected, "{text}");
        }
    }

    #[test]
    fn dates() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-02T00:00:01.999Z", Some(86_401)),
            ("2000-02-29T12:00:00z", Some(951_825_600)),
            ("2000-03-01 00:00:00Z", Some(951_868_800)),
            ("2026-12-01T06:00:00Z", Some(1_796_104_800)),
            ("2026-12-01T06:00:00+02:00", Some(1_796_097_600)),
            ("2026-12-01T06:00:00-02:30", Some(1_796_113_800)),
            ("9999-12-31T23:59:59Z", Some(253_402_300_799)),
            ("2100-02-29T00:00:00Z", None),
            ("2026-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-00-01T00:00:00Z", None),
            ("2026-01-00T00:00:00Z", None),
            ("2026-01-01T24:00:00Z", None),
            ("2026-01-01T00:60:00Z", None),
            ("2026-01-01T00:00:60Z", None),
            ("2026-01-01T00:00:00", None),
            ("2026-01-01T00:00:00.Z", None),
            ("2026-01-01T00:00:00Zx", None),
            ("2026-01-01T00:00:00+2", None),
            ("2026-01-01", None),
            ("1969-12-31T23:59:59Z", None),
            ("1970-01-01T00:00:00+00:01", None),
            ("1969-12-31T23:59:59-00:01", Some(59)),
            ("2026-12-01T06:00:00.1234567890123Z", Some(1_796_104_800)),
            ("2026-12-01t06:00:00+23:59", Some(1_796_018_460)),
            ("2026-12-01T06:00:00+24:00", None),
            ("2026-12-01T06:00:00+00:60", None),
            ("2026-12-01T06:00:00+0200", None),
            ("2026-12-01T06:00:00+02", None),
            ("2026-12-01T06:00:00+02:00:00", None),
            ("2026-12-01T06:00:00Z[Europe/Berlin]", None),
            ("2026-12-01T06:00:00,5Z", None),
            ("2026-12-01T06:00Z", None),
            ("2026-W49-2T06:00:00Z", None),
            ("+002026-12-01T06:00:00Z", None),
            ("20261201T060000Z", None),
            ("2026-12-01_06:00:00Z", None),
            ("2026-12-01T06:00:0éZ", None),
            ("0000-01-01T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(date(text), expected, "{text}");
        }
    }

    #[test]
    fn a_written_date_is_read_again() {
        for seconds in [0, 1_796_104_800, 253_402_300_799] {
            assert_eq!(date(&date_text(seconds)), Some(seconds));
        }
    }

    #[test]
    fn only_short_decimals_are_decimals() {
        for (value, expected) in [
            (0.0, true),
            (0.5, true),
            (-0.25, true),
            (0.1, true),
            (123_456.654_321, true),
            (1e-6, true),
            (1e-7, false),
            (0.123_456_7, false),
            (1e12, false),
            (f64::NAN, false),
        ] {
            assert_eq!(is_decimal(value), expected, "{value}");
        }
    }

    #[test]
    fn numbers() {
        for (value, expected) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (-0.25, "-0.25"),
            (1.0, "1"),
            (100.0, "100"),
            (1.0 / 3.0, "0.333333"),
            (1e-9, "a number near 0"),
            (-1e-9, "a number near 0"),
            (-0.0, "0"),
            (1e12, "a number out of range"),
            (1e300, "a number out of range"),
            (f64::NAN, "a number out of range"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}
