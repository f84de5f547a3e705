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
