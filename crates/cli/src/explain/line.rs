//! Reads one line of an access log: JSON, or one of the default text formats of Envoy and Istio.

use std::borrow::Cow;
use std::fmt;
use std::time::UNIX_EPOCH;

use super::entry::Entry;
use super::{json_line, text_line};

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
                "found the time {found:?}; allowed: one like 2026-11-23T13:33:21.123Z, \
                 or seconds since 1970"
            ),
            Self::Status(found) => {
                write!(formatter, "found the status {found:?}; allowed: 0 to 999")
            }
            Self::TooLong => write!(
                formatter,
                "found more than {} bytes; allowed: at most that for a line",
                super::read::CHUNK_BYTES
            ),
        }
    }
}

/// Reads a line; `None` if it is blank.
pub(super) fn parse(line: &[u8]) -> Option<Result<Entry<'_>, Wrong>> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line.first() {
        None => None,
        Some(b'{') => Some(json_line::parse(line)),
        Some(b'[') => Some(text_line::parse(line)),
        Some(_) if line.trim_ascii().is_empty() => None,
        Some(_) => Some(Err(Wrong::Text("\"[\" at its start"))),
    }
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

/// Parses `%START_TIME%`, or seconds since the Unix epoch, to milliseconds since then.
pub(super) fn time_ms(text: &str) -> Result<u64, Wrong> {
    let wrong = || Wrong::Time(text.chars().take(40).collect());
    if text.contains('T') {
        let time = humantime::parse_rfc3339(text).map_err(|_| wrong())?;
        let since = time.duration_since(UNIX_EPOCH).map_err(|_| wrong())?;
        return u64::try_from(since.as_millis()).map_err(|_| wrong());
    }
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    // Values beyond the year 9999 are not seconds, but milliseconds or a finer unit.
    match seconds {
        0.0..253_402_300_800.0 => Ok((seconds * 1000.0) as u64),
        _ => Err(wrong()),
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
