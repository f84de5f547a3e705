//! How durations, statuses, dates and numbers are written.

use crate::prelude::*;
use crate::text::{decimal, parse, split_once};
use core::time::Duration;

use super::limits;

/// Units of a duration, largest first, with their length in milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The length in milliseconds of `"250ms"`, `"5s"`, `"2m"`, `"1h"`: a whole number without leading
/// zeros, and one unit.
pub(super) fn duration_ms(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    if number.len() > 1 && number.starts_with('0') {
        return None;
    }
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
    parse(number.as_bytes())?.checked_mul(*length)
}

/// The duration of [`duration_ms`].
pub(super) fn duration(text: &str) -> Option<Duration> {
    duration_ms(text).map(Duration::from_millis)
}

/// A duration as the configuration writes it, in the largest unit that divides it.
pub(super) fn duration_text(ms: u64) -> String {
    let divides = |&&(_, length): &&(&str, u64)| ms > 0 && ms.checked_rem(length) == Some(0);
    match UNITS.iter().find(divides) {
        Some((unit, length)) => {
            let number = ms.checked_div(*length).unwrap_or(ms);
            [&decimal(number), *unit].joined()
        }
        None => "0s".to_owned(),
    }
}

/// First and last status of `"502"`, `"502-504"` or `"5xx"`, all of them failures.
pub(super) fn status_range(text: &str) -> Option<(u16, u16)> {
    if let Some(class) = text.strip_suffix("xx") {
        return match class {
            "4" => Some((400, 499)),
            "5" => Some((500, 599)),
            _ => None,
        };
    }
    let (low, high) = split_once(text, "-").unwrap_or((text, text));
    let (low, high) = (status(low)?, status(high)?);
    (low <= high).then_some((low, high))
}

/// A status of three digits.
pub(crate) fn status(text: &str) -> Option<u16> {
    if text.len() != 3 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    status_number(i64::try_from(parse(text.as_bytes())?).ok()?)
}

/// A status given as a number.
pub(super) fn status_number(number: i64) -> Option<u16> {
    let status = u16::try_from(number).ok()?;
    (limits::STATUS_MIN..=limits::STATUS_MAX)
        .contains(&status)
        .then_some(status)
}

/// Seconds since the Unix epoch of an RFC 3339 date and time; fractions of a second are cut off.
/// Times before the epoch and leap seconds are none.
pub(super) fn date(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let number = |from: usize, length: usize| -> Option<i64> {
        let part = bytes.get(from..from.checked_add(length)?)?;
        part.iter().try_fold(0_i64, |sum, byte| {
            let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
            // Four digits at most.
            Some(sum.wrapping_mul(10).wrapping_add(i64::from(digit)))
        })
    };
    let is = |at: usize, allowed: &[u8]| bytes.get(at).is_some_and(|byte| allowed.contains(byte));
    if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut at = 19_usize;
    if is(at, b".") {
        at = at.checked_add(1)?;
        let digits = bytes
            .get(at..)?
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits == 0 {
            return None;
        }
        at = at.checked_add(digits)?;
    }
    let (offset, end) = if is(at, b"Zz") {
        (0, at.checked_add(1)?)
    } else if is(at, b"+-") && is(at.checked_add(3)?, b":") {
        let (hours, minutes) = (
            number(at.checked_add(1)?, 2)?,
            number(at.checked_add(4)?, 2)?,
        );
        if hours > 23 || minutes > 59 {
            return None;
        }
        let minutes = hours.wrapping_mul(60).wrapping_add(minutes);
        (
            if is(at, b"-") {
                minutes.wrapping_neg()
            } else {
                minutes
            },
            at.checked_add(6)?,
        )
    } else {
        return None;
    };
    if end != bytes.len() {
        return None;
    }
    let minute = minute.wrapping_sub(offset);
    seconds(days(year, month, day)?, hour, minute, second)
}

/// Seconds since the Unix epoch; none before it. Of years of at most [`LAST_YEAR`], nothing here or in
/// [`days`] can overflow, and looking after it would be half a kilobyte of the module.
pub(crate) fn seconds(days: i64, hour: i64, minute: i64, second: i64) -> Option<u64> {
    let hours = days.wrapping_mul(24).wrapping_add(hour);
    let minutes = hours.wrapping_mul(60).wrapping_add(minute);
    u64::try_from(minutes.wrapping_mul(60).wrapping_add(second)).ok()
}

/// Nobody means a later one.
const LAST_YEAR: i64 = 1_000_000_000;

/// Days from the Unix epoch to a day of the Gregorian calendar; `None` where there is no such day.
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let divides = |number: i64| year.checked_rem(number) == Some(0);
    let leap = divides(4) && (!divides(100) || divides(400));
    let index = usize::try_from(month.checked_sub(1)?).ok()?;
    let extra = i64::from(leap && month == 2);
    if !(0..=LAST_YEAR).contains(&year) || day < 1 || day > LENGTHS.get(index)?.wrapping_add(extra)
    {
        return None;
    }
    // Leap days of all years before this one, counted from year 0 on.
    let past = year.wrapping_sub(1);
    let leap_days = past
        .div_euclid(4)
        .wrapping_sub(past.div_euclid(100))
        .wrapping_add(past.div_euclid(400));
    let months: i64 = LENGTHS.get(..index)?.iter().sum();
    let after_february = i64::from(leap && month > 2);
    let before = past.wrapping_mul(365).wrapping_add(leap_days);
    let in_year = months.wrapping_add(after_february).wrapping_add(day);
    // 719,162 days lie between the first day of year 1 and the epoch.
    Some(before.wrapping_add(in_year).wrapping_sub(719_163))
}

/// A number for people: whole, or with at most six decimals. The standard library's own way costs
/// the module more than ten kilobytes, and an error needs no more than this.
pub(crate) fn number(value: f64) -> String {
    // Up to here a millionth still has a place in the 64 bits.
    const LARGEST: f64 = 1e12;
    let size = value.abs();
    if size.is_nan() || size >= LARGEST {
        return "a number out of range".to_owned();
    }
    let millionths = (size * 1e6 + 0.5) as u64;
    if millionths == 0 {
        return if size > 0.0 {
            "a number near 0".to_owned()
        } else {
            "0".to_owned()
        };
    }
    let whole = millionths.wrapping_div(1_000_000);
    let part = millionths.wrapping_rem(1_000_000);
    let sign = if value < 0.0 { "-" } else { "" };
    // With a digit before the six: their leading zeros stay.
    let part = decimal(part.wrapping_add(1_000_000));
    let part = part.get(1..).unwrap_or_default();
    let mut text = [sign, &decimal(whole), ".", part].joined();
    while text.ends_with('0') {
        text.pop();
    }
    if text.ends_with('.') {
        text.pop();
    }
    text
}

/// Whether [`number`] writes the number without loss.
pub(super) fn is_decimal(value: f64) -> bool {
    let size = value.abs();
    size < 1e12 && ((size * 1e6 + 0.5) as u64) as f64 / 1e6 == size
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
            assert_eq!(duration_ms(text), expected, "{text}");
        }
        for ms in [
            0, 1, 999, 1_000, 1_500, 60_000, 90_000, 3_600_000, 86_400_000,
        ] {
            assert_eq!(duration_ms(&duration_text(ms)), Some(ms));
        }
        assert_eq!(duration_text(600_000), "10m");
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
            ("", None),
        ] {
            assert_eq!(date(text), expected, "{text}");
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
            (1e300, "a number out of range"),
            (f64::NAN, "a number out of range"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}
