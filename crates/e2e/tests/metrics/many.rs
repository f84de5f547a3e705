//! More routes than breakers: the memory for the filter's metrics is bounded.

use std::collections::BTreeMap;

use serde_json::{json, Value};
use tidegate_e2e::client::Client;
use tidegate_e2e::faults::Refused;
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::stats::Series;

use super::stage::{client, envoy, listener, of_the_filter, route, rules, series_until};

/// Routes that can have failures at the same time, as documented in `docs/breaker.md`.
const LIMIT: usize = 1024;
/// Names of routes.
const NAMES: usize = 5_000;
/// Maximum bytes of Envoy's memory per series, including its labels.
const BYTES_OF_A_SERIES: u64 = 1_500;
/// Envoy's memory varies by less than this without the filter.
const NOISE: u64 = 2 << 20;

/// Returns the name of a route, as long as those that control planes generate.
fn name(number: usize) -> String {
    format!("httproute/shop-of-some-tenant/route-{number:04}/rule/0/match/0/shop_example")
}

fn fail(client: &Client, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let answer = get(client, number);
        assert!(answer.status >= 500, "{number}: {answer:?}");
    }
}

fn get(client: &Client, number: usize) -> Response {
    client.get(&Request::get(&format!("/{number}/")))
}

#[test]
fn labels_are_limited_to_a_thousand_routes() {
    let refused = Refused::default();
    // A circuit opens at its first failure, so its route has every metric.
    let configuration: Value = json!({ "breaker": {
        "consecutive": { "failures": 1, "for": "0s" },
        "open": { "base": "10m", "max": "10m" },
    } });
    let routes = (0..NAMES).map(|number| route(number, &name(number), "app"));
    let listener = listener(&configuration, routes.collect());
    let envoy = envoy(&refused, &["app"], listener, 1, rules());
    let visitor = client(&envoy);
    fail(&visitor, 0..1);
    let before = envoy.memory();

    // All routes up to the limit, and two more, again and again: all metrics exist now.
    fail(&visitor, 1..LIMIT + 2);
    fail(&visitor, LIMIT..LIMIT + 2);
    let over_limit = |series: &[Series], count: usize| {
        let mut over = series.iter();
        let over = over.find(|one| one.name == "tidegate_breaker_routes_over_limit");
        over.is_some_and(|over| over.value >= count as f64)
    };
    let series = series_until(
        &envoy,
        "requests beyond the limit to be counted",
        |series| over_limit(series, 4),
    );
    let full = of_the_filter(series).len();
    let memory_full = envoy.memory();
    let most = before + NOISE + u64::try_from(full).expect("a number") * BYTES_OF_A_SERIES;
    assert!(
        memory_full < most,
        "{full} series: {before} -> {memory_full}, at most {most}"
    );

    // Beyond the limit nothing is added, however many routes there are, and no route is rejected because
    // others fail: its own upstream answers.
    for number in LIMIT + 2..NAMES {
        let answer = get(&visitor, number);
        let reason = answer.header("x-tidegate-page");
        assert_eq!(reason, Some("connection_refused"), "{number}");
    }
    let admitted = NAMES - LIMIT - 2;
    let series = series_until(&envoy, "every request to be counted", |series| {
        over_limit(series, 4 + admitted)
    });
    let rejected = series.iter().filter(|one| {
        one.name == "tidegate_breaker_rejected" && one.labels["tidegate_route"] == "*"
    });
    assert_eq!(rejected.count(), 0);
    // Those within the limit are rejected by circuits of their own.
    let reason = get(&visitor, 7)
        .header("x-tidegate-page")
        .map(str::to_owned);
    assert_eq!(reason.as_deref(), Some("circuit_open"));
    let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
    for one in &series {
        if let Some(route) = one.labels.get("tidegate_route") {
            *labels.entry(route).or_default() += 1;
        }
    }
    assert_eq!(labels.len(), LIMIT + 1);
    assert!(labels.contains_key("*"));
    let grown = envoy.memory().saturating_sub(memory_full);
    assert!(grown < NOISE, "{grown} bytes for routes beyond the limit");
}
