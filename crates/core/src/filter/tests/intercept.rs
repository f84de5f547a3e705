//! Which failures are replaced.

use super::*;
use crate::breaker::Neutral;
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
        assert_eq!(
            case.filter.on_response_body(10, false),
            BodyAction::Continue
        );
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
    assert_eq!(
        case.filter.on_response_body(10, false),
        BodyAction::Continue
    );
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
    assert_eq!(
        case.filter.on_response_body(10, false),
        BodyAction::Continue
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
    let headers = [("x-tidegate", "off"), ("content-type", "application/json")];
    let case = Case::new("{}", request("GET", &[]), (503, false), REFUSED, &headers);
    assert!(!case.passes());
}

/// Another plugin of the same proxy made it: a local reply with its details, or a page in place of what
/// Envoy or the upstream sent, with its marker and its filter state.
#[test]
fn a_page_of_another_plugin_passes_and_is_not_counted() {
    const OPEN: &[u8] = b"tidegate_circuit_open{connection_refused}";
    let wary = r#"{"security":{"inner_pages":"ignore"}}"#;
    let marked: &[_] = &[(MARKER, "connection_refused")];
    let reason: &[_] = &[("tidegate.reason", "connection_refused")];
    for (details, headers, state, passes) in [
        (OPEN, &[][..], &[][..], true),
        (REFUSED, marked, &[], true),
        (VIA, marked, reason, true),
        // Anybody's mark: no plugin has set this reason.
        (VIA, marked, &[], false),
        (VIA, marked, &[("tidegate.reason", "dns_error")], false),
        (VIA, &[], reason, false),
    ] {
        let mut world = World::new(wary);
        for (name, value) in state {
            let value = value.as_bytes().to_vec();
            world.host.attributes.insert((*name).to_owned(), value);
        }
        let (mut filter, _) = world.begin_with(request("GET", &[]));
        let action = world.respond_with(&mut filter, response(503, headers), false, details);
        let context = format!("{} {headers:?} {state:?}", details.escape_ascii());
        assert_eq!(action == ResponseAction::Continue, passes, "{context}");
        world.end(&mut filter, details);
        let is_ignored = filter.verdict.is_some_and(|verdict| !verdict.is_bad());
        assert_eq!(is_ignored, passes, "{context}");
        let why = filter.verdict.and_then(|verdict| verdict.why);
        assert_eq!(why == Some(Neutral::Meant), passes, "{context}");
        assert!(world.host.filter_state.is_empty() == passes, "{context}");
    }
}

/// A local reply to a response bypasses the plugins that are closer to the client.
#[test]
fn a_reply_of_another_plugin_that_bypasses_this_one_is_no_client_that_left() {
    let mut world = World::new("{}");
    let (mut filter, _) = world.begin_with(request("GET", &[]));
    world.end(&mut filter, b"tidegate_upstream_bad_gateway{via_upstream}");
    assert_eq!(filter.verdict, Some(Neutral::Meant.into()));
}

#[test]
fn a_failed_grpc_call_gets_a_grpc_status() {
    let call = || request("POST", &[("content-type", "application/grpc")]);
    // Envoy makes every status of its own replies a `grpc-status`, and 14 of several.
    let failed = |json: &str, code: u16, details: &[u8]| {
        let mut world = World::new(json);
        world.reply_with(code);
        let (mut filter, _) = world.begin_with(call());
        let headers = response(200, &[("grpc-status", "14")]);
        match world.respond_with(&mut filter, headers, true, details) {
            ResponseAction::Replace(headers) => [MARKER, "grpc-status"].map(|name| {
                let value = headers.get(name).unwrap();
                String::from_utf8(value.to_vec()).unwrap()
            }),
            other => panic!("{other:?}"),
        }
    };
    for (code, details, reason) in [
        (503, REFUSED, "connection_refused"),
        (504, b"response_timeout", "http_response_timeout"),
        (503, b"fault_filter_abort", "proxy_internal_error"),
    ] {
        assert_eq!(failed("{}", code, details), [reason, "14"]);
    }
    let limited = r#"{"intercept":{"statuses":[429]}}"#;
    let got = failed(limited, 429, b"local_rate_limited");
    assert_eq!(got, ["rate_limited", "8"], "RESOURCE_EXHAUSTED");
    // What passes: what is not configured, and what a filter says that answers calls itself.
    for (code, details) in [
        (404, &b"route_not_found"[..]),
        (429, b"local_rate_limited"),
        (403, b"rbac_access_denied"),
        (200, b"fault_filter_abort"),
    ] {
        let mut world = World::new("{}");
        world.reply_with(code);
        let (mut filter, _) = world.begin_with(call());
        let headers = response(200, &[("grpc-status", "14")]);
        let action = world.respond_with(&mut filter, headers, true, details);
        assert_eq!(action, ResponseAction::Continue, "{code}");
    }
    let service = |code: &str| {
        let headers = [("content-type", "application/grpc"), ("grpc-status", code)];
        Case::new("{}", call(), (200, true), VIA, &headers)
    };
    assert!(service("14").passes(), "the service's own status");
    assert!(service("0").passes());
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
    assert_eq!(filter.on_response_body(10, false), BodyAction::Continue);
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

const DIRECT: &[u8] = b"direct_response";

/// Envoy Gateway means a failure by a route that answers without a body. Whoever gives a route a body
/// means it for clients.
#[test]
fn an_empty_response_of_a_route_is_a_failure_and_one_with_a_body_is_not() {
    let reason = |status, end_of_stream, more: &[(&str, &str)], headers: &[(&str, &str)]| {
        let response = (status, end_of_stream);
        let case = Case::new("{}", request("GET", more), response, DIRECT, headers);
        let reason = case.state("tidegate.reason").map(str::to_owned);
        assert_eq!(reason.is_none(), case.passes());
        reason
    };
    let some = |token: &str| Some(token.to_owned());
    assert_eq!(reason(503, true, &[], &[]), some("destination_unavailable"));
    assert_eq!(
        reason(500, true, &[], &[]),
        some("proxy_configuration_error")
    );
    assert_eq!(reason(503, false, &[], &[]), None);
    assert_eq!(reason(500, false, &[], &[]), None);
    let grpc = [("content-type", "application/grpc")];
    for (status, message, want) in [
        ("14", None, some("destination_unavailable")),
        ("2", None, some("proxy_configuration_error")),
        ("14", Some("closed on Mondays"), None),
        ("2", Some("closed on Mondays"), None),
    ] {
        let mut headers = vec![("grpc-status", status)];
        headers.extend(message.map(|message| ("grpc-message", message)));
        assert_eq!(
            reason(200, true, &grpc, &headers),
            want,
            "{status} {message:?}"
        );
    }
    // HEAD has no body, but the length of one.
    let head = |length| {
        let headers = [("content-length", length)];
        Case::new("{}", request("HEAD", &[]), (503, true), DIRECT, &headers)
    };
    assert!(head("17").passes());
    assert!(!head("0").passes());
    // An application's own 500 is none of this.
    assert!(get("{}", 500, true, VIA).passes());
    let upstream_only = r#"{"intercept":{"source":"upstream"}}"#;
    assert!(get(upstream_only, 500, true, DIRECT).passes());
}
