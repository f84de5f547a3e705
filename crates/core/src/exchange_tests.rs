use super::*;
use crate::config::Config;
use crate::reply::MARKER;
use crate::worker::tests::FakeHost;

const VIA: &[u8] = b"via_upstream";
const REFUSED: &[u8] = b"upstream_reset_before_response_started{remote_connection_failure}";

fn gate(json: &str) -> Gate {
    Gate::new(Config::from_json(json.as_bytes()).unwrap())
}

/// A request by `method` for `/a?b` that accepts HTML, with more headers.
fn exchange(method: &str, more: &[(&str, &str)]) -> Exchange {
    let mut headers = vec![
        (":method", method),
        (":authority", "Shop.example:8443"),
        (":path", "/a?b=c"),
        ("accept", "text/html"),
    ];
    headers.extend_from_slice(more);
    begun(HeaderBlock::from_pairs(&headers))
}

/// An exchange that has taken its request, while no breaker is in trouble.
fn begun(request: HeaderBlock) -> Exchange {
    let gate = gate("{}");
    let mut exchange = Exchange::default();
    assert!(!exchange.begin(request, &gate, &TestWorker::new(&gate).breakers()));
    exchange
}

fn facts(status: u16, end_of_stream: bool, details: &[u8], more: &[(&str, &str)]) -> ResponseFacts {
    let code = status.to_string();
    let mut headers = vec![(":status", code.as_str())];
    headers.extend_from_slice(more);
    ResponseFacts {
        status,
        end_of_stream,
        headers: HeaderBlock::from_pairs(&headers),
        details: details.to_vec(),
        flags: 0,
        now_ns: Some(1_795_413_600_000_000_000),
        route: RouteFacts::default(),
    }
}

/// Sends a response through a whole exchange.
fn answer(gate: &Gate, exchange: &mut Exchange, facts: &ResponseFacts) -> Verdict {
    let mut worker = TestWorker::new(gate);
    let (status, ends) = (facts.status, facts.end_of_stream);
    match exchange.saw_status(gate, &mut worker.worker, status, ends) {
        Look::Pass | Look::Settle | Look::Sample => Verdict::Pass,
        Look::Inspect => exchange.decide(gate, &mut worker.breakers(), facts),
    }
}

/// What the exchanges of a worker share.
pub(super) struct TestWorker {
    pub(super) worker: Worker,
    pub(super) host: FakeHost,
}

impl TestWorker {
    pub(super) fn new(gate: &Gate) -> Self {
        Self {
            worker: gate.worker("t"),
            host: FakeHost::default(),
        }
    }

    pub(super) fn breakers(&mut self) -> Breakers<'_> {
        Breakers {
            worker: &mut self.worker,
            store: Shared(&mut self.host),
        }
    }
}

fn get(json: &str, facts: &ResponseFacts) -> Verdict {
    answer(&gate(json), &mut exchange("GET", &[]), facts)
}

#[test]
fn how_a_reply_is_made_follows_the_end_of_the_stream() {
    let failure = |eos| get("{}", &facts(502, eos, VIA, &[]));
    assert!(matches!(failure(false), Verdict::Rewrite(..)));
    assert!(matches!(failure(true), Verdict::Reply(_)));
}

/// The access log is told the same as the client.
#[test]
fn a_failure_is_marked_with_its_reason_and_hint() {
    for eos in [false, true] {
        let mark = get("{}", &facts(503, eos, REFUSED, &[])).mark().unwrap();
        assert_eq!(mark.reason, Reason::ConnectionRefused);
        // The configured time, longer by up to a fifth.
        assert!(
            (10_000..=12_000).contains(&mark.hint_ms.unwrap()),
            "{mark:?}"
        );
    }
    let tls = b"upstream_reset_before_response_started{remote_connection_failure|TLS_error:x}";
    let mark = get("{}", &facts(503, false, tls, &[])).mark().unwrap();
    assert_eq!(
        (mark.reason, mark.hint_ms),
        (Reason::TlsProtocolError, None)
    );
    // In shadow mode the reason is told all the same, and no hint, since nobody was given one.
    let mark = get(r#"{"mode": "shadow"}"#, &facts(502, true, VIA, &[])).mark();
    let mark = mark.unwrap();
    assert_eq!(
        (mark.reason, mark.hint_ms),
        (Reason::UpstreamBadGateway, None)
    );
    assert_eq!(get("{}", &facts(500, true, VIA, &[])).mark(), None);
}

#[test]
fn a_rewritten_body_is_the_page_then_nothing() {
    let gate = gate("{}");
    let mut exchange = exchange("GET", &[]);
    let Verdict::Rewrite(headers, _) =
        answer(&gate, &mut exchange, &facts(503, false, REFUSED, &[]))
    else {
        panic!("not rewritten")
    };
    assert!(exchange.drops_trailers());
    let page = exchange.body(false).unwrap();
    let length = std::str::from_utf8(headers.get("content-length").unwrap()).unwrap();
    assert_eq!(length, page.len().to_string());
    assert_eq!(
        headers.get(":status"),
        Some(&b"502"[..]),
        "RFC 9209: refused is 502"
    );
    assert_eq!(exchange.body(false), Some(Vec::new()));
    assert_eq!(exchange.body(false), Some(Vec::new()));
    assert!(exchange.drops_trailers());
}

/// A response without any data never has its body callback run: the page's length is promised only
/// where that cannot be.
#[test]
fn the_length_is_promised_only_where_it_will_be_kept() {
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
        let Verdict::Rewrite(got, _) = get("{}", &facts(502, false, details, headers)) else {
            panic!("not rewritten: {headers:?}")
        };
        assert_eq!(got.get("content-length").is_some(), promised, "{headers:?}");
    }
}

/// Envoy gives a local reply what the route adds, so it must not be copied from its own failure.
#[test]
fn a_local_reply_does_not_double_what_the_route_adds() {
    let added = [
        ("access-control-allow-origin", "*"),
        ("strict-transport-security", "max-age=1"),
    ];
    let kept = |eos, details: &[u8]| match get("{}", &facts(503, eos, details, &added)) {
        Verdict::Reply(reply) => reply.local_headers().get(added[0].0).is_some(),
        Verdict::Rewrite(headers, _) => headers.get(added[0].0).is_some(),
        other => panic!("{other:?}"),
    };
    assert!(!kept(true, REFUSED), "added again by Envoy");
    assert!(
        kept(false, REFUSED),
        "the rewritten headers are all there will be"
    );
    assert!(kept(true, VIA), "the upstream's own");
}

#[test]
fn what_is_no_failure_is_never_touched() {
    let gate = gate("{}");
    for status in [200, 204, 301, 304, 400, 404, 500, 501, 505] {
        let mut exchange = exchange("GET", &[]);
        assert_eq!(
            exchange.saw_status(&gate, &mut gate.worker("t"), status, false),
            Look::Pass,
            "{status}"
        );
        assert_eq!(exchange.body(false), None);
        assert!(!exchange.drops_trailers());
    }
}

/// It is looked at for the breaker's sake, and passes.
#[test]
fn too_many_requests_pass() {
    let gate = gate("{}");
    let mut exchange = exchange("GET", &[]);
    assert_eq!(
        answer(&gate, &mut exchange, &facts(429, false, VIA, &[])),
        Verdict::Pass
    );
    assert_eq!(exchange.body(false), None);
    assert!(exchange.can_settle());
}

#[test]
fn statuses_and_sources_by_configuration() {
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
        let verdict = get(json, &facts(*status, false, details, &[]));
        assert_eq!(verdict != Verdict::Pass, *taken, "{json} {status}");
    }
}

#[test]
fn shadow_decides_and_changes_nothing() {
    let gate = gate(r#"{"mode":"shadow"}"#);
    let mut exchange = exchange("GET", &[]);
    let verdict = answer(&gate, &mut exchange, &facts(503, false, REFUSED, &[]));
    assert_eq!(verdict, Verdict::Shadow(Reason::ConnectionRefused));
    assert_eq!(exchange.body(false), None);
}

#[test]
fn the_status_is_the_standard_one_or_envoys() {
    let status =
        |json: &str, status, details: &[u8]| match get(json, &facts(status, true, details, &[])) {
            Verdict::Reply(reply) => reply.status,
            other => panic!("{other:?}"),
        };
    assert_eq!(status("{}", 503, REFUSED), 502);
    assert_eq!(status("{}", 504, b"response_timeout"), 504);
    assert_eq!(status("{}", 503, VIA), 503);
    assert_eq!(
        status(r#"{"intercept":{"status":"keep"}}"#, 503, REFUSED),
        503
    );
}

/// What the upstream meant for the client as it is.
#[test]
fn meant_answers_pass() {
    type Case<'a> = (&'a str, &'a str, bool, &'a [(&'a str, &'a str)], bool);
    let table: &[Case<'_>] = &[
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
        let gate = gate(json);
        let mut exchange = exchange(method, &[]);
        let verdict = answer(&gate, &mut exchange, &facts(503, *eos, VIA, headers));
        assert_eq!(
            verdict == Verdict::Pass,
            *passes,
            "{json} {method} eos={eos} {headers:?}"
        );
    }
}

/// An upstream cannot speak for Envoy: its headers do not make a proxy failure pass.
#[test]
fn only_an_upstream_can_opt_out() {
    let headers = [
        ("x-tidegate", "off"),
        (MARKER, "dns_error"),
        ("content-type", "application/json"),
    ];
    assert_ne!(
        get("{}", &facts(503, false, REFUSED, &headers)),
        Verdict::Pass
    );
}

#[test]
fn grpc_gets_a_status_of_its_own_kind() {
    let gate = gate("{}");
    let call = || exchange("POST", &[("content-type", "application/grpc")]);
    let ask = |facts: &ResponseFacts| answer(&gate, &mut call(), facts);
    let failed = |code: &str, details: &[u8]| {
        ask(&facts(
            200,
            true,
            details,
            &[("content-type", "application/grpc"), ("grpc-status", code)],
        ))
    };
    let Verdict::Reply(reply) = failed("14", REFUSED) else {
        panic!("no reply")
    };
    assert_eq!((reply.status, reply.grpc_status), (502, Some(14)));
    assert!(matches!(failed("14", b"response_timeout"), Verdict::Reply(r) if r.status == 504));
    assert_eq!(
        failed("12", b"route_not_found"),
        Verdict::Pass,
        "404 is not intercepted"
    );
    assert_eq!(failed("14", VIA), Verdict::Pass, "the service's own word");
    assert_eq!(failed("0", VIA), Verdict::Pass);
    assert_eq!(ask(&facts(200, false, VIA, &[])), Verdict::Pass);
    // An HTTP error of something between: the client cannot read it, even with a body to come.
    assert!(matches!(
        ask(&facts(503, false, VIA, &[("content-type", "text/html")])),
        Verdict::Reply(_)
    ));
    let json = facts(502, false, VIA, &[("content-type", "application/json")]);
    assert!(
        matches!(ask(&json), Verdict::Reply(_)),
        "a gRPC client cannot read JSON"
    );
    // A plain request that gets an empty 200 is not looked at.
    let mut plain = exchange("GET", &[]);
    assert_eq!(
        plain.saw_status(&gate, &mut gate.worker("t"), 200, true),
        Look::Pass
    );
}

#[test]
fn details_name_the_reason_and_envoys_own() {
    let Verdict::Reply(reply) = get("{}", &facts(503, true, REFUSED, &[])) else {
        panic!()
    };
    let want = "tidegate_connection_refused{upstream_reset_before_response_started{remote_connection_failure}}";
    assert_eq!(String::from_utf8(reply.details).unwrap(), want);
}

#[test]
fn a_decided_exchange_is_never_decided_again() {
    let gate = gate("{}");
    let mut exchange = exchange("GET", &[]);
    let failure = facts(503, true, REFUSED, &[]);
    assert!(matches!(
        answer(&gate, &mut exchange, &failure),
        Verdict::Reply(_)
    ));
    assert_eq!(answer(&gate, &mut exchange, &failure), Verdict::Pass);
    let mut worker = TestWorker::new(&gate);
    let again = exchange.decide(&gate, &mut worker.breakers(), &failure);
    assert_eq!(again, Verdict::Pass);
    assert_eq!(exchange.body(false), None);
}

/// A header block that makes no sense is the host's fault, and no ground to replace anything.
#[test]
fn blocks_that_are_no_header_maps_pass() {
    let gate = gate("{}");
    let failure = facts(503, false, VIA, &[]);
    let mut blind = begun(HeaderBlock::from_wire(vec![0xff; 40]));
    assert_eq!(answer(&gate, &mut blind, &failure), Verdict::Pass);
    let garbled = ResponseFacts {
        headers: HeaderBlock::from_wire(vec![0xff; 40]),
        ..failure
    };
    assert_eq!(
        answer(&gate, &mut exchange("GET", &[]), &garbled),
        Verdict::Pass
    );
}

#[test]
fn giving_up_lets_everything_pass() {
    let gate = gate("{}");
    let mut exchange = exchange("GET", &[]);
    assert!(matches!(
        answer(&gate, &mut exchange, &facts(503, false, VIA, &[])),
        Verdict::Rewrite(..)
    ));
    exchange.give_up();
    assert_eq!(exchange.body(false), None);
    assert!(!exchange.drops_trailers());
}

proptest::proptest! {
    /// Whatever the host tells, in whatever order: an exchange ends, and answers at most once.
    #[test]
    fn at_most_one_answer(
        steps in proptest::collection::vec((0..4_u8, 0..700_u16, proptest::prelude::any::<bool>()), 0..12),
        request in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
        details in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
    ) {
        let gate = gate(r#"{"intercept":{"statuses":["4xx","5xx"]}}"#);
        let mut exchange = begun(HeaderBlock::from_wire(request));
        let mut worker = TestWorker::new(&gate);
        let mut answers = 0;
        for (step, status, flag) in steps {
            match step {
                0 => { exchange.saw_status(&gate, &mut worker.worker, status, flag); }
                1 => {
                    let facts = facts(status, flag, &details, &[]);
                    let verdict = exchange.decide(&gate, &mut worker.breakers(), &facts);
                    answers += u8::from(!matches!(verdict, Verdict::Pass));
                }
                2 => { exchange.body(false); }
                _ => exchange.give_up(),
            }
        }
        proptest::prop_assert!(answers <= 1);
    }
}
