//! A real Prometheus scrapes a real Envoy: every panel and every alert finds data.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, merge, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::faults::Refused;
use tidegate_e2e::message::Request;
use tidegate_e2e::prometheus::Prometheus;
use tidegate_e2e::upstream::{Answer, Behaviour, Upstream};

use super::alerts::{rules, text};
use super::dashboard::panels::ROWS;
use super::stage;

/// Alerts about what a test cannot make Envoy do: failing host calls, shared data that is not
/// shared, a module that traps. promtool checks their expressions, and `docs.rs` checks that the
/// core defines their metrics. And about new Envoys, of which `fresh.rs` starts one.
const CANNOT_FIRE: [&str; 5] = [
    "TidegateNoListener",
    "TidegateNoConfiguration",
    "TidegateHostErrors",
    "TidegateStoreErrors",
    "TidegateModuleCrashed",
];
/// Routes beyond the number that have a breaker of their own.
const TOO_MANY: usize = 1_030;

fn configuration() -> Value {
    json!({
        "breaker": stage::nervous("1s"),
        "retry": { "after": { "default": "1s" } },
        "routes": [
            { "name": "watched", "match": { "route": "watched" }, "mode": "shadow" },
            { "name": "tried", "match": { "route": "tried" }, "breaker": { "mode": "shadow" } },
        ],
    })
}

fn listener() -> Value {
    let to = |name: &str, cluster: &str| {
        json!({
            "name": name,
            "match": { "prefix": format!("/{name}") },
            "route": { "cluster": cluster },
        })
    };
    let unknown = json!({ "metadata": { "filter_metadata": {
        "tidegate": { "policy": "none-of-that-name" },
    } } });
    let mut routes = vec![
        to("down", "refused"),
        to("flaky", "app"),
        to("watched", "refused"),
        to("tried", "refused"),
        to("fine", "app"),
        to("limited", "app"),
        merge(to("misnamed", "refused"), unknown),
    ];
    routes.extend((0..TOO_MANY).map(|n| stage::route(n, &format!("many-{n}"), "refused")));
    stage::listener(&configuration(), routes)
}

/// Returns a listener whose filter configuration is invalid.
fn mistaken() -> Value {
    let filter = tidegate(&tidegate_e2e::module(), Some(r#"{ "brend": {} }"#));
    Listener::new("mistaken").filter(filter).json()
}

fn start(upstream: &Upstream, refused: &Refused) -> Envoy {
    let clusters = vec![
        cluster("app", &[upstream.address()]),
        cluster("refused", &[refused.address()]),
    ];
    let mut bootstrap = Bootstrap::new(clusters, vec![listener()]);
    bootstrap.concurrency = 2;
    bootstrap.more = stage::rules();
    Envoy::start(&bootstrap)
}

/// Sends requests of every kind until it is stopped; counters must grow while Prometheus scrapes.
fn visit(envoy: &Envoy, upstream: &Upstream, enough: &AtomicBool) {
    let client = Client::new(Protocol::H1, envoy.listener("main"));
    let kinds: [(&str, &str); 5] = [
        ("accept", "text/html"),
        ("accept", "application/json"),
        ("accept", "text/plain"),
        ("content-type", "application/grpc"),
        ("sec-fetch-dest", "image"),
    ];
    // A hint that can be kept: the upstream is soon back.
    upstream.set("fine", Answer::status(503));
    client.get(&Request::get("/fine"));
    upstream.set("fine", Answer::status(200));
    let mut others = 0..TOO_MANY;
    while !enough.load(Ordering::Relaxed) {
        for path in ["/down", "/flaky", "/watched", "/tried", "/misnamed"] {
            for (name, value) in kinds {
                client.get(&Request::get(path).header(name, value));
            }
        }
        // The page sends this header when it probes whether the site is back.
        client.get(&Request::get("/fine").header("x-tidegate-retry", "1"));
        // The breaker does not count it.
        client.get(&Request::get("/limited"));
        // The first routes get breakers before the limit is reached.
        for number in others.by_ref() {
            client.get(&Request::get(&format!("/{number}/")));
        }
        // Routes beyond the limit, which a worker has only if it knows the others.
        for number in TOO_MANY - 10..TOO_MANY {
            client.get(&Request::get(&format!("/{number}/")));
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Replaces Grafana's variables by their values.
fn filled_in(query: &str) -> String {
    [
        ("$__rate_interval", "30s"),
        ("$__range", "1m"),
        ("$instance", ".*"),
        ("$route", ".*"),
    ]
    .iter()
    .fold(query.to_owned(), |query, (name, value)| {
        query.replace(name, value)
    })
}

#[test]
fn every_panel_and_alert_has_data() {
    let refused = Refused::default();
    let upstream = Upstream::start::<_, Behaviour>([
        (
            "flaky",
            Answer::status(503).body("text/html", "<h1>down").into(),
        ),
        ("limited", Answer::status(429).into()),
    ]);
    let envoy = start(&upstream, &refused);
    let prometheus = Prometheus::start(envoy.admin().address(), "envoy/alerts.yaml");
    envoy.replace_listeners(&[listener(), mistaken()]);
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let visitors = scope.spawn(|| visit(&envoy, &upstream, &enough));
        let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ask(&prometheus)));
        enough.store(true, Ordering::Relaxed);
        visitors.join().expect("the visitors");
        if let Err(panic) = asked {
            std::panic::resume_unwind(panic);
        }
    });
}

fn ask(prometheus: &Prometheus) {
    for panel in ROWS.iter().flat_map(|(_, panels)| *panels) {
        for (query, _) in panel.queries {
            let query = filled_in(query);
            assert!(!query.contains('$'), "{query}");
            // A constant zero is always present.
            let query = match query.matches(" or vector(0)").count() {
                1 => query.trim_end_matches(" or vector(0)"),
                _ => &query,
            };
            let is_seldom = [
                "tidegate_host_errors{",
                "tidegate_breaker_store_errors{",
                "tidegate_requests_over_memory{",
            ];
            match is_seldom.iter().any(|name| query.contains(name)) {
                true => drop(prometheus.query(query)),
                false => drop(prometheus.wait_for_data(query)),
            }
        }
    }
    let routes = prometheus.label_values("tidegate_route", "{__name__=~\"tidegate_.+\"}");
    assert!(
        routes.iter().any(|route| route == "down/refused"),
        "{routes:?}"
    );
    let envoys = prometheus.label_values("instance", "envoy_server_live");
    assert_eq!(envoys.len(), 1);

    for rule in rules("alert").into_iter().chain(rules("record")) {
        let name = rule["alert"].as_str().unwrap_or_default();
        let query = text(&rule, "expr");
        if CANNOT_FIRE.contains(&name) {
            assert!(prometheus.query(query).is_empty(), "{name} fires");
        } else {
            prometheus.wait_for_data(query);
        }
    }
    // Prometheus has loaded all rules, and none fails.
    let health: BTreeSet<String> = prometheus
        .rules()
        .iter()
        .map(|rule| format!("{} {}", text(rule, "health"), rule["lastError"]))
        .collect();
    assert_eq!(health, BTreeSet::from(["ok null".to_owned()]));
    // The metric in the alert about a trap exists and has not changed.
    assert_eq!(prometheus.query("envoy_wasm_tidegate_vm_reload").len(), 1);
}
