//! How failures are replaced, and what happens if a host call fails.

use super::*;
use crate::http::header_policy::MARKER;

#[test]
fn a_response_with_a_body_is_replaced_and_one_without_gets_a_local_reply() {
    let failure = |end_of_stream| get("{}", 502, end_of_stream, VIA).action;
    assert!(matches!(failure(false), ResponseAction::Replace(_)));
    assert!(matches!(failure(true), ResponseAction::SendLocalReply(_)));
}

#[test]
fn filter_state_holds_the_reason_and_the_hint_of_the_page() {
    for end_of_stream in [false, true] {
        let case = get("{}", 503, end_of_stream, REFUSED);
        assert_eq!(case.state("tidegate.reason"), Some("connection_refused"));
        // The configured interval, shorter by up to two fifths.
        let hint = case.state("tidegate.hint_ms").unwrap();
        let hint: u64 = hint.parse().unwrap();
        assert!((3_000..=5_000).contains(&hint), "{hint}");
        assert_eq!(case.state("tidegate.breaker"), None, "it is closed");
    }
    let tls = b"upstream_reset_before_response_started{remote_connection_failure|TLS_error:x}";
    let case = get("{}", 503, false, tls);
    assert_eq!(case.state("tidegate.reason"), Some("tls_protocol_error"));
    assert_eq!(case.state("tidegate.hint_ms"), None, "not retryable");
    // In shadow mode there is a reason, but no client got a hint.
    let case = get(r#"{"mode": "shadow"}"#, 502, true, VIA);
    assert_eq!(case.state("tidegate.reason"), Some("upstream_bad_gateway"));
    assert_eq!(case.state("tidegate.hint_ms"), None);
    let case = get("{}", 500, true, VIA);
    assert!(case.world.host.filter_state.is_empty());
}

#[test]
fn a_replaced_body_is_the_page_then_nothing() {
    let mut case = get("{}", 503, false, REFUSED);
    let page = case.filter.on_response_body(10, false).unwrap();
    let headers = case.replaced_headers();
    let length = std::str::from_utf8(headers.get("content-length").unwrap()).unwrap();
    assert_eq!(length, page.len().to_string());
    assert_eq!(
        headers.get(":status"),
        Some(&b"502"[..]),
        "RFC 9209: refused is 502"
    );
    let Case { world, filter, .. } = &mut case;
    assert_eq!(filter.on_response_body(10, false), Some(Vec::new()));
    assert_eq!(filter.on_response_body(10, false), Some(Vec::new()));
    assert_eq!(filter.on_response_body(0, false), None, "nothing to drop");
    assert!(filter.on_response_trailers(&mut world.host, &world.worker));
}

#[test]
fn trailers_are_dropped_even_if_the_body_never_came() {
    let mut case = get("{}", 503, false, REFUSED);
    assert!(case
        .filter
        .on_response_trailers(&mut case.world.host, &case.world.worker));
}

/// The body callback does not run for a response without any data.
#[test]
fn the_length_is_promised_only_if_a_body_is_sure_to_come() {
    for (details, headers, promised) in [
        (REFUSED, &[][..], true),
        (VIA, &[("content-length", "5")], true),
        (VIA, &[("content-length", "0")], false),
        (VIA, &[("transfer-encoding", "chunked")], true),
        (
            VIA,
            &[("transfer-encoding", "chunked"), ("trailer", "x")],
            false,
        ),
        (VIA, &[], false),
    ] {
        let case = Case::new("{}", request("GET", &[]), (502, false), details, headers);
        let length = case.replaced_headers().get("content-length");
        assert_eq!(length.is_some(), promised, "{headers:?}");
    }
}

/// Envoy adds the route's headers to a local reply, as it did to its own failed response.
#[test]
fn a_local_reply_does_not_double_what_the_route_adds() {
    let added = [
        ("access-control-allow-origin", "*"),
        ("strict-transport-security", "max-age=1"),
    ];
    let kept = |end_of_stream, details: &[u8]| {
        let response = (503, end_of_stream);
        let case = Case::new("{}", request("GET", &[]), response, details, &added);
        match case.action {
            ResponseAction::SendLocalReply(reply) => {
                reply.local_headers().get(added[0].0).is_some()
            }
            ResponseAction::Replace(headers) => headers.get(added[0].0).is_some(),
            other => panic!("{other:?}"),
        }
    };
    assert!(!kept(true, REFUSED), "added again by Envoy");
    assert!(kept(false, REFUSED), "nothing adds to replaced headers");
    assert!(kept(true, VIA), "the upstream's own");
}

#[test]
fn the_status_is_the_standard_one_unless_configured_to_keep_envoys() {
    let status = |json: &str, status, details: &[u8]| {
        let case = get(json, status, true, details);
        case.local_reply().status
    };
    assert_eq!(status("{}", 503, REFUSED), 502);
    assert_eq!(status("{}", 504, b"response_timeout"), 504);
    assert_eq!(status("{}", 503, VIA), 503);
    assert_eq!(
        status(r#"{"intercept":{"status":"keep"}}"#, 503, REFUSED),
        503
    );
}

#[test]
fn details_name_the_reason_and_envoys_own_details() {
    let reply = get("{}", 503, true, REFUSED).local_reply();
    let want = "tidegate_connection_refused{upstream_reset_before_response_started{remote_connection_failure}}";
    assert_eq!(String::from_utf8(reply.details).unwrap(), want);
}

#[test]
fn a_failed_host_call_lets_the_request_pass_and_is_counted() {
    let error = Some(HostError::Status(10));
    let mut world = World::new("{}");
    world.host.failure = error;
    let (mut filter, action) = world.begin_with(request("GET", &[]));
    assert_eq!(action, RequestAction::Continue);
    let line = "WARN tidegate: cannot read or write the request (host status 10); it passes";
    assert_eq!(world.host.lines, [line]);
    world.host.failure = None;
    let action = world.respond_with(&mut filter, response(503, &[]), false, VIA);
    assert_eq!(action, ResponseAction::Continue);
    assert_eq!(world.metric("tidegate.host_errors"), 1);

    let (mut filter, _) = world.begin_with(request("GET", &[]));
    world.host.failure = error;
    let action = world.respond_with(&mut filter, response(503, &[]), false, VIA);
    assert_eq!(action, ResponseAction::Continue);
    assert!(world.host.lines[1].contains("cannot read or write the response"));
    assert_eq!(world.metric("tidegate.host_errors"), 2);
}

#[test]
fn a_response_whose_replacement_failed_passes() {
    let mut case = get("{}", 503, false, VIA);
    let headers = case.replaced_headers();
    assert!(headers.get(MARKER).is_some());
    let Case { world, filter, .. } = &mut case;
    let error = HostError::Status(2);
    filter.fail_open(&mut world.host, &mut world.worker, "the response", error);
    assert_eq!(filter.on_response_body(10, false), None);
    assert!(!filter.on_response_trailers(&mut world.host, &world.worker));
}

/// The header block of a large request is cut down to what is read. Each of these requests is decided by
/// another of its headers.
#[test]
fn large_requests_are_decided_as_small_ones() {
    let cookie = "c".repeat(50_000);
    let json = r#"{
        "intercept": {"skip": {"paths": ["/skip/*.json"], "hosts": ["skip.example"]}},
        "routes": [{"name": "pay", "match": {"host": "pay.*", "path_prefix": "/pay"}, "mode": "off"}],
        "pages": [{"match": {"hosts": ["pages.example"]}, "strings": {"title": "Ours"}}],
        "security": {"expose": ["path", "host", "request_id"]}
    }"#;
    let html = ("accept", "text/html");
    for headers in [
        &[html][..],
        &[("accept", "application/json")],
        &[("accept", "application/json;q=0.1"), html],
        &[html, ("accept-language", "de")],
        &[("user-agent", "curl/8")],
        &[html, ("sec-fetch-dest", "image")],
        &[("sec-fetch-mode", "cors")],
        &[html, ("content-type", "application/grpc")],
        &[html, ("connection", "Upgrade"), ("upgrade", "websocket")],
        &[html, ("x-request-id", "7d9b1a52")],
        &[html, (":method", "HEAD")],
        &[html, (":method", "CONNECT")],
        &[html, (":path", "/skip/a.json?b")],
        &[
            html,
            (":path", "/pay/now"),
            (":authority", "pay.example:8443"),
        ],
        &[html, (":authority", "skip.example")],
        &[html, (":authority", "pages.example")],
    ] {
        let decide = |more: &[(&str, &str)]| {
            let mut all = [headers, more].concat();
            // The first header of a name counts.
            all.extend([
                (":method", "GET"),
                (":authority", "a.example"),
                (":path", "/a"),
            ]);
            let request = HeaderBlock::from_pairs(&all);
            let html = [("content-type", "text/html")];
            let mut case = Case::new(json, request, (503, false), VIA, &html);
            assert!(case.filter.request.as_wire().len() < 1_000);
            let body = case.filter.on_response_body(1, true);
            (case.action, body)
        };
        assert_eq!(decide(&[]), decide(&[("cookie", &cookie)]), "{headers:?}");
    }
}
