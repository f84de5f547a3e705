//! Answers that are about one client, and answers that are meant, open nothing.

use serde_json::{json, Value};
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::upstream::{Answer, Behaviour};

use super::bench::{Bench, Kind};
use super::load::Load;
use crate::breaker::bench::{is_rejected, route_to, wait_until};
use Kind::{Grpc, H1, H2};

/// Requests of each kind: enough for the ratio, and for a run of failures that lasts.
const MANY: usize = 45;
/// Requests a second whose answers must not count as failures.
const BLAMELESS: u32 = 15;
/// Requests a second of all other clients.
const OTHERS: u32 = 5;

/// What the upstream answers to one client, on the path that all use.
struct Case {
    /// The scenario, which has a route of its own.
    name: &'static str,
    kinds: &'static [Kind],
    answer: fn() -> Answer,
    /// What else differs about the request.
    change: fn(Request) -> Request,
    /// Why the breaker ignores the answer; `None` if the answer is a success.
    ignored: Option<&'static str>,
}

const HTTP: &[Kind] = &[H1, H2];

fn as_it_is(request: Request) -> Request {
    request
}

fn page(status: u16) -> Answer {
    Answer::status(status).body("text/html", "<h1>the upstream's own")
}

fn grpc() -> Answer {
    Answer::status(200).header("content-type", "application/grpc")
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    // c01: about the client that sent too much.
    Case { name: "limited", kinds: HTTP, answer: || page(429).header("retry-after", "600"), change: as_it_is,
           ignored: Some("rate_limited") },
    Case { name: "limited-call", kinds: &[Grpc], answer: || grpc().header("grpc-status", "8"), change: as_it_is,
           ignored: Some("rate_limited") },
    Case { name: "limited-late", kinds: &[Grpc],
           answer: || grpc().chunks("application/grpc", &[&[0; 5]]).trailer("grpc-status", "8"), change: as_it_is,
           ignored: Some("rate_limited") },
    // c10: an upstream that answers is alive.
    Case { name: "unknown", kinds: HTTP, answer: || page(401).header("www-authenticate", "Basic"), change: as_it_is,
           ignored: None },
    Case { name: "large", kinds: HTTP, answer: || page(413), change: as_it_is, ignored: None },
    // c03 (b), (c), (d), and a route that keeps the upstream's bodies.
    Case { name: "opted-out", kinds: HTTP, answer: || page(503).header("x-tidegate", "off"), change: as_it_is,
           ignored: Some("meant") },
    Case { name: "skipped-path", kinds: HTTP, answer: || page(503), change: skipped_path, ignored: Some("skipped") },
    Case { name: "skipped-host", kinds: HTTP, answer: || page(503), change: skipped_host, ignored: Some("skipped") },
    Case { name: "inner", kinds: HTTP, answer: || page(503).header("x-tidegate-page", "upstream_unavailable"),
           change: as_it_is, ignored: Some("meant") },
    Case { name: "kept", kinds: HTTP, answer: || page(503), change: as_it_is, ignored: Some("meant") },
];

fn skipped_path(mut request: Request) -> Request {
    request.path.push_str("/robots.txt");
    request
}

fn skipped_host(mut request: Request) -> Request {
    request.authority = "skipped.example".to_owned();
    request
}

/// Settings of the routes here.
pub(crate) fn rules() -> Vec<Value> {
    let skip = json!({ "paths": ["*/robots.txt"], "hosts": ["skipped.example"] });
    let long = json!({ "open": { "base": "60s", "max": "60s" } });
    vec![
        json!({ "name": "kept", "match": { "route": "kept-*" },
                "intercept": { "upstream_body": "keep" } }),
        json!({ "name": "skipped", "match": { "route": "skipped-*" },
                "intercept": { "skip": skip } }),
        json!({ "name": "passing", "match": { "route": "passing-*" },
                "intercept": { "skip": skip }, "breaker": long }),
    ]
}

pub(crate) fn routes() -> Vec<Value> {
    let cases = CASES
        .iter()
        .flat_map(|case| case.kinds.iter().map(move |kind| (*kind, case.name)));
    let more = [
        (H1, "passing"),
        (H2, "passing"),
        (H1, "bots"),
        (Grpc, "bots"),
    ];
    let all = cases.chain(more);
    all.map(|(kind, name)| route_to(&kind.route(name), kind.cluster()))
        .collect()
}

pub(crate) fn behaviours() -> Vec<(String, Behaviour)> {
    let cases = CASES
        .iter()
        .map(|case| (format!("to-{}", case.name), (case.answer)().into()));
    let fine = ["limited-call", "limited-late"].map(|name| (Grpc, name));
    let fine = fine
        .into_iter()
        .map(|(kind, name)| (kind.route(name), kind.success().into()));
    let more = [
        ("to-bots-h1", page(404)),
        ("to-bots-grpc", grpc().header("grpc-status", "5")),
        ("down-h1", H1.failure()),
        ("down-h2", H2.failure()),
        ("down-grpc", Grpc.failure()),
        ("down-skipped", page(503)),
    ];
    let more = more.map(|(name, answer)| (name.to_owned(), answer.into()));
    cases.chain(fine).chain(more).collect()
}

fn choose(request: Request, behaviour: &str) -> Request {
    request.header("x-behaviour", behaviour)
}

/// One client gets a strange answer, again and again, on the path that all others use.
pub(crate) fn answers_that_are_no_fault_of_the_upstream_open_nothing(bench: &Bench) {
    let all = CASES
        .iter()
        .flat_map(|case| case.kinds.iter().map(move |kind| (case, *kind)));
    let running: Vec<_> = all
        .map(|(case, kind)| {
            let request = kind.request(case.name);
            let strange = choose(request.clone(), &format!("to-{}", case.name));
            let strange = bench.load(kind, (case.change)(strange), BLAMELESS);
            (case, kind, strange, bench.load(kind, request, OTHERS))
        })
        .collect();
    let mut findings = Vec::new();
    for (case, kind, strange, others) in running {
        let key = kind.key(case.name);
        let sent = (case.answer)();
        let is_untouched = |response: &Response| {
            let page = |headers: &tidegate_e2e::message::Headers| {
                headers.get("x-tidegate-page").map(str::to_owned)
            };
            response.status == sent.status
                && page(&response.headers) == page(&sent.headers)
                && (kind == Grpc || response.text() == "<h1>the upstream's own")
        };
        findings.extend(strange.unlike(&format!("{key}, strange"), MANY, is_untouched));
        findings.extend(bench.is_noticed(case.name, kind, &others));
        if let Some(why) = case.ignored {
            findings.extend(bench.too_few_ignored(why, &key, MANY));
        }
    }
    assert!(findings.is_empty(), "{findings:#?}");
}

/// A path or a host that is skipped passes while the circuit rejects everything else.
pub(crate) fn skipped_requests_pass_an_open_circuit(bench: &Bench) {
    for kind in [H1, H2] {
        let key = kind.key("passing");
        let down = if kind == H1 { "down-h1" } else { "down-h2" };
        let request = kind.request("passing");
        let failing = bench.load(kind, choose(request.clone(), down), 20);
        wait_until(&format!("{key} to open"), || {
            (!bench.opened(&key).is_empty()).then_some(())
        });
        let rejected = |load: &Load| {
            let last = load.seen().pop()?;
            last.response().is_some_and(is_rejected).then_some(())
        };
        wait_until("rejections", || rejected(&failing));
        for change in [skipped_path, skipped_host] {
            // Whatever the upstream says: a failure or a success.
            for (behaviour, status) in [("down-skipped", 503), ("fine", 200)] {
                let skipped = change(choose(request.clone(), behaviour));
                let load = bench.load(kind, skipped, 20);
                let wrong = load.unlike(&format!("{key}, {behaviour}"), 20, |response| {
                    response.status == status && !response.headers.has("x-tidegate-page")
                });
                assert_eq!(wrong, None);
            }
        }
        assert_eq!(rejected(&failing), Some(()), "{key} is still open");
    }
}

/// Nearly all answers are 404 (gRPC: NOT_FOUND) for bots, and no request succeeds. A failure now
/// and then is no run of failures, and no share of half.
pub(crate) fn a_failure_now_and_then_among_errors_of_clients_opens_nothing(bench: &Bench) {
    const FAILURES: usize = 14;
    let running = [H1, Grpc].map(|kind| {
        let request = kind.request("bots");
        let (bots, down) = match kind {
            Grpc => ("to-bots-grpc", "down-grpc"),
            H1 | H2 => ("to-bots-h1", "down-h1"),
        };
        let bots = bench.load(kind, choose(request.clone(), bots), 80);
        (kind, bots, bench.load(kind, choose(request, down), 2))
    });
    for (kind, bots, down) in running {
        let key = kind.key("bots");
        down.wait_for(FAILURES);
        let seen = bots.seen();
        assert!(
            seen.len() > 20 * FAILURES,
            "{} requests of bots",
            seen.len()
        );
        assert_eq!(bench.opened(&key), Vec::<Value>::new(), "{key}");
        let wanted = |response: &Response| match kind {
            Grpc => response.header("grpc-status") == Some("5"),
            H1 | H2 => response.status == 404,
        };
        assert_eq!(bots.unlike(&format!("{key}, bots"), 1, wanted), None);
    }
}
