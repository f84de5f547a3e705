//! Why a request failed, as one token: the same in pages, JSON, `Proxy-Status`, metrics and logs.

/// Who made the failing response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Envoy itself.
    Proxy,
    /// The upstream.
    Upstream,
}

impl Source {
    /// Returns the token: `proxy` or `upstream`.
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
            /// Every reason, in the order of the documentation. A record of a circuit holds the
            /// position of a reason, so new ones come last.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),+];

            /// Returns the token of the reason.
            pub const fn as_str(self) -> &'static str {
                match self { $(Reason::$name => $token),+ }
            }

            /// Returns the reason with this token.
            pub fn from_token(token: &str) -> Option<Reason> {
                match token { $($token => Some(Reason::$name),)+ _ => None }
            }

            /// Returns the status that RFC 9209 §2.3 recommends; `None` if the failed response keeps its
            /// own.
            pub fn standard_status(self) -> Option<u16> {
                match self { $(Reason::$name => $status),+ }
            }

            /// Returns whether the same request may succeed later. Of a client error, its status says
            /// more: see [`Reason::is_retryable_with`].
            pub fn is_retryable(self) -> bool {
                match self { $(Reason::$name => $retryable),+ }
            }
        }
    };
}

reasons! {
    /// The upstream refused the connection.
    ConnectionRefused "connection_refused" Some(502), true;
    /// The connection to the upstream was not established in time.
    ConnectionTimeout "connection_timeout" Some(504), true;
    /// The upstream closed or reset the connection before it sent a response.
    ConnectionTerminated "connection_terminated" Some(502), true;
    /// TLS with the upstream failed.
    TlsProtocolError "tls_protocol_error" Some(502), false;
    /// A certificate was rejected.
    TlsCertificateError "tls_certificate_error" Some(502), false;
    /// The upstream's name could not be resolved.
    DnsError "dns_error" Some(502), true;
    /// The upstream's response was not valid HTTP.
    HttpProtocolError "http_protocol_error" Some(502), true;
    /// The upstream did not respond in time.
    HttpResponseTimeout "http_response_timeout" Some(504), true;
    /// The upstream's response ended before it was complete.
    HttpResponseIncomplete "http_response_incomplete" Some(502), true;
    /// A limit on connections or requests to the upstream was reached.
    ConnectionLimitReached "connection_limit_reached" Some(503), true;
    /// No upstream host was available.
    DestinationUnavailable "destination_unavailable" Some(503), true;
    /// No route matched the request.
    DestinationNotFound "destination_not_found" None, false;
    /// The upstream responded with 500, or with another 5xx that has no reason of its own.
    UpstreamError "upstream_error" None, true;
    /// The upstream responded with 502.
    UpstreamBadGateway "upstream_bad_gateway" None, true;
    /// The upstream responded with 503.
    UpstreamUnavailable "upstream_unavailable" None, true;
    /// The upstream responded with 504.
    UpstreamTimeout "upstream_timeout" None, true;
    /// The circuit of the route is open.
    CircuitOpen "circuit_open" Some(503), true;
    /// The route is in maintenance.
    Maintenance "maintenance" Some(503), true;
    /// Envoy made the response for any other reason.
    ProxyInternalError "proxy_internal_error" None, true;
    /// The configuration of Envoy does not say where the request should go.
    ProxyConfigurationError "proxy_configuration_error" Some(500), false;
    /// The client sends too many requests.
    RateLimited "rate_limited" None, true;
    /// The client did not say who it is, or could not prove it.
    Unauthorized "unauthorized" None, false;
    /// The client may not do this.
    Forbidden "forbidden" None, false;
    /// The service that authorizes requests failed.
    AuthorizationUnavailable "authorization_unavailable" Some(503), true;
    /// The upstream or Envoy responded with a 4xx that has no reason of its own.
    ClientError "client_error" None, false;
}

impl Reason {
    /// Returns whether the same request may succeed later, if the failed response has this status. 408
    /// (RFC 9110 §15.5.9) and 425 (RFC 8470 §5.2) are client errors that invite the client to try again.
    pub fn is_retryable_with(self, status: u16) -> bool {
        self.is_retryable() || (self == Reason::ClientError && matches!(status, 408 | 425))
    }

    /// Returns whether the upstream did not even accept a connection: then no request can succeed,
    /// whatever it asks for.
    pub fn is_without_connection(self) -> bool {
        matches!(
            self,
            Reason::ConnectionRefused
                | Reason::ConnectionTimeout
                | Reason::TlsProtocolError
                | Reason::TlsCertificateError
                | Reason::DnsError
        )
    }
}
