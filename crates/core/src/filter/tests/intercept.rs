//! Which failures are replaced.

use super::*;
use crate::http::header_policy::MARKER;

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
        assert!(!case
            .filter
            .on_response_trailers(&mut case.world.host, &case.world.worker));
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
fn a_filter_that_is_off_asks_for_nothing() {
    let mut case = get(r#"{"mode":"off"}"#, 503, false, REFUSED);
    assert!(case.passes());
    case.world.end(&mut case.filter, b"");
    assert!(case.world.host.reads.is_empty());
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
