//! What a response says about its upstream.

use crate::breaker::machine::Outcome;
use crate::config::Breaker as Settings;
use crate::reason::{Reason, Source};

/// The outcome of a request whose response was inspected.
///
/// An answer that Envoy made because it could not get one from the upstream is a failure. One that
/// it made because of its own limits, for want of a host, or for another filter is not the
/// upstream's fault: rejecting more requests would not help anybody.
pub fn of_response(
    settings: &Settings,
    status: u16,
    reason: Reason,
    source: Source,
    has_retry_after: bool,
) -> Outcome {
    match source {
        Source::Proxy => match reason {
            Reason::ConnectionRefused
            | Reason::ConnectionTimeout
            | Reason::ConnectionTerminated
            | Reason::TlsProtocolError
            | Reason::TlsCertificateError
            | Reason::DnsError
            | Reason::HttpProtocolError
            | Reason::HttpResponseTimeout
            | Reason::HttpResponseIncomplete => Outcome::Failure(reason),
            Reason::ConnectionLimitReached
            | Reason::DestinationUnavailable
            | Reason::DestinationNotFound
            | Reason::UpstreamError
            | Reason::UpstreamBadGateway
            | Reason::UpstreamUnavailable
            | Reason::UpstreamTimeout
            | Reason::CircuitOpen
            | Reason::Maintenance
            | Reason::ProxyInternalError => Outcome::Neutral,
        },
        Source::Upstream if status == 429 => Outcome::Limited(Reason::UpstreamUnavailable),
        Source::Upstream if !settings.failures.statuses.contains(status) => of_status(status),
        Source::Upstream if status == 503 && has_retry_after => Outcome::Limited(reason),
        Source::Upstream => Outcome::Failure(reason),
    }
}

/// The outcome of a response by its status alone.
pub fn of_status(status: u16) -> Outcome {
    match status {
        400..=499 => Outcome::Neutral,
        _ => Outcome::Success,
    }
}

/// The outcome of a gRPC call by the status that its service gave: UNAVAILABLE (14) and
/// DEADLINE_EXCEEDED (4) are failures; what else it says is its own business.
pub fn of_grpc_status(status: &[u8]) -> Outcome {
    match status {
        b"14" => Outcome::Failure(Reason::UpstreamUnavailable),
        b"4" => Outcome::Failure(Reason::UpstreamTimeout),
        b"8" => Outcome::Limited(Reason::UpstreamUnavailable),
        _ => Outcome::Success,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        crate::config::Config::default().policy.breaker
    }

    #[test]
    fn upstream_answers() {
        for (status, reason, retry_after, want) in [
            (200, Reason::UpstreamError, false, Outcome::Success),
            (404, Reason::UpstreamError, false, Outcome::Neutral),
            (
                429,
                Reason::UpstreamError,
                false,
                Outcome::Limited(Reason::UpstreamUnavailable),
            ),
            (500, Reason::UpstreamError, false, Outcome::Success),
            (
                502,
                Reason::UpstreamBadGateway,
                false,
                Outcome::Failure(Reason::UpstreamBadGateway),
            ),
            (
                503,
                Reason::UpstreamUnavailable,
                false,
                Outcome::Failure(Reason::UpstreamUnavailable),
            ),
            (
                503,
                Reason::UpstreamUnavailable,
                true,
                Outcome::Limited(Reason::UpstreamUnavailable),
            ),
            (
                504,
                Reason::UpstreamTimeout,
                true,
                Outcome::Failure(Reason::UpstreamTimeout),
            ),
        ] {
            let got = of_response(&settings(), status, reason, Source::Upstream, retry_after);
            assert_eq!(got, want, "{status}");
        }
    }

    #[test]
    fn envoys_own_limits_and_other_filters_are_neutral() {
        for reason in Reason::ALL {
            let got = of_response(&settings(), 503, *reason, Source::Proxy, false);
            let is_neutral = matches!(
                reason,
                Reason::ConnectionLimitReached
                    | Reason::DestinationUnavailable
                    | Reason::DestinationNotFound
                    | Reason::UpstreamError
                    | Reason::UpstreamBadGateway
                    | Reason::UpstreamUnavailable
                    | Reason::UpstreamTimeout
                    | Reason::CircuitOpen
                    | Reason::Maintenance
                    | Reason::ProxyInternalError
            );
            let want = if is_neutral {
                Outcome::Neutral
            } else {
                Outcome::Failure(*reason)
            };
            assert_eq!(got, want, "{reason:?}");
        }
    }

    #[test]
    fn grpc_services() {
        for (status, want) in [
            ("0", Outcome::Success),
            ("2", Outcome::Success),
            ("4", Outcome::Failure(Reason::UpstreamTimeout)),
            ("5", Outcome::Success),
            ("8", Outcome::Limited(Reason::UpstreamUnavailable)),
            ("14", Outcome::Failure(Reason::UpstreamUnavailable)),
            ("", Outcome::Success),
        ] {
            assert_eq!(of_grpc_status(status.as_bytes()), want, "{status}");
        }
    }
}
