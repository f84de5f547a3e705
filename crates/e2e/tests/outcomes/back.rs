//! An upstream that is back proves it by its first response headers, whatever they say.

use std::time::{Duration, Instant};

use serde_json::{json, Value};
use tidegate_e2e::config::merge;
use tidegate_e2e::upstream::{Answer, Behaviour, Body};

use super::bench::{Bench, Kind, PROBE_TIMEOUT};
use crate::breaker::bench::{route_to, wait_until};
use Kind::{Grpc, H1, H2};

/// Longest time from the first good response headers until traffic returns.
const RETURNS: Duration = Duration::from_secs(10);

/// What an upstream that is back answers to everything.
struct Case {
    name: &'static str,
    kinds: &'static [Kind],
    answer: MakeAnswer,
    per_second: u32,
}

/// Longer than any scenario.
const FOREVER: usize = 500;

fn stream(content_type: &str, message: &[u8], count: usize) -> Answer {
    Answer::status(200)
        .header("content-type", content_type)
        .with(Body::Chunks(
            vec![message.to_vec(); count],
            Duration::from_secs(1),
        ))
}

fn grpc_stream(count: usize) -> Answer {
    stream("application/grpc", &[0; 5], count)
}

fn events(count: usize) -> Answer {
    stream("text/event-stream", b"data: x\n\n", count)
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    // c10 (a): all tokens ran out during the outage.
    Case { name: "back-401", kinds: &[H1, H2], per_second: 20,
           answer: || Answer::status(401).after(Duration::from_millis(200)) },
    Case { name: "back-302", kinds: &[H1, H2], per_second: 20,
           answer: || Answer::status(302).header("location", "/login") },
    // c10 (b): this route follows redirects inside Envoy, to another route.
    Case { name: "back-inside", kinds: &[H1, H2], per_second: 20,
           answer: || Answer::status(302).header("location", "http://site.example/elsewhere") },
    // c09: headers come later than the lease of a probe ends.
    Case { name: "back-poll", kinds: &[H1, H2], per_second: 10,
           answer: || Answer::status(200).after(PROBE_TIMEOUT * 5 / 2) },
    // c02: streams without an end.
    Case { name: "back-stream", kinds: &[Grpc], per_second: 3, answer: || grpc_stream(FOREVER) },
    Case { name: "back-events", kinds: &[H1, H2], per_second: 3, answer: || events(FOREVER) },
];

type MakeAnswer = fn() -> Answer;

/// Streams that begin well and break off within the first second.
const CUT: &[(Kind, MakeAnswer)] = &[
    (H1, || cut(events(0))),
    (H2, || cut(events(0))),
    (Grpc, || cut(grpc_stream(0))),
];

fn cut(answer: Answer) -> Answer {
    answer
        .with(Body::Chunks(
            vec![b"\0\0\0\0\0".to_vec()],
            Duration::from_millis(50),
        ))
        .cut()
}

/// Settings of the routes here.
pub(crate) fn rules() -> Vec<Value> {
    let soon = json!({ "consecutive": { "failures": 5, "for": "0s" } });
    vec![json!({ "name": "back", "match": { "route": "back-*" }, "breaker": soon })]
}

pub(crate) fn routes() -> Vec<Value> {
    let cases = CASES
        .iter()
        .flat_map(|case| case.kinds.iter().map(move |kind| (*kind, case.name)));
    let cut = CUT.iter().map(|(kind, _)| (*kind, "back-cut"));
    let route = |(kind, name): (Kind, &str)| {
        let route = route_to(&kind.route(name), kind.cluster());
        let more = match name {
            "back-inside" => json!({ "internal_redirect_policy": {} }),
            // A stream has no time-out.
            _ => json!({ "timeout": "0s" }),
        };
        merge(route, json!({ "route": more }))
    };
    let elsewhere = route_to("elsewhere", "app");
    cases.chain(cut).map(route).chain([elsewhere]).collect()
}

/// All are down at first.
pub(crate) fn behaviours() -> Vec<(String, Behaviour)> {
    let cases = CASES
        .iter()
        .flat_map(|case| case.kinds.iter().map(move |kind| (*kind, case.name)));
    let cut = CUT.iter().map(|(kind, _)| (*kind, "back-cut"));
    let down = |(kind, name): (Kind, &str)| (kind.route(name), kind.failure().into());
    cases.chain(cut).map(down).collect()
}

/// Returns the states that the circuit entered, in order.
fn entered(bench: &Bench, key: &str) -> Vec<String> {
    let events = bench.changes(key).into_iter();
    let to = events.filter_map(|event| event["to"].as_str().map(str::to_owned));
    to.collect()
}

/// Counts how often the circuit entered a state.
fn times(bench: &Bench, key: &str, state: &str) -> usize {
    let entered = entered(bench, key);
    entered.iter().filter(|to| *to == state).count()
}

pub(crate) fn the_first_good_headers_bring_a_route_back(bench: &Bench) {
    let all = CASES
        .iter()
        .flat_map(|case| case.kinds.iter().map(move |kind| (case, *kind)));
    let back = |case: &Case, kind: Kind| {
        let (route, key) = (kind.route(case.name), kind.key(case.name));
        let _load = bench.load(kind, kind.request(case.name), case.per_second);
        wait_until(&format!("{key} to open"), || {
            (times(bench, &key, "open") > 0).then_some(())
        });
        let answer = (case.answer)();
        let hold = answer.delay;
        bench.upstream.set(&route, answer);
        let before = bench.upstream.requests(&route);
        wait_until(&format!("a probe of {key}"), || {
            (bench.upstream.requests(&route) > before).then_some(())
        });
        let began = Instant::now() + hold;
        // Not before the first good answer, and then soon.
        loop {
            let states = entered(bench, &key);
            if states.iter().any(|to| to == "ramp") {
                break;
            }
            if Instant::now() > began + RETURNS {
                return Some(format!("{key} is not back: {states:?}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        // And it stays back, also when the leases of all probes are over.
        let stays = Instant::now() + hold.max(PROBE_TIMEOUT) + PROBE_TIMEOUT;
        wait_until("the leases to be over", || {
            (Instant::now() > stays).then_some(())
        });
        let states = entered(bench, &key);
        let after = states.iter().skip_while(|to| *to != "ramp");
        let reopened = after.into_iter().any(|to| to == "open");
        reopened.then(|| format!("{key} does not stay back: {states:?}"))
    };
    let findings: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = all
            .map(|(case, kind)| scope.spawn(move || back(case, kind)))
            .collect();
        let ends = threads.into_iter().map(|thread| thread.join());
        ends.filter_map(|end| end.expect("a case")).collect()
    });
    assert!(findings.is_empty(), "{findings:#?}");
}

/// Good headers are not enough if what follows breaks off: the circuit opens again.
pub(crate) fn streams_that_break_off_do_not_bring_a_route_back(bench: &Bench) {
    let running: Vec<_> = CUT
        .iter()
        .map(|(kind, answer)| {
            let load = bench.load(*kind, kind.request("back-cut"), 10);
            (*kind, answer, load)
        })
        .collect();
    for (kind, answer, _) in &running {
        let key = kind.key("back-cut");
        wait_until(&format!("{key} to open"), || {
            (times(bench, &key, "open") > 0).then_some(())
        });
        bench.upstream.set(&kind.route("back-cut"), answer());
    }
    for (kind, ..) in &running {
        let key = kind.key("back-cut");
        // Twice more, since a probe may have been out when the upstream changed.
        wait_until(&format!("{key} to open again"), || {
            (times(bench, &key, "open") >= 3).then_some(())
        });
        assert_eq!(times(bench, &key, "closed"), 0, "{key}");
    }
}
