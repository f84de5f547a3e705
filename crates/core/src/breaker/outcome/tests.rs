use super::*;

fn settings() -> Settings {
    crate::config::Config::default().policy.breaker
}

#[test]
fn upstream_statuses_map_to_outcomes() {
    for (status, reason, retry_after, want) in [
        (200, Reason::UpstreamError, false, Outcome::Success),
        (302, Reason::UpstreamError, false, Outcome::Success),
        (401, Reason::UpstreamError, false, Outcome::Success),
        (404, Reason::UpstreamError, false, Outcome::Success),
        (429, Reason::UpstreamError, true, Outcome::Ignored),
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
        let got = Verdict::of_response(&settings(), status, reason, Source::Upstream, retry_after);
        assert_eq!(got.outcome, want, "{status}");
    }
}

#[test]
fn limits_of_envoy_and_replies_of_other_filters_are_ignored() {
    for reason in Reason::ALL {
        let got = Verdict::of_response(&settings(), 503, *reason, Source::Proxy, false);
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
                | Reason::ProxyConfigurationError
                | Reason::RateLimited
                | Reason::Unauthorized
                | Reason::Forbidden
                | Reason::AuthorizationUnavailable
                | Reason::ClientError
        );
        let want = if is_ignored {
            Outcome::Ignored
        } else {
            Outcome::Failure(*reason)
        };
        assert_eq!(got.outcome, want, "{reason:?}");
        assert_eq!(got.why.is_some(), is_ignored, "{reason:?}");
    }
}

#[test]
fn grpc_statuses_map_to_outcomes() {
    for (status, want) in [
        ("0", Outcome::Success),
        ("2", Outcome::Success),
        ("4", Outcome::Failure(Reason::UpstreamTimeout)),
        ("5", Outcome::Success),
        ("8", Outcome::Ignored),
        ("13", Outcome::Success),
        ("14", Outcome::Failure(Reason::UpstreamUnavailable)),
        ("", Outcome::Success),
    ] {
        let got = Verdict::of_grpc_status(status.as_bytes(), || false);
        assert_eq!(got.outcome, want, "{status}");
    }
}

#[test]
fn limits_of_a_client_are_failures_if_the_configuration_names_429() {
    let json = br#"{"breaker":{"failures":{"statuses":[429]}}}"#;
    let settings = crate::config::Config::from_json(json)
        .unwrap()
        .policy
        .breaker;
    let (reason, source) = (Reason::UpstreamError, Source::Upstream);
    let http = Verdict::of_response(&settings, 429, reason, source, true);
    assert_eq!(http, Outcome::Failure(reason).into());
    let grpc = Verdict::of_grpc_status(b"8", || true);
    assert_eq!(grpc.outcome, Outcome::Failure(Reason::UpstreamUnavailable));
}

#[test]
fn a_client_that_waited_less_than_a_second_says_nothing() {
    let of =
        |ms: Option<u64>| Verdict::of_abandoned(Neutral::ClientLeft, ms.map(Duration::from_millis));
    assert_eq!(of(None).outcome, Outcome::Ignored);
    assert_eq!(of(Some(999)).outcome, Outcome::Ignored);
    let waited = Duration::from_secs(1);
    assert_eq!(of(Some(1_000)).outcome, Outcome::Abandoned(waited));
    assert_eq!(of(Some(1_000)).why, Some(Neutral::ClientLeft));
}

#[test]
fn words_of_neutral_outcomes_are_distinct_and_fit_the_rule_for_labels() {
    let words: std::collections::BTreeSet<&str> =
        Neutral::ALL.iter().map(|why| why.as_str()).collect();
    assert_eq!(words.len(), Neutral::ALL.len());
    let is_plain = |word: &&str| word.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
    assert!(words.iter().all(is_plain));
}
