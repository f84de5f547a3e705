//! The page in place of a failure: its status, headers and body, and the filter state for the access
//! log.

use std::borrow::Cow;
use std::time::Duration;

use super::delivery::Way;
use super::intercept::Interception;
use super::ResponseInfo;
use crate::breaker::State;
use crate::config::{Headers, Pattern};
use crate::failure::{is_direct_response, Reason, Source};
use crate::filter_config::FilterConfig;
use crate::host::Host;
use crate::http::format::Format;
use crate::http::forwarding::{public_proxy_status, public_via, strings_end};
use crate::http::header_policy::{is_always_kept, is_essential, is_never_kept, MARKER};
use crate::http::headers::{list_has, HeaderBlock};
use crate::http::rpc::{accepts_grpc_web, client_method};
use crate::page::{grpc_message, CallStatus, Gate, Page, PageInfo};
use crate::policy::RoutePolicy;
use crate::retry::Hint;
use crate::time::saturating_millis;
use crate::worker::Worker;

/// What a page adds to `Vary`.
const VARY: &str = "accept, accept-language, sec-fetch-dest";

/// Headers that a script of another origin may read (Fetch §3.3.1: they are not safelisted).
const CORS_EXPOSED: &str = "retry-after, proxy-status, x-request-id";
/// The same for the gRPC-Web clients of scripts, which read their status there.
const CORS_EXPOSED_GRPC: &str =
    "retry-after, proxy-status, x-request-id, grpc-status, grpc-message, grpc-status-details-bin, grpc-retry-pushback-ms";

/// Room for the headers of most pages: their own, and a few that they keep.
const HEADERS: usize = 20;

/// Room for `Proxy-Status`, unless the failed response has a long one.
const PROXY_STATUS_BYTES: usize = 128;

/// How the response code details of every local reply of the filter begin.
pub(super) const DETAILS_PREFIX: &[u8] = b"tidegate_";

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
        let mut page = context.page(status);
        let is_local = context.way == Way::LocalReply;
        match (context.format, context.way) {
            // A library that finds the status in both reports the failure twice (grpc-web 2.1).
            (Format::GrpcWeb, Way::LocalReply) => page.headers.clear(),
            (Format::GrpcWeb, _) => page.body.clear(),
            _ => {}
        }
        let cause = match context.interception.tripped_by {
            Some(reason) => reason.as_str().as_bytes(),
            None => &context.response.details,
        };
        // Envoy adds the route's headers to a local reply, as it did to its own failed response. A route
        // that answers itself has added them once, for good (`filter_manager.cc`, `routeEntry`).
        let nothing = HeaderBlock::default();
        let adds_again = is_local && !is_direct_response(&context.response.details);
        let has_own = adds_again && source == Source::Proxy;
        let headers = page_headers(
            &config.headers,
            &mut page,
            &HeaderInfo {
                format: context.format,
                status,
                reason,
                source,
                received_status: context.interception.status,
                hint: context.hint,
                response: if has_own {
                    &nothing
                } else {
                    &context.response.headers
                },
                adds_again,
                has_origin: context.request.get("origin").is_some(),
                details: cause,
                shows_details: config.proxy_status.details,
                proxy_name: &config.proxy_status.name,
            },
        );
        let grpc_status = (context.format == Format::Grpc).then(|| CallStatus::of(reason).number);
        let mut reply = Self {
            status: page.status,
            grpc_status,
            headers,
            body: page.body,
            details: local_details(reason, cause),
        };
        // Envoy does not take a call that `grpc_web` has translated for one, and that filter keeps the
        // status, which its clients do not look behind.
        if let Some(code) = grpc_status.filter(|_| is_local && accepts_grpc_web(context.request)) {
            reply.make_trailers_only(code);
        }
        reply
    }

    /// Makes the status of a call headers of a successful response that has nothing else.
    fn make_trailers_only(&mut self, code: u32) {
        self.grpc_status = None;
        let message = grpc_message(&self.body);
        let status = [("grpc-status", code.to_string()), ("grpc-message", message)];
        let status = status.map(|(name, value)| (name.into(), value.into_bytes().into()));
        self.headers.extend(status);
        self.status = 200;
        self.body.clear();
    }

    /// Returns the headers that turn an existing response into this reply: with `:status`, and with
    /// `content-length` if the length is promised. For a gRPC call they have what Envoy adds to a local
    /// reply.
    pub(super) fn replacing_headers(&self, promised_length: Option<usize>) -> HeaderBlock {
        let (mut status, mut length) = (itoa::Buffer::new(), itoa::Buffer::new());
        let status = match self.grpc_status {
            Some(_) => "200",
            None => status.format(self.status),
        };
        let grpc = self.grpc_status.map(|code| {
            [
                ("content-type", "application/grpc".to_owned()),
                ("grpc-status", code.to_string()),
                ("grpc-message", grpc_message(&self.body)),
            ]
        });
        let length = promised_length.map(|promised| length.format(promised));
        let mut pairs: Vec<(&[u8], &[u8])> = Vec::with_capacity(HEADERS);
        pairs.push((b":status", status.as_bytes()));
        pairs.extend(grpc.iter().flatten().map(bytes));
        pairs.extend(self.pairs());
        pairs.extend(length.map(|length| (&b"content-length"[..], length.as_bytes())));
        HeaderBlock::from_pairs(&pairs)
    }

    /// Returns the headers of a local reply. Envoy adds status and length.
    pub fn local_headers(&self) -> HeaderBlock {
        HeaderBlock::encode(self.pairs())
    }

    fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let headers = self.headers.iter();
        headers.map(|(name, value)| (name.as_bytes(), &**value))
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
    /// How Envoy sends it.
    pub(super) way: Way,
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
            is_unsent: self.interception.is_unsent,
            gate: self.gate,
            request_id: header("x-request-id"),
            now: self.response.now,
            method: client_method(self.request),
            content_type: header("content-type").unwrap_or_default(),
            host: header(":authority").unwrap_or_default(),
            path: header(":path").unwrap_or_default(),
            language: pages.language(self.request),
            route: &self.policy.route,
            page: self.policy.page,
            problem_type_base: &self
                .config
                .policy(self.policy.number)
                .formats
                .problem_type_base,
        })
    }
}

fn bytes<'p>((name, value): &'p (&'static str, String)) -> (&'p [u8], &'p [u8]) {
    (name.as_bytes(), value.as_bytes())
}

/// Returns `tidegate_<reason>{<cause>}`: the cause is Envoy's own details, or what opened the circuit.
fn local_details(reason: Reason, cause: &[u8]) -> Vec<u8> {
    [
        DETAILS_PREFIX,
        reason.as_str().as_bytes(),
        b"{",
        cause,
        b"}",
    ]
    .concat()
}

/// What the headers of a page are made from.
#[derive(Debug, Clone, Copy)]
struct HeaderInfo<'a> {
    format: Format,
    /// Status of the page.
    status: u16,
    reason: Reason,
    /// Who made the failed response.
    source: Source,
    /// Status of the failed response.
    received_status: u16,
    hint: Option<Hint>,
    /// Headers of the failed response.
    response: &'a HeaderBlock,
    /// Whether Envoy adds the headers of the route again.
    adds_again: bool,
    /// Whether a script of another origin may have sent the request.
    has_origin: bool,
    /// Details for `Proxy-Status`.
    details: &'a [u8],
    /// Whether the configuration exposes these, and what other intermediaries say of their networks.
    shows_details: bool,
    /// The configured name of this proxy, as a token or string of RFC 8941.
    proxy_name: &'a str,
}

/// Returns all headers of a page except `:status` and `content-length`. Takes those of its format.
fn page_headers(config: &Headers, page: &mut Page<'_>, info: &HeaderInfo<'_>) -> Vec<Header> {
    let mut out = kept_headers(config, info);
    let mut put = |name: &'static str, value: Cow<'static, [u8]>| out.push((name.into(), value));
    let constant = |value: &'static str| Cow::Borrowed(value.as_bytes());
    let text = |value: String| Cow::Owned(value.into_bytes());
    // Envoy sets the content type of a gRPC response.
    if let Some(kind) = page.content_type {
        put("content-type", constant(kind));
    }
    if !page.body.is_empty() && !is_call(info.format) {
        put("content-language", text(page.language.to_owned()));
    }
    put("cache-control", constant("no-store"));
    if let Some(hint) = info.hint {
        put("retry-after", text(hint.seconds().to_string()));
    }
    put("vary", merged_list(info.response, "vary", VARY));
    put("proxy-status", proxy_status(info).into());
    if !is_call(info.format) {
        put("x-content-type-options", constant("nosniff"));
        put("referrer-policy", constant("no-referrer"));
        put("x-robots-tag", constant("noindex"));
    }
    if let Some(csp) = page.csp {
        put("content-security-policy", text(csp.to_owned()));
    }
    put(MARKER, constant(info.reason.as_str()));
    for (name, value) in page.headers.drain(..) {
        put(name, text(value));
    }
    // A filter before this one may still allow the origin of the request.
    let allows_origin = info.response.get("access-control-allow-origin").is_some();
    let is_allowed = allows_origin && is_kept(config, info, "access-control-allow-origin");
    if info.has_origin || (is_allowed && !info.adds_again) {
        let name = "access-control-expose-headers";
        put(
            name,
            merged_list(info.response, name, exposed_headers(info.format)),
        );
    }
    apply_changes(&mut out, config);
    out
}

/// Returns whether a format is the reply to a call, which only a program reads.
fn is_call(format: Format) -> bool {
    matches!(
        format,
        Format::Grpc | Format::GrpcWeb | Format::Connect | Format::ConnectStream
    )
}

/// Returns which headers a script of another origin may read.
fn exposed_headers(format: Format) -> &'static str {
    match format {
        Format::Grpc | Format::GrpcWeb => CORS_EXPOSED_GRPC,
        _ => CORS_EXPOSED,
    }
}

/// Returns the headers of the failed response that the page keeps.
///
/// Envoy adds the route's headers to a local reply, as it did to the response of the upstream that it
/// replaces. The filter cannot tell which ones those are, so a header that it keeps may appear twice.
/// It does not keep those of CORS: two of them are as bad as none. Who gets a local reply in place of a
/// response needs none (`delivery.rs`): navigations, requests of the same origin or of none, gRPC calls.
fn kept_headers(config: &Headers, info: &HeaderInfo<'_>) -> Vec<Header> {
    let mut kept = Vec::with_capacity(HEADERS);
    for (name, value) in info.response.iter() {
        let Ok(name) = std::str::from_utf8(name) else {
            continue;
        };
        // These are merged with the page's own members.
        let is_merged = matches!(
            name,
            "vary" | "proxy-status" | "access-control-expose-headers"
        );
        let is_added_again = info.adds_again && name.starts_with("access-control-");
        if is_merged || is_added_again || !is_kept(config, info, name) {
            continue;
        }
        let value = match name {
            "via" if !info.shows_details => public_via(value),
            _ => value.to_vec(),
        };
        if name != "via" || !value.is_empty() {
            kept.push((name.to_owned().into(), value.into()));
        }
    }
    kept
}

fn is_kept(config: &Headers, info: &HeaderInfo<'_>, name: &str) -> bool {
    let is_wanted = is_always_kept(name, info.status) || any_matches(&config.keep, name);
    is_wanted && !is_never_kept(name)
}

fn any_matches(patterns: &[Pattern], name: &str) -> bool {
    let mut patterns = patterns.iter();
    patterns.any(|pattern| pattern.matches(name.as_bytes()))
}

/// Applies `headers.remove`, then `headers.set`, which may replace what was removed.
fn apply_changes(out: &mut Vec<Header>, config: &Headers) {
    out.retain(|(name, _)| !any_matches(&config.remove, name) || is_essential(name));
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
        match info.shows_details && strings_end(value) {
            true => push_member(&mut out, value),
            false => push_member(&mut out, &public_proxy_status(value)),
        }
    }
    push_member(&mut out, info.proxy_name.as_bytes());
    out.extend_from_slice(b"; error=");
    out.extend_from_slice(info.reason.as_str().as_bytes());
    if info.source == Source::Upstream {
        out.extend_from_slice(b"; received-status=");
        out.extend_from_slice(itoa::Buffer::new().format(info.received_status).as_bytes());
    }
    if info.shows_details && !info.details.is_empty() {
        out.extend_from_slice(b"; details=\"");
        for &byte in info.details {
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
            let mut ms = itoa::Buffer::new();
            let ms = ms.format(saturating_millis(hint));
            let _ = host.set_filter_state("tidegate.hint_ms", ms);
        }
    }
}

/// The filter state of the reason: in the access log, `wasm.tidegate.reason`.
const REASON_STATE: &str = "tidegate.reason";

/// Returns the reason that another Tidegate of this proxy has set.
pub(super) fn reason_so_far(host: &mut impl Host) -> Option<Vec<u8>> {
    host.attribute(REASON_STATE).ok()
}

/// Sets the reason alone, for a response that ended too early.
pub(super) fn set_reason(host: &mut impl Host, reason: Reason) {
    let _ = host.set_filter_state(REASON_STATE, reason.as_str());
}

#[cfg(test)]
mod tests;
