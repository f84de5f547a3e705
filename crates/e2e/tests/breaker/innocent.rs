//! What is not the upstream's fault neither trips a breaker nor hides a real failure.

use std::time::Duration;

use tidegate_e2e::client::Client;
use tidegate_e2e::message::Request;

use super::bench::{is_rejected, wait_until, Bench, FAILURES};

/// Requests of each kind: more than trip a breaker.
const MANY: usize = FAILURES as usize * 2;

/// One failure fewer than trips a breaker, then ignored outcomes, then one more failure. If the
/// ignored outcomes counted as failures, the breaker would trip earlier; if they counted as
/// successes, the run of failures would end.
fn between_failures(
    bench: &Bench,
    client: &Client,
    path: &str,
    name: &str,
    innocent: impl FnOnce(),
) {
    let before = bench.upstream.requests(name);
    let fail = || {
        let answer = client.get(&Request::get(path));
        assert_eq!(
            answer.header("x-tidegate-page"),
            Some("upstream_unavailable"),
            "{path}"
        );
    };
    for _ in 1..FAILURES {
        fail();
    }
    innocent();
    fail();
    assert_eq!(bench.upstream.requests(name) - before, FAILURES, "{path}");
    let answer = client.get(&Request::get(path));
    assert!(is_rejected(&answer), "{path}: not rejected: {answer:?}");
}

/// Waits until Envoy has logged this number of requests whose path begins with the prefix. They are
/// then over for every filter.
fn wait_for_ends(bench: &Bench, path: &str, count: usize) {
    wait_until(&format!("{count} ends of {path}"), || {
        let log = bench.envoy.access_log("main");
        let is_one = |line: &&serde_json::Value| line["path"].as_str().is_some_and(|p| p == path);
        (log.iter().filter(is_one).count() >= count).then_some(())
    });
}

/// Sends a request and disconnects when the upstream has received it.
fn ask_and_leave(bench: &Bench, path: &str, name: &str) {
    let before = bench.upstream.requests(name);
    let client = bench.client();
    let request = Request::get(path);
    let asked = tidegate_e2e::runtime().spawn(async move { client.send(&request).await });
    wait_until("the request to reach the upstream", || {
        (bench.upstream.requests(name) > before).then_some(())
    });
    // A stuck response has begun by now, or begins after the client has left. Both count as the
    // client's doing.
    std::thread::sleep(Duration::from_millis(5));
    asked.abort();
}

pub(crate) fn ignored_outcomes_change_nothing(bench: &Bench) {
    let client = bench.client();
    between_failures(
        bench,
        &client,
        "/long-innocent-down",
        "long-innocent-down",
        || {
            for _ in 0..MANY {
                // An answer to a client that sends too much. (Other 4xx are successes.)
                assert_eq!(client.get(&Request::get("/long-innocent-429")).status, 429);
                // Another filter answers.
                let fault = Request::get("/long-innocent/fault")
                    .header("x-envoy-fault-abort-request", "503");
                let answer = client.get(&fault);
                assert_eq!((answer.status, is_rejected(&answer)), (503, false));
                ask_and_leave(bench, "/long-innocent-hang", "long-innocent-hang");
                ask_and_leave(bench, "/long-innocent-stuck", "long-innocent-stuck");
            }
            wait_for_ends(bench, "/long-innocent/fault", MANY);
            wait_for_ends(bench, "/long-innocent-hang", MANY);
            wait_for_ends(bench, "/long-innocent-stuck", MANY);
            assert_eq!(
                bench.upstream.requests("long-innocent"),
                0,
                "the fault filter let one through"
            );
        },
    );
}

pub(crate) fn envoys_own_limits_change_nothing(bench: &Bench) {
    let client = bench.client();
    between_failures(
        bench,
        &client,
        "/long-narrow-down",
        "long-narrow-down",
        || {
            let holder = bench.client();
            let held = async move { holder.send(&Request::get("/long-narrow-hang")).await };
            let held = tidegate_e2e::runtime().spawn(held);
            wait_until("the cluster to be full", || {
                (bench.upstream.requests("long-narrow-hang") > 0).then_some(())
            });
            for _ in 0..MANY {
                let answer = client.get(&Request::get("/long-narrow/full"));
                assert_eq!(
                    answer.header("x-tidegate-page"),
                    Some("connection_limit_reached")
                );
            }
            held.abort();
            wait_until("the cluster to be free", || {
                (bench.envoy.stat("cluster.narrow.upstream_rq_active") == 0).then_some(())
            });
        },
    );
}

pub(crate) fn replies_of_other_filters_never_trip(bench: &Bench) {
    let client = bench.client();
    for _ in 0..MANY {
        let answer = client.get(&Request::get("/direct"));
        assert_eq!((answer.status, is_rejected(&answer)), (503, false));
        let fault = Request::get("/near/fault").header("x-envoy-fault-abort-request", "503");
        assert_eq!(client.get(&fault).status, 503);
    }
    for _ in 0..MANY {
        assert_eq!(bench.client().get(&Request::get("/near")).status, 200);
    }
    for key in ["direct/", "near/app"] {
        assert_eq!(bench.events(key), [], "{key}");
    }
}
