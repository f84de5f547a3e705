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

/// Envoy reports the last attempt: one before it may have reached an upstream.
#[test]
fn a_form_was_not_processed_only_if_its_only_attempt_sent_nothing() {
    const TERMINATED: &[u8] = b"upstream_reset_before_response_started{connection_termination}";
    for (details, attempts, expected) in [
        (REFUSED, Some(1), true),
        (b"no_healthy_upstream", Some(0), true),
        (REFUSED, Some(2), false),
        (REFUSED, None, false),
        (TERMINATED, Some(1), false),
        (VIA, Some(1), false),
    ] {
        let mut world = World::new("{}");
        if let Some(attempts) = attempts {
            world.set_number("upstream.request_attempt_count", attempts);
        }
        let (mut filter, _) = world.begin_with(request("POST", &[]));
        let action = world.respond_with(&mut filter, response(503, &[LENGTH]), false, details);
        assert!(matches!(action, ResponseAction::Replace(_)));
        let BodyAction::Replace(page) = filter.on_response_body(10, true) else {
            panic!("no page");
        };
        let page = String::from_utf8(page).unwrap();
        let said = "What you sent has not been processed.";
        assert_eq!(page.contains(said), expected, "{attempts:?}");
        assert_eq!(page.contains("may or may not"), !expected, "{attempts:?}");
    }
    // A GET may be sent again, so that nobody needs to know.
    let case = get("{}", 503, false, REFUSED);
    assert!(!case
        .world
        .host
        .reads
        .contains(&"upstream.request_attempt_count".to_owned()));
}

#[test]
fn a_replaced_body_is_the_page_then_nothing() {
    let mut case = get("{}", 503, false, REFUSED);
    let BodyAction::Replace(page) = case.filter.on_response_body(10, false) else {
        panic!("no page");
    };
    let headers = case.replaced_headers();
    let length = std::str::from_utf8(headers.get("content-length").unwrap()).unwrap();
    assert_eq!(length, page.len().to_string());
    assert_eq!(
        headers.get(":status"),
        Some(&b"502"[..]),
        "RFC 9209: refused is 502"
    );
    let Case { world, filter, .. } = &mut case;
    let dropped = BodyAction::Replace(Vec::new());
    assert_eq!(filter.on_response_body(10, false), dropped);
    assert_eq!(filter.on_response_body(10, false), dropped);
    let nothing_to_drop = filter.on_response_body(0, false);
    assert_eq!(nothing_to_drop, BodyAction::Continue);
    assert!(filter.on_response_trailers(&mut world.host, &world.worker));
}

#[test]
fn trailers_are_dropped_even_if_the_body_never_came() {
    let mut case = get("{}", 503, false, REFUSED);
    assert!(case
        .filter
        .on_response_trailers(&mut case.world.host, &case.world.worker));
}

/// The body callback does not run for a response without any data, such as one of trailers alone.
#[test]
fn the_length_is_promised_only_if_the_failed_response_has_one() {
    let chunked = ("transfer-encoding", "chunked");
    for (headers, promised) in [
        (&[("content-length", "5")][..], true),
        (&[chunked], false),
        (&[chunked, ("trailer", "x")], false),
    ] {
        let case = Case::new("{}", request("GET", &[]), (502, false), VIA, headers);
        let length = case.replaced_headers().get("content-length");
        assert_eq!(length.is_some(), promised, "{headers:?}");
    }
}

/// As over HTTP/2: headers, and trailers at once. A script of another origin needs the headers of the
/// `cors` filter, which a local reply bypasses.
#[test]
fn a_page_for_a_response_that_announces_no_body_is_a_local_reply() {
    let origin = [("origin", "https://app.example")];
    for (request_headers, headers, is_local) in [
        (&[][..], &[][..], true),
        (&[], &[("content-type", "text/html")], true),
        (&[], &[("content-length", "0")], true),
        (&origin, &[], false),
        (&origin, &[LENGTH], false),
        (&[], &[LENGTH], false),
        (&[], &[("transfer-encoding", "chunked")], false),
    ] {
        let request = request("GET", request_headers);
        let case = Case::new("{}", request, (502, false), VIA, headers);
        let is_reply = matches!(case.action, ResponseAction::SendLocalReply(_));
        assert_eq!(is_reply, is_local, "{request_headers:?} {headers:?}");
    }
}

#[test]
fn a_body_without_end_is_reset() {
    const PIECE: usize = 1 << 20;
    let dropped = BodyAction::Replace(Vec::new());
    let replaced = || {
        let mut case = get("{}", 502, false, VIA);
        let page = case.filter.on_response_body(PIECE, false);
        assert!(matches!(page, BodyAction::Replace(page) if !page.is_empty()));
        case.filter
    };
    let mut filter = replaced();
    for _ in 1..16 {
        assert_eq!(filter.on_response_body(PIECE, false), dropped);
    }
    assert_eq!(filter.on_response_body(1, false), BodyAction::Reset);
    assert_eq!(filter.on_response_body(1, false), dropped, "once");
    // A long body that ends is an end.
    let mut filter = replaced();
    assert_eq!(filter.on_response_body(100 * PIECE, true), dropped);
    // What passes has no limit.
    let mut case = get("{}", 200, false, VIA);
    let passed = case.filter.on_response_body(100 * PIECE, false);
    assert_eq!(passed, BodyAction::Continue);
}

/// Envoy adds the route's headers to a local reply, as it did to its own failed response. To an
/// upstream's it has added them too, which cannot be seen.
#[test]
fn a_local_reply_does_not_double_what_the_route_adds() {
    let added = [
        ("access-control-allow-origin", "*"),
        ("strict-transport-security", "max-age=1"),
        LENGTH,
    ];
    let kept = |end_of_stream, details: &[u8]| {
        let response = (503, end_of_stream);
        // The length of a body that comes.
        let headers = if end_of_stream { &added[..2] } else { &added };
        let case = Case::new("{}", request("GET", &[]), response, details, headers);
        let headers = match case.action {
            ResponseAction::SendLocalReply(reply) => reply.local_headers(),
            ResponseAction::Replace(headers) => headers,
            other => panic!("{other:?}"),
        };
        [0, 1].map(|number| headers.get(added[number].0).is_some())
    };
    assert_eq!(kept(true, REFUSED), [false, false], "added again by Envoy");
    assert_eq!(kept(false, REFUSED), [true, true], "rewritten");
    assert_eq!(kept(false, VIA), [true, true], "rewritten");
    assert_eq!(kept(true, VIA), [false, true], "a navigation needs no CORS");
    let direct = kept(true, b"direct_response");
    assert_eq!(direct, [true, true], "a route without upstream adds once");
}

/// A rewritten response keeps what others added, once, and its body is dropped if there is one after all.
#[test]
fn headers_alone_are_rewritten_for_programs_and_for_head() {
    let origin = ("origin", "https://app.example");
    let any = ("accept", "*/*");
    for (method, more, length) in [
        ("GET", &[origin, any][..], Some("0")),
        ("GET", &[origin], Some("0")),
        ("GET", &[("accept", "application/json")], Some("0")),
        ("HEAD", &[], None),
    ] {
        for details in [VIA, REFUSED] {
            let mut headers = vec![
                (":method", method),
                (":authority", "shop.example"),
                (":path", "/a"),
            ];
            headers.extend_from_slice(more);
            let failed = [("access-control-allow-origin", "https://app.example")];
            let request = HeaderBlock::from_pairs(&headers);
            let mut case = Case::new("{}", request, (503, true), details, &failed);
            let headers = case.replaced_headers();
            let allowed: Vec<_> = headers.get_all("access-control-allow-origin").collect();
            assert_eq!(allowed, [b"https://app.example"], "{method} {more:?}");
            let exposed = headers.get("access-control-expose-headers").unwrap();
            assert!(exposed.starts_with(b"retry-after, "), "{method} {more:?}");
            assert!(headers.get("retry-after").is_some());
            assert!(headers.get(MARKER).is_some());
            let promised = headers.get("content-length");
            match length {
                Some(length) => {
                    assert_eq!(promised, Some(length.as_bytes()));
                    assert_eq!(headers.get("content-type"), None, "{more:?}");
                }
                None => assert_ne!(promised, Some(&b"0"[..]), "that of GET"),
            }
            assert_eq!(
                case.filter.on_response_body(10, true),
                BodyAction::Replace(Vec::new())
            );
            assert!(case.state("tidegate.reason").is_some());
        }
    }
}

/// Envoy's failure of a call, and an upstream's without a body, become a status in the headers.
#[test]
fn a_grpc_failure_without_a_body_is_rewritten() {
    let call = || {
        let grpc = ("content-type", "application/grpc+proto");
        request("POST", &[grpc])
    };
    let failed = [
        ("content-type", "application/grpc"),
        ("grpc-status", "14"),
        ("grpc-message", "upstream connect error"),
    ];
    for (status, details, headers) in [(200, REFUSED, &failed[..]), (503, VIA, &[])] {
        let case = Case::new("{}", call(), (status, true), details, headers);
        let headers = case.replaced_headers();
        for (name, want) in [
            (":status", "200"),
            ("content-type", "application/grpc"),
            ("grpc-status", "14"),
        ] {
            let all: Vec<_> = headers.get_all(name).collect();
            assert_eq!(all, [want.as_bytes()], "{name}");
        }
        let message = headers.get("grpc-message").unwrap();
        assert!(message.starts_with(b"Our "), "{message:?}");
        assert!(headers.get("grpc-retry-pushback-ms").is_some());
        assert_eq!(headers.get("content-length"), None);
    }
    // A body is to come, which no gRPC client expects after a status.
    let case = Case::new("{}", call(), (502, false), VIA, &[]);
    assert_eq!(case.local_reply().grpc_status, Some(14));
}

/// A filter between this one and the client translates the call.
#[test]
fn a_failure_of_a_translated_call_is_a_status_in_headers_or_passes() {
    let failed = |client: (&str, &str)| {
        let grpc = ("content-type", "application/grpc+proto");
        let call = request("POST", &[grpc, client]);
        Case::new("{}", call, (503, false), REFUSED, &[LENGTH])
    };
    let case = failed(("x-grpc-web", "1"));
    let headers = case.replaced_headers();
    assert_eq!(headers.get("grpc-status"), Some(&b"14"[..]));
    assert!(headers.get("grpc-retry-pushback-ms").is_some());
    let text = failed(("accept", "application/grpc-web-text"));
    assert!(text.passes());
    // Whatever translates this call, its client knows no status of gRPC.
    assert!(failed(("x-other", "1")).passes());
    assert_eq!(text.state("tidegate.reason"), Some("connection_refused"));
}

/// A reply in a call's own protocol has the status that the protocol prescribes.
#[test]
fn calls_of_scripts_get_the_status_of_their_protocol() {
    for (content_type, version, status, reply_type) in [
        (
            "application/grpc-web-text",
            false,
            "200",
            "application/grpc-web-text",
        ),
        ("application/json", true, "503", "application/json"),
        (
            "application/connect+json",
            true,
            "200",
            "application/connect+json",
        ),
    ] {
        let mut more = vec![("content-type", content_type)];
        more.extend(version.then_some(("connect-protocol-version", "1")));
        let mut case = Case::new(
            "{}",
            request("POST", &more),
            (503, false),
            REFUSED,
            &[LENGTH],
        );
        let headers = case.replaced_headers().clone();
        assert_eq!(headers.get(":status"), Some(status.as_bytes()));
        assert_eq!(headers.get("content-type"), Some(reply_type.as_bytes()));
        assert_eq!(headers.get("content-language"), None);
        assert!(headers.get("retry-after").is_some());
        let is_web = content_type.contains("grpc-web");
        assert_eq!(headers.get("grpc-status").is_some(), is_web);
        let body = case.page();
        assert_eq!(body.is_empty(), is_web, "the status is in one place");
    }
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
    assert_eq!(filter.on_response_body(10, false), BodyAction::Continue);
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
        &[html, ("origin", "https://a.example")],
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
