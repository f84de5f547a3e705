//! Reads one line of an access log: JSON, or one of the default text formats of Envoy and Istio, as Envoy
//! wrote it or as a collector passes it on.

use std::borrow::Cow;
use std::fmt;
use std::time::UNIX_EPOCH;

use super::entry::Entry;
use super::wrapped;

/// How many collectors may have put the line into an object of their own: a container runtime, and what
/// reads its logs.
const MAX_COLLECTORS: u8 = 2;

/// An error in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Neither JSON nor a known text format; contains what is missing.
    Text(&'static str),
    /// Starts like JSON, but is not.
    Json(String),
    /// JSON without this field.
    Missing(&'static str),
    /// A time in an unknown form.
    Time(String),
    /// An invalid status.
    Status(String),
    /// Longer than the limit.
    TooLong,
    /// Something unknown is in front of the line.
    Wrapped,
    /// A part of a line.
    Part,
    /// JSON over several lines.
    ManyLines,
}

impl fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(missing) => write!(
                formatter,
                "neither a JSON object nor a line in Envoy's or Istio's text format: no {missing}"
            ),
            Self::Json(error) => write!(formatter, "not a JSON object: {error}"),
            Self::Missing(field) => write!(formatter, "no field `{field}`"),
            Self::Time(found) => write!(
                formatter,
                "found the time {found:?}; allowed: one like 2026-11-23T13:33:21.123Z \
                 or 2026-11-23T13:33:21+01:00, or a number since 1970"
            ),
            Self::Status(found) => {
                write!(formatter, "found the status {found:?}; allowed: 0 to 999")
            }
            Self::TooLong => write!(
                formatter,
                "found more than {} bytes; allowed: at most that for a line",
                super::read::CHUNK_BYTES
            ),
            Self::Wrapped => formatter.write_str(
                "found something unknown in front of the line; allowed: the line as Envoy wrote it \
                 (`sed 's/^[^[]*//'` removes what is before the first bracket)",
            ),
            Self::Part => formatter.write_str(
                "found a part of a line of more than 16 KiB, which the container runtime has cut; \
                 allowed: whole lines, as `kubectl logs` prints them",
            ),
            Self::ManyLines => formatter.write_str(
                "found JSON over several lines; allowed: one object a line \
                 (`jq -c '.[]'` for a list, `jq -c .` for objects)",
            ),
        }
    }
}

/// Reads a line; `None` if it is blank.
pub(super) fn parse(line: &[u8]) -> Option<Result<Entry<'_>, Wrong>> {
    wrapped::parse(line, MAX_COLLECTORS)
}

/// Converts to text; Envoy writes `-` for a missing value.
pub(super) fn known(text: &[u8]) -> Cow<'_, str> {
    match text {
        b"-" => Cow::Borrowed(""),
        // Twice as fast for text that is valid, as nearly all is.
        text => match std::str::from_utf8(text) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(text),
        },
    }
}

/// Parses `%START_TIME%`, with an offset or without a zone (then UTC), or seconds, milli-, micro- or
/// nanoseconds since the Unix epoch, to milliseconds since then.
pub(super) fn time_ms(text: &str) -> Result<u64, Wrong> {
    let wrong = || Wrong::Time(text.chars().take(40).collect());
    if text.contains('T') {
        if let Ok(time) = humantime::parse_rfc3339(text) {
            let since = time.duration_since(UNIX_EPOCH).map_err(|_| wrong())?;
            return u64::try_from(since.as_millis()).map_err(|_| wrong());
        }
        let (local, ahead_ms) = offset(text).ok_or_else(wrong)?;
        let time = humantime::parse_rfc3339_weak(local).map_err(|_| wrong())?;
        let since = time.duration_since(UNIX_EPOCH).map_err(|_| wrong())?;
        let since_ms = i64::try_from(since.as_millis()).map_err(|_| wrong())?;
        return u64::try_from(since_ms - ahead_ms).map_err(|_| wrong());
    }
    let number: f64 = text.parse().map_err(|_| wrong())?;
    // A value beyond the year 9999 is of a finer unit: seconds, milli-, micro-, nanoseconds.
    let times = [1e3, 1.0, 1e-3, 1e-6].map(|unit| number * unit);
    let time = times.into_iter().find(|time| *time < 253_402_300_800_000.0);
    let time = time.filter(|time| *time >= 0.0).ok_or_else(wrong)?;
    Ok(time as u64)
}

/// Splits a time without `Z` into the local time and its milliseconds ahead of UTC: none without a zone.
fn offset(text: &str) -> Option<(&str, i64)> {
    const DATE: usize = "2026-11-23".len();
    let Some(at) = text.rfind(['+', '-']).filter(|at| *at > DATE) else {
        return Some((text, 0));
    };
    let (local, zone) = text.split_at_checked(at)?;
    let digits = zone.get(1..)?.replace(':', "");
    let (hours, minutes) = digits.split_at_checked(2)?;
    let hours: i64 = hours.parse::<u8>().ok()?.into();
    let minutes: i64 = match minutes.len() {
        0 => 0,
        2 => minutes.parse::<u8>().ok()?.into(),
        _ => return None,
    };
    let ahead_ms = (hours * 60 + minutes) * 60_000;
    match zone.starts_with('-') {
        true => Some((local, -ahead_ms)),
        false => Some((local, ahead_ms)),
    }
}

/// Parses `%RESPONSE_CODE%`.
pub(super) fn status(text: &str) -> Result<u16, Wrong> {
    let status = text.parse().ok().filter(|status| *status < 1000);
    status.ok_or_else(|| Wrong::Status(text.chars().take(40).collect()))
}

/// Returns whether a request has a body, as far as the log tells. Unknown methods may have one.
pub(super) fn sends_body(method: &str, bytes_received: u64) -> bool {
    bytes_received > 0 || !matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

#[cfg(test)]
mod tests;
