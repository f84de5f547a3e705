//! Reads Envoy's default text format, and Istio's, which has more fields in the middle and at the
//! end.
//!
//! ```text
//! [%START_TIME%] "METHOD PATH PROTOCOL" CODE FLAGS RECEIVED SENT DURATION SERVICE_TIME
//!     "X-FORWARDED-FOR" "USER-AGENT" "REQUEST-ID" "AUTHORITY" "UPSTREAM_HOST"
//! Istio: after FLAGS       DETAILS TERMINATION "TRANSPORT_FAILURE"
//!        up to Istio 1.8   "MIXER_STATUS" "TRANSPORT_FAILURE"
//!        after the host    CLUSTER LOCAL DOWNSTREAM_LOCAL DOWNSTREAM_REMOTE SNI ROUTE
//! ```
//!
//! Operators append fields of their own to Istio's format, such as the id of a trace, which differs in each
//! line. So a route's name ends at its first blank, and what follows is ignored.
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
    let missing = Wrong::Text("transport failure reason in quotes");
    let rest = match rest.strip_prefix(b"\"") {
        // The status of Mixer, and no details.
        Some(rest) => until(rest, b"\" \"").ok_or(missing.clone())?.1,
        None => {
            let (details, rest) = details(rest).ok_or(Wrong::Text("response code details"))?;
            entry.details = known(details);
            until(rest, b" \"").ok_or(missing.clone())?.1
        }
    };
    let (transport, rest) = until(rest, b"\" ").ok_or(missing)?;
    entry.transport = known(transport);
    Ok(rest)
}

/// Splits after the details, which have blanks in their braces in early Envoys.
fn details(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = word(text)?;
    if !first.contains(&b'{') || first.ends_with(b"}") {
        return Some((first, rest));
    }
    let Some(at) = memmem::find(text, b"} ") else {
        return Some((first, rest));
    };
    Some((text.get(..=at)?, text.get(at + 2..)?))
}

/// Number of fields in quotes that an operator may append.
const MAX_APPENDED: usize = 8;

/// Reads the fields after the durations, from the right.
fn end<'a>(mut rest: &'a [u8], is_istio: bool, entry: &mut Entry<'a>) -> Option<()> {
    for _ in 0..=MAX_APPENDED {
        let close = memrchr(b'"', rest)?;
        let (before, tail) = (rest.get(..close)?, rest.get(close + 1..)?);
        if is_istio && !after_host(tail, entry) {
            // A field in quotes that the operator has appended.
            rest = before.get(..memrchr(b'"', before)?)?;
            entry.has_more = true;
            continue;
        }
        let (before, host) = last_quoted(before)?;
        let (before, authority) = last_quoted(before.strip_suffix(b"\"")?)?;
        let (_, request_id) = last_quoted(before.strip_suffix(b"\"")?)?;
        entry.host = known(host);
        entry.authority = known(authority);
        entry.request_id = known(request_id);
        return Some(());
    }
    None
}

/// Reads Istio's fields after the host; returns whether they are there.
fn after_host<'a>(tail: &'a [u8], entry: &mut Entry<'a>) -> bool {
    let mut words = tail.split(|byte| *byte == b' ').skip(1);
    // Three addresses and a server name are between the two. Up to Istio 1.2 there is no route.
    let (Some(cluster), Some(_)) = (words.next(), words.nth(3)) else {
        return false;
    };
    entry.cluster = known(cluster);
    entry.route = known(words.next().unwrap_or_default());
    entry.has_more |= words.next().is_some();
    true
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
