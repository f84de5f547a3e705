//! Which failures are replaced, and how.

use super::*;
use crate::http::header_policy::MARKER;

/// A request by `method` for `/a?b=c` that accepts HTML, with more headers.
fn request(method: &str, more: &[(&str, &str)]) -> HeaderBlock {
    let mut headers = vec![
        (":method", method),
        (":authority", "Shop.example:8443"),
        (":path", "/a?b=c"),
        ("accept", "text/html"),
    ];
    headers.extend_from_slice(more);
    HeaderBlock::from_pairs(&headers)
}

/// A response to a request, in a world of its own.
struct Case {
    world: World,
    filter: Filter,
    action: ResponseAction,
}

impl Case {
    fn new(
        json: &str,
        request: HeaderBlock,
        (status, end_of_stream): (u16, bool),
        details: &[u8],
        headers: &[(&str, &str)],
    ) -> Self {
        let mut world = World::new(json);
        let (mut filter, action) = world.begin_with(request);
        assert_eq!(action, RequestAction::Continue);
        let headers = response(status, headers);
        let action = world.respond_with(&mut filter, headers, end_of_stream, details);
        Self {
            world,
            filter,
            action,
        }
    }

    fn passes(&self) -> bool {
        self.action == ResponseAction::Continue
    }

    fn state(&self, name: &str) -> Option<&str> {
        self.world.host.filter_state.get(name).map(String::as_str)
    }

    fn local_reply(self) -> LocalReply {
        match self.action {
            ResponseAction::SendLocalReply(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    fn replaced_headers(&self) -> &HeaderBlock {
        match &self.action {
            ResponseAction::Replace(headers) => headers,
            other => panic!("{other:?}"),
        }
    }
}

/// The response to a plain GET.
fn get(json: &str, status: u16, end_of_stream: bool, details: &[u8]) -> Case {
    let response = (status, end_of_stream);
    Case::new(json, request("GET", &[]), response, details, &[])
}

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
        // The configured delay, longer by up to a fifth.
        let hint = case.state("tidegate.hint_ms").unwrap();
        let hint: u64 = hint.parse().unwrap();
        assert!((10_000..=12_000).contains(&hint), "{hint}");
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
    assert!(filter.on_response_trailers(&mut world.host));
}

#[test]
fn trailers_are_dropped_even_if_the_body_never_came() {
    let mut case = get("{}", 503, false, REFUSED);
    assert!(case.filter.on_response_trailers(&mut case.world.host));
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
fn other_statuses_pass_untouched() {
    for status in [200, 204, 301, 304, 400, 404, 500, 501, 505] {
        let mut case = get("{}", status, false, b"");
        assert!(case.passes(), "{status}");
        assert_eq!(
            case.world.host.reads,
            ["Request", "Response :status"],
            "{status}: nothing more is read"
        );
        assert_eq!(case.filter.on_response_body(10, false), None);
        assert!(!case.filter.on_response_trailers(&mut case.world.host));
    }
}

/// A 429 is inspected for the circuit breaker.
#[test]
fn a_429_passes_and_is_recorded() {
    let mut case = get("{}", 429, false, VIA);
    assert!(case.passes());
    assert_eq!(case.filter.on_response_body(10, false), None);
    assert!(case.filter.is_recorded);
}

#[test]
fn statuses_sources_paths_and_hosts_select_what_is_intercepted() {
    let table: &[(&str, u16, &[u8], bool)] = &[
        ("{}", 503, VIA, true),
        ("{}", 503, REFUSED, true),
        ("{}", 500, VIA, false),
        (r#"{"intercept":{"statuses":["5xx"]}}"#, 500, VIA, true),
        (r#"{"intercept":{"statuses":[504]}}"#, 503, VIA, false),
        (r#"{"intercept":{"source":"proxy"}}"#, 503, VIA, false),
        (r#"{"intercept":{"source":"proxy"}}"#, 503, REFUSED, true),
        (r#"{"intercept":{"source":"upstream"}}"#, 503, VIA, true),
        (
            r#"{"intercept":{"source":"upstream"}}"#,
            503,
            REFUSED,
            false,
        ),
        (r#"{"mode":"off"}"#, 503, REFUSED, false),
        (
            r#"{"intercept":{"skip":{"paths":["/a"]}}}"#,
            503,
            VIA,
            false,
        ),
        (
            r#"{"intercept":{"skip":{"paths":["/a*b=c"]}}}"#,
            503,
            VIA,
            true,
        ),
        (
            r#"{"intercept":{"skip":{"hosts":["shop.*"]}}}"#,
            503,
            VIA,
            false,
        ),
        (
            r#"{"intercept":{"skip":{"hosts":["other.example"]}}}"#,
            503,
            VIA,
            true,
        ),
    ];
    for (json, status, details, taken) in table {
        let case = get(json, *status, false, details);
        assert_eq!(!case.passes(), *taken, "{json} {status}");
    }
}

#[test]
fn shadow_mode_passes_every_failure() {
    let mut case = get(r#"{"mode":"shadow"}"#, 503, false, REFUSED);
    assert!(case.passes());
    assert_eq!(case.state("tidegate.reason"), Some("connection_refused"));
    assert_eq!(case.filter.on_response_body(10, false), None);
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
fn responses_that_the_upstream_means_for_the_client_pass() {
    type Row<'a> = (&'a str, &'a str, bool, &'a [(&'a str, &'a str)], bool);
    let table: &[Row<'_>] = &[
        ("{}", "GET", false, &[("content-type", "text/html")], false),
        (
            "{}",
            "GET",
            false,
            &[("content-type", "application/xhtml+xml")],
            false,
        ),
        ("{}", "GET", false, &[], false),
        (
            "{}",
            "GET",
            false,
            &[("content-type", "application/json")],
            true,
        ),
        (
            "{}",
            "GET",
            false,
            &[("content-type", "Application/JSON; charset=utf-8")],
            true,
        ),
        (
            "{}",
            "GET",
            false,
            &[("content-type", "application/problem+json")],
            true,
        ),
        ("{}", "GET", false, &[("content-type", "text/xml")], true),
        (
            "{}",
            "GET",
            false,
            &[("content-type", "application/soap+xml")],
            true,
        ),
        (
            "{}",
            "GET",
            false,
            &[("content-type", "application/grpc")],
            true,
        ),
        (
            "{}",
            "GET",
            true,
            &[("content-type", "application/json")],
            false,
        ),
        (
            "{}",
            "GET",
            false,
            &[
                ("content-type", "application/json"),
                ("content-length", "0"),
            ],
            false,
        ),
        (
            "{}",
            "HEAD",
            true,
            &[("content-type", "application/json")],
            true,
        ),
        ("{}", "HEAD", true, &[("content-type", "text/html")], false),
        (
            r#"{"intercept":{"upstream_body":"replace"}}"#,
            "GET",
            false,
            &[("content-type", "application/json")],
            false,
        ),
        (
            r#"{"intercept":{"upstream_body":"keep"}}"#,
            "GET",
            false,
            &[("content-type", "text/html")],
            true,
        ),
        (
            r#"{"intercept":{"upstream_body":"keep"}}"#,
            "GET",
            true,
            &[],
            false,
        ),
        ("{}", "GET", false, &[("x-tidegate", "off")], true),
        ("{}", "GET", false, &[("x-tidegate", " OFF ")], true),
        ("{}", "GET", false, &[("x-tidegate", "on")], false),
        (
            r#"{"intercept":{"opt_out_header":"x-mine"}}"#,
            "GET",
            false,
            &[("x-tidegate", "off")],
            false,
        ),
        (
            r#"{"intercept":{"opt_out_header":"X-Mine"}}"#,
            "GET",
            true,
            &[("x-mine", "off")],
            true,
        ),
        ("{}", "GET", false, &[(MARKER, "dns_error")], true),
        (
            r#"{"security":{"inner_pages":"ignore"}}"#,
            "GET",
            false,
            &[(MARKER, "dns_error")],
            false,
        ),
    ];
    for (json, method, eos, headers, passes) in table {
        let case = Case::new(json, request(method, &[]), (503, *eos), VIA, headers);
        assert_eq!(
            case.passes(),
            *passes,
            "{json} {method} eos={eos} {headers:?}"
        );
    }
}

/// Headers do not make a failure of Envoy itself pass.
#[test]
fn only_an_upstream_can_opt_out() {
    let headers = [
        ("x-tidegate", "off"),
        (MARKER, "dns_error"),
        ("content-type", "application/json"),
    ];
    let case = Case::new("{}", request("GET", &[]), (503, false), REFUSED, &headers);
    assert!(!case.passes());
}

#[test]
fn a_failed_grpc_call_gets_a_grpc_status() {
    let call = || request("POST", &[("content-type", "application/grpc")]);
    let failed = |code: &str, details: &[u8]| {
        let headers = [("content-type", "application/grpc"), ("grpc-status", code)];
        Case::new("{}", call(), (200, true), details, &headers)
    };
    let reply = failed("14", REFUSED).local_reply();
    assert_eq!((reply.status, reply.grpc_status), (502, Some(14)));
    let reply = failed("14", b"response_timeout").local_reply();
    assert_eq!(reply.status, 504);
    let not_found = failed("12", b"route_not_found");
    assert!(not_found.passes(), "404 is not intercepted");
    assert!(failed("14", VIA).passes(), "the service's own status");
    assert!(failed("0", VIA).passes());
    assert!(Case::new("{}", call(), (200, false), VIA, &[]).passes());
    // An HTTP error of a server in between: the client cannot read it, even with a body to come.
    let html = [("content-type", "text/html")];
    Case::new("{}", call(), (503, false), VIA, &html).local_reply();
    let json = [("content-type", "application/json")];
    Case::new("{}", call(), (502, false), VIA, &json).local_reply();
    // An empty 200 for a request that is not gRPC is not inspected.
    let plain = get("{}", 200, true, b"");
    assert!(plain.passes());
    assert_eq!(plain.world.host.reads, ["Request", "Response :status"]);
}

#[test]
fn details_name_the_reason_and_envoys_own_details() {
    let reply = get("{}", 503, true, REFUSED).local_reply();
    let want = "tidegate_connection_refused{upstream_reset_before_response_started{remote_connection_failure}}";
    assert_eq!(String::from_utf8(reply.details).unwrap(), want);
}

#[test]
fn a_request_is_decided_once() {
    let mut case = get("{}", 503, true, REFUSED);
    assert!(!case.passes());
    let Case { world, filter, .. } = &mut case;
    let again = world.respond_with(filter, response(503, &[]), true, REFUSED);
    assert_eq!(again, ResponseAction::Continue);
    assert_eq!(filter.on_response_body(10, false), None);
}

/// Such a header map is the host's fault.
#[test]
fn header_maps_that_cannot_be_read_pass() {
    for is_request in [true, false] {
        let mut world = World::new("{}");
        world.host.is_garbled = is_request;
        let (mut filter, _) = world.begin_with(request("GET", &[]));
        world.host.is_garbled = !is_request;
        let action = world.respond_with(&mut filter, response(503, &[]), false, VIA);
        assert_eq!(action, ResponseAction::Continue);
    }
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
    assert!(!filter.on_response_trailers(&mut world.host));
}

#[test]
fn a_filter_that_is_off_asks_for_nothing() {
    let mut case = get(r#"{"mode":"off"}"#, 503, false, REFUSED);
    assert!(case.passes());
    case.world.end(&mut case.filter, b"");
    assert!(case.world.host.reads.is_empty());
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

proptest::proptest! {
    #[test]
    fn a_request_is_replaced_at_most_once_whatever_the_order_of_callbacks(
        steps in proptest::collection::vec((0..4_u8, 0..700_u16, proptest::prelude::any::<bool>()), 0..12),
        request in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
        details in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
    ) {
        let mut world = World::new(r#"{"intercept":{"statuses":["4xx","5xx"]}}"#);
        let (mut filter, _) = world.begin_with(HeaderBlock::from_wire(request));
        let mut replaced = 0;
        for (step, status, flag) in steps {
            match step {
                0 | 1 => {
                    let action = world.respond_with(&mut filter, response(status, &[]), flag, &details);
                    replaced += u8::from(action != ResponseAction::Continue);
                }
                2 => { filter.on_response_body(10, false); }
                _ => filter.fail_open(&mut world.host, &mut world.worker, "the response", HostError::NotFound),
            }
        }
        proptest::prop_assert!(replaced <= 1);
    }
}
