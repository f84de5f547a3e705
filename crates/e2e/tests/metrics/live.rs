//! A real Prometheus scrapes a real Envoy: whatever an operator can ask for has an answer.

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

/// Alerts of what no test can make Envoy do: calls to it that fail, memory that it does not share, a
/// module that crashes. What they ask is right, says promtool; their names are those that the core
/// defines, says `docs.rs`.
const CANNOT_FIRE: [&str; 3] = [
    "TidegateHostErrors",
    "TidegateStoreErrors",
    "TidegateModuleCrashed",
];
/// Routes beyond those that have a breaker of their own.
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
        merge(to("misnamed", "refused"), unknown),
    ];
    routes.extend((0..TOO_MANY).map(|n| stage::route(n, &format!("many-{n}"), "refused")));
    stage::listener(&configuration(), routes)
}

/// A listener whose filter configuration has a mistake.
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

/// Visitors of every kind, until it is enough; counters must grow while Prometheus looks.
fn visit(envoy: &Envoy, enough: &AtomicBool) {
    let client = Client::new(Protocol::H1, envoy.listener("main"));
    let kinds: [(&str, &str); 5] = [
        ("accept", "text/html"),
        ("accept", "application/json"),
        ("accept", "text/plain"),
        ("content-type", "application/grpc"),
        ("sec-fetch-dest", "image"),
    ];
    let mut others = 0..TOO_MANY;
    while !enough.load(Ordering::Relaxed) {
        for path in ["/down", "/flaky", "/watched", "/tried", "/misnamed"] {
            for (name, value) in kinds {
                client.get(&Request::get(path).header(name, value));
            }
        }
        // The page says so when it looks whether the site is back.
        client.get(&Request::get("/fine").header("x-tidegate-retry", "1"));
        // The first ones are known before there are too many.
        for number in others.by_ref() {
            client.get(&Request::get(&format!("/{number}/")));
        }
        // Routes beyond the limit, which only a worker that knows the others has.
        for number in TOO_MANY - 10..TOO_MANY {
            client.get(&Request::get(&format!("/{number}/")));
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// What Grafana would put in the place of its variables.
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
fn every_panel_and_every_alert_has_data() {
    let refused = Refused::default();
    let upstream = Upstream::start::<_, Behaviour>([(
        "flaky",
        Answer::status(503).body("text/html", "<h1>down").into(),
    )]);
    let envoy = start(&upstream, &refused);
    let prometheus = Prometheus::start(envoy.admin().address(), "envoy/alerts.yaml");
    envoy.replace_listeners(&[listener(), mistaken()]);
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let visitors = scope.spawn(|| visit(&envoy, &enough));
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
            // A zero that stands for nothing would always be there.
            let query = match query.matches(" or vector(0)").count() {
                1 => query.trim_end_matches(" or vector(0)"),
                _ => &query,
            };
            let is_seldom = ["tidegate_host_errors{", "tidegate_breaker_store_errors{"];
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
    // Prometheus has loaded them all, and none of them fails.
    let health: BTreeSet<String> = prometheus
        .rules()
        .iter()
        .map(|rule| format!("{} {}", text(rule, "health"), rule["lastError"]))
        .collect();
    assert_eq!(health, BTreeSet::from(["ok null".to_owned()]));
    // The metric of which the alert of a crash speaks is there, and has not moved.
    assert_eq!(prometheus.query("envoy_wasm_tidegate_vm_reload").len(), 1);
}
