//! Classification: Envoy's response code details and response flags to a [`Reason`].

use std::borrow::Cow;

use crate::failure::transport::by_transport;
use crate::failure::{Reason, Source};

/// The details of every response that came from an upstream, whatever its status.
const VIA_UPSTREAM: &[u8] = b"via_upstream";

/// The details of every response that a route itself has.
const DIRECT_RESPONSE: &[u8] = b"direct_response";

/// What Envoy says about a failed response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedResponse<'a> {
    /// The status. For a gRPC call, the one that Envoy turned into a `grpc-status`.
    pub status: u16,
    /// `response.code_details`; empty if Envoy has none.
    pub details: &'a [u8],
    /// `response.flags`, one bit each (Envoy `stream_info_impl.h`, `legacyResponseFlags`).
    pub flags: u64,
    /// Whether the response has a body; for a gRPC call, a message.
    pub has_body: bool,
}

/// Returns why a request failed, and who made the response.
///
/// The details decide first: only they distinguish an upstream's own 503 from Envoy's. (An exhausted
/// retry has flags *and* `via_upstream`.) The strings are not a stable interface of Envoy, so unknown
/// details fall back to a status that only other filters send, then to the flags, and unknown flags to
/// [`Reason::ProxyInternalError`].
pub fn classify(response: &FailedResponse<'_>) -> (Reason, Source) {
    let &FailedResponse {
        status,
        details,
        flags,
        ..
    } = response;
    if is_of_upstream(details) {
        let reason = by_client_status(status).unwrap_or_else(|| by_status(status));
        return (reason, Source::Upstream);
    }
    let reason = by_details(details)
        .or_else(|| by_empty_route(response))
        .or_else(|| by_access_status(status))
        .or_else(|| by_flags(flags).filter(|_| !is_direct_response(details)))
        .or_else(|| by_client_status(status))
        .unwrap_or(Reason::ProxyInternalError);
    (reason, Source::Proxy)
}

/// Returns whether the details alone decide, so that the flags are not needed.
pub fn details_decide(details: &[u8]) -> bool {
    is_of_upstream(details) || is_direct_response(details) || by_details(details).is_some()
}

/// Returns whether the upstream made the response.
pub fn is_of_upstream(details: &[u8]) -> bool {
    details == VIA_UPSTREAM
}

/// Returns whether a response is that of a route itself (`direct_response`). With a body, its author meant
/// it for the client.
pub fn is_direct_response(details: &[u8]) -> bool {
    details == DIRECT_RESPONSE
}

/// Returns what Envoy Gateway means by a route that answers without a body: 503 if no backend of the route
/// has an endpoint that is ready, 500 if the configuration of the route is not valid.
fn by_empty_route(response: &FailedResponse<'_>) -> Option<Reason> {
    if !is_direct_response(response.details) || response.has_body {
        return None;
    }
    match response.status {
        503 => Some(Reason::DestinationUnavailable),
        500 => Some(Reason::ProxyConfigurationError),
        _ => None,
    }
}

/// Returns the reason for a status with which a client is refused, whoever refuses it: the upstream, or
/// one of Envoy's filters, which have many details for it.
fn by_access_status(status: u16) -> Option<Reason> {
    match status {
        401 => Some(Reason::Unauthorized),
        403 => Some(Reason::Forbidden),
        429 => Some(Reason::RateLimited),
        _ => None,
    }
}

/// Returns the reason for a client error (4xx), whoever responds with it.
fn by_client_status(status: u16) -> Option<Reason> {
    let other = || (400..500).contains(&status).then_some(Reason::ClientError);
    by_access_status(status).or_else(other)
}

fn by_status(status: u16) -> Reason {
    match status {
        502 => Reason::UpstreamBadGateway,
        503 => Reason::UpstreamUnavailable,
        504 => Reason::UpstreamTimeout,
        _ => Reason::UpstreamError,
    }
}

/// Details by the part before the braces: Envoy `stream_info.h`, `ResponseCodeDetailValues`, and those
/// of Envoy's filters.
const DETAILS: &[(&str, Reason)] = &[
    (
        "upstream_reset_after_response_started",
        Reason::HttpResponseIncomplete,
    ),
    ("response_timeout", Reason::HttpResponseTimeout),
    ("upstream_per_try_timeout", Reason::HttpResponseTimeout),
    ("upstream_per_try_idle_timeout", Reason::HttpResponseTimeout),
    ("max_duration_timeout", Reason::HttpResponseTimeout),
    (
        "upstream_max_stream_duration_reached",
        Reason::HttpResponseTimeout,
    ),
    ("stream_idle_timeout", Reason::HttpResponseTimeout),
    ("no_healthy_upstream", Reason::DestinationUnavailable),
    ("cluster_not_found", Reason::DestinationUnavailable),
    ("maintenance_mode", Reason::DestinationUnavailable),
    (
        "denied_by_admission_control",
        Reason::DestinationUnavailable,
    ),
    (
        "sub_cluster_warming_timeout",
        Reason::DestinationUnavailable,
    ),
    ("sub_cluster_overflow", Reason::ConnectionLimitReached),
    ("reached_concurrency_limit", Reason::ConnectionLimitReached),
    ("dns_cache_overflow", Reason::ConnectionLimitReached),
    (
        "dynamic_forward_proxy_pending_request_overflow",
        Reason::ConnectionLimitReached,
    ),
    ("overload", Reason::ConnectionLimitReached),
    ("drop_overload", Reason::ConnectionLimitReached),
    (
        "unconditional_drop_overload",
        Reason::ConnectionLimitReached,
    ),
    ("route_not_found", Reason::DestinationNotFound),
    ("dns_resolution_failure", Reason::DnsError),
    // These limit gRPC calls too, with the `grpc-status` of an upstream that is not available.
    ("local_rate_limited", Reason::RateLimited),
    ("request_rate_limited", Reason::RateLimited),
    // The status is 403 unless the filter configures another one.
    ("ext_authz_error", Reason::AuthorizationUnavailable),
];

/// Reset reasons (Envoy `utility.cc`, `resetReasonToString`, spaces as underscores): the part in the
/// braces of `upstream_reset_before_response_started{…}`, up to the transport failure reason.
const RESETS: &[(&str, Reason)] = &[
    ("remote_connection_failure", Reason::ConnectionRefused),
    // Envoy itself gave up before there was a connection.
    ("local_connection_failure", Reason::DestinationUnavailable),
    ("connection_timeout", Reason::ConnectionTimeout),
    ("connection_termination", Reason::ConnectionTerminated),
    ("remote_reset", Reason::ConnectionTerminated),
    ("remote_refused_stream_reset", Reason::ConnectionTerminated),
    (
        "remote_error_with_CONNECT_request",
        Reason::ConnectionTerminated,
    ),
    (
        "HTTP/1_premature_upstream_half_close",
        Reason::ConnectionTerminated,
    ),
    ("local_reset", Reason::ConnectionTerminated),
    ("local_refused_stream_reset", Reason::ConnectionTerminated),
    ("overflow", Reason::ConnectionLimitReached),
    ("protocol_error", Reason::HttpProtocolError),
    ("overload_manager_reset", Reason::ConnectionLimitReached),
];

/// Words that only earlier versions of Envoy have, in logs that are still there.
const EARLIER_DETAILS: &[(&str, Reason)] =
    &[("upstream_response_timeout", Reason::HttpResponseTimeout)];
const EARLIER_RESETS: &[(&str, Reason)] = &[("connection_failure", Reason::ConnectionRefused)];

/// Returns the words of Envoy that the tables know: details up to the braces, and reset reasons. For
/// tests that check whether an Envoy binary contains them, so without those of earlier versions.
pub fn known_words() -> impl Iterator<Item = &'static str> {
    DETAILS.iter().chain(RESETS).map(|(word, _)| *word)
}

/// Returns whether the last attempt to send the request ended before there was a connection for it: then
/// no upstream got any of it in that attempt.
pub fn sent_nothing(details: &[u8]) -> bool {
    const RESETS: [&[u8]; 5] = [
        b"remote_connection_failure",
        b"local_connection_failure",
        b"connection_failure",
        b"connection_timeout",
        b"overflow",
    ];
    let details = underscored(details);
    match reset(&details) {
        Some((reset, _)) => RESETS.contains(&reset),
        None => split_details(&details).0 == b"no_healthy_upstream",
    }
}

/// Returns whether the details say that there was no connection, but not why. [`classify`] then returns the
/// most frequent reason, [`Reason::ConnectionRefused`].
pub fn is_unexplained_connection_failure(details: &[u8]) -> bool {
    let details = underscored(details);
    reset(&details).is_some_and(|(reset, transport)| {
        reset_reason(reset) == Some(Reason::ConnectionRefused) && by_transport(transport).is_none()
    })
}

/// Returns the details with blanks as underscores, as later Envoys write them.
fn underscored(details: &[u8]) -> Cow<'_, [u8]> {
    let underscore = |&byte: &u8| if byte == b' ' { b'_' } else { byte };
    match details.contains(&b' ') {
        true => details.iter().map(underscore).collect::<Vec<_>>().into(),
        false => details.into(),
    }
}

/// Splits details before their braces.
fn split_details(details: &[u8]) -> (&[u8], &[u8]) {
    let brace = details.iter().position(|&b| b == b'{');
    let halves = brace.and_then(|at| details.split_at_checked(at));
    halves.unwrap_or((details, b""))
}

/// Returns the reset reason and the transport failure reason in the braces of a reset before the response.
fn reset(details: &[u8]) -> Option<(&[u8], &[u8])> {
    let (b"upstream_reset_before_response_started", inner) = split_details(details) else {
        return None;
    };
    let inner = inner.strip_prefix(b"{").unwrap_or(inner);
    // Before the bar, Envoy had a comma here.
    let end = inner.iter().position(|b| b"|,}".contains(b));
    Some(
        inner
            .split_at_checked(end.unwrap_or(inner.len()))
            .unwrap_or((inner, b"")),
    )
}

fn reset_reason(reset: &[u8]) -> Option<Reason> {
    find(RESETS, reset).or_else(|| find(EARLIER_RESETS, reset))
}

fn by_details(details: &[u8]) -> Option<Reason> {
    let details = underscored(details);
    match reset(&details) {
        Some((reset, transport)) => by_reset(reset, transport),
        None => {
            let (name, _) = split_details(&details);
            find(DETAILS, name).or_else(|| find(EARLIER_DETAILS, name))
        }
    }
}

fn by_reset(reset: &[u8], transport: &[u8]) -> Option<Reason> {
    let reason = reset_reason(reset)?;
    // The transport failure reason refines what happened to the connection, and nothing else.
    let refines = matches!(
        reason,
        Reason::ConnectionRefused | Reason::ConnectionTerminated | Reason::DestinationUnavailable
    );
    by_transport(transport).filter(|_| refines).or(Some(reason))
}

fn find(table: &[(&str, Reason)], name: &[u8]) -> Option<Reason> {
    table
        .iter()
        .find(|(known, _)| known.as_bytes() == name)
        .map(|&(_, reason)| reason)
}

/// Returns the reason by the flags, in Envoy's own order (`utility.cc`,
/// `ProxyStatusUtils::fromStreamInfo`): the most specific first.
fn by_flags(flags: u64) -> Option<Reason> {
    const TABLE: &[(u32, Reason)] = &[
        (26, Reason::DnsError),               // DF
        (23, Reason::HttpProtocolError),      // UPE
        (7, Reason::ConnectionLimitReached),  // UO
        (2, Reason::HttpResponseTimeout),     // UT
        (16, Reason::HttpResponseTimeout),    // SI
        (19, Reason::HttpResponseTimeout),    // UMSDR
        (5, Reason::ConnectionRefused),       // UF
        (3, Reason::ConnectionTimeout),       // LR
        (6, Reason::ConnectionTerminated),    // UC
        (4, Reason::ConnectionTerminated),    // UR
        (0, Reason::DestinationUnavailable),  // LH
        (1, Reason::DestinationUnavailable),  // UH
        (15, Reason::DestinationUnavailable), // URX
        (24, Reason::DestinationUnavailable), // NC
        (8, Reason::DestinationNotFound),     // NR
        (27, Reason::ConnectionLimitReached), // DO
        (29, Reason::ConnectionLimitReached), // UDO
        (25, Reason::ConnectionLimitReached), // OM
        (11, Reason::RateLimited),            // RL
    ];
    TABLE
        .iter()
        .find(|(bit, _)| flags >> bit & 1 == 1)
        .map(|&(_, reason)| reason)
}

#[cfg(test)]
mod tests;
