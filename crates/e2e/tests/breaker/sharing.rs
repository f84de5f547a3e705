//! State that workers, plugins and configurations share.

use std::time::Duration;

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, merge, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::{Answer, Upstream};

use super::bench::{
    events, is_rejected, plugin, route_to, settings, trip, wait_until, Bench, Stall, FAILURES,
    FLUSH,
};
use super::crowd::{on_every_worker, Crowd};

pub(crate) fn plugins_share_state_by_name(bench: &Bench) {
    bench.trip("/long-shared");
    let reached = bench.upstream.requests("long-shared");
    let client = |listener| Client::new(Protocol::H1, bench.address(listener));
    let twin = client("twin");
    wait_until("the twin to know", || {
        is_rejected(&twin.get(&Request::get("/long-shared"))).then_some(())
    });
    let late = bench.upstream.requests("long-shared") - reached;
    assert!(late < FAILURES, "the twin tripped by itself");
    trip(&client("stranger"), "/long-shared");
}

/// When the circuit opens, every worker rejects within one flush interval: those that handled
/// requests of the route, and those that did not.
#[test]
fn every_worker_rejects_within_100_ms_of_the_trip() {
    for concurrency in [1, 2, 4] {
        let bench = Bench::start(concurrency);
        let idle = on_every_worker(&bench, "main", 1);
        let busy = on_every_worker(&bench, "main", 2);
        let stall = Stall::watch();
        let crowd = Crowd::start(busy, "/long-failing", Duration::from_millis(10));
        let tripped = crowd.wait_for_rejection().got;
        crowd.wait_for_each(1, tripped + FLUSH);
        let idle: Vec<_> = idle
            .iter()
            .map(|client| client.get(&Request::get("/long-failing")))
            .collect();
        let seen = crowd.wait_for_each(10, tripped + FLUSH);
        let limit = FLUSH + stall.worst();
        let late: Vec<_> = seen
            .iter()
            .filter(|one| one.sent >= tripped + limit && !one.is_rejected)
            .collect();
        assert!(
            late.is_empty(),
            "{concurrency} workers, {limit:?} after the trip at {tripped:?}: {late:#?}"
        );
        let after = seen
            .iter()
            .filter(|one| one.sent >= tripped + limit)
            .count();
        assert!(after >= bench.concurrency as usize, "{after}");
        assert!(
            idle.iter().all(is_rejected),
            "{concurrency} workers: {idle:#?}"
        );
    }
}

/// A new configuration or a new VM keeps the record if the shape of its window is the same.
#[test]
fn state_survives_a_new_configuration() {
    for concurrency in [1, 2, 4] {
        survive(concurrency);
    }
}

fn survive(concurrency: u32) {
    let upstream = Upstream::start([("kept", Answer::status(503).body("text/html", "<h1>down"))]);
    let open = json!({ "open": { "base": "60s", "max": "60s" } });
    let configuration = |more: Value| {
        json!({ "breaker": merge(merge(settings(), open.clone()), more) }).to_string()
    };
    let listener = |filter: Value| {
        let routes = [route_to("kept", "app"), route_to("", "app")];
        vec![Listener::new("main").filter(filter).routes(routes).json()]
    };
    let first = plugin("tidegate", &configuration(json!({})));
    let mut bootstrap = Bootstrap::new(
        vec![cluster("app", &[upstream.address()])],
        listener(first.clone()),
    );
    bootstrap.concurrency = concurrency;
    let envoy = Envoy::start(&bootstrap);
    let client = || Client::new(Protocol::H1, envoy.listener("main"));
    trip(&client(), "/kept");
    let reached = upstream.requests("kept");
    assert_eq!(reached, FAILURES);

    // Other breaker settings, but a window of the same shape.
    let second = plugin(
        "tidegate",
        &configuration(json!({ "consecutive": { "failures": 7 } })),
    );
    // The same in another VM.
    let value = json!({ "@type": "type.googleapis.com/google.protobuf.StringValue", "value": "2" });
    let other_vm =
        json!({ "typed_config": { "config": { "vm_config": { "configuration": value } } } });
    let third = merge(second.clone(), other_vm);
    for filter in [second, third.clone()] {
        envoy.replace_listeners(&listener(filter));
        for _ in 0..20 {
            let answer = client().get(&Request::get("/kept"));
            assert!(is_rejected(&answer), "{concurrency} workers: {answer:?}");
        }
    }
    assert_eq!(upstream.requests("kept"), reached);

    let wide = plugin("tidegate", &configuration(json!({ "window": "1m" })));
    envoy.replace_listeners(&listener(wide));
    trip(&client(), "/kept");
    assert_eq!(upstream.requests("kept"), reached + FAILURES);
    let opened = ("closed".to_owned(), "open".to_owned());
    assert_eq!(events(&envoy, "kept/app"), [opened.clone(), opened]);
}
