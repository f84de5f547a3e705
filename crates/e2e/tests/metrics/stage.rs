//! An Envoy with failing routes, and its metrics.

use std::time::{Duration, Instant};

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::faults::Refused;
use tidegate_e2e::message::Request;
use tidegate_e2e::stats::{Labels, Series};
use tidegate_e2e::yaml;

/// Limit for the filter to publish its metrics, on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// The rules in `envoy/`.
pub(crate) fn rules() -> Value {
    yaml("envoy/stats-tags.yaml")
}

/// A circuit that opens at the second failure and stays open for a while.
pub(crate) fn nervous(open: &str) -> Value {
    json!({
        "window": "1m",
        "consecutive": { "failures": 2, "for": "0s" },
        "open": { "base": open, "max": open, "jitter": 0 },
    })
}

/// Returns a route with any name for paths that begin with `/<number>/`.
pub(crate) fn route(number: usize, name: &str, cluster: &str) -> Value {
    json!({
        "name": name,
        "match": { "prefix": format!("/{number}/") },
        "route": { "cluster": cluster },
    })
}

/// Returns the listener `main` with the filter and such routes.
pub(crate) fn listener(configuration: &Value, routes: Vec<Value>) -> Value {
    Listener::new("main")
        .filter(tidegate(
            &tidegate_e2e::module(),
            Some(&configuration.to_string()),
        ))
        .routes(routes)
        .json()
}

/// Starts an Envoy with that listener. All its clusters refuse connections. `more` is merged into
/// its bootstrap.
pub(crate) fn envoy(
    refused: &Refused,
    clusters: &[&str],
    listener: Value,
    concurrency: u32,
    more: Value,
) -> Envoy {
    let clusters = clusters
        .iter()
        .map(|name| cluster(name, &[refused.address()]));
    let mut bootstrap = Bootstrap::new(clusters.collect(), vec![listener]);
    bootstrap.concurrency = concurrency;
    bootstrap.more = more;
    Envoy::start(&bootstrap)
}

/// Returns a client of the listener `main`.
pub(crate) fn client(envoy: &Envoy) -> Client {
    Client::new(Protocol::H1, envoy.listener("main"))
}

/// Causes two failures and one rejection.
pub(crate) fn trip(client: &Client, number: usize) {
    for status in [502, 502, 503] {
        let answer = client.get(&Request::get(&format!("/{number}/")));
        assert_eq!(answer.status, status, "route {number}: {answer:?}");
    }
}

/// Returns the series of the filter.
pub(crate) fn of_the_filter(series: Vec<Series>) -> Vec<Series> {
    let ours = series
        .into_iter()
        .filter(|one| one.name.starts_with("tidegate_"));
    ours.collect()
}

/// Returns the value of the series with exactly these labels.
pub(crate) fn value(series: &[Series], name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let labels: Labels = labels.iter().map(owned).collect();
    let mut found = series
        .iter()
        .filter(|one| one.name == name && one.labels == labels);
    let value = found.next().map(|one| one.value);
    assert!(found.next().is_none(), "{name} {labels:?} twice");
    value
}

/// Polls what Prometheus would scrape until `is_there` accepts it.
pub(crate) fn series_until(
    envoy: &Envoy,
    what: &str,
    is_there: impl Fn(&[Series]) -> bool,
) -> Vec<Series> {
    let end = Instant::now() + LIMIT;
    loop {
        let series = envoy.series();
        if is_there(&series) {
            return series;
        }
        let ours = of_the_filter(series);
        assert!(Instant::now() < end, "not in {LIMIT:?}: {what}: {ours:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
