//! A script of another origin, with Envoy's `cors` filter before this one and behind it.

use serde_json::{json, Value};
use tidegate_e2e::client::browser;
use tidegate_e2e::config::{tidegate, typed};

use crate::chain::cors;
use crate::site::kinds::{Kind, FAILURES, FAILURES_OF_5XX, REFUSALS};
use crate::site::{Site, PLAIN};

const CONFIGURATION: &str = r#"{
    "breaker": { "mode": "disabled" },
    "retry": { "check_ins": 1000000 },
    "intercept": { "statuses": ["4xx", "5xx"] }
}"#;
const FORCED: &str = r#"{ "breaker": { "mode": "forced_open" } }"#;

#[test]
fn a_script_of_another_origin_can_read_every_failure() {
    let module = tidegate_e2e::module();
    let page = |text| tidegate(&module, Some(text));
    let listeners = vec![
        ("before", vec![cors(), page(CONFIGURATION)]),
        ("behind", vec![page(CONFIGURATION), cors()]),
        ("forced-before", vec![cors(), page(FORCED)]),
        ("forced-behind", vec![page(FORCED), cors()]),
    ];
    let site = Site::with_listeners(listeners, |listener| {
        let policy = typed(
            "extensions.filters.http.cors.v3.CorsPolicy",
            json!({ "allow_origin_string_match": [{ "prefix": "http://app.example:" }] }),
        );
        let policy = json!({ "envoy.filters.http.cors": policy });
        let empty = json!({ "match": { "path": "/app" }, "direct_response": { "status": 200 } });
        listener
            .first_routes([empty])
            .virtual_host(json!({ "typed_per_filter_config": policy }))
    });
    let url = |listener: &str, host: &str, path: &str| {
        let port = site.envoy.listener(listener).port();
        format!("http://{host}:{port}{path}")
    };
    let mut requests = Vec::new();
    let kinds = FAILURES.iter().chain(FAILURES_OF_5XX).chain(REFUSALS);
    for kind in kinds.filter(|kind| kind.name != "502-cut") {
        for listener in ["before", "behind"] {
            for method in ["GET", "HEAD"] {
                let host = match kind.name {
                    "no-name" => "nowhere.invalid",
                    _ => "site.example",
                };
                requests.push(json!({
                    "name": format!("{listener} {method} {}", kind.name),
                    "url": url(listener, host, &format!("/{}/", kind.name)),
                    "method": method,
                    "want": wanted(kind, method),
                }));
            }
        }
    }
    let rejected = json!({
        "status": 503, "reason": "circuit_open", "retryable": true, "body": true,
    });
    // Before it has run, the `cors` filter adds nothing.
    for (listener, want) in [("forced-before", rejected), ("forced-behind", Value::Null)] {
        requests.push(json!({
            "name": listener, "url": url(listener, "site.example", "/200/"), "method": "GET",
            "want": want,
        }));
    }
    let facts = json!({ "page": url(PLAIN, "app.example", "/app"), "requests": requests });
    let passed = browser::run("cross_origin.mjs", &facts, |asked| panic!("{asked}"));
    assert_eq!(passed.len(), 1, "{passed:?}");
}

/// What a script can read of a failure. Envoy's CORS filter leaves out routes that answer themselves.
fn wanted(kind: &Kind, method: &str) -> Value {
    if kind.cluster.is_empty() {
        return Value::Null;
    }
    json!({
        "status": kind.status,
        "reason": kind.reason,
        "retryable": kind.retryable,
        "body": method == "GET" && !kind.is_without_body(),
    })
}
