//! The rules of `envoy/stats-tags.yaml` turn the names of the filter's metrics into labels and
//! change nothing else.

use std::collections::BTreeSet;

use serde_json::{json, Value};
use tidegate_e2e::faults::Refused;
use tidegate_e2e::message::Request;
use tidegate_e2e::stats::Series;
use tidegate_e2e::yaml;

use crate::resources::bootstraps;

use super::stage::{
    client, envoy, listener, nervous, of_the_filter, route, rules, series_until, trip, value,
};

/// The cluster of all routes, with a name as Istio has them.
const CLUSTER: &str = "outbound|80|v1|app.shop.svc";

/// Names of routes. Parts that look like a metric's name, or that need escaping in the text format
/// of Prometheus, are like any other.
const NAMES: [&str; 16] = [
    "plain",
    "dots.in.it",
    "a/b/c",
    "with space",
    "say \"hi\"",
    "back\\slash",
    "tür 漢字 \u{1f30a}",
    "x.route.y",
    ".route.",
    "route",
    "intercepted.reason.x.route.y",
    "replies.format.html",
    "{a=\"1\",b}",
    "semi;colon:",
    "^(a|b)$",
    "cache.hit.component.x.",
];

#[test]
fn variable_parts_of_names_become_labels() {
    let refused = Refused::default();
    let mut names: Vec<&str> = NAMES.to_vec();
    names.extend(["in a group", "in the group"]);
    let group = json!({ "group": "x.route.y" });
    let configuration = json!({
        "breaker": nervous("60s"),
        "routes": [{ "name": "grouped", "match": { "route": "in *" }, "breaker": group }],
    });
    let routes = names.iter().enumerate();
    let routes = routes.map(|(number, name)| route(number, name, CLUSTER));
    let listener = listener(&configuration, routes.collect());
    let envoy = envoy(&refused, &[CLUSTER], listener, 1, rules());
    let visitor = client(&envoy);
    for number in 0..NAMES.len() {
        trip(&visitor, number);
    }
    // One route of the group fails, and the other is rejected.
    trip(&visitor, NAMES.len());
    let other = visitor.get(&Request::get(&format!("/{}/", NAMES.len() + 1)));
    assert_eq!(other.status, 503);

    let mut keys: Vec<(String, f64)> = Vec::new();
    keys.extend(NAMES.map(|name| (format!("{name}/{CLUSTER}"), 1.0)));
    keys.push(("group x.route.y".to_owned(), 2.0));
    let is_reported = |series: &[Series], (key, rejected): &(String, f64)| {
        let labels = [("tidegate_route", key.as_str())];
        let of_reason = |reason: &str| {
            let labels = [("tidegate_reason", reason), labels[0]];
            value(series, "tidegate_intercepted", &labels)
        };
        let value = |name: &str| value(series, name, &labels);
        value("tidegate_breaker_state") == Some(3.0)
            && value("tidegate_breaker_admitted_percent") == Some(0.0)
            && value("tidegate_breaker_trips") == Some(1.0)
            && value("tidegate_breaker_rejected") == Some(*rejected)
            && of_reason("connection_refused") == Some(2.0)
            && of_reason("circuit_open") == Some(*rejected)
    };
    let series = series_until(&envoy, "the metrics of every route", |series| {
        keys.iter().all(|key| is_reported(series, key))
    });
    let replies = 3 * keys.len() + 1;
    let format = [("tidegate_format", "text")];
    assert_eq!(
        value(&series, "tidegate_replies", &format),
        Some(replies as f64)
    );
    // No metric name contains a part of a route.
    for one in of_the_filter(series) {
        let is_fixed = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(one.name.chars().all(is_fixed), "{one:?}");
        if let Some(route) = one.labels.get("tidegate_route") {
            assert!(keys.iter().any(|(key, _)| key == route), "{one:?}");
        }
    }
}

/// Envoy's own names, as close to those of the filter as an operator can make them.
#[test]
fn other_metrics_are_unchanged() {
    let seen = [rules(), json!({})].map(|more| {
        let refused = Refused::default();
        let clusters = ["tidegate.route.x", "wasmcustom.tidegate.x.route.y"];
        let routes = clusters.iter().enumerate();
        let routes = routes.map(|(number, name)| route(number, name, name));
        let listener = listener(&json!({ "breaker": nervous("60s") }), routes.collect());
        let envoy = envoy(&refused, &clusters, listener, 1, more);
        let visitor = client(&envoy);
        trip(&visitor, 0);
        trip(&visitor, 1);
        let series = series_until(&envoy, "both trips", |series| {
            let of_trips = |one: &&Series| one.name.starts_with("tidegate_breaker_trips");
            series.iter().filter(of_trips).count() == 2
        });
        let others = series
            .into_iter()
            .filter(|one| !one.name.starts_with("tidegate_"));
        let others = others.map(|one| {
            let mut shown = format!("{} {:?}", one.name, one.labels);
            // The only difference between the two Envoys.
            if let Some(address) = one.labels.get("envoy_listener_address") {
                shown = shown.replace(address, "address");
            }
            shown
        });
        others.collect::<BTreeSet<String>>()
    });
    let [with, without] = &seen;
    assert!(without.len() > 100, "{without:#?}");
    let difference: Vec<_> = with.symmetric_difference(without).collect();
    assert!(difference.is_empty(), "{difference:#?}");
}

/// `envoy/stats-tags.yaml` is the source. The other files are written by hand with the same rules.
#[test]
fn every_file_has_the_same_rules() {
    let inner = |path: &str, pointer: &str| {
        let whole = yaml(path);
        let text = whole.pointer(pointer).and_then(Value::as_str);
        let text = text.unwrap_or_else(|| panic!("{path}: no text at {pointer}"));
        serde_yaml_ng::from_str::<Value>(text).expect(path)
    };
    let mut files = vec![
        (
            "istio".to_owned(),
            inner("envoy/istio/stats-tags.yaml", "/data/custom_bootstrap.json"),
        ),
        (
            "Envoy Gateway".to_owned(),
            inner(
                "envoy/envoy-gateway-stats-tags.yaml",
                "/spec/bootstrap/value",
            ),
        ),
    ];
    files.extend(bootstraps().into_iter().map(|path| {
        let rules = yaml(&path)["stats_config"].clone();
        (path, json!({ "stats_config": rules }))
    }));
    for (path, found) in files {
        assert_eq!(found, rules(), "{path}");
    }
    // The resource that mounts the file of Istio names it.
    let patch = yaml("envoy/istio/stats-tags-patch.yaml").to_string();
    for name in ["tidegate-stats-tags", "custom_bootstrap.json"] {
        assert!(patch.contains(name), "{name}");
    }
}

/// The proxies of Istio and Envoy Gateway get the rules merged into a bootstrap that has other
/// rules.
#[test]
fn rules_work_beside_other_rules() {
    let before = json!({ "stats_config": { "use_all_default_tags": false, "stats_tags": [
        { "tag_name": "component", "regex": "(component\\.(.+?)\\.)" },
        { "tag_name": "response_code", "regex": "_rq(_(\\d{3}))$" },
    ] } });
    let refused = Refused::default();
    // Other rules may match parts of a route's name; the filter's rules still read all of it.
    let key = "component.x.rest_rq_503/component.y.app_rq_503";
    let (name, cluster) = key.split_once('/').expect("a slash");
    let listener = listener(
        &json!({ "breaker": nervous("60s") }),
        vec![route(0, name, cluster)],
    );
    let mut more = before;
    let ours = rules()["stats_config"]["stats_tags"].clone();
    let theirs = more["stats_config"]["stats_tags"].as_array_mut();
    theirs
        .expect("a list")
        .extend(ours.as_array().expect("a list").iter().cloned());
    let envoy = envoy(&refused, &[cluster], listener, 1, more);
    trip(&client(&envoy), 0);
    series_until(&envoy, "the state of the route", |series| {
        series.iter().any(|one| {
            one.name == "tidegate_breaker_state"
                && one.labels.get("tidegate_route").map(String::as_str) == Some(key)
        })
    });
}
