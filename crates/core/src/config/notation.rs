//! How the configuration writes durations, statuses, dates and numbers.

use std::time::{Duration, SystemTime};

use super::limits;
use crate::time::{saturating_millis, Timestamp};

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
    let ms = saturating_millis(duration);
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

/// Reads a status of a failure: three digits.
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

/// Reads an RFC 3339 date and time. Fractions of a second are cut off. Times before the Unix epoch and
/// leap seconds are refused.
///
/// The shape is checked here because `humantime` reads less than the schema promises (other zones than UTC), and
/// leap seconds.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    let (civil, zone) = text.split_at_checked(19)?;
    let is_civil =
        has_shape(civil, "0000-00-00T00:00:00") || has_shape(civil, "0000-00-00 00:00:00");
    if !is_civil || civil.ends_with("60") {
        return None;
    }
    let civil = humantime::parse_rfc3339_weak(&civil.to_ascii_uppercase()).ok()?;
    let offset = offset_seconds(after_fraction(zone)?)?;
    Timestamp::from_date(civil, offset)
}

/// Writes a date and time as [`date`] reads it; the latest one that can be written, if it is later.
pub(super) fn date_text(time: Timestamp) -> String {
    let utc = time.min(Timestamp::LAST_DATE).to_utc();
    humantime::format_rfc3339_seconds(utc.unwrap_or(SystemTime::UNIX_EPOCH)).to_string()
}

/// Returns whether a text has a digit wherever the shape has `0`, and elsewhere the same characters in
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

/// Returns whether [`number`] writes the number without loss.
pub(crate) fn is_decimal(value: f64) -> bool {
    number(value).parse() == Ok(value)
}

#[cfg(test)]
mod tests;
