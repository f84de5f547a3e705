//! When clients come back that got a retry hint, and what they are told.

mod crowd;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, route, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::{Answer, Upstream};

use crate::breaker::bench::{logged, plugin};

fn start(configuration: &serde_json::Value, upstream: &Upstream, workers: u32) -> Envoy {
    let listener = Listener::new("main")
        .filter(plugin("tidegate", &configuration.to_string()))
        .routes(vec![route("/", "app")])
        .json();
    let mut bootstrap = Bootstrap::new(vec![cluster("app", &[upstream.address()])], vec![listener]);
    bootstrap.concurrency = workers;
    Envoy::start(&bootstrap)
}

/// Returns a failure with a body, which is replaced for every client.
fn down() -> Answer {
    Answer::status(503).body("text/plain", "down")
}

/// A client gets one number, whatever form of it it reads: an interval, shortened at random.
#[test]
fn every_format_has_the_same_hint() {
    const INTERVAL_MS: std::ops::RangeInclusive<u64> = 4_200..=7_000;
    let upstream = Upstream::start([("down", down())]);
    let configuration = json!({
        "breaker": { "mode": "disabled" },
        "retry": { "after": { "default": "7s", "504": "7s" } },
    });
    let envoy = start(&configuration, &upstream, 2);
    let client = Client::new(Protocol::H2, envoy.listener("main"));
    let seconds = |ms: u64| ms.div_ceil(1000).to_string();
    let mut hints = BTreeSet::new();
    for _ in 0..20 {
        let json = Request::get("/down").header("accept", "application/json");
        let answer = Client::new(Protocol::H1, envoy.listener("main")).get(&json);
        let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        let ms = body["retry_after_ms"].as_u64().expect("a time");
        assert_eq!(answer.header("retry-after"), Some(seconds(ms).as_str()));
        assert_eq!(body["retry_after"], ms.div_ceil(1000));
        assert!(INTERVAL_MS.contains(&ms), "{ms}");
        hints.insert(ms);
    }
    // Not all come back at the same moment.
    assert!(hints.len() > 10, "{hints:?}");
    let html = Request::get("/down").header("accept", "text/html");
    let page = client.get(&html);
    let text = String::from_utf8(page.body.clone()).expect("a page");
    let ms: u64 = text
        .split("data-retry-after-ms=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next()?.parse().ok())
        .expect("the hint of the page");
    assert_eq!(page.header("retry-after"), Some(seconds(ms).as_str()));
    assert!(INTERVAL_MS.contains(&ms), "{ms}");
    let call = Request::get("/down")
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let answer = client.get(&call);
    let pushback: u64 = answer
        .header("grpc-retry-pushback-ms")
        .and_then(|ms| ms.parse().ok())
        .expect("the pushback");
    assert!(INTERVAL_MS.contains(&pushback), "{pushback}");
}

/// One log line covers many responses and names the releases before and after; a retry that reports its
/// hint is counted.
#[test]
fn failing_release_is_known_and_kept_hints_are_counted() {
    let release = |name: &str| Answer::status(200).header("x-release", name);
    let upstream = Upstream::start([("shop", release("1.0"))]);
    let configuration = json!({
        "breaker": { "mode": "disabled" },
        "retry": { "after": { "default": "1s", "504": "1s" } },
    });
    // One worker: a second one would not have seen the first release.
    let envoy = start(&configuration, &upstream, 1);
    let address = envoy.listener("main");
    let kept = "wasmcustom.tidegate.hints_kept.route.app/app";
    let one_by_one = |path: &str, header: Option<(&str, &str)>, count: u32, per_second: u32| {
        tidegate_e2e::runtime().block_on(async {
            let mut answers = Vec::new();
            let client = Client::new(Protocol::H1, address);
            let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
            for _ in 0..count {
                pace.tick().await;
                let mut request = Request::get(path).header("accept", "application/json");
                if let Some((name, value)) = header {
                    request = request.header(name, value);
                }
                answers.push(client.send(&request).await.expect("an answer"));
            }
            answers
        })
    };
    // 200 per second for five seconds.
    one_by_one("/shop", Some(("x-tidegate-retry", "1")), 1_000, 200);
    assert_eq!(envoy.stat(kept), 0, "no client got a hint");
    upstream.set("shop", down().header("x-release", "1.1"));
    let failed = one_by_one("/shop", None, 40, 1_000);
    let hints: Vec<u64> = failed
        .iter()
        .map(|answer| {
            let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
            body["retry_after_ms"].as_u64().expect("a time")
        })
        .collect();
    // The interval is shortened, but no hint is shorter than a second.
    assert!(hints.iter().all(|ms| *ms == 1_000), "{hints:?}");
    let other = one_by_one("/other", None, 1, 1);
    assert_eq!(other[0].status, 200);

    // A retry that reports its hint and gets through is counted; one that does not get through is
    // not.
    std::thread::sleep(Duration::from_millis(hints[0]));
    one_by_one("/shop", Some(("x-tidegate-retry", "1")), 2, 100);
    upstream.set("shop", release("1.1"));
    one_by_one("/shop", Some(("x-tidegate-retry", "1")), 3, 100);
    one_by_one("/shop", Some(("grpc-previous-rpc-attempts", "1")), 2, 100);
    one_by_one("/shop", None, 5, 100);
    assert_eq!(envoy.wait_for_stat(kept, 5), 5);
    let given = "wasmcustom.tidegate.hints_given.route.app/app";
    assert_eq!(envoy.wait_for_stat(given, 42), 42);
    let reason = "wasmcustom.tidegate.intercepted.reason.upstream_unavailable.route.app/app";
    assert_eq!(envoy.wait_for_stat(reason, 42), 42);
    assert_eq!(
        envoy.wait_for_stat("wasmcustom.tidegate.replies.format.problem", 42),
        42
    );

    crate::breaker::bench::wait_until("all to be in the log", || {
        let count = |line: &serde_json::Value| line["count"].as_u64().expect("a number");
        let sum: u64 = logged(&envoy, "intercepted").iter().map(count).sum();
        (sum == 42).then_some(())
    });
    let lines = logged(&envoy, "intercepted");
    assert_eq!(
        lines.len(),
        2,
        "the first at once, the rest ten seconds later: {lines:?}"
    );
    for line in &lines {
        assert_eq!(line["route"], "app/app");
        assert_eq!(line["reason"], "upstream_unavailable");
        assert_eq!(line["release"], "1.1");
        assert_eq!(line["release_before"], "1.0");
    }
}
