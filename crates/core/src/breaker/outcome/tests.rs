use super::*;

fn settings() -> Settings {
    crate::config::Config::default().policy.breaker
}

#[test]
fn upstream_statuses_map_to_outcomes() {
    for (status, reason, retry_after, want) in [
        (200, Reason::UpstreamError, false, Outcome::Success),
        (404, Reason::UpstreamError, false, Outcome::Ignored),
        (
            429,
            Reason::UpstreamError,
            false,
            Outcome::Overloaded(Reason::UpstreamUnavailable),
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
            Outcome::Overloaded(Reason::UpstreamUnavailable),
        ),
        (
            504,
            Reason::UpstreamTimeout,
            true,
            Outcome::Failure(Reason::UpstreamTimeout),
        ),
    ] {
        let got = Outcome::of_response(&settings(), status, reason, Source::Upstream, retry_after);
        assert_eq!(got, want, "{status}");
    }
}

#[test]
fn limits_of_envoy_and_replies_of_other_filters_are_ignored() {
    for reason in Reason::ALL {
        let got = Outcome::of_response(&settings(), 503, *reason, Source::Proxy, false);
        let is_ignored = matches!(
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
        let want = if is_ignored {
            Outcome::Ignored
        } else {
            Outcome::Failure(*reason)
        };
        assert_eq!(got, want, "{reason:?}");
    }
}

#[test]
fn grpc_statuses_map_to_outcomes() {
    for (status, want) in [
        ("0", Outcome::Success),
        ("2", Outcome::Success),
        ("4", Outcome::Failure(Reason::UpstreamTimeout)),
        ("5", Outcome::Success),
        ("8", Outcome::Overloaded(Reason::UpstreamUnavailable)),
        ("14", Outcome::Failure(Reason::UpstreamUnavailable)),
        ("", Outcome::Success),
    ] {
        assert_eq!(Outcome::of_grpc_status(status.as_bytes()), want, "{status}");
    }
}
