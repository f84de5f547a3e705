//! The pages in a real browser.

mod alone;
mod cross_origin;
mod gate;
mod head;
mod hidden;
mod left;
mod look;
mod own;
mod violations;

use serde_json::{json, Value};
use tidegate_core::config::PageRetry;
use tidegate_core::failure::{Reason, Source};
use tidegate_core::http::format::Format;
use tidegate_core::page::{LanguageId, PageInfo};
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
    let place = Place::start(&LISTENERS.map(|(name, retry)| with_retry(name, retry)));
    let passed = browser::run("retry.mjs", &place.facts(), |asked| place.answer(asked));
    assert_eq!(passed.len(), 20, "{passed:#?}");
}

/// Returns a listener whose pages have this `retry`.
fn with_retry(name: &str, retry: &str) -> Listener {
    let retry: Value = serde_json::from_str(retry).expect("JSON");
    let text = json!({
        // The cases come from one address, one soon after the other: that is no crowd.
        "retry": merge(json!({ "check_ins": 1_000_000 }), retry),
        // The cases fail one after the other, so a circuit could open.
        "breaker": { "mode": "disabled" },
    });
    Listener::new(name)
        .filter(tidegate(&tidegate_e2e::module(), Some(&text.to_string())))
        .routes([route("/", "site")])
}

/// Returns what is known of the HTML page of a GET, and nothing more.
fn page_of(status: u16, reason: Reason, page_retry: &PageRetry) -> PageInfo<'_> {
    PageInfo {
        format: Format::Html,
        status,
        reason,
        source: Source::Proxy,
        tripped_by: None,
        maintenance: None,
        retry_after: None,
        page_retry: Some(page_retry),
        is_unsent: false,
        gate: None,
        request_id: None,
        now: None,
        method: b"GET",
        content_type: b"",
        host: b"",
        path: b"",
        language: LanguageId::default(),
        route: b"",
        page: None,
        problem_type_base: "about:blank",
    }
}

/// An upstream behind the listeners of an Envoy.
struct Place {
    upstream: Upstream,
    envoy: Envoy,
    listeners: Vec<String>,
}

impl Place {
    fn start(listeners: &[Listener]) -> Self {
        let upstream = Upstream::start::<String, Behaviour>([]);
        let envoy = Envoy::start(&Bootstrap::new(
            vec![cluster("site", &[upstream.address()])],
            listeners.iter().map(Listener::json).collect(),
        ));
        let names = listeners.iter().map(|listener| listener.name().to_owned());
        Self {
            upstream,
            envoy,
            listeners: names.collect(),
        }
    }

    /// Returns the URL of each listener.
    fn facts(&self) -> Value {
        let facts = self.listeners.iter().map(|name| {
            let url = format!("http://{}", self.envoy.listener(name));
            (name.clone(), json!(url))
        });
        Value::Object(facts.collect())
    }

    /// Answers the questions of the cases: sets a behaviour, or counts the requests for it.
    fn answer(&self, asked: &Value) -> Value {
        if let Some(name) = asked["count"].as_str() {
            return json!(self.upstream.requests(name));
        }
        let name = asked["set"].as_str().expect("a name to set");
        let to = asked["to"].as_str().expect("what to set it to");
        if to == "hang" {
            self.upstream.set(name, Behaviour::Hang);
            return Value::Null;
        }
        let answer = match to {
            "fail" => Answer::status(503).body("text/html", "<h1>raw failure</h1>"),
            "busy" => Answer::status(503).header("retry-after", "60"),
            "away" => Answer::status(503).header("retry-after", "7200"),
            "fine" => fine(),
            "404" | "405" | "501" => {
                Answer::status(to.parse().expect("a status")).body("text/html", "no")
            }
            "limited" => Answer::status(429).header("retry-after", "30"),
            "redirect" => Answer::status(302).header("location", "/elsewhere/"),
            body => Answer::status(200).body("text/html", html(body)),
        };
        self.upstream.set(name, answer);
        Value::Null
    }
}

/// Returns the answer of a site that is back.
fn fine() -> Answer {
    Answer::status(200).body("text/html", html("<p>the upstream is fine</p>"))
}

/// Returns a document of the upstream for which the browser requests nothing else.
fn html(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><title>Site</title><link rel=\"icon\" href=\"data:,\">\
         {body}</html>"
    )
}
