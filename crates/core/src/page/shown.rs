//! What of a request a page may show: validated, and only what the configuration exposes.

use crate::prelude::*;

use super::time::Utc;
use super::PageFacts;
use crate::config::{Exposed, PageRetry};
use crate::gate::without_query;
use crate::millis::times;
use crate::reason::{Reason, Source};
use crate::text::lossy;

/// A longer request id is not one that somebody could quote.
const MAX_REQUEST_ID: usize = 128;
/// The longest registered method has 17 letters, and nobody uses it (RFC 4437).
const MAX_METHOD: usize = 16;
/// The longest host name is 253 bytes (RFC 1035 §2.3.4), and a port may follow.
const MAX_HOST: usize = 260;
/// Enough of a path to recognise it.
const MAX_PATH: usize = 256;

/// The facts that a page shows.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) status: u16,
    pub(super) reason: Reason,
    pub(super) source: Source,
    pub(super) tripped_by: Option<Reason>,
    /// What the operator says about the maintenance.
    pub(super) notice: Option<&'a str>,
    /// When the maintenance ends.
    pub(super) until: Option<Utc>,
    /// In milliseconds; `None`: trying again does not help.
    pub(super) retry_after_ms: Option<u64>,
    /// The wait that people are told: of a maintenance that says when it ends, until then.
    pub(super) wait_ms: Option<u64>,
    /// `retry_after_ms` as a point in time.
    pub(super) retry_at: Option<Utc>,
    /// Letters, at most 16; else empty.
    pub(super) method: &'a str,
    /// How the page comes back by itself, where it does.
    pub(super) auto: Option<&'a PageRetry>,
    /// Whether sending the request once more does no more than sending it once.
    pub(super) safe: bool,
    /// `[A-Za-z0-9._:+/=@-]`, at most 128 of them.
    pub(super) request_id: Option<&'a str>,
    pub(super) time: Option<Utc>,
    pub(super) host: Option<String>,
    /// Without its query, which may hold secrets.
    pub(super) path: Option<String>,
}

impl<'a> Shown<'a> {
    /// Takes from `facts` what is sound and exposed.
    pub(super) fn new(facts: &PageFacts<'a>, expose: &[Exposed]) -> Self {
        let exposed = |what| expose.contains(&what);
        let safe = matches!(facts.method, b"GET" | b"HEAD");
        let until_ms = facts
            .maintenance
            .and_then(|maintenance| maintenance.until)
            .map(|seconds| times(seconds, 1000));
        // The hint has a limit, `retry.max`, after which programs ask again.
        let left_ms = until_ms.zip(facts.now_ms);
        let left_ms = left_ms.map_or(0, |(until, now)| until.saturating_sub(now));
        Self {
            status: facts.status,
            reason: facts.reason,
            source: facts.source,
            tripped_by: facts.tripped_by,
            notice: facts
                .maintenance
                .and_then(|maintenance| maintenance.message.as_deref()),
            until: until_ms.and_then(Utc::from_ms),
            retry_after_ms: facts.retry_after_ms,
            wait_ms: facts.retry_after_ms.map(|wait| wait.max(left_ms)),
            retry_at: facts
                .now_ms
                .zip(facts.retry_after_ms)
                .and_then(|(now, wait)| Utc::from_ms(now.saturating_add(wait))),
            method: Some(facts.method)
                .filter(|method| {
                    method.len() <= MAX_METHOD && method.iter().all(u8::is_ascii_alphabetic)
                })
                .and_then(|method| core::str::from_utf8(method).ok())
                .unwrap_or_default(),
            auto: facts
                .page_retry
                .filter(|page| page.auto && safe && facts.retry_after_ms.is_some()),
            safe,
            request_id: facts
                .request_id
                .filter(|_| exposed(Exposed::RequestId))
                .and_then(valid_request_id),
            time: facts
                .now_ms
                .filter(|_| exposed(Exposed::Timestamp))
                .and_then(Utc::from_ms),
            host: exposed(Exposed::Host)
                .then(|| shorten(facts.host, MAX_HOST))
                .filter(|host| !host.is_empty()),
            path: exposed(Exposed::Path)
                .then(|| shorten(without_query(facts.path), MAX_PATH))
                .filter(|path| !path.is_empty()),
        }
    }

    /// Whether the request was rejected before anybody could process it. Only what the filter
    /// itself rejects is known for sure: Envoy may have retried, and reports the last attempt.
    pub(super) fn never_sent(&self) -> bool {
        matches!(self.reason, Reason::CircuitOpen | Reason::Maintenance)
    }
}

/// The request id, where it is made of nothing but what request ids are made of. An id that had to
/// be changed to be shown would be of no use to anybody, so it is shown as it is or not at all.
fn valid_request_id(id: &[u8]) -> Option<&str> {
    let sound = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:+/=@-".contains(byte);
    if id.is_empty() || id.len() > MAX_REQUEST_ID || !id.iter().all(sound) {
        return None;
    }
    core::str::from_utf8(id).ok()
}

/// A text of a stranger: short, and without the characters that turn the text around them, which
/// would make it look like another.
fn shorten(bytes: &[u8], max: usize) -> String {
    let head = bytes.get(..max).unwrap_or(bytes);
    let text = lossy(head);
    // Unicode's `Bidi_Control`.
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut short = String::new();
    for c in text.chars() {
        if !turns(c) {
            short.push(c);
        }
    }
    if head.len() < bytes.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::negotiate::Format;

    const ALL: &[Exposed] = &[
        Exposed::RequestId,
        Exposed::Timestamp,
        Exposed::Host,
        Exposed::Path,
    ];

    fn facts() -> PageFacts<'static> {
        PageFacts {
            format: Format::Html,
            status: 502,
            reason: Reason::ConnectionRefused,
            source: Source::Proxy,
            tripped_by: None,
            maintenance: None,
            page_retry: None,
            retry_after_ms: None,
            request_id: Some(b"a-1"),
            now_ms: Some(0),
            method: b"GET",
            host: b"shop.example",
            path: b"/pay?token=secret#x",
            language: Default::default(),
            route: b"",
            page: None,
        }
    }

    #[test]
    fn only_what_is_exposed_is_shown() {
        let facts = facts();
        let all = Shown::new(&facts, ALL);
        assert_eq!(all.request_id, Some("a-1"));
        assert_eq!(all.time, Utc::from_ms(0));
        assert_eq!(all.host.as_deref(), Some("shop.example"));
        assert_eq!(all.path.as_deref(), Some("/pay"));
        let none = Shown::new(&facts, &[]);
        assert_eq!(none.request_id, None);
        assert_eq!(none.time, None);
        assert_eq!(none.host, None);
        assert_eq!(none.path, None);
    }

    #[test]
    fn request_ids_are_shown_as_they_are_or_not_at_all() {
        let longest = [b'a'; MAX_REQUEST_ID];
        let too_long = [b'a'; MAX_REQUEST_ID + 1];
        for (id, valid) in [
            (&b"6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11"[..], true),
            (b"AZaz09._:+/=@-", true),
            (&longest, true),
            (&too_long, false),
            (b"", false),
            (b"a b", false),
            (b"<b>", false),
            (b"a\"b", false),
            (b"a\xffb", false),
            ("é".as_bytes(), false),
            (b"a\nb", false),
        ] {
            assert_eq!(valid_request_id(id).is_some(), valid, "{id:?}");
        }
    }

    #[test]
    fn get_and_head_are_safe_to_send_again() {
        for (method, safe) in [
            (&b"GET"[..], true),
            (b"HEAD", true),
            (b"POST", false),
            (b"get", false),
            (b"DELETE", false),
            (b"", false),
        ] {
            let facts = PageFacts { method, ..facts() };
            assert_eq!(Shown::new(&facts, &[]).safe, safe);
        }
    }

    #[test]
    fn long_and_broken_paths_are_cut_and_repaired() {
        let path = [b"/", &[b'a'; 300][..]].concat();
        let facts = PageFacts {
            path: &path,
            host: b"\xff",
            ..facts()
        };
        let shown = Shown::new(&facts, ALL);
        assert_eq!(shown.path.unwrap().chars().count(), MAX_PATH + 1);
        assert_eq!(shown.host.as_deref(), Some("\u{fffd}"));
        let facts = PageFacts {
            host: "\u{61c}a\u{200e}\u{200f}\u{202e}b\u{2066}\u{2069}".as_bytes(),
            ..facts
        };
        assert_eq!(Shown::new(&facts, ALL).host.as_deref(), Some("ab"));
    }
}
