use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::merge;
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::upstream::Answer;

use super::plane::{request, Plane, Settings, Site, PAGE};
use super::trap::with_trap;
use crate::breaker::bench::{is_rejected, settings, trip, wait_until};

/// Returns a site whose modules die of the body of a request, with a circuit that is open.
fn site(plane: Plane, failure: Option<Value>) -> Site {
    let open = json!({ "open": { "base": "60s", "max": "60s" } });
    let breaker = merge(settings(), open);
    let mut settings = Settings::new(plane, json!({ "breaker": breaker }));
    settings.module = with_trap(&settings.module);
    settings.kills_modules = true;
    if let Some(failure) = failure {
        settings.failure = failure;
    }
    let site = Site::start(plane, &settings);
    site.upstream
        .set("catalog", Answer::status(503).body("text/html", "<h1>down"));
    trip(&site.client(PAGE, Protocol::H1), "/catalog/item");
    site
}

/// Kills the module by a request, while another one is in flight. Returns what both get.
fn die(site: &Site) -> (Response, Response) {
    let slow = request("GET", "stream", "slow");
    let client = site.client(PAGE, Protocol::H1);
    let flight = tidegate_e2e::runtime().spawn(async move { client.send(&slow).await });
    wait_until("the request in flight", || {
        (site.upstream.requests("slow") > 0).then_some(())
    });
    let deadly = request("POST", "stream", "200-empty").body("a=b");
    let deadly = site.ask(&deadly);
    let flight = tidegate_e2e::runtime().block_on(flight);
    (deadly, flight.expect("a task").expect("a response"))
}

fn failing() -> Request {
    request("GET", "gone", "nobody")
}

#[test]
fn with_fail_reload_the_next_requests_have_the_filter_and_its_circuits_again() {
    let site = site(Plane::Istio, None);
    assert!(site.ask(&failing()).headers.has("x-tidegate-page"));
    let (deadly, flight) = die(&site);
    for answer in [deadly, flight] {
        assert_eq!((answer.status, answer.text()), (503, ""));
    }
    // Envoy does not reload a module that died soon after its start at once.
    wait_until("the module to be reloaded", || {
        let answer = site.ask(&failing());
        answer.headers.has("x-tidegate-page").then_some(())
    });
    let answer = site.ask(&request("GET", "catalog", "catalog"));
    assert!(is_rejected(&answer), "{answer:?}");
}

#[test]
fn with_fail_open_every_request_passes_without_the_filter() {
    let site = site(Plane::EnvoyGateway, None);
    assert!(site.ask(&failing()).headers.has("x-tidegate-page"));
    let (deadly, flight) = die(&site);
    assert_eq!(deadly.status, 200);
    assert_eq!((flight.status, flight.text()), (200, "at last"));
    let answer = site.ask(&failing());
    assert_eq!(answer.status, 503);
    assert!(!answer.headers.has("x-tidegate-page"), "{answer:?}");
    let answer = site.ask(&request("GET", "catalog", "catalog"));
    assert_eq!(answer.text(), "<h1>down");
    // The other policy has a VM of its own.
    let other = Answer::status(502).body("text/html", "<h1>down");
    site.upstream.set("basket", other);
    let answer = site.ask(&request("GET", "basket", "basket"));
    assert_eq!(
        answer.header("x-tidegate-page"),
        Some("upstream_bad_gateway")
    );
}

/// Other than `fail_open` of Envoy Gateway, the policy of this name does not let the requests pass that the
/// module had begun.
#[test]
fn with_fail_open_of_istio_only_later_requests_pass_without_the_filter() {
    let failure = json!({ "failure_policy": "FAIL_OPEN" });
    let site = site(Plane::Istio, Some(failure));
    let (deadly, flight) = die(&site);
    assert_eq!((deadly.status, flight.status), (503, 503));
    let answer = site.ask(&failing());
    assert_eq!(answer.status, 503);
    assert!(!answer.headers.has("x-tidegate-page"), "{answer:?}");
    let answer = site.ask(&request("POST", "stream", "200-empty").body("a=b"));
    assert_eq!(answer.status, 200);
}

#[test]
fn with_fail_close_every_later_request_fails() {
    for (plane, failure) in [
        (Plane::Istio, json!({ "failure_policy": "FAIL_CLOSED" })),
        (Plane::EnvoyGateway, json!({ "fail_open": false })),
    ] {
        let site = site(plane, Some(failure));
        let (deadly, flight) = die(&site);
        assert_eq!((deadly.status, flight.status), (503, 503), "{plane:?}");
        for _ in 0..5 {
            let answer = site.ask(&request("GET", "stream", "200-empty"));
            assert_eq!((answer.status, answer.text()), (503, ""), "{plane:?}");
        }
    }
}
