//! A maintenance with a known end: every client gets that end as its hint. What other parties need meanwhile
//! (preflights of browsers, certificates by ACME) has a way past it.

use std::time::{Duration, SystemTime};

use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::tidegate;
use tidegate_e2e::message::{Request, Response};

use crate::chain::{allows, cors};
use crate::site::Site;

const ORIGIN: &str = "https://app.example";
const HOURS: u64 = 6;
const CHALLENGE: &str = "/.well-known/acme-challenge/token";

/// Returns a configuration in which all is in maintenance for six hours but the answers to ACME challenges.
fn configuration() -> String {
    let until = SystemTime::now() + Duration::from_secs(HOURS * 3600);
    let until = humantime::format_rfc3339_seconds(until).to_string();
    json!({ "routes": [
        { "name": "acme", "match": { "path_prefix": "/.well-known/acme-challenge/" } },
        { "name": "site", "maintenance": { "until": until } },
    ] })
    .to_string()
}

fn site() -> Site {
    let page = || tidegate(&tidegate_e2e::module(), Some(&configuration()));
    let listeners = vec![
        ("page", vec![cors(), page()]),
        ("before-cors", vec![page(), cors()]),
    ];
    Site::with_listeners(listeners, |listener| listener.virtual_host(allows(ORIGIN)))
}

/// Returns a number of a response, in ms.
fn ms(text: Option<&str>, unit: u64) -> u64 {
    let number: u64 = text.expect("a time").parse().expect("a number");
    number * unit
}

fn number_after<'t>(text: &'t str, before: &str) -> Option<&'t str> {
    let (_, after) = text.split_once(before)?;
    after
        .split(|character: char| !character.is_ascii_digit())
        .next()
}

/// Asserts that a hint, in ms, is the end of the maintenance, or a little later.
fn is_the_end(hint: u64, what: &str) {
    let end = HOURS * 3_600_000;
    // The site has started meanwhile. By default `retry.max` is a minute, which is less than a hundredth.
    let range = end - 120_000..=end + 61_000;
    assert!(range.contains(&hint), "{what}: {hint}");
}

#[test]
fn header_body_pushback_and_page_say_when_a_maintenance_ends() {
    let site = site();
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = site.client("page", protocol);
        let get = |accept| client.get(&Request::get("/200/").header("accept", accept));
        let page: Response = get("text/html");
        let problem = get("application/json");
        let head = client.get(&Request::new("HEAD", "/200/").header("accept", "text/html"));
        for answer in [&page, &problem, &head] {
            assert_eq!(answer.status, 503);
            assert_eq!(answer.header("x-tidegate-page"), Some("maintenance"));
            is_the_end(ms(answer.header("retry-after"), 1_000), "Retry-After");
        }
        let body: Value = serde_json::from_str(problem.text()).expect("JSON");
        let seconds = body["retry_after"]
            .as_u64()
            .map(|number| number.to_string());
        assert_eq!(seconds.as_deref(), problem.header("retry-after"));
        let text = page.text();
        let script = ms(number_after(text, "data-retry-after-ms=\""), 1);
        assert_eq!(script.div_ceil(1_000), ms(page.header("retry-after"), 1));
        assert!(text.contains("in about 6 hours"), "{text}");
        assert!(text.contains("<time id=\"until\""), "{text}");
        let call = client.get(&Request::grpc("/200/"));
        is_the_end(ms(call.header("grpc-retry-pushback-ms"), 1), "pushback");
    }
    // Clients come back one after the other.
    let client = site.client("page", Protocol::H1);
    let hints: std::collections::BTreeSet<u64> = (0..30)
        .map(|_| ms(client.get(&Request::get("/200/")).header("retry-after"), 1))
        .collect();
    assert!(hints.len() > 10, "{hints:?}");
}

#[test]
fn a_preflight_passes_if_cors_stands_before_the_filter() {
    let site = site();
    let preflight = Request::new("OPTIONS", "/200/")
        .header("origin", ORIGIN)
        .header("access-control-request-method", "GET");
    let allowed = |answer: &Response| answer.header("access-control-allow-origin") == Some(ORIGIN);
    for protocol in [Protocol::H1, Protocol::H2] {
        let answer = site.client("page", protocol).get(&preflight);
        assert_eq!((answer.status, allowed(&answer)), (200, true));
        // So the request itself is sent, and its script can read the hint.
        let request = Request::get("/200/").header("origin", ORIGIN);
        let answer = site.client("page", protocol).get(&request);
        assert_eq!((answer.status, allowed(&answer)), (503, true));
        let exposed = answer.header("access-control-expose-headers");
        assert!(exposed.is_some_and(|names| names.contains("retry-after")));
        let answer = site.client("before-cors", protocol).get(&preflight);
        assert_eq!((answer.status, allowed(&answer)), (503, false));
    }
}

#[test]
fn an_acme_challenge_passes_where_a_rule_for_its_path_comes_first() {
    let site = site();
    site.upstream.set(
        ".well-known",
        tidegate_e2e::upstream::Answer::status(200).body("text/plain", "token.key"),
    );
    for protocol in [Protocol::H1, Protocol::H2] {
        let client = site.client("page", protocol);
        let answer = client.get(&Request::get(CHALLENGE));
        assert_eq!((answer.status, answer.text()), (200, "token.key"));
        let other = client.get(&Request::get("/.well-known/other"));
        assert_eq!(other.header("x-tidegate-page"), Some("maintenance"));
    }
}
