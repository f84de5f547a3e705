//! What a request says about its upstream.

use std::time::Duration;

use crate::config::Breaker as Settings;
use crate::failure::{Reason, Source};

/// What a request says about its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream did its work.
    Success,
    /// The upstream failed, for this reason.
    Failure(Reason),
    /// The upstream is overloaded. Counts in the failure ratio, but not as a consecutive failure.
    Overloaded(Reason),
    /// The client left before the response began, after waiting this long. If many leave after they
    /// waited far longer than usual while nothing is answered, the upstream hangs.
    Abandoned(Duration),
    /// Says nothing about the upstream. Changes nothing, and returns the permit of a probe.
    Ignored,
}

impl Outcome {
    /// Returns the outcome of a response that was inspected.
    ///
    /// A response that Envoy made because it could not get one from the upstream is a failure. A
    /// response that Envoy made because of its own limits, because it has no host, or for another
    /// filter is not the upstream's fault: rejecting more requests would not help.
    pub fn of_response(
        settings: &Settings,
        status: u16,
        reason: Reason,
        source: Source,
        has_retry_after: bool,
    ) -> Self {
        match source {
            Source::Proxy => Self::of_proxy_error(reason),
            Source::Upstream if status == 429 => Self::Overloaded(Reason::UpstreamUnavailable),
            Source::Upstream if !settings.failures.statuses.contains(status) => {
                Self::of_status(status)
            }
            Source::Upstream if status == 503 && has_retry_after => Self::Overloaded(reason),
            Source::Upstream => Self::Failure(reason),
        }
    }

    /// Returns the outcome of a response by its status alone.
    pub fn of_status(status: u16) -> Self {
        match status {
            400..=499 => Self::Ignored,
            _ => Self::Success,
        }
    }

    /// Returns the outcome of a gRPC call by the `grpc-status` of its service. UNAVAILABLE (14) and
    /// DEADLINE_EXCEEDED (4) are failures, RESOURCE_EXHAUSTED (8) is overload; other statuses are
    /// responses of a service that works.
    pub fn of_grpc_status(status: &[u8]) -> Self {
        match status {
            b"14" => Self::Failure(Reason::UpstreamUnavailable),
            b"4" => Self::Failure(Reason::UpstreamTimeout),
            b"8" => Self::Overloaded(Reason::UpstreamUnavailable),
            _ => Self::Success,
        }
    }

    fn of_proxy_error(reason: Reason) -> Self {
        match reason {
            Reason::ConnectionRefused
            | Reason::ConnectionTimeout
            | Reason::ConnectionTerminated
            | Reason::TlsProtocolError
            | Reason::TlsCertificateError
            | Reason::DnsError
            | Reason::HttpProtocolError
            | Reason::HttpResponseTimeout
            | Reason::HttpResponseIncomplete => Self::Failure(reason),
            Reason::ConnectionLimitReached
            | Reason::DestinationUnavailable
            | Reason::DestinationNotFound
            | Reason::UpstreamError
            | Reason::UpstreamBadGateway
            | Reason::UpstreamUnavailable
            | Reason::UpstreamTimeout
            | Reason::CircuitOpen
            | Reason::Maintenance
            | Reason::ProxyInternalError => Self::Ignored,
        }
    }
}

#[cfg(test)]
mod tests;
