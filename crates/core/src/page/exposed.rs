//! What a page may show of a request: validated, and only what the configuration exposes.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use super::kind::PageKind;
use super::PageInfo;
use crate::config::Exposed;
use crate::http::uri::without_query;
use crate::retry::spread_of_maintenance;
use crate::time::Timestamp;

/// A time may have been rounded up to this.
const ROUNDED: Duration = Duration::from_secs(1);
/// A longer request id is too long to be quoted.
const MAX_REQUEST_ID: usize = 128;
/// The longest method in use has 16 letters (`BASELINE-CONTROL` of RFC 3253).
const MAX_METHOD: usize = 16;
/// The longest host name has 253 bytes (RFC 1035 §2.3.4); a port may follow.
const MAX_HOST: usize = 260;
/// Enough of a path to recognise it.
const MAX_PATH: usize = 256;

/// The values that a page shows.
#[derive(Debug)]
pub(super) struct ExposedValues<'a> {
    pub(super) kind: PageKind,
    /// The end of the maintenance.
    pub(super) until: Option<SystemTime>,
    /// `None`: trying again does not help.
    pub(super) retry_after: Option<Duration>,
    /// What people read instead: until the end of the maintenance, if that is known. The hint of a client is up
    /// to a hundredth later, and decides if it is later than that.
    pub(super) wait: Option<Duration>,
    /// `retry_after` as a point in time.
    pub(super) retry_at: Option<Timestamp>,
    /// Letters, at most [`MAX_METHOD`]; otherwise empty.
    pub(super) method: &'a str,
    /// As the client or Envoy wrote it.
    request_id: Option<&'a [u8]>,
    pub(super) time: Option<SystemTime>,
    pub(super) host: Option<String>,
    /// The path without its query, which may contain secrets.
    pub(super) path: Option<String>,
}

impl<'a> ExposedValues<'a> {
    /// Returns the parts of `info` that are valid and in `expose`.
    pub(super) fn new(info: &PageInfo<'a>, expose: &[Exposed], home_url: Option<&str>) -> Self {
        let is_exposed = |value| expose.contains(&value);
        let maintenance = info.maintenance;
        let until = maintenance.and_then(|maintenance| maintenance.until);
        let left = until
            .zip(info.now)
            .map_or(Duration::ZERO, |(until, now)| until.saturating_since(now));
        Self {
            kind: PageKind::new(info, home_url.is_some_and(|url| is_request_for(url, info))),
            until: until.and_then(Timestamp::to_utc),
            retry_after: info.retry_after,
            wait: info.retry_after.map(|retry_after| {
                let latest = left
                    .saturating_add(spread_of_maintenance(left))
                    .saturating_add(ROUNDED);
                let is_at_end = !left.is_zero() && retry_after <= latest;
                if is_at_end {
                    left
                } else {
                    retry_after
                }
            }),
            retry_at: info
                .now
                .zip(info.retry_after)
                .map(|(now, retry_after)| now.saturating_add(retry_after)),
            method: valid_method(info.method),
            request_id: info.request_id.filter(|_| is_exposed(Exposed::RequestId)),
            time: info
                .now
                .filter(|_| is_exposed(Exposed::Timestamp))
                .and_then(Timestamp::to_utc),
            host: is_exposed(Exposed::Host)
                .then(|| shorten(info.host, MAX_HOST))
                .filter(|host| !host.is_empty()),
            path: is_exposed(Exposed::Path)
                .then(|| shorten(without_query(info.path), MAX_PATH))
                .filter(|path| !path.is_empty()),
        }
    }

    /// Returns the request id: `[A-Za-z0-9._:+/=@-]`, at most [`MAX_REQUEST_ID`] of them.
    pub(super) fn request_id(&self) -> Option<&'a str> {
        self.request_id.and_then(valid_request_id)
    }
}

/// Returns whether the request was one for `url`, which is absolute or begins with a path.
fn is_request_for(url: &str, info: &PageInfo<'_>) -> bool {
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", url),
    };
    let is_host = host.is_empty() || host.as_bytes().eq_ignore_ascii_case(info.host);
    let path = if path.is_empty() { "/" } else { path };
    is_host && without_query(path.as_bytes()) == without_query(info.path)
}

/// Returns the method if it consists of letters; otherwise an empty text.
fn valid_method(method: &[u8]) -> &str {
    std::str::from_utf8(method)
        .ok()
        .filter(|method| method.len() <= MAX_METHOD)
        .filter(|method| method.bytes().all(|byte| byte.is_ascii_alphabetic()))
        .unwrap_or_default()
}

/// Returns the request id if it consists of the characters of request ids. It is shown unchanged or not
/// at all, because a changed id could not be found in any log.
fn valid_request_id(id: &[u8]) -> Option<&str> {
    let is_valid = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'.' | b'_' | b':' | b'+' | b'/' | b'=' | b'@' | b'-')
    };
    if id.is_empty() || id.len() > MAX_REQUEST_ID || !id.iter().all(is_valid) {
        return None;
    }
    std::str::from_utf8(id).ok()
}

/// Returns client input shortened to `max` bytes, without the characters that reorder the text around
/// them and could make it look like another.
fn shorten(bytes: &[u8], max: usize) -> String {
    let head = bytes.get(..max).unwrap_or(bytes);
    // Unicode's `Bidi_Control`.
    let reorders = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut short = String::from_utf8_lossy(head).replace(reorders, "");
    if head.len() < bytes.len() {
        short.push('…');
    }
    short
}
