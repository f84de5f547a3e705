//! The page in place of a failure: its status, headers and body, and the filter state for the access
//! log.

use std::borrow::Cow;
use std::time::Duration;

use super::intercept::Interception;
use super::ResponseInfo;
use crate::breaker::State;
use crate::config::{Headers, Pattern};
use crate::failure::{Reason, Source};
use crate::filter_config::FilterConfig;
use crate::host::Host;
use crate::http::accept::Format;
use crate::http::header_policy::{is_always_kept, is_essential, is_never_kept, MARKER};
use crate::http::headers::{list_has, HeaderBlock};
use crate::page::{Gate, Page, PageInfo, GRPC_STATUS_UNAVAILABLE};
use crate::policy::RoutePolicy;
use crate::retry::Hint;
use crate::time::saturating_millis;
use crate::worker::Worker;

/// What a page adds to `Vary`.
const VARY: &str = "accept, accept-language, sec-fetch-dest";

/// Headers that a script of another origin may read (Fetch §3.3.1: they are not safelisted).
const CORS_EXPOSED: &str = "retry-after, proxy-status, x-request-id";

/// Room for the headers of most pages: their own, and a few that they keep.
const HEADERS: usize = 20;

/// Room for `Proxy-Status`, unless the failed response has a long one.
const PROXY_STATUS_BYTES: usize = 128;

/// A header of a local reply.
pub type Header = (Cow<'static, str>, Cow<'static, [u8]>);

/// A response of the filter in place of the upstream's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReply {
    /// The HTTP status. For a gRPC request Envoy turns it into 200.
    pub status: u16,
    /// `grpc-status`, for a gRPC request.
    pub grpc_status: Option<u32>,
    /// The headers, without `:status` and `content-length`.
    pub headers: Vec<Header>,
    /// The body; for gRPC the message.
    pub body: Vec<u8>,
    /// The response code details: `tidegate_<reason>{<Envoy's own>}`.
    pub details: Vec<u8>,
}

impl LocalReply {
    /// Makes the reply.
    pub(super) fn new(context: &ReplyContext<'_>) -> Self {
        let config = &context.config.config;
        let Interception { reason, source, .. } = context.interception;
        let status = context.status();
        let page = context.page(status);
        // Envoy adds the route's headers to a local reply, as it did to its own failed response. Two
        // `access-control-allow-origin` are as bad as none.
        let nothing = HeaderBlock::default();
        let is_local = context.response.end_of_stream || context.format == Format::Grpc;
        let are_added_again = is_local && source == Source::Proxy;
        let cause = match context.interception.tripped_by {
            Some(reason) => reason.as_str().as_bytes(),
            None => &context.response.details,
        };
        let headers = page_headers(
            &config.headers,
            &page,
            &HeaderInfo {
                format: context.format,
                reason,
                source,
                received_status: context.interception.status,
                hint: context.hint,
                response: if are_added_again {
                    &nothing
                } else {
                    &context.response.headers
                },
                details: config.proxy_status.details.then_some(cause),
                proxy_name: &config.proxy_status.name,
            },
        );
        Self {
            status,
            grpc_status: (context.format == Format::Grpc).then_some(GRPC_STATUS_UNAVAILABLE),
            headers,
            body: page.body,
            details: local_details(reason, cause),
        }
    }

    /// Returns the headers that turn an existing response into this reply: with `:status`, and with
    /// `content-length` if `promise_length`.
    pub(super) fn replacing_headers(&self, promise_length: bool) -> HeaderBlock {
        let status = self.status.to_string();
        let length = self.body.len().to_string();
        let first: (&[u8], &[u8]) = (b":status", status.as_bytes());
        let last: (&[u8], &[u8]) = (b"content-length", length.as_bytes());
        let pairs = std::iter::once(first).chain(self.pairs());
        HeaderBlock::encode(pairs.chain(promise_length.then_some(last)))
    }

    /// Returns the headers of a local reply. Envoy adds status and length.
    pub fn local_headers(&self) -> HeaderBlock {
        HeaderBlock::encode(self.pairs())
    }

    fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), &**value))
    }
}

/// What a local reply is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReplyContext<'a> {
    pub(super) config: &'a FilterConfig,
    pub(super) policy: &'a RoutePolicy,
    pub(super) request: &'a HeaderBlock,
    /// The failed response; without headers for a rejected request.
    pub(super) response: &'a ResponseInfo,
    pub(super) interception: Interception<'a>,
    pub(super) format: Format,
    pub(super) hint: Option<Hint>,
    pub(super) gate: Option<Gate>,
}

impl ReplyContext<'_> {
    fn status(&self) -> u16 {
        let rule = self.config.policy(self.policy.number).intercept.status;
        rule.status(self.interception.reason, self.interception.status)
    }

    fn page(&self, status: u16) -> Page<'_> {
        let header = |name| self.request.get(name);
        let pages = &self.config.pages;
        pages.render(&PageInfo {
            format: self.format,
            status,
            reason: self.interception.reason,
            source: self.interception.source,
            tripped_by: self.interception.tripped_by,
            maintenance: self.interception.maintenance,
            retry_after: self.hint.map(|hint| hint.delay()),
            page_retry: Some(&self.config.policy(self.policy.number).retry.page),
            gate: self.gate,
            request_id: header("x-request-id"),
            now: self.response.now,
            method: header(":method").unwrap_or_default(),
            host: header(":authority").unwrap_or_default(),
            path: header(":path").unwrap_or_default(),
            language: pages.language(self.request),
            route: &self.policy.route,
            page: self.policy.page,
        })
    }
}

/// Returns `tidegate_<reason>{<cause>}`: the cause is Envoy's own details, or what opened the circuit.
fn local_details(reason: Reason, cause: &[u8]) -> Vec<u8> {
    [b"tidegate_", reason.as_str().as_bytes(), b"{", cause, b"}"].concat()
}

/// What the headers of a page are made from.
#[derive(Debug, Clone, Copy)]
struct HeaderInfo<'a> {
    format: Format,
    reason: Reason,
    /// Who made the failed response.
    source: Source,
    /// Status of the failed response.
    received_status: u16,
    hint: Option<Hint>,
    /// Headers of the failed response.
    response: &'a HeaderBlock,
    /// Details for `Proxy-Status`, if the configuration exposes them.
    details: Option<&'a [u8]>,
    /// The configured name of this proxy, as a token or string of RFC 8941.
    proxy_name: &'a str,
}

/// Returns all headers of a page except `:status` and `content-length`.
fn page_headers(config: &Headers, page: &Page<'_>, info: &HeaderInfo<'_>) -> Vec<Header> {
    let mut out = kept_headers(config, info.response);
    let mut put = |name: &'static str, value: Cow<'static, [u8]>| out.push((name.into(), value));
    let constant = |value: &'static str| Cow::Borrowed(value.as_bytes());
    let text = |value: String| Cow::Owned(value.into_bytes());
    // Envoy sets the content type of a gRPC response.
    if let Some(kind) = page.content_type {
        put("content-type", constant(kind));
    }
    if !page.body.is_empty() && info.format != Format::Grpc {
        put("content-language", text(page.language.to_owned()));
    }
    put("cache-control", constant("no-store"));
    if let Some(hint) = info.hint {
        put("retry-after", text(hint.seconds().to_string()));
    }
    put("vary", merged_list(info.response, "vary", VARY));
    put("proxy-status", proxy_status(info).into());
    if info.format != Format::Grpc {
        put("x-content-type-options", constant("nosniff"));
        put("referrer-policy", constant("no-referrer"));
        put("x-robots-tag", constant("noindex"));
    }
    if let Some(csp) = page.csp {
        put("content-security-policy", text(csp.to_owned()));
    }
    put(MARKER, constant(info.reason.as_str()));
    for (name, value) in &page.headers {
        put(name, text(value.clone()));
    }
    let allows_origin = info.response.get("access-control-allow-origin").is_some();
    if allows_origin && is_kept(config, "access-control-allow-origin") {
        let name = "access-control-expose-headers";
        put(name, merged_list(info.response, name, CORS_EXPOSED));
    }
    apply_changes(&mut out, config);
    out
}

/// Returns the headers of the failed response that the page keeps.
fn kept_headers(config: &Headers, response: &HeaderBlock) -> Vec<Header> {
    let mut kept = Vec::with_capacity(HEADERS);
    for (name, value) in response.iter() {
        let Ok(name) = std::str::from_utf8(name) else {
            continue;
        };
        // These are merged with the page's own members.
        let is_merged = matches!(
            name,
            "vary" | "proxy-status" | "access-control-expose-headers"
        );
        if !is_merged && is_kept(config, name) {
            kept.push((name.to_owned().into(), value.to_vec().into()));
        }
    }
    kept
}

fn is_kept(config: &Headers, name: &str) -> bool {
    !is_never_kept(name) && (is_always_kept(name) || any_matches(&config.keep, name))
}

fn any_matches(patterns: &[Pattern], name: &str) -> bool {
    let mut patterns = patterns.iter();
    patterns.any(|pattern| pattern.matches(name.as_bytes()))
}

/// Applies `headers.remove`, then `headers.set`, which may replace what was removed.
fn apply_changes(out: &mut Vec<Header>, config: &Headers) {
    out.retain(|(name, _)| is_essential(name) || !any_matches(&config.remove, name));
    for (name, value) in &config.set {
        out.retain(|(other, _)| other != name);
        out.push((name.clone().into(), value.clone().into_bytes().into()));
    }
}

/// Returns the list header `name` of the failed response, with the missing `members` appended.
fn merged_list(response: &HeaderBlock, name: &str, members: &'static str) -> Cow<'static, [u8]> {
    let mut out = Vec::new();
    for value in response.get_all(name) {
        push_member(&mut out, value);
    }
    if out.is_empty() {
        return members.as_bytes().into();
    }
    let has_all = list_has(&out, "*");
    for member in members.split(", ") {
        if !has_all && !list_has(&out, member) {
            push_member(&mut out, member.as_bytes());
        }
    }
    out.into()
}

/// Returns `Proxy-Status`: the members of the failed response, then this proxy's (RFC 9209 §2).
fn proxy_status(info: &HeaderInfo<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(PROXY_STATUS_BYTES);
    for value in info.response.get_all("proxy-status") {
        push_member(&mut out, value);
    }
    push_member(&mut out, info.proxy_name.as_bytes());
    out.extend_from_slice(b"; error=");
    out.extend_from_slice(info.reason.as_str().as_bytes());
    if info.source == Source::Upstream {
        out.extend_from_slice(b"; received-status=");
        out.extend_from_slice(info.received_status.to_string().as_bytes());
    }
    if let Some(details) = info.details.filter(|details| !details.is_empty()) {
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

/// The filter state of a request that failed: the access log shows it as `wasm.tidegate.<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FilterState {
    /// Why the request failed.
    pub(super) reason: Reason,
    /// The state of its circuit.
    pub(super) circuit: State,
    /// When its client should come back, if it got a hint.
    pub(super) hint: Option<Duration>,
}

impl FilterState {
    /// Collects the state of a request that failed.
    pub(super) fn new(
        worker: &Worker,
        policy: &RoutePolicy,
        reason: Reason,
        hint: Option<Hint>,
    ) -> Self {
        Self {
            reason,
            circuit: match worker.state(policy.circuit()) {
                // The configuration forces it open, whatever its record says.
                State::Closed if reason == Reason::CircuitOpen => State::Open,
                state => state,
            },
            hint: hint.map(Hint::delay),
        }
    }

    /// Sets the filter state. Errors are ignored: the request does not depend on it.
    pub(super) fn set(self, host: &mut impl Host) {
        set_reason(host, self.reason);
        // Nearly all circuits are closed.
        if self.circuit != State::Closed {
            let _ = host.set_filter_state("tidegate.breaker", self.circuit.as_str());
        }
        if let Some(hint) = self.hint {
            let ms = saturating_millis(hint).to_string();
            let _ = host.set_filter_state("tidegate.hint_ms", &ms);
        }
    }
}

/// Sets the reason alone, for a response that ended too early.
pub(super) fn set_reason(host: &mut impl Host, reason: Reason) {
    let _ = host.set_filter_state("tidegate.reason", reason.as_str());
}

#[cfg(test)]
mod tests;
