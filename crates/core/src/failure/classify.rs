//! Classification: Envoy's response code details and response flags to a [`Reason`].

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

/// Returns the words of Envoy that the tables know: details up to the braces, and reset reasons. For
/// tests that check whether an Envoy binary contains them.
pub fn known_words() -> impl Iterator<Item = &'static str> {
    DETAILS.iter().chain(RESETS).map(|(word, _)| *word)
}

/// Returns whether the last attempt to send the request ended before there was a connection for it: then
/// no upstream got any of it in that attempt.
pub fn sent_nothing(details: &[u8]) -> bool {
    const RESETS: [&[u8]; 4] = [
        b"remote_connection_failure",
        b"local_connection_failure",
        b"connection_timeout",
        b"overflow",
    ];
    match split_details(details) {
        (b"no_healthy_upstream", _) => true,
        (b"upstream_reset_before_response_started", inner) => {
            let inner = inner.strip_prefix(b"{").unwrap_or(inner);
            let mut words = inner.split(|&b| b == b'|' || b == b'}');
            words.next().is_some_and(|word| RESETS.contains(&word))
        }
        _ => false,
    }
}

/// Splits details before their braces.
fn split_details(details: &[u8]) -> (&[u8], &[u8]) {
    let brace = details.iter().position(|&b| b == b'{');
    let halves = brace.and_then(|at| details.split_at_checked(at));
    halves.unwrap_or((details, b""))
}

fn by_details(details: &[u8]) -> Option<Reason> {
    let (name, inner) = split_details(details);
    match name {
        b"upstream_reset_before_response_started" => by_reset(inner),
        _ => find(DETAILS, name),
    }
}

fn by_reset(inner: &[u8]) -> Option<Reason> {
    let inner = inner.strip_prefix(b"{").unwrap_or(inner);
    // Before the bar, Envoy had a comma here.
    let (reset, transport) = match inner.iter().position(|b| b"|,}".contains(b)) {
        Some(at) => inner.split_at_checked(at)?,
        None => (inner, &b""[..]),
    };
    let reason = find(RESETS, reset)?;
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

/// Returns the reason by the transport failure reason (an error string of BoringSSL or of the socket,
/// spaces as underscores), where it says more than the reset reason does.
fn by_transport(text: &[u8]) -> Option<Reason> {
    const TABLE: &[(&str, Reason)] = &[
        ("CERTIFICATE", Reason::TlsCertificateError),
        ("certificate", Reason::TlsCertificateError),
        ("verify_SAN", Reason::TlsCertificateError),
        // The upstream does not trust the authority that signed Envoy's certificate.
        ("UNKNOWN_CA", Reason::TlsCertificateError),
        ("TLS_error", Reason::TlsProtocolError),
        ("OPENSSL_internal", Reason::TlsProtocolError),
        ("SSL_routines", Reason::TlsProtocolError),
        ("Connection_refused", Reason::ConnectionRefused),
        ("timed_out", Reason::ConnectionTimeout),
        ("Connection_reset", Reason::ConnectionTerminated),
        ("Broken_pipe", Reason::ConnectionTerminated),
        ("unreachable", Reason::DestinationUnavailable),
        ("No_route_to_host", Reason::DestinationUnavailable),
        // Older Envoys print the number of the error instead of its text (Linux, `errno.h`).
        ("connect_error:_111", Reason::ConnectionRefused),
        ("connect_error:_110", Reason::ConnectionTimeout),
        ("connect_error:_104", Reason::ConnectionTerminated),
        ("connect_error:_101", Reason::DestinationUnavailable),
        ("connect_error:_113", Reason::DestinationUnavailable),
    ];
    let text = String::from_utf8_lossy(text);
    TABLE
        .iter()
        .find(|(part, _)| text.contains(part))
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
