//! A route with a failing upstream is cut off, and no other route.

use std::time::{Duration, Instant};

use serde_json::Value;
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::message::Request;

use super::bench::{is_rejected, trip, wait_until, Bench, Stall, FAILURES, FLUSH, LONG};
use super::crowd::Crowd;

pub(crate) fn a_dead_upstream_is_cut_off(bench: &Bench) {
    let others = ["/near", "/far"].map(|path| {
        let clients = Crowd::clients(bench.address("main"), 2);
        Crowd::start(clients, path, Duration::from_millis(50))
    });
    let start = Instant::now();
    bench.trip("/long-dead/first");
    let since = Instant::now();
    // The page's reason for the failures comes from the breaker itself.
    let client = bench.client();
    wait_until("every worker to know", || {
        is_rejected(&client.get(&Request::get("/long-dead"))).then_some(())
    });

    let answer = client.get(&Request::get("/long-dead/json").header("accept", "application/json"));
    let passed = u64::try_from(start.elapsed().as_millis()).expect("a short time");
    assert_eq!(answer.status, 503);
    assert!(is_rejected(&answer), "{answer:?}");
    let problem: Value = serde_json::from_str(answer.text()).expect("JSON");
    assert_eq!(problem["reason"], "circuit_open");
    assert_eq!(problem["tripped_by"], "connection_refused");
    assert_eq!(problem["retryable"], true);
    // The open time is 60 s to 90 s. The hint exceeds the remaining time by a few seconds at most: not
    // all who wait can ask at that moment.
    let long = u64::try_from(LONG.as_millis()).expect("a short time");
    let hint = problem["retry_after_ms"].as_u64().expect("a number");
    assert!(
        (long - passed..=long * 3 / 2 + 5_000).contains(&hint),
        "{hint} after {passed}"
    );
    let seconds: u64 = answer
        .header("retry-after")
        .and_then(|s| s.parse().ok())
        .expect("seconds");
    assert_eq!(seconds, hint.div_ceil(1000));
    assert_eq!(problem["retry_after"], seconds);
    let proxy_status = answer.header("proxy-status").unwrap_or_default();
    assert!(
        proxy_status.contains("error=circuit_open"),
        "{proxy_status}"
    );

    let text = client.get(&Request::get("/long-dead/text").header("user-agent", "curl/8"));
    assert!(
        text.text().contains("circuit_open") && text.text().contains("connection_refused"),
        "{}",
        text.text()
    );
    let html = client.get(&Request::get("/long-dead/html").header("accept", "text/html"));
    assert_eq!(
        (html.status, html.header("retry-after").is_some()),
        (503, true)
    );
    assert!(html.text().starts_with("<!doctype html>"));
    let line = bench.envoy.wait_for_access("main", "/long-dead/json");
    assert_eq!(line["details"], "tidegate_circuit_open{connection_refused}");

    // Other routes: with the same failing cluster, with the same upstream, with another cluster.
    let own = client.get(&Request::get("/long-neighbour"));
    assert_eq!(
        (own.status, own.header("x-tidegate-page")),
        (502, Some("connection_refused"))
    );
    for crowd in others {
        let seen = crowd.wait_for_each(3, since);
        assert!(seen.iter().all(|one| one.status == 200), "{seen:?}");
    }
    assert_eq!(
        bench.events("long-dead/refused"),
        [("closed".to_owned(), "open".to_owned())]
    );
}

/// At most: what the breaker needs to see, what is in flight, and what arrives within a flush
/// interval.
pub(crate) fn few_requests_reach_a_failing_upstream(bench: &Bench) {
    const CLIENTS: usize = 8;
    // The upstream takes at least this time for each response.
    const EACH: u128 = 20;
    let stall = Stall::watch();
    let crowd = Crowd::start(
        Crowd::clients(bench.address("main"), CLIENTS),
        "/long-failing",
        Duration::ZERO,
    );
    let first = crowd.wait_for_rejection();
    // By now every admitted request has its response.
    crowd.wait_for_each(2, first.got + FLUSH);
    let reached = bench.upstream.requests("long-failing");
    let flush = FLUSH + stall.worst();
    let in_flush = u64::try_from(flush.as_millis().div_ceil(EACH)).expect("few");
    let most = FAILURES + CLIENTS as u64 * (1 + in_flush);
    assert!(
        (FAILURES..=most).contains(&reached),
        "{reached} of at most {most}"
    );
    // After that, none while the circuit is open.
    let seen = crowd.wait_for_each(20, Instant::now());
    assert!(seen
        .iter()
        .filter(|one| one.sent > first.got + flush)
        .all(|one| one.is_rejected));
    assert_eq!(bench.upstream.requests("long-failing"), reached);
}

pub(crate) fn truncated_responses_are_failures(bench: &Bench) {
    for name in ["long-cut", "long-h2-cut"] {
        let path = format!("/{name}");
        // Over HTTP/1.1 each response would close the connection, and the next connection could
        // reach another worker.
        let client = Client::new(Protocol::H2, bench.address("main"));
        trip(&client, &path);
        assert_eq!(bench.upstream.requests(name), FAILURES, "{name}");
        let answer = client.get(&Request::get(&path).header("accept", "application/json"));
        let problem: Value = serde_json::from_str(answer.text()).expect("JSON");
        assert_eq!(problem["tripped_by"], "http_response_incomplete", "{name}");
    }
}

/// Two requests per second, each over its own connection and so on any worker.
pub(crate) fn low_traffic_on_all_workers_trips_one_breaker(bench: &Bench) {
    const NEEDED: u64 = 10;
    let stall = Stall::watch();
    let mut failed = 0;
    wait_until("a rejection", || {
        std::thread::sleep(Duration::from_millis(500));
        let answer = bench.client().get(&Request::get("/rare"));
        failed += u64::from(!is_rejected(&answer));
        is_rejected(&answer).then_some(())
    });
    assert_eq!(bench.upstream.requests("rare"), failed);
    assert_eq!(
        failed,
        NEEDED,
        "the machine stood still for {:?}",
        stall.worst()
    );
}
