//! The times that clients are told, without the page.

use serde_json::json;
use tidegate_e2e::message::Response;
use tidegate_e2e::upstream::Answer;
use tokio::task::JoinSet;

use super::bench::{retry_after, Bench, Site, Stage, CONNECTIONS};
use crate::breaker::bench::is_rejected;

/// Requests of the crowd, or of one client.
const MANY: u32 = 900;

fn ask_many(stage: &Stage<'_>, client: impl Fn(u32) -> u32) -> Vec<(bool, u64)> {
    let mut under_way = JoinSet::new();
    for (n, connection) in (0..).zip(stage.connect_to_all()) {
        let requests: Vec<_> = (n..MANY)
            .step_by(CONNECTIONS)
            .map(|n| stage.get(client(n), "busy"))
            .collect();
        let work = async move {
            let mut told = Vec::new();
            for request in requests {
                let answer = connection.send(&request).await.expect("an answer");
                told.push(told_by(&answer));
            }
            told
        };
        under_way.spawn_on(work, tidegate_e2e::runtime().handle());
    }
    let all = tidegate_e2e::runtime().block_on(under_way.join_all());
    all.concat()
}

/// Each client is told what the upstream said, also the last of a crowd.
#[test]
fn every_client_is_told_the_upstreams_retry_after() {
    let breaker = json!({ "mode": "disabled" });
    for concurrency in [1, 2, 4] {
        let sites = [Site::exactly("busy", breaker.clone(), |_| {})];
        let bench = Bench::start(concurrency, &sites);
        let (_, _, stage) = bench.stages(&sites).next().expect("a site");
        stage
            .upstream
            .set("busy", Answer::status(503).header("retry-after", "7"));
        for client in [|_| 0, |n| n] {
            let told = ask_many(&stage, client);
            let wrong = told.iter().find(|told| **told != (false, 7));
            assert_eq!(wrong, None, "with {concurrency} workers");
        }
    }
}

/// A circuit that this opens stays open for that time, and up to a quarter longer. Its clients come back
/// after that, within the time in which the proxy can answer them.
#[test]
fn an_open_circuit_adds_little_to_the_upstreams_retry_after() {
    let sites = [Site::exactly("busy", json!({}), |_| {})];
    let bench = Bench::start(2, &sites);
    let (_, _, stage) = bench.stages(&sites).next().expect("a site");
    stage
        .upstream
        .set("busy", Answer::status(503).header("retry-after", "7"));
    stage.trip("busy");
    let told = ask_many(&stage, |n| n);
    let longest = told.iter().map(|told| told.1).max();
    assert!(longest <= Some(7 + 2 + 3), "{longest:?}");
}

/// One client that asks again and again moves nobody else's time.
#[test]
fn a_visitor_after_many_requests_of_one_client_is_told_seconds() {
    for concurrency in [1, 2, 4] {
        let sites = [Site::exactly("down", json!({}), |_| {})];
        let bench = Bench::start(concurrency, &sites);
        let (_, _, stage) = bench.stages(&sites).next().expect("a site");
        stage.upstream.close_port();
        stage.trip("down");
        let told = ask_many(&stage, |_| 2000);
        let rejected = told.iter().filter(|told| told.0).count();
        let others: Vec<u64> = (3000..3020)
            .map(|client| told_by(&stage.connect().get(&stage.get(client, "down"))).1)
            .collect();
        assert!(rejected > 800, "{rejected} of {MANY} were rejected");
        assert!(others.iter().all(|seconds| *seconds <= 5), "{others:?}");
    }
}

/// Returns whether a circuit rejected the request, and the hint in seconds.
fn told_by(answer: &Response) -> (bool, u64) {
    (is_rejected(answer), retry_after(answer))
}
