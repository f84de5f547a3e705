use super::*;

fn entry(status: u16, flags: &'static str, details: &'static str) -> Entry<'static> {
    Entry {
        status,
        flags: flags.into(),
        details: details.into(),
        ..Entry::default()
    }
}

#[test]
fn flags_have_the_same_bits_as_in_the_filter() {
    for (text, want) in [
        ("", 0),
        ("UF", 1 << 5),
        ("UF,URX", 1 << 5 | 1 << 15),
        ("UPE", 1 << 23),
        ("DF", 1 << 26),
        ("UDO", 1 << 29),
        ("XYZ,UH", 1 << 1),
    ] {
        assert_eq!(parse_flags(text), want, "{text}");
    }
    assert_eq!(CLIENT_LEFT, 1 << 14 | 1 << 28);
    assert_eq!(NO_ROUTE, 1 << 8);
}

#[test]
fn the_reason_of_the_filter_comes_before_all_evidence() {
    let logged = Entry {
        reason: "dns_error".into(),
        ..entry(502, "UF", "via_upstream")
    };
    assert_eq!(
        logged.failure(),
        Some((Reason::DnsError, Evidence::FilterState))
    );
    let newer = Entry {
        reason: "of_a_newer_version".into(),
        ..entry(502, "UF", "via_upstream")
    };
    assert_eq!(
        newer.failure(),
        Some((Reason::UpstreamBadGateway, Evidence::Details))
    );
    for (details, want) in [
        ("tidegate_circuit_open{}", Some(Reason::CircuitOpen)),
        ("tidegate_maintenance", Some(Reason::Maintenance)),
        (
            "tidegate_dns_error{dns_resolution_failure{x}}",
            Some(Reason::DnsError),
        ),
    ] {
        let got = entry(503, "", details).failure();
        assert_eq!(
            got,
            want.map(|reason| (reason, Evidence::Details)),
            "{details}"
        );
    }
}

#[test]
fn a_rejection_carries_what_opened_the_circuit() {
    for (details, want) in [
        ("tidegate_circuit_open{dns_error}", Some(Reason::DnsError)),
        ("tidegate_circuit_open{}", None),
        ("tidegate_dns_error{dns_error}", None),
        ("", None),
    ] {
        assert_eq!(entry(503, "", details).opened_by(), want, "{details}");
    }
}

/// Status, flags and details, with the reason of the filter.
#[test]
fn without_a_filter_reason_the_core_classifies() {
    use Evidence::{Details, Flags, Status};
    use Reason::*;
    for (status, flags, details, want) in [
        (200, "", "via_upstream", None),
        (404, "", "via_upstream", None),
        (301, "", "direct_response", None),
        (429, "RL", "", None),
        (403, "UAEX", "ext_authz_denied", None),
        (0, "DC", "downstream_remote_disconnect", None),
        (200, "DC", "downstream_remote_disconnect", None),
        (200, "UC,DC", "", None),
        (
            404,
            "NR",
            "route_not_found",
            Some((DestinationNotFound, Details)),
        ),
        (404, "NR", "", Some((DestinationNotFound, Flags))),
        (
            503,
            "UH",
            "no_healthy_upstream",
            Some((DestinationUnavailable, Details)),
        ),
        (503, "UH", "", Some((DestinationUnavailable, Flags))),
        (503, "UO", "", Some((ConnectionLimitReached, Flags))),
        (504, "UT", "", Some((HttpResponseTimeout, Flags))),
        (503, "UF,URX", "", Some((ConnectionRefused, Flags))),
        (500, "", "via_upstream", Some((UpstreamError, Details))),
        (
            503,
            "URX",
            "via_upstream",
            Some((UpstreamUnavailable, Details)),
        ),
        (
            504,
            "",
            "max_duration_timeout",
            Some((HttpResponseTimeout, Details)),
        ),
        (500, "", "something_new", Some((ProxyInternalError, Status))),
        (
            503,
            "UH",
            "something_new",
            Some((DestinationUnavailable, Flags)),
        ),
        (503, "", "", Some((ProxyInternalError, Evidence::Bare))),
        (500, "", "", Some((ProxyInternalError, Status))),
        // A gRPC call that Envoy failed.
        (
            200,
            "UF",
            "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111}",
            Some((ConnectionRefused, Details)),
        ),
        (200, "UH", "", Some((DestinationUnavailable, Flags))),
        // A truncated response.
        (
            200,
            "UC",
            "upstream_reset_after_response_started{connection_termination}",
            Some((HttpResponseIncomplete, Details)),
        ),
    ] {
        assert_eq!(
            entry(status, flags, details).failure(),
            want,
            "{status} {flags} {details}"
        );
    }
}

/// In a format without details, a host without a flag means a response of that host.
#[test]
fn a_response_without_a_flag_comes_from_the_host() {
    for (status, flags, want) in [
        (500, "", Reason::UpstreamError),
        (502, "", Reason::UpstreamBadGateway),
        (503, "URX", Reason::UpstreamUnavailable),
        (504, "", Reason::UpstreamTimeout),
    ] {
        let of_host = Entry {
            host: "10.0.0.7:8080".into(),
            ..entry(status, flags, "")
        };
        assert_eq!(of_host.failure(), Some((want, Evidence::Status)));
    }
    let broke_off = Entry {
        host: "10.0.0.7:8080".into(),
        bytes_sent: 100,
        ..entry(200, "UC", "")
    };
    assert_eq!(
        broke_off.failure(),
        Some((Reason::HttpResponseIncomplete, Evidence::Flags))
    );
}

/// Flags, details and transport failure reason as Envoy 1.10 to 1.40 log them. What is most likely is
/// not called known.
#[test]
fn the_evidence_of_a_failed_connection_is_what_names_its_cause() {
    use Evidence::{Details, Flags, Transport, Unexplained};
    use Reason::*;
    const REFUSED: &str = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}";
    const BY_NUMBER: &str = "upstream_reset_before_response_started{remote_connection_failure,delayed_connect_error:_113}";
    const OF_TLS: &str = "upstream_reset_before_response_started{connection_failure,TLS_error:_268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED}";
    const NO_CAUSE: &str = "upstream_reset_before_response_started{remote_connection_failure}";
    const EARLY: &str = "upstream_reset_before_response_started{connection_failure}";
    const VERIFY: &str =
        "TLS_error:_268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED";
    const VERSION: &str = "TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER";
    for (flags, details, transport, want) in [
        (
            "UF",
            REFUSED,
            "delayed connect error: Connection refused",
            (ConnectionRefused, Details),
        ),
        (
            "UF",
            BY_NUMBER,
            "delayed_connect_error:_113",
            (DestinationUnavailable, Details),
        ),
        ("UF,URX", OF_TLS, VERIFY, (TlsCertificateError, Details)),
        ("UF", NO_CAUSE, "", (ConnectionRefused, Unexplained)),
        (
            "UF",
            NO_CAUSE,
            "something new",
            (ConnectionRefused, Unexplained),
        ),
        ("UF", EARLY, "", (ConnectionRefused, Unexplained)),
        (
            "UF",
            EARLY,
            "delayed connect error: 110",
            (ConnectionTimeout, Transport),
        ),
        ("UF", EARLY, VERIFY, (TlsCertificateError, Transport)),
        (
            "UF",
            "",
            "delayed connect error: Connection refused",
            (ConnectionRefused, Transport),
        ),
        (
            "UF",
            "",
            "delayed connect error: 111",
            (ConnectionRefused, Transport),
        ),
        (
            "UF,URX",
            "",
            "delayed_connect_error:_113",
            (DestinationUnavailable, Transport),
        ),
        (
            "UF",
            "",
            "immediate connect error: 99",
            (DestinationUnavailable, Transport),
        ),
        ("UF", "", VERSION, (TlsProtocolError, Transport)),
        ("UF,URX", "", VERIFY, (TlsCertificateError, Transport)),
        ("UF", "", "something new", (ConnectionRefused, Flags)),
        ("UF", "", "", (ConnectionRefused, Flags)),
        (
            "UC",
            "",
            "TLS_error:|268436504:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA",
            (TlsCertificateError, Transport),
        ),
        ("UC", "", "", (ConnectionTerminated, Flags)),
    ] {
        let logged = Entry {
            transport: transport.into(),
            ..entry(503, flags, details)
        };
        assert_eq!(
            logged.failure(),
            Some(want),
            "{flags} {details} {transport}"
        );
    }
}

/// Status, flags and details of a request with a body.
#[test]
fn an_answer_before_the_body_was_read_is_no_failure() {
    const CUT: &str = "upstream_reset_after_response_started{connection_termination}";
    let incomplete = Some(Reason::HttpResponseIncomplete);
    for (status, flags, details, want) in [
        (413, "UC", CUT, None),
        (
            415,
            "UR",
            "upstream_reset_after_response_started{remote_reset}",
            None,
        ),
        (
            401,
            "UR",
            "upstream_reset_after_response_started{remote_reset}",
            None,
        ),
        (413, "UC", "via_upstream", None),
        (413, "UC", "", None),
        (413, "-", "request_payload_too_large", None),
        (200, "UC", CUT, incomplete),
        (200, "UC", "", incomplete),
        (302, "UC", CUT, incomplete),
        (502, "UC", CUT, incomplete),
    ] {
        let logged = Entry {
            sends_body: true,
            bytes_sent: 100,
            ..entry(status, flags, details)
        };
        let reason = logged.failure().map(|(reason, _)| reason);
        assert_eq!(reason, want, "{status} {flags} {details}");
    }
    // A response to a request without a body is cut off whatever its status.
    let cut_off = entry(404, "UC", CUT).failure().map(|(reason, _)| reason);
    assert_eq!(cut_off, incomplete);
}

/// The flags are those of an attempt that Envoy repeated.
#[test]
fn an_answer_after_a_retry_is_no_failure() {
    assert_eq!(entry(200, "UF", "via_upstream").failure(), None);
    assert_eq!(entry(404, "UC", "via_upstream").failure(), None);
}
