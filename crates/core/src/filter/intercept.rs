//! Interception: which failures are replaced by a page, and which requests are rejected with one.

use std::time::Duration;

use super::ResponseInfo;
use crate::breaker::State;
use crate::config::{Intercept, Maintenance, Pattern, SourceFilter, UpstreamBody};
use crate::failure::{is_direct_response, Reason, Source};
use crate::http::accept::before_suffix;
use crate::http::headers::HeaderBlock;
use crate::http::rpc::{is_grpc, is_grpc_content_type, is_grpc_web_content_type};
use crate::http::uri::{without_port, without_query};
use crate::retry::{spread_of_maintenance, FailureInfo};
use crate::time::Timestamp;
use crate::worker::CallNotPermitted;

/// A failure that gets a page, or a request that is rejected with one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interception<'a> {
    pub(super) reason: Reason,
    /// Who made the failed response.
    pub(super) source: Source,
    /// The status, as Envoy would send it to a client that is not gRPC.
    pub(super) status: u16,
    /// What opened the circuit, if an open circuit rejects the request.
    pub(super) tripped_by: Option<Reason>,
    /// The state of the circuit that rejects the request, if one does.
    pub(super) circuit: Option<State>,
    /// The maintenance, if it rejects the request.
    pub(super) maintenance: Option<&'a Maintenance>,
    /// Whether the request certainly never reached an upstream. False for a safe one, which may be repeated.
    pub(super) is_unsent: bool,
    /// How much longer the request would be rejected, if known.
    pub(super) remaining: Option<Duration>,
}

impl<'a> Interception<'a> {
    /// Returns the interception of a failed response; `None` if the response passes. The request is none that
    /// the configuration skips.
    pub(super) fn of_response(
        intercept: &Intercept,
        request: &HeaderBlock,
        response: &ResponseInfo,
        reason: Reason,
        source: Source,
    ) -> Option<Self> {
        let status = response.status;
        // Whoever gave the route a body meant it.
        if is_direct_response(&response.details) && response.has_content() {
            return None;
        }
        // A 200 is the response of a gRPC service, or of a filter that answers calls, whatever its
        // `grpc-status`.
        let is_listed = intercept.statuses.contains(status);
        let is_wanted = status != 200
            && !response.is_inner_page
            && (is_listed || reason == Reason::ProxyConfigurationError)
            && match intercept.source {
                SourceFilter::Any => true,
                SourceFilter::Proxy => source == Source::Proxy,
                SourceFilter::Upstream => source == Source::Upstream,
            };
        if !is_wanted {
            return None;
        }
        if source == Source::Upstream && is_passthrough(request, intercept, response) {
            return None;
        }
        Some(Self::new(reason, source, status))
    }

    /// Returns the interception of a request that an open circuit rejects.
    pub(super) fn open_circuit(rejection: CallNotPermitted) -> Self {
        Self {
            tripped_by: rejection.reason,
            circuit: Some(rejection.state),
            remaining: Some(rejection.remaining).filter(|remaining| !remaining.is_zero()),
            ..Self::new(Reason::CircuitOpen, Source::Proxy, 503)
        }
    }

    /// Returns the interception of a request for a route in maintenance.
    pub(super) fn maintenance(maintenance: &'a Maintenance, now: Timestamp) -> Self {
        Self {
            maintenance: Some(maintenance),
            remaining: maintenance.until.map(|end| end.saturating_since(now)),
            ..Self::new(Reason::Maintenance, Source::Proxy, 503)
        }
    }

    /// Returns whether the same request may succeed later.
    pub(super) fn is_retryable(&self) -> bool {
        self.reason.is_retryable_with(self.status)
    }

    /// Returns what the retry hint depends on. `response` is the failed response.
    pub(super) fn failure_info<'r>(&self, response: &'r ResponseInfo) -> FailureInfo<'r> {
        FailureInfo {
            status: self.status,
            remaining: self.remaining,
            spread: match (self.reason, self.remaining) {
                (Reason::Maintenance, Some(remaining)) => spread_of_maintenance(remaining),
                _ => Duration::ZERO,
            },
            is_limit: self.reason == Reason::RateLimited,
            retry_after: response.headers.get("retry-after"),
            now: response.now,
        }
    }

    /// Returns the interception of a failure that is not a rejection.
    pub(super) fn new(reason: Reason, source: Source, status: u16) -> Self {
        Self {
            reason,
            source,
            status,
            tripped_by: None,
            circuit: None,
            maintenance: None,
            is_unsent: false,
            remaining: None,
        }
    }
}

/// Returns whether the configuration excludes the request by its path or host.
pub(super) fn is_skipped(request: &HeaderBlock, intercept: &Intercept) -> bool {
    let header = |name| request.get(name).unwrap_or_default();
    let matches_path = |patterns: &[Pattern]| {
        let path = without_query(header(":path"));
        patterns.iter().any(|pattern| pattern.matches(path))
    };
    let matches_host = |patterns: &[Pattern]| {
        let host = without_port(header(":authority"));
        patterns.iter().any(|pattern| pattern.matches_host(host))
    };
    let skip = &intercept.skip;
    (!skip.paths.is_empty() && matches_path(&skip.paths))
        || (!skip.hosts.is_empty() && matches_host(&skip.hosts))
}

/// Returns whether a response of the upstream passes as it is.
fn is_passthrough(request: &HeaderBlock, intercept: &Intercept, response: &ResponseInfo) -> bool {
    let content_type = response.content_type();
    // The service itself reports the status, in its headers or in trailers to come. A gRPC client
    // cannot read any other response.
    let is_grpc_response = response.headers.get("grpc-status").is_some()
        || is_grpc_content_type(content_type)
        || is_grpc_web_content_type(content_type);
    let has_body = response.has_body() || request.get(":method") == Some(b"HEAD");
    let keeps_structured = intercept.upstream_body == UpstreamBody::KeepStructured
        && !is_grpc(request)
        && has_body
        && is_structured(content_type);
    is_grpc_response || keeps_structured || is_meant(request, intercept, response)
}

/// Returns whether the upstream, or the configuration, means a response of the upstream for the client
/// as it is: then even a 5xx is no sign of an upstream that fails.
///
/// A body that is only kept because of its type is no such sign: programs get their error as it is, but
/// it is an error.
pub(super) fn is_meant(
    request: &HeaderBlock,
    intercept: &Intercept,
    response: &ResponseInfo,
) -> bool {
    let headers = &response.headers;
    let opted_out = headers
        .get(&intercept.opt_out_header)
        .is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"off"));
    // HEAD gets the response that GET would get.
    let is_head = request.get(":method") == Some(b"HEAD");
    let is_kept = intercept.upstream_body == UpstreamBody::Keep
        && !is_grpc(request)
        && (response.has_body() || (is_head && !response.content_type().is_empty()));
    opted_out || is_kept
}

/// Returns whether a body of this type is for programs: JSON or XML, but not XHTML.
fn is_structured(content_type: &[u8]) -> bool {
    let media = content_type.split(|&b| b == b';').next();
    let media = media.unwrap_or_default().trim_ascii();
    let ends = |end: &[u8]| before_suffix(media, end).is_some();
    ends(b"/json") || ends(b"+json") || ends(b"/xml") || (ends(b"+xml") && !ends(b"/xhtml+xml"))
}
