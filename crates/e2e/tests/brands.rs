//! Brands by host, formats by route and texts by language, on a real Envoy.

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, route, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::faults::Refused;
use tidegate_e2e::message::{Request, Response};

/// What a browser accepts when it opens a page.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn configuration() -> Value {
    json!({
        "breaker": { "mode": "disabled" },
        "brand": { "name": "Harbour", "color": "#0b6b78", "status_url": "https://status.harbour.example/" },
        "brands": [{
            "match": { "hosts": ["*.fern.example"] },
            "name": "Fern", "color": "#ffcc00", "status_url": "https://status.fern.example/",
        }],
        "templates": { "site": { "problem": { "support": "{{brand.status_url}}" } } },
        "pages": [{ "template": "site" }],
        "routes": [
            { "name": "api", "match": { "path_prefix": "/api/" }, "formats": { "always": "problem" } },
            {
                "name": "orders", "match": { "path_prefix": "/orders/" },
                "maintenance": { "message": { "en": "We are moving.", "de": "Wir ziehen um." } },
            },
        ],
    })
}

/// Asks as a browser does, in a language.
fn ask(client: &Client, host: &str, path: &str, accept: &str, language: &str) -> Response {
    let mut request = Request::get(path)
        .header("accept", accept)
        .header("accept-language", language);
    host.clone_into(&mut request.authority);
    client.get(&request)
}

#[test]
fn a_page_has_the_brand_of_its_host_the_format_of_its_route_and_the_message_in_its_language() {
    let refused = Refused::default();
    let listener = Listener::new("main")
        .filter(tidegate(
            &tidegate_e2e::module(),
            Some(&configuration().to_string()),
        ))
        .routes([route("/", "refused")])
        .json();
    let clusters = vec![cluster("refused", &[refused.address()])];
    let envoy = Envoy::start(&Bootstrap::new(clusters, vec![listener]));
    let client = Client::new(Protocol::H1, envoy.listener("main"));
    let hosts = [
        (
            "www.harbour.example",
            "Harbour",
            "#0b6b78",
            "https://status.harbour.example/",
        ),
        (
            "Shop.Fern.example:8080",
            "Fern",
            "#ffcc00",
            "https://status.fern.example/",
        ),
    ];
    for (host, name, color, status_url) in hosts {
        let page = ask(&client, host, "/", BROWSER, "en");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        let html = page.text();
        for part in [
            format!("– {name}</title>"),
            format!("--fill:{color};"),
            format!("href=\"{status_url}\""),
        ] {
            assert!(html.contains(&part), "{host}: {part}: {html}");
        }
        let json_of = |path: &str, accept: &str| -> Value {
            let page = ask(&client, host, path, accept, "en");
            let kind = page.header("content-type");
            assert_eq!(
                kind,
                Some("application/problem+json; charset=utf-8"),
                "{path}"
            );
            serde_json::from_str(page.text()).expect("JSON")
        };
        for (path, accept) in [("/", "application/json"), ("/api/beans", BROWSER)] {
            let problem = json_of(path, accept);
            assert_eq!(problem["support"], status_url, "{host} {path}");
            assert_eq!(problem["reason"], "connection_refused", "{host} {path}");
        }
        for (language, expected) in [
            ("de-AT", "Wir ziehen um."),
            ("en", "We are moving."),
            ("ja", "We are moving."),
        ] {
            let page = ask(&client, host, "/orders/", BROWSER, language);
            let lead = format!("<p class=\"lead\">{expected}</p>");
            assert!(page.text().contains(&lead), "{language}: {}", page.text());
        }
    }
}
