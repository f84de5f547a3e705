//! The page at the gate of a circuit that is not closed: check-ins that the filter answers itself.
//!
//! The upstream plays the filter here, so that a case can say what each check-in is told.

use std::time::Duration;

use serde_json::{json, Value};
use tidegate_core::config::{Config, PageRetry};
use tidegate_core::failure::Reason;
use tidegate_core::page::{Gate, PageInfo, Pages};
use tidegate_e2e::client::browser;
use tidegate_e2e::config::{merge, route, Listener};
use tidegate_e2e::upstream::Answer;

use super::{page_of, Place};

const PAGE_RETRY: PageRetry = PageRetry {
    auto: true,
    max_attempts: 3,
    cap: Duration::from_secs(40),
};

#[test]
fn page_checks_in_at_the_gate() {
    let head = json!({
        "match": { "headers": [{ "name": ":method", "string_match": { "exact": "HEAD" } }] },
        // A check-in has a behaviour of its own: its path selects it.
        "request_headers_to_add": [{ "header": { "key": "x-behaviour", "value": "%REQ(:PATH)%" } }],
    });
    let listener =
        Listener::new("page").routes([merge(route("/", "site"), head), route("/", "site")]);
    let place = Place::start(&[listener]);
    let passed = browser::run("gate.mjs", &place.facts(), |asked| {
        if let Some(name) = asked["page"].as_str() {
            place.upstream.set(name, page(asked["gate"].as_str()));
        } else if let Some(path) = asked["checkIns"].as_str() {
            place.upstream.set(path, check_in(&asked["get"]));
        } else {
            return place.answer(asked);
        }
        Value::Null
    });
    assert_eq!(passed.len(), 5, "{passed:#?}");
}

/// Returns the page of a circuit that is not closed (with a gate), or of a failure.
fn page(gate: Option<&str>) -> Answer {
    let gate = gate.map(|gate| match gate {
        "wait" => Gate::Wait,
        "crowd" => Gate::Crowd,
        other => panic!("no gate: {other}"),
    });
    let reason = match gate {
        Some(_) => Reason::CircuitOpen,
        None => Reason::UpstreamUnavailable,
    };
    let pages = Pages::new(&Config::default());
    let page = pages.render(&PageInfo {
        retry_after: Some(Duration::from_secs(20)),
        gate,
        ..page_of(503, reason, &PAGE_RETRY)
    });
    Answer::status(503)
        .header("content-security-policy", page.csp.expect("a policy"))
        .header("cache-control", "no-store")
        .header("x-tidegate-page", reason.as_str())
        .body("text/html; charset=utf-8", page.body)
}

/// Returns the answer to a check-in: of a gate that has this name, of a gate that lets the visitor in
/// (`admitted`), or of an upstream that fails (none).
fn check_in(gate: &Value) -> Answer {
    let gate = gate.as_str();
    let answer = match gate {
        Some("admitted") => Answer::status(204)
            .header("cache-control", "no-store")
            .header(
                "set-cookie",
                "tidegate_pass_site=1.2.3; Max-Age=60; Path=/; HttpOnly; SameSite=Lax",
            ),
        _ => Answer::status(503)
            .header("retry-after", "5")
            .header("x-tidegate-page", "circuit_open"),
    };
    match gate {
        Some(gate) => answer.header("x-tidegate-gate", gate),
        None => answer,
    }
}
