//! Connections that failed, as earlier Envoys and Istios log them.

use serde_json::{json, Value};

use crate::run;

/// The end of a line in Istio's text format, after the transport failure reason.
const END: &str = r#"0 152 0 - "-" "c/1" "id-1" "shop:8080" "10.0.0.9:8080" inbound|8080|| - 10.0.0.9:8080 10.0.0.7:44759 - default"#;

/// Returns the reason of the only finding, and what its failures are known from.
fn finding(log: &str) -> (String, Vec<String>) {
    let (code, printed, errors) = run(&[], &["--json", "-"], log);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{log}");
    let report: Value = serde_json::from_str(&printed).unwrap();
    let [finding] = &report["findings"].as_array().unwrap()[..] else {
        panic!("{log}\n{printed}")
    };
    let known = finding["known_from"].as_object().unwrap();
    let known = known.iter().filter(|(_, count)| **count != json!(0));
    let reason = finding["reason"].as_str().unwrap().to_owned();
    (reason, known.map(|(name, _)| name.clone()).collect())
}

/// Details, transport failure reason, the reason, and its evidence with details and without.
#[test]
fn a_failed_connection_is_explained_by_what_the_log_says_of_it() {
    let reset = "upstream_reset_before_response_started";
    for (details, transport, reason, known, alone) in [
        ("{remote_connection_failure,delayed_connect_error:_113}", "delayed_connect_error:_113", "destination_unavailable", "details", "transport"),
        ("{connection_failure,TLS_error:_268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED}", "TLS_error:_268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED", "tls_certificate_error", "details", "transport"),
        ("{connection failure,TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER}", "TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER", "tls_protocol_error", "details", "transport"),
        ("{remote_connection_failure|delayed_connect_error:_Connection_refused}", "delayed connect error: Connection refused", "connection_refused", "details", "transport"),
        ("{remote_connection_failure,delayed_connect_error:_111}", "delayed_connect_error:_111", "connection_refused", "details", "transport"),
        ("{connection_failure,delayed_connect_error:_110}", "delayed connect error: 110", "connection_timeout", "details", "transport"),
        ("{remote_connection_failure|immediate_connect_error:_Network_is_unreachable|remote_address:[fdc4::254]:111}", "immediate_connect_error:_Network_is_unreachable|remote_address:[fdc4::254]:111", "destination_unavailable", "details", "transport"),
        ("{connection_failure}", "delayed connect error: 104", "connection_terminated", "transport", "transport"),
        ("{connection_failure}", "-", "connection_refused", "unexplained", "flags"),
    ] {
        let line = |details: &str| {
            format!("[2024-05-28T15:12:57.143Z] \"GET /a HTTP/1.1\" 503 UF,URX {details} - \"{transport}\" {END}")
        };
        let with = finding(&line(&format!("{reset}{details}")));
        assert_eq!(with, (reason.to_owned(), vec![known.to_owned()]), "{details}");
        let without = finding(&line("-"));
        assert_eq!(without, (reason.to_owned(), vec![alone.to_owned()]), "{transport}");
    }
    let tcp = r#"[2024-05-28T18:42:53.929Z] "- - -" 0 UF,URX - - "delayed_connect_error:_113" 0 0 0 - "-" "-" "-" "-" "10.0.0.9:7801" InboundPassthroughCluster - 10.0.0.9:7801 10.0.0.8:33948 - -"#;
    let want = (
        "destination_unavailable".to_owned(),
        vec!["transport".to_owned()],
    );
    assert_eq!(finding(tcp), want);
}

/// Charts append the id of a trace to Istio's format.
#[test]
fn a_field_behind_the_route_makes_no_route_of_each_request() {
    for appended in ["traceID=ID", "00-ID-00f067aa0ba902b7-01", "\"ID\""] {
        let mut log = String::new();
        for request in 0..3000_u32 {
            let failure = match request % 10 {
                0 => "503 UH no_healthy_upstream",
                _ => "200 - via_upstream",
            };
            let appended = appended.replace("ID", &format!("{request:032x}"));
            let second = format!("{:02}:{:02}", request / 60, request % 60);
            log += &format!(
                "[2026-05-28T15:{second}.143Z] \"GET /a HTTP/1.1\" {failure} - \"-\" {END} {appended}\n"
            );
        }
        let (code, printed, errors) = run(&[], &["-"], &log);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        let lines: Vec<&str> = printed.lines().take(4).collect();
        assert_eq!(lines, [
            "3,000 requests from 2026-05-28T15:00:00Z to 2026-05-28T15:49:59Z; 300 failed (10 %)",
            "3,000 lines with more after the name of the route, which Istio's format does not have. It is ignored: the name ends at its first blank.",
            "",
            "1. default/inbound|8080||: destination_unavailable, 300 failures, 10 % of the 3,000 requests",
        ], "{appended}");
        assert!(!printed.contains("\n2. "), "{printed}");
    }
}
