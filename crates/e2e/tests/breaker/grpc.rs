//! A gRPC service reports its result in `grpc-status`, and its clients expect failures in the same
//! form.

use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::message::{Request, Response};

use super::bench::{wait_until, Bench, FAILURES, LONG};

pub(crate) fn grpc_routes_trip_on_grpc_statuses(bench: &Bench) {
    let client = Client::new(Protocol::H2, bench.address("main"));
    let call = |path: &str| client.get(&Request::grpc(path));
    for (route, key, cause) in [
        (
            "long-call-only",
            "long-call-only/h2",
            "upstream_unavailable",
        ),
        ("long-call-late", "long-call-late/h2", "upstream_timeout"),
        (
            "long-call-refused",
            "long-call-refused/refused",
            "connection_refused",
        ),
    ] {
        let path = format!("/{route}");
        for n in 0..FAILURES {
            let answer = call(&path);
            assert!(
                pushback(&answer) < LONG.as_millis(),
                "{route}: rejected after {n}: {answer:?}"
            );
        }
        let rejected = wait_until("a rejection", || {
            let answer = call(&path);
            (pushback(&answer) > 0).then_some(answer)
        });
        if route != "long-call-refused" {
            assert_eq!(bench.upstream.requests(route), FAILURES, "{route}");
        }
        assert_eq!(
            (rejected.status, rejected.headers_only),
            (200, true),
            "{route}"
        );
        assert_eq!(rejected.header("grpc-status"), Some("14"), "{route}");
        assert_eq!(
            rejected.header("content-type"),
            Some("application/grpc"),
            "{route}"
        );
        assert!(
            !rejected
                .header("grpc-message")
                .unwrap_or_default()
                .is_empty(),
            "{route}"
        );
        assert!(rejected.headers.has("grpc-status-details-bin"), "{route}");
        let wait = pushback(&rejected);
        let most = LONG.as_millis() * 3 / 2 * 6 / 5;
        assert!(
            (LONG.as_millis() / 2..=most).contains(&wait),
            "{route}: {wait}"
        );
        let events = bench.events(key);
        assert_eq!(
            events,
            [("closed".to_owned(), "open".to_owned())],
            "{route}"
        );
        let line = bench.envoy.wait_for_access("main", &path);
        assert_eq!(line["status"], 200, "{route}");
        let details = format!("tidegate_circuit_open{{{cause}}}");
        wait_until("the rejection in the access log", || {
            let log = bench.envoy.access_log("main");
            log.iter()
                .any(|line| line["path"] == path && line["details"] == details)
                .then_some(())
        });
    }
    // Statuses that are not the service's fault trip nothing.
    for _ in 0..FAILURES * 2 {
        assert_eq!(call("/call-fine").trailers.get("grpc-status"), Some("0"));
        assert_eq!(
            call("/call-fine-unknown").trailers.get("grpc-status"),
            Some("2")
        );
        assert_eq!(call("/call-fine-missing").header("grpc-status"), Some("5"));
    }
    assert_eq!(bench.events("call-fine/h2"), []);
}

/// Milliseconds; 0: no delay was given.
fn pushback(answer: &Response) -> u128 {
    let value = answer.header("grpc-retry-pushback-ms");
    value.map_or(0, |ms| ms.parse().expect("milliseconds"))
}
