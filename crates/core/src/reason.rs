//! Why a request failed: one token, the same in page, JSON, `Proxy-Status`, metrics and logs.

/// Who made the failing response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Envoy itself.
    Proxy,
    /// The upstream.
    Upstream,
}

impl Source {
    /// The token: `proxy` or `upstream`.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Proxy => "proxy",
            Source::Upstream => "upstream",
        }
    }
}

macro_rules! reasons {
    ($( $(#[doc = $doc:literal])+ $name:ident $token:literal $status:expr, $retryable:literal; )+) => {
        /// Why a request failed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $( $(#[doc = $doc])+ $name, )+
        }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),+];

            /// The token of the reason.
            pub fn as_str(self) -> &'static str {
                match self { $(Reason::$name => $token),+ }
            }

            /// The status that RFC 9209 §2.3 recommends; `None`: the one that was sent stays.
            pub fn standard_status(self) -> Option<u16> {
                match self { $(Reason::$name => $status),+ }
            }

            /// Whether trying again can help without anybody changing anything.
            pub fn is_retryable(self) -> bool {
                match self { $(Reason::$name => $retryable),+ }
            }
        }
    };
}

reasons! {
    /// Nobody listened at the upstream's address.
    ConnectionRefused "connection_refused" Some(502), true;
    /// The upstream's address did not answer in time.
    ConnectionTimeout "connection_timeout" Some(504), true;
    /// The upstream closed or reset the connection before it answered.
    ConnectionTerminated "connection_terminated" Some(502), true;
    /// TLS with the upstream failed.
    TlsProtocolError "tls_protocol_error" Some(502), false;
    /// The upstream's certificate was not accepted.
    TlsCertificateError "tls_certificate_error" Some(502), false;
    /// The upstream's name could not be resolved.
    DnsError "dns_error" Some(502), true;
    /// The upstream's answer was not HTTP.
    HttpProtocolError "http_protocol_error" Some(502), true;
    /// The upstream did not answer in time.
    HttpResponseTimeout "http_response_timeout" Some(504), true;
    /// The upstream's answer broke off.
    HttpResponseIncomplete "http_response_incomplete" Some(502), true;
    /// A limit on connections or requests to the upstream was reached.
    ConnectionLimitReached "connection_limit_reached" Some(503), true;
    /// No upstream could be chosen.
    DestinationUnavailable "destination_unavailable" Some(503), true;
    /// No route leads to where the request wanted to go.
    DestinationNotFound "destination_not_found" None, false;
    /// The upstream answered 500 (or another 5xx that has no reason of its own).
    UpstreamError "upstream_error" None, true;
    /// The upstream answered 502.
    UpstreamBadGateway "upstream_bad_gateway" None, true;
    /// The upstream answered 503.
    UpstreamUnavailable "upstream_unavailable" None, true;
    /// The upstream answered 504.
    UpstreamTimeout "upstream_timeout" None, true;
    /// The circuit of the route is open.
    CircuitOpen "circuit_open" Some(503), true;
    /// The route is in maintenance.
    Maintenance "maintenance" Some(503), true;
    /// Anything else that Envoy answered by itself.
    ProxyInternalError "proxy_internal_error" None, true;
}

/// What Envoy tells about a response that may be a failure.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// `:status`.
    pub status: u16,
    /// `response.flags`, one bit each (Envoy `stream_info_impl.h`, `legacyResponseFlags`).
    pub flags: u64,
    /// `response.code_details`; empty: Envoy has none.
    pub details: &'a [u8],
}

/// Details of every response that came from an upstream, whatever its status.
const VIA_UPSTREAM: &[u8] = b"via_upstream";

/// Why it failed, and who made the response.
///
/// `code_details` decides first: only they tell an upstream's own 503 from Envoy's (an exhausted
/// retry has flags *and* `via_upstream`). The strings are no stable interface of Envoy, so those
/// that are not known fall to the flags, and those to [`Reason::ProxyInternalError`].
pub fn classify(facts: &Facts<'_>) -> (Reason, Source) {
    if facts.details == VIA_UPSTREAM {
        return (by_status(facts.status), Source::Upstream);
    }
    let reason = by_details(facts.details)
        .or_else(|| by_flags(facts.flags))
        .unwrap_or(Reason::ProxyInternalError);
    (reason, Source::Proxy)
}

/// Whether the details alone name the reason, so that nobody needs to ask for the flags.
pub fn details_decide(details: &[u8]) -> bool {
    details == VIA_UPSTREAM || by_details(details).is_some()
}

fn by_status(status: u16) -> Reason {
    match status {
        502 => Reason::UpstreamBadGateway,
        503 => Reason::UpstreamUnavailable,
        504 => Reason::UpstreamTimeout,
        _ => Reason::UpstreamError,
    }
}

// The tables are searched from the front, which is quick enough on the failing path. (Matches on
// byte strings instead would be eight kilobytes of the module.)

/// Envoy `stream_info.h`, `ResponseCodeDetailValues`, and what its filters have of their own: what
/// stands before the braces.
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
];

/// `resetReasonToString` in `utility.cc`, its blanks as underscores: what stands in the braces of
/// `upstream_reset_before_response_started{…}`, before what the transport said.
const RESETS: &[(&str, Reason)] = &[
    ("remote_connection_failure", Reason::ConnectionRefused),
    // Envoy's own side gave up before there was a connection.
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

/// The words of Envoy's that the tables know, for tests that look whether an Envoy has them: what
/// stands before the braces, and what stands in those of a reset.
pub fn words() -> impl Iterator<Item = &'static str> {
    let first = DETAILS.iter().map(|(word, _)| *word);
    first.chain(RESETS.iter().map(|(word, _)| *word))
}

fn by_details(details: &[u8]) -> Option<Reason> {
    let (name, inner) = match details.iter().position(|&b| b == b'{') {
        Some(at) => details.split_at_checked(at)?,
        None => (details, &b""[..]),
    };
    match name {
        b"upstream_reset_before_response_started" => by_reset(inner),
        _ => find(DETAILS, name),
    }
}

fn by_reset(inner: &[u8]) -> Option<Reason> {
    let inner = inner.strip_prefix(b"{").unwrap_or(inner);
    let (reset, transport) = match inner.iter().position(|&b| b == b'|' || b == b'}') {
        Some(at) => inner.split_at_checked(at)?,
        None => (inner, &b""[..]),
    };
    let reason = find(RESETS, reset)?;
    // What the transport said refines what became of the connection, and nothing else.
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

/// What the transport said (BoringSSL's error strings, or the socket's), where it says more than
/// the reset reason does. Envoy writes blanks as underscores here.
fn by_transport(text: &[u8]) -> Option<Reason> {
    const TABLE: &[(&str, Reason)] = &[
        ("CERTIFICATE", Reason::TlsCertificateError),
        ("certificate", Reason::TlsCertificateError),
        ("verify_SAN", Reason::TlsCertificateError),
        // The upstream does not know who has signed that of Envoy.
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
    ];
    TABLE
        .iter()
        .find(|(part, _)| contains(text, part.as_bytes()))
        .map(|&(_, reason)| reason)
}

// Not inlined: twelve copies of it would be four kilobytes of the module.
#[inline(never)]
fn contains(text: &[u8], part: &[u8]) -> bool {
    let mut rest = text;
    while let Some((_, tail)) = rest.split_first() {
        if rest.starts_with(part) {
            return true;
        }
        rest = tail;
    }
    false
}

/// Envoy's own order (`utility.cc`, `ProxyStatusUtils::fromStreamInfo`), the most telling first.
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
    ];
    TABLE
        .iter()
        .find(|(bit, _)| flags >> bit & 1 == 1)
        .map(|&(_, reason)| reason)
}

#[cfg(test)]
#[path = "reason_tests.rs"]
mod tests;
