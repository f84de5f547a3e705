//! Reads Envoy's default text format, and Istio's, which has more fields in the middle and at the
//! end.
//!
//! ```text
//! [%START_TIME%] "METHOD PATH PROTOCOL" CODE FLAGS RECEIVED SENT DURATION SERVICE_TIME
//!     "X-FORWARDED-FOR" "USER-AGENT" "REQUEST-ID" "AUTHORITY" "UPSTREAM_HOST"
//! Istio: after FLAGS       DETAILS TERMINATION "TRANSPORT_FAILURE"
//!        after the host    CLUSTER LOCAL DOWNSTREAM_LOCAL DOWNSTREAM_REMOTE SNI ROUTE
//! ```
//!
//! Envoy does not escape quotes inside these fields. So text that clients control is never searched
//! for its end: fields before it are parsed from the left, fields after it from the right.

use memchr::{memchr, memmem, memrchr};

use super::entry::Entry;
use super::line::{known, sends_body, status, time_ms, Wrong};

/// Reads a line.
pub(super) fn parse(line: &[u8]) -> Result<Entry<'_>, Wrong> {
    let rest = line.strip_prefix(b"[").unwrap_or(line);
    let (time, rest) = bracketed(rest).ok_or(Wrong::Text("time in brackets, and request"))?;
    // The request line: none of its three parts contains a space.
    let request = Wrong::Text("request of method, path and protocol");
    let (method, rest) = word(rest).ok_or(request.clone())?;
    let (path, rest) = word(rest).ok_or(request.clone())?;
    let (protocol, rest) = word(rest).ok_or(request.clone())?;
    if !protocol.ends_with(b"\"") {
        return Err(request);
    }
    let (code, rest) = word(rest).ok_or(Wrong::Text("status"))?;
    let (flags, rest) = word(rest).ok_or(Wrong::Text("response flags"))?;
    let mut entry = Entry {
        began_ms: time_ms(&String::from_utf8_lossy(time))?,
        status: status(&String::from_utf8_lossy(code))?,
        flags: known(flags),
        path: known(path),
        ..Entry::default()
    };
    let is_istio = !rest.first().is_some_and(u8::is_ascii_digit);
    let rest = match is_istio {
        true => more_of_istio(rest, &mut entry)?,
        false => rest,
    };
    let (received, rest) = word(rest).ok_or(Wrong::Text("bytes received"))?;
    let (sent, rest) = word(rest).ok_or(Wrong::Text("bytes sent"))?;
    let (duration, rest) = word(rest).ok_or(Wrong::Text("duration"))?;
    entry.method = known(method);
    entry.sends_body = sends_body(&entry.method, number(received).unwrap_or(0));
    entry.bytes_sent = number(sent).ok_or(Wrong::Text("number of bytes sent"))?;
    entry.duration_ms = number(duration).unwrap_or(0);
    end(rest, is_istio, &mut entry).ok_or(Wrong::Text(
        "\"request id\" \"authority\" \"upstream host\" at its end",
    ))?;
    Ok(entry)
}

/// Reads the details, the termination details (which may contain spaces) and the transport failure
/// reason in quotes.
fn more_of_istio<'a>(rest: &'a [u8], entry: &mut Entry<'a>) -> Result<&'a [u8], Wrong> {
    let (details, rest) = word(rest).ok_or(Wrong::Text("response code details"))?;
    let missing = Wrong::Text("transport failure reason in quotes");
    let (_termination, rest) = until(rest, b" \"").ok_or(missing.clone())?;
    let (transport, rest) = until(rest, b"\" ").ok_or(missing)?;
    entry.details = known(details);
    entry.transport = known(transport);
    Ok(rest)
}

/// Reads the fields after the durations, from the right.
fn end<'a>(rest: &'a [u8], is_istio: bool, entry: &mut Entry<'a>) -> Option<()> {
    let close = memrchr(b'"', rest)?;
    let (rest, tail) = (rest.get(..close)?, rest.get(close + 1..)?);
    let (rest, host) = last_quoted(rest)?;
    let (rest, authority) = last_quoted(rest.strip_suffix(b"\"")?)?;
    let (_, request_id) = last_quoted(rest.strip_suffix(b"\"")?)?;
    entry.host = known(host);
    entry.authority = known(authority);
    entry.request_id = known(request_id);
    if is_istio {
        let mut words = tail.split(|byte| *byte == b' ').skip(1);
        entry.cluster = known(words.next()?);
        // Three addresses and a server name come first; the name of the route may contain spaces.
        let mut rest = tail.get(1..)?;
        for _ in 0..5 {
            rest = word(rest)?.1;
        }
        entry.route = known(rest);
    }
    Some(())
}

/// Splits `… "x` into `…` and `x`; the closing quote of `x` is already removed.
fn last_quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let open = memrchr(b'"', text)?;
    let before = text.get(..open)?;
    Some((before.strip_suffix(b" ")?, text.get(open + 1..)?))
}

/// Splits `x] "…` into `x` and `…`.
fn bracketed(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr(b']', text)?;
    Some((text.get(..at)?, text.get(at..)?.strip_prefix(b"] \"")?))
}

/// Splits at the next space.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr(b' ', text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn until<'a>(text: &'a [u8], end: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memmem::find(text, end)?;
    Some((text.get(..at)?, text.get(at + end.len()..)?))
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
