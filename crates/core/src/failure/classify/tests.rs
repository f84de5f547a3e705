use std::collections::BTreeSet;

use super::*;

fn proxy(details: &str, flags: u64) -> Reason {
    let (reason, source) = classified(503, details.as_bytes(), flags);
    assert_eq!(source, Source::Proxy, "{details}");
    reason
}

#[test]
fn known_details_decide_before_flags() {
    let reset = |inner: &str| {
        proxy(
            &format!("upstream_reset_before_response_started{{{inner}}}"),
            0,
        )
    };
    for (inner, want) in [
        ("remote_connection_failure", Reason::ConnectionRefused),
        ("remote_connection_failure|delayed_connect_error:_Connection_refused", Reason::ConnectionRefused),
        ("remote_connection_failure|delayed_connect_error:_Connection_reset_by_peer", Reason::ConnectionTerminated),
        ("remote_connection_failure|immediate_connect_error:_Network_is_unreachable", Reason::DestinationUnavailable),
        ("remote_connection_failure|delayed_connect_error:_Connection_timed_out", Reason::ConnectionTimeout),
        ("remote_connection_failure|delayed_connect_error:_111", Reason::ConnectionRefused),
        ("remote_connection_failure|delayed_connect_error:_110", Reason::ConnectionTimeout),
        ("remote_connection_failure|delayed_connect_error:_104", Reason::ConnectionTerminated),
        ("remote_connection_failure|immediate_connect_error:_101", Reason::DestinationUnavailable),
        ("remote_connection_failure,delayed_connect_error:_113", Reason::DestinationUnavailable),
        ("remote_connection_failure|delayed_connect_error:_95", Reason::ConnectionRefused),
        ("connection_failure", Reason::ConnectionRefused),
        ("connection failure", Reason::ConnectionRefused),
        ("connection_failure,delayed_connect_error:_110", Reason::ConnectionTimeout),
        ("connection_failure,TLS_error:_268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED", Reason::TlsCertificateError),
        ("connection failure,TLS error: 268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE", Reason::TlsProtocolError),
        ("connection termination", Reason::ConnectionTerminated),
        ("remote_connection_failure|TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end", Reason::TlsProtocolError),
        ("remote_connection_failure|TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_x509", Reason::TlsCertificateError),
        ("connection_termination|TLS_error:|268436528:SSL_routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA:TLS_error_end", Reason::TlsCertificateError),
        ("remote_connection_failure|TLS_error:|268436496:SSL_routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE:TLS_error_end", Reason::TlsProtocolError),
        ("local_connection_failure", Reason::DestinationUnavailable),
        ("connection_timeout", Reason::ConnectionTimeout),
        ("connection_timeout|TLS_error:x", Reason::ConnectionTimeout),
        ("connection_termination", Reason::ConnectionTerminated),
        ("remote_refused_stream_reset", Reason::ConnectionTerminated),
        ("remote_error_with_CONNECT_request", Reason::ConnectionTerminated),
        ("HTTP/1_premature_upstream_half_close", Reason::ConnectionTerminated),
        ("local_reset", Reason::ConnectionTerminated),
        ("local_refused_stream_reset", Reason::ConnectionTerminated),
        ("overload_manager_reset", Reason::ConnectionLimitReached),
        ("remote_reset", Reason::ConnectionTerminated),
        ("protocol_error", Reason::HttpProtocolError),
        ("overflow", Reason::ConnectionLimitReached),
        ("something_new", Reason::ProxyInternalError),
        ("", Reason::ProxyInternalError),
    ] {
        assert_eq!(reset(inner), want, "{inner}");
    }
    for (details, want) in [
        ("response_timeout", Reason::HttpResponseTimeout),
        ("upstream_response_timeout", Reason::HttpResponseTimeout),
        ("upstream_per_try_timeout", Reason::HttpResponseTimeout),
        ("no_healthy_upstream", Reason::DestinationUnavailable),
        ("cluster_not_found", Reason::DestinationUnavailable),
        ("route_not_found", Reason::DestinationNotFound),
        ("dns_resolution_failure", Reason::DnsError),
        (
            "dns_resolution_failure{cares_norecovery:...}",
            Reason::DnsError,
        ),
        ("overload", Reason::ConnectionLimitReached),
        ("drop_overload", Reason::ConnectionLimitReached),
        (
            "unconditional_drop_overload",
            Reason::ConnectionLimitReached,
        ),
        ("reached_concurrency_limit", Reason::ConnectionLimitReached),
        ("dns_cache_overflow", Reason::ConnectionLimitReached),
        (
            "dynamic_forward_proxy_pending_request_overflow",
            Reason::ConnectionLimitReached,
        ),
        ("sub_cluster_overflow", Reason::ConnectionLimitReached),
        (
            "sub_cluster_warming_timeout",
            Reason::DestinationUnavailable,
        ),
        (
            "denied_by_admission_control",
            Reason::DestinationUnavailable,
        ),
        ("maintenance_mode", Reason::DestinationUnavailable),
        ("upstream_per_try_idle_timeout", Reason::HttpResponseTimeout),
        ("max_duration_timeout", Reason::HttpResponseTimeout),
        (
            "upstream_max_stream_duration_reached",
            Reason::HttpResponseTimeout,
        ),
        ("stream_idle_timeout", Reason::HttpResponseTimeout),
        (
            "upstream_reset_after_response_started{remote_reset}",
            Reason::HttpResponseIncomplete,
        ),
        ("direct_response", Reason::ProxyInternalError),
        ("", Reason::ProxyInternalError),
    ] {
        assert_eq!(proxy(details, 0), want, "{details}");
    }
}

#[test]
fn unknown_details_fall_back_to_the_flags() {
    for (bit, want) in [
        (26, Reason::DnsError),
        (23, Reason::HttpProtocolError),
        (7, Reason::ConnectionLimitReached),
        (2, Reason::HttpResponseTimeout),
        (5, Reason::ConnectionRefused),
        (3, Reason::ConnectionTimeout),
        (6, Reason::ConnectionTerminated),
        (1, Reason::DestinationUnavailable),
        (8, Reason::DestinationNotFound),
        (14, Reason::ProxyInternalError),
        (63, Reason::ProxyInternalError),
    ] {
        assert_eq!(proxy("words_of_a_later_envoy", 1 << bit), want, "bit {bit}");
    }
    assert_eq!(
        proxy("response_timeout", 1 << 26),
        Reason::HttpResponseTimeout,
        "details come first"
    );
}

/// Returns the reason and the source of a response with a body.
fn classified(status: u16, details: &[u8], flags: u64) -> (Reason, Source) {
    classify(&FailedResponse {
        status,
        details,
        flags,
        has_body: true,
    })
}

/// Envoy Gateway answers for a route without a ready endpoint, or with a wrong configuration, by a
/// `direct_response` without a body.
#[test]
fn an_empty_response_of_a_route_is_what_envoy_gateway_means_by_it() {
    let direct = |status, has_body| {
        let (reason, source) = classify(&FailedResponse {
            status,
            details: b"direct_response",
            flags: 0,
            has_body,
        });
        assert_eq!(source, Source::Proxy);
        reason
    };
    assert_eq!(direct(503, false), Reason::DestinationUnavailable);
    assert_eq!(direct(500, false), Reason::ProxyConfigurationError);
    assert_eq!(direct(502, false), Reason::ProxyInternalError);
    assert_eq!(direct(503, true), Reason::ProxyInternalError);
    assert_eq!(direct(500, true), Reason::ProxyInternalError);
}

/// Status and details of the replies of Envoy's filters that refuse clients.
#[test]
fn filters_that_refuse_a_client_are_told_apart() {
    for (status, details, flags, want) in [
        (429, "local_rate_limited", 1 << 11, Reason::RateLimited),
        (429, "request_rate_limited", 1 << 11, Reason::RateLimited),
        // gRPC: Envoy says UNAVAILABLE.
        (503, "local_rate_limited", 1 << 11, Reason::RateLimited),
        (429, "", 1 << 11, Reason::RateLimited),
        (
            401,
            "jwt_authn_access_denied{Jwt_is_missing}",
            0,
            Reason::Unauthorized,
        ),
        (401, "ext_authz_denied", 1 << 12, Reason::Unauthorized),
        (403, "ext_authz_denied", 1 << 12, Reason::Forbidden),
        (
            403,
            "rbac_access_denied_matched_policy[none]",
            0,
            Reason::Forbidden,
        ),
        (
            403,
            "ext_authz_error",
            1 << 12,
            Reason::AuthorizationUnavailable,
        ),
        (
            503,
            "ext_authz_error",
            1 << 12,
            Reason::AuthorizationUnavailable,
        ),
        (503, "ext_authz_denied", 1 << 12, Reason::ProxyInternalError),
        (
            500,
            "rate_limiter_error",
            1 << 13,
            Reason::ProxyInternalError,
        ),
    ] {
        let found = classified(status, details.as_bytes(), flags);
        assert_eq!(found, (want, Source::Proxy), "{status} {details}");
    }
}

#[test]
fn details_decide_unless_they_are_unknown() {
    for (details, decide) in [
        ("via_upstream", true),
        ("direct_response", true),
        ("response_timeout", true),
        ("upstream_reset_before_response_started{overflow}", true),
        (
            "upstream_reset_before_response_started{something_new}",
            false,
        ),
        ("words_of_a_later_envoy", false),
        ("", false),
    ] {
        assert_eq!(details_decide(details.as_bytes()), decide, "{details}");
    }
}

#[test]
fn via_upstream_is_classified_by_status_whatever_the_flags() {
    for (status, want) in [
        (500, Reason::UpstreamError),
        (501, Reason::UpstreamError),
        (502, Reason::UpstreamBadGateway),
        (503, Reason::UpstreamUnavailable),
        (504, Reason::UpstreamTimeout),
        (401, Reason::Unauthorized),
        (403, Reason::Forbidden),
        (429, Reason::RateLimited),
        (400, Reason::ClientError),
        (404, Reason::ClientError),
        (408, Reason::ClientError),
        (499, Reason::ClientError),
    ] {
        // An exhausted retry carries flags as well.
        let found = classified(status, b"via_upstream", 1 << 15);
        assert_eq!(found, (want, Source::Upstream));
    }
}

#[test]
fn a_client_error_without_a_reason_of_its_own_is_one_whoever_responds() {
    for (status, details, flags, want) in [
        (
            413,
            &b"request_payload_too_large"[..],
            0,
            Reason::ClientError,
        ),
        (408, b"request_overall_timeout", 0, Reason::ClientError),
        (404, b"direct_response", 0, Reason::ClientError),
        (405, b"", 0, Reason::ClientError),
        (404, b"route_not_found", 0, Reason::DestinationNotFound),
        (404, b"", 1 << 8, Reason::DestinationNotFound),
        (403, b"rbac_access_denied", 0, Reason::Forbidden),
        (500, b"anything", 0, Reason::ProxyInternalError),
    ] {
        let found = classified(status, details, flags);
        assert_eq!(found, (want, Source::Proxy), "{status}");
    }
}

#[test]
fn of_client_errors_those_that_invite_to_try_again_are_retryable() {
    for (status, want) in [
        (400, false),
        (404, false),
        (408, true),
        (413, false),
        (425, true),
    ] {
        assert_eq!(
            Reason::ClientError.is_retryable_with(status),
            want,
            "{status}"
        );
    }
    assert!(Reason::RateLimited.is_retryable_with(429));
    assert!(!Reason::Forbidden.is_retryable_with(408));
}

/// The whole table of the documentation.
#[test]
fn reasons_have_documented_tokens_statuses_and_retryability() {
    let table: Vec<String> = Reason::ALL
        .iter()
        .map(|r| {
            let status = r
                .standard_status()
                .map_or("as sent".into(), |s| s.to_string());
            format!(
                "{r:?} {} {status} {}",
                r.as_str(),
                if r.is_retryable() { "retry" } else { "no" }
            )
        })
        .collect();
    let want = [
        "ConnectionRefused connection_refused 502 retry",
        "ConnectionTimeout connection_timeout 504 retry",
        "ConnectionTerminated connection_terminated 502 retry",
        "TlsProtocolError tls_protocol_error 502 no",
        "TlsCertificateError tls_certificate_error 502 no",
        "DnsError dns_error 502 retry",
        "HttpProtocolError http_protocol_error 502 retry",
        "HttpResponseTimeout http_response_timeout 504 retry",
        "HttpResponseIncomplete http_response_incomplete 502 retry",
        "ConnectionLimitReached connection_limit_reached 503 retry",
        "DestinationUnavailable destination_unavailable 503 retry",
        "DestinationNotFound destination_not_found as sent no",
        "UpstreamError upstream_error as sent retry",
        "UpstreamBadGateway upstream_bad_gateway as sent retry",
        "UpstreamUnavailable upstream_unavailable as sent retry",
        "UpstreamTimeout upstream_timeout as sent retry",
        "CircuitOpen circuit_open 503 retry",
        "Maintenance maintenance 503 retry",
        "ProxyInternalError proxy_internal_error as sent retry",
        "ProxyConfigurationError proxy_configuration_error 500 no",
        "RateLimited rate_limited as sent retry",
        "Unauthorized unauthorized as sent no",
        "Forbidden forbidden as sent no",
        "AuthorizationUnavailable authorization_unavailable 503 retry",
        "ClientError client_error as sent no",
    ];
    assert_eq!(table, want);
    let tokens: BTreeSet<_> = Reason::ALL.iter().map(|r| r.as_str()).collect();
    assert_eq!(tokens.len(), Reason::ALL.len());
    for &reason in Reason::ALL {
        assert_eq!(Reason::from_token(reason.as_str()), Some(reason));
    }
    assert_eq!(Reason::from_token("no_such_reason"), None);
}

proptest::proptest! {
    #[test]
    fn any_details_are_classified_and_flags_matter_only_without_known_details(details in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80), flags: u64, status: u16) {
        let (_, source) = classified(status, &details, flags);
        proptest::prop_assert_eq!(source == Source::Upstream, details == b"via_upstream");
        if details_decide(&details) {
            let without = classified(status, &details, 0);
            proptest::prop_assert_eq!(classified(status, &details, flags), without);
        }
    }
}

#[test]
fn a_request_without_a_connection_was_not_sent() {
    for (details, expected) in [
        ("upstream_reset_before_response_started{remote_connection_failure}", true),
        ("upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}", true),
        ("upstream_reset_before_response_started{remote_connection_failure,delayed_connect_error:_111}", true),
        ("upstream_reset_before_response_started{connection_failure}", true),
        ("upstream_reset_before_response_started{connection failure,TLS error: 268435581}", true),
        ("upstream_reset_before_response_started{local_connection_failure}", true),
        ("upstream_reset_before_response_started{connection_timeout}", true),
        ("upstream_reset_before_response_started{overflow}", true),
        ("no_healthy_upstream", true),
        ("upstream_reset_before_response_started{connection_termination}", false),
        ("upstream_reset_before_response_started{remote_reset}", false),
        ("upstream_reset_after_response_started{remote_connection_failure}", false),
        ("response_timeout", false),
        ("via_upstream", false),
        ("", false),
    ] {
        assert_eq!(sent_nothing(details.as_bytes()), expected, "{details}");
    }
}

#[test]
fn a_connection_failure_without_a_known_cause_is_unexplained() {
    for (details, expected) in [
        ("upstream_reset_before_response_started{remote_connection_failure}", true),
        ("upstream_reset_before_response_started{connection_failure}", true),
        ("upstream_reset_before_response_started{connection failure,something new}", true),
        ("upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_95}", true),
        ("upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111}", false),
        ("upstream_reset_before_response_started{connection_failure,TLS_error:_268435703}", false),
        ("upstream_reset_before_response_started{connection_timeout}", false),
        ("upstream_reset_before_response_started{local_connection_failure}", false),
        ("response_timeout", false),
        ("", false),
    ] {
        let found = is_unexplained_connection_failure(details.as_bytes());
        assert_eq!(found, expected, "{details}");
    }
}
