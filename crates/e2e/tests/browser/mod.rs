//! The pages in a real browser.

mod look;

use serde_json::{json, Value};
use tidegate_e2e::client::browser;
use tidegate_e2e::config::{cluster, merge, route, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::upstream::{Answer, Behaviour, Upstream};

/// Listeners and their `retry`.
const LISTENERS: [(&str, &str); 4] = [
    ("page", r#"{ "after": { "default": "20s" } }"#),
    (
        "three",
        r#"{ "after": { "default": "20s" }, "page": { "max_attempts": 3, "cap": "40s" } }"#,
    ),
    ("quick", r#"{ "after": { "default": "3s" } }"#),
    ("still", r#"{ "page": { "auto": false } }"#),
];

#[test]
fn page_retries_by_itself() {
    let upstream = Upstream::start::<String, Behaviour>([]);
    let module = tidegate_e2e::module();
    let listeners = LISTENERS.map(|(name, retry)| {
        // The cases fail one after the other, so a circuit could open.
        let retry: Value = serde_json::from_str(retry).expect("JSON");
        // All cases use one route, so pacing would make them wait for one another.
        let text = json!({
            "retry": merge(json!({ "pace": "off" }), retry),
            "breaker": { "mode": "disabled" },
        });
        Listener::new(name)
            .filter(tidegate(&module, Some(&text.to_string())))
            .routes([route("/", "site")])
            .json()
    });
    let envoy = Envoy::start(&Bootstrap::new(
        vec![cluster("site", &[upstream.address()])],
        listeners.to_vec(),
    ));
    let address = |name| format!("http://{}", envoy.listener(name));
    let facts: serde_json::Map<String, Value> = LISTENERS
        .iter()
        .map(|(name, _)| ((*name).to_owned(), json!(address(name))))
        .collect();
    let passed = browser::run("retry.mjs", &Value::Object(facts), |asked| {
        if let Some(name) = asked["count"].as_str() {
            return json!(upstream.requests(name));
        }
        let name = asked["set"].as_str().expect("a name to set");
        let answer = match asked["to"].as_str().expect("what to set it to") {
            "fail" => Answer::status(503).body("text/html", "<h1>raw failure</h1>"),
            "busy" => Answer::status(503).header("retry-after", "60"),
            "fine" => Answer::status(200).body("text/html", html("<p>the upstream is fine</p>")),
            "redirect" => Answer::status(302).header("location", "/elsewhere/"),
            body => Answer::status(200).body("text/html", html(body)),
        };
        upstream.set(name, answer);
        Value::Null
    });
    assert_eq!(passed.len(), 15, "{passed:#?}");
}

/// Returns a document of the upstream for which the browser requests nothing else.
fn html(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><title>Site</title><link rel=\"icon\" href=\"data:,\">\
         {body}</html>"
    )
}
