//! The answer that takes the place of a failure: status, headers and body.
//!
//! Which headers of the failed response stay is an allow-list: what the configuration keeps, and a
//! few that belong to the exchange rather than to the body. A page that carried the failed
//! response's cookies, validators or caching rules would be worse than the failure itself.

use crate::prelude::*;
use alloc::borrow::Cow;

use crate::config::{Headers, Pattern};
use crate::headers::{list_has, HeaderBlock};
use crate::negotiate::Format;
use crate::page::Page;
use crate::reason::{Reason, Source};
use crate::retry::Hint;
use crate::text::{count, decimal};

/// Marks a page of Tidegate, so that a second one on the way out (a gateway behind which a sidecar
/// runs) leaves it alone. The value is the reason.
pub const MARKER: &str = "x-tidegate-page";

/// Kept whatever the configuration says (it can still remove them): they speak of the request, the
/// way or the client's standing, not of the body that is gone.
const ALWAYS_KEPT: &[&str] = &[
    "www-authenticate",
    "x-request-id",
    "traceparent",
    "via",
    "proxy-status",
    "nel",
    "report-to",
];

/// Never kept, whatever the configuration says: they describe or act for the body that is gone, or
/// would make the page cacheable, or tell of the software behind.
pub(crate) const NEVER_KEPT: &[&str] = &[
    "set-cookie",
    "content-encoding",
    "content-length",
    "content-type",
    "content-language",
    "transfer-encoding",
    "trailer",
    "etag",
    "last-modified",
    "accept-ranges",
    "content-range",
    "content-disposition",
    "digest",
    "content-digest",
    "repr-digest",
    "content-md5",
    "expires",
    "age",
    "cache-control",
    "cdn-cache-control",
    "surrogate-control",
    "location",
    "refresh",
    "link",
    "clear-site-data",
    "content-security-policy",
    "content-security-policy-report-only",
    "server",
    "x-powered-by",
    "retry-after",
    "connection",
    "keep-alive",
    "upgrade",
    MARKER,
];

/// Members that are appended to a list header of the failed response.
const VARY: &[&str] = &["accept", "accept-language", "sec-fetch-dest"];

/// What a script of another origin may read (Fetch §3.3.1: `Retry-After` is not safelisted).
const EXPOSED: &[&str] = &["retry-after", "proxy-status", "x-request-id"];

/// A header of a reply.
pub type Header = (Cow<'static, str>, Vec<u8>);

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status; of a gRPC reply the one that Envoy turns into `200` (it does so by the request).
    pub status: u16,
    /// `grpc-status` of a gRPC reply.
    pub grpc_status: Option<u32>,
    /// Headers, `content-length` not among them.
    pub headers: Vec<Header>,
    /// The body; of a gRPC reply the message.
    pub body: Vec<u8>,
    /// Response code details: `tidegate_<reason>{<Envoy's own>}`.
    pub details: Vec<u8>,
    /// What the access log is told.
    pub mark: Mark,
}

/// What the access log is told of a request that failed, in filter state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Why it failed.
    pub reason: Reason,
    /// When its client was told to come back, in milliseconds.
    pub hint_ms: Option<u64>,
}

impl Reply {
    /// The headers that turn a response with a body into this reply: `:status` among them, and the
    /// exact `content-length` where it can be promised.
    pub fn rewrite_headers(&self, promise_length: bool) -> HeaderBlock {
        let status = decimal(u64::from(self.status));
        let length = count(self.body.len());
        let length = length.as_bytes();
        self.block(
            Some(status.as_bytes()),
            Some(length).filter(|_| promise_length),
        )
    }

    /// The headers that a local reply is given; Envoy adds status and length itself.
    pub fn local_headers(&self) -> HeaderBlock {
        self.block(None, None)
    }

    fn block(&self, status: Option<&[u8]>, length: Option<&[u8]>) -> HeaderBlock {
        let mut pairs: Vec<(&[u8], &[u8])> = Vec::new();
        if let Some(status) = status {
            pairs.push((b":status", status));
        }
        for (name, value) in &self.headers {
            pairs.push((name.as_bytes(), value));
        }
        if let Some(length) = length {
            pairs.push((b"content-length", length));
        }
        HeaderBlock::from_pairs(&pairs)
    }
}

/// What the headers of a reply are made from.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The form of the page.
    pub format: Format,
    /// Why it failed.
    pub reason: Reason,
    /// Who made the failing response.
    pub source: Source,
    /// Status of the failing response.
    pub received_status: u16,
    /// When to come back, where trying again helps.
    pub hint: Option<Hint>,
    /// The failed response; empty where there was none.
    pub response: &'a HeaderBlock,
    /// Envoy's `code_details`, where the configuration tells them.
    pub details: Option<&'a [u8]>,
    /// The configured name of this deployment, as a token or string of RFC 8941.
    pub proxy_name: &'a str,
}

/// All headers of a reply, `:status` and `content-length` left out.
pub fn headers(config: &Headers, page: &Page<'_>, facts: &Facts<'_>) -> Vec<Header> {
    let mut out: Vec<Header> = Vec::with_capacity(24);
    keep(&mut out, config, facts.response);

    let mut put = |name: &'static str, value: &[u8]| out.push((name.into(), value.to_vec()));
    // Of a gRPC reply Envoy sets the content type.
    if let Some(kind) = page.content_type {
        put("content-type", kind.as_bytes());
    }
    if !page.body.is_empty() && facts.format != Format::Grpc {
        put("content-language", page.language.as_bytes());
    }
    put("cache-control", b"no-store");
    if let Some(hint) = facts.hint {
        put("retry-after", decimal(hint.seconds()).as_bytes());
    }
    put("vary", &merged_list(facts.response, "vary", VARY));
    put("proxy-status", &proxy_status(facts));
    if facts.format != Format::Grpc {
        put("x-content-type-options", b"nosniff");
        put("referrer-policy", b"no-referrer");
        put("x-robots-tag", b"noindex");
    }
    if let Some(csp) = page.csp {
        put("content-security-policy", csp.as_bytes());
    }
    put(MARKER, facts.reason.as_str().as_bytes());
    for (name, value) in &page.headers {
        put(name, value.as_bytes());
    }
    if facts.response.get("access-control-allow-origin").is_some()
        && is_kept(config, "access-control-allow-origin")
    {
        let name = "access-control-expose-headers";
        put(name, &merged_list(facts.response, name, EXPOSED));
    }
    adjust(&mut out, config);
    out
}

fn keep(out: &mut Vec<Header>, config: &Headers, response: &HeaderBlock) {
    for (name, value) in response.iter() {
        let Ok(name) = core::str::from_utf8(name) else {
            continue;
        };
        // These are merged with what the page says itself.
        let merged = matches!(
            name,
            "vary" | "proxy-status" | "access-control-expose-headers"
        );
        if !merged && is_kept(config, name) {
            out.push((name.to_owned().into(), value.to_vec()));
        }
    }
}

fn is_kept(config: &Headers, name: &str) -> bool {
    !name.starts_with(':')
        && !NEVER_KEPT.contains(&name)
        && (ALWAYS_KEPT.contains(&name) || any_matches(&config.keep, name))
}

fn any_matches(patterns: &[Pattern], name: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| pattern.matches(name.as_bytes()))
}

/// Does what `headers.remove` and `headers.set` say, the second last so that it can replace what
/// the first takes away.
fn adjust(out: &mut Vec<Header>, config: &Headers) {
    if !config.remove.is_empty() {
        out.retain(|(name, _)| is_essential(name) || !any_matches(&config.remove, name));
    }
    for (name, value) in &config.set {
        out.retain(|(other, _)| other != name);
        out.push((name.clone().into(), value.clone().into_bytes()));
    }
}

/// Without these the reply could not be read, or an outer Tidegate would replace it again.
pub(crate) fn is_essential(name: &str) -> bool {
    matches!(name, "content-type" | "cache-control" | MARKER) || name.starts_with("grpc-")
}

/// The list header `name` of the failed response, with `members` appended where they are not in it.
fn merged_list(response: &HeaderBlock, name: &str, members: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in response.get_all(name) {
        push_member(&mut out, value);
    }
    let has_all = list_has(&out, "*");
    for member in members {
        if !has_all && !list_has(&out, member) {
            push_member(&mut out, member.as_bytes());
        }
    }
    out
}

/// The members that came with the response, and ours after them (RFC 9209 §2).
fn proxy_status(facts: &Facts<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for value in facts.response.get_all("proxy-status") {
        push_member(&mut out, value);
    }
    push_member(&mut out, facts.proxy_name.as_bytes());
    out.extend_from_slice(b"; error=");
    out.extend_from_slice(facts.reason.as_str().as_bytes());
    if facts.source == Source::Upstream {
        out.extend_from_slice(b"; received-status=");
        out.extend_from_slice(decimal(u64::from(facts.received_status)).as_bytes());
    }
    if let Some(details) = facts.details.filter(|details| !details.is_empty()) {
        out.extend_from_slice(b"; details=\"");
        for &byte in details {
            // A string of RFC 8941 §3.3.3 holds printable ASCII only.
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                b' '..=b'~' => out.push(byte),
                _ => out.push(b'?'),
            }
        }
        out.push(b'"');
    }
    out
}

fn push_member(out: &mut Vec<u8>, member: &[u8]) {
    if !out.is_empty() && !member.is_empty() {
        out.extend_from_slice(b", ");
    }
    out.extend_from_slice(member);
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
