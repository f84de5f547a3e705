//! A deadline of the client's own ends a request. The route's time-out is another thing: it says
//! how long the operator wants to wait for this upstream.

use std::time::Duration;

use serde_json::{json, Value};
use tidegate_e2e::config::merge;
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::Behaviour;

use super::bench::{Bench, Kind};
use crate::breaker::bench::{route_to, wait_until};
use Kind::{Grpc, H1, H2};

/// Time that the page takes, within the time-out of its route.
const TAKES: Duration = Duration::from_millis(300);
/// Time-out of the routes.
const TIMEOUT: &str = "1.5s";
/// Requests with a deadline that is too short.
const MANY: usize = 45;

/// Deadlines, by the scenario.
const CASES: &[(&str, &[Kind], &str, &str)] = &[
    // The listener takes its clients for internal ones, of a mesh.
    ("total", &[H1, H2], "x-envoy-upstream-rq-timeout-ms", "1"),
    (
        "try",
        &[H1, H2],
        "x-envoy-upstream-rq-per-try-timeout-ms",
        "1",
    ),
    ("call", &[Grpc], "grpc-timeout", "1m"),
];

/// A route for calls that never answers.
const DEAD: &str = "dead-call";

fn all() -> impl Iterator<Item = (&'static str, Kind, Request)> {
    CASES.iter().flat_map(|(name, kinds, header, value)| {
        let request = move |kind: &Kind| kind.request(name).header(header, value);
        kinds.iter().map(move |kind| (*name, *kind, request(kind)))
    })
}

pub(crate) fn routes() -> Vec<Value> {
    let all = all().map(|(name, kind, _)| (name, kind));
    all.chain([(DEAD, Grpc)])
        .map(|(name, kind)| {
            let limits = match kind {
                H1 | H2 => json!({ "timeout": TIMEOUT }),
                // Envoy ignores `timeout` where a route honours the deadlines of calls.
                Grpc => json!({ "max_stream_duration": {
                    "max_stream_duration": TIMEOUT,
                    "grpc_timeout_header_max": "60s",
                } }),
            };
            let route = route_to(&kind.route(name), kind.cluster());
            merge(route, json!({ "route": limits }))
        })
        .collect()
}

pub(crate) fn behaviours() -> Vec<(String, Behaviour)> {
    all()
        .map(|(name, kind, _)| (kind.route(name), kind.success().after(TAKES).into()))
        .collect()
}

pub(crate) fn deadlines_of_clients_open_nothing_and_the_routes_own_does(bench: &Bench) {
    let running: Vec<_> = all()
        .map(|(name, kind, hasty)| {
            let hasty = bench.load_of("internal", kind, hasty, 15);
            let others = bench.load_of("internal", kind, kind.request(name), 5);
            (name, kind, hasty, others)
        })
        .collect();
    let mut findings = Vec::new();
    for (name, kind, hasty, others) in &running {
        let key = kind.key(name);
        let seen = hasty.wait_for(MANY);
        let answered = seen.iter().filter(|one| {
            one.response()
                .is_some_and(|response| kind.is_success(response))
        });
        assert_eq!(answered.count(), 0, "{key}: the deadline is not honoured");
        findings.extend(bench.is_noticed(name, *kind, others));
        findings.extend(bench.too_few_ignored("client_deadline", &key, MANY));
    }
    assert!(findings.is_empty(), "{findings:#?}");
    // The page is dead now, and the route waits for as long as it is set to wait.
    for (name, kind, ..) in running.iter().filter(|(_, kind, ..)| *kind != Grpc) {
        open_by_time_out(bench, name, *kind);
    }
}

/// A route that honours the deadlines of calls has a longest duration instead of a time-out. Envoy
/// sets it in the `grpc-timeout` of each call that has no deadline, before any filter sees the call.
pub(crate) fn the_longest_duration_of_a_route_opens_its_circuit(bench: &Bench) {
    open_by_time_out(bench, DEAD, Grpc);
}

/// Lets the page of a route die, and waits until its circuit opens.
fn open_by_time_out(bench: &Bench, name: &str, kind: Kind) {
    bench.upstream.set(&kind.route(name), Behaviour::Hang);
    let _load = bench.load_of("internal", kind, kind.request(name), 15);
    let key = kind.key(name);
    let event = wait_until(&format!("{key} to open"), || bench.opened(&key).pop());
    assert_eq!(event["reason"], "http_response_timeout", "{event}");
}
