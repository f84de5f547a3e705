//! Operators' own pages on a real Envoy: which page is selected, in which language, and with which
//! policy.

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, merge, route, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::faults::Refused;
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::upstream::{Answer, Upstream};

const STYLE: &str = "p{color:red}";
const SCRIPT: &str = "document.title+='!'";

/// A page that shows every value that a client controls.
fn shop() -> String {
    format!(
        "<!doctype html>\n<html lang=\"[[lang]]\" dir=\"[[dir]]\">\n<title>[[title]]</title>\n\
         <style>{STYLE}</style>\n<p>[[message]] {{{{not ours}}}} [[vars.phone]] [[{{vars.bold}}]]</p>\n\
         <a href=\"[[brand.status_url]]?path=[[path]]\" title='[[path]]'>[[host]][[path]]</a>\n\
         [[#each links]]\n<a href=\"[[url]]\">[[label]]</a>\n[[/each]]\n\
         <b>[[t.own.bye]]</b>[[#if request_id]]<i>[[request_id]]</i>[[else]]none[[/if]]\n\
         <script>{SCRIPT}</script>\n"
    )
}

fn configuration() -> Value {
    json!({
        "breaker": { "mode": "disabled" },
        "intercept": { "statuses": ["5xx"] },
        "brand": {
            "name": "Acme", "status_url": "https://status.example/",
            "links": [{ "label": "Help & more", "url": "/help?a&b" }],
        },
        "vars": { "phone": "<call>", "bold": "<b>now</b>" },
        "delimiters": ["[[", "]]"],
        "templates": {
            "shop": {
                "html": shop(),
                "text": "[[status]] [[title]] ([[reason]])\n[[#if host]]\n[[method]] [[host]][[path]]\n[[/if]]\n[[t.own.bye]]\n",
                "problem": { "support": "[[brand.status_url]]", "where": { "path": ["[[path]]", 1, null] } },
            },
            "busy": { "html": "busy [[title]]" },
            "host": { "html": "host [[title]]" },
            "path": { "html": "path [[title]]" },
            "route": { "html": "route [[title]]" },
            "ruled": { "html": "ruled [[title]]" },
        },
        "routes": [{ "name": "own", "match": { "route": "ruled" }, "page": "ruled" }],
        "pages": [
            { "match": { "statuses": [500] }, "template": "busy", "strings": { "title": "No. 500" } },
            { "match": { "reasons": ["upstream_unavailable"] }, "template": "busy" },
            { "match": { "hosts": ["*.shop.example"] }, "template": "host", "strings": { "title.502": "Here" } },
            { "match": { "path_prefix": "/refused/deep" }, "template": "path" },
            { "match": { "routes": ["other*"] }, "template": "route" },
            { "match": { "path_prefix": "/refused/plain" }, "strings": { "title": "Our words" } },
            { "template": "shop" },
        ],
        "locales": {
            "default": "en",
            "strings": {
                "en": { "own.bye": "Bye" },
                "de": { "title.502": "Gleich zurück", "own.bye": "Tschüs" },
                "ckb": { "title": "ناونیشان" },
            },
        },
        "security": { "expose": ["request_id", "host", "path"] },
    })
}

/// An Envoy and its upstream.
struct Shop {
    envoy: Envoy,
    _upstream: Upstream,
    _refused: Refused,
}

fn listener(configuration: &Value) -> Value {
    let metadata = json!({ "metadata": { "filter_metadata": { "tidegate": { "page": "path" } } } });
    let named = |prefix: &str, name: &str| merge(route(prefix, "refused"), json!({ "name": name }));
    Listener::new("main")
        .filter(tidegate(
            &tidegate_e2e::module(),
            Some(&configuration.to_string()),
        ))
        .routes([
            merge(named("/metadata", "ruled"), metadata),
            named("/ruled", "ruled"),
            named("/other", "other-1"),
            merge(
                route("/retried", "refused"),
                json!({ "route": { "retry_policy": { "retry_on": "connect-failure", "num_retries": 1 } } }),
            ),
            route("/refused", "refused"),
            route("/", "upstream"),
        ])
        .json()
}

fn start() -> Shop {
    let (refused, upstream) = (
        Refused::default(),
        Upstream::start([("500", failed(500)), ("503", failed(503))]),
    );
    let clusters = vec![
        cluster("refused", &[refused.address()]),
        cluster("upstream", &[upstream.address()]),
    ];
    Shop {
        envoy: Envoy::start(&Bootstrap::new(clusters, vec![listener(&configuration())])),
        _upstream: upstream,
        _refused: refused,
    }
}

/// Returns a failure with a body, which is replaced for every client.
fn failed(status: u16) -> Answer {
    Answer::status(status).body("text/plain", "failed")
}

fn ask(shop: &Shop, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::get(path);
    for (name, value) in headers {
        match *name {
            "host" => request.authority = (*value).to_owned(),
            _ => request = request.header(name, value),
        }
    }
    Client::new(Protocol::H1, shop.envoy.listener("main")).get(&request)
}

const HTML: (&str, &str) = ("accept", "text/html");

#[test]
fn first_matching_rule_selects_the_page() {
    let shop = start();
    for (path, host, expected) in [
        ("/500/x", "site.example", "busy No. 500"),
        (
            "/503/x",
            "site.example",
            "busy We’re not available right now",
        ),
        ("/refused/x", "a.shop.example:80", "host Here"),
        (
            "/refused/deep?x",
            "site.example",
            "path We’ll be right back",
        ),
        ("/other/", "site.example", "route We’ll be right back"),
        // The page in the route's metadata wins; the texts are those of the rule.
        ("/ruled/", "site.example", "ruled We’ll be right back"),
        ("/ruled/", "a.shop.example", "ruled Here"),
        ("/metadata/", "site.example", "path We’ll be right back"),
    ] {
        let page = ask(&shop, path, &[HTML, ("host", host)]);
        assert_eq!(page.text(), expected, "{path} {host}");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
    }
    // Without its own template, a rule changes the texts of the built-in page.
    let built_in = ask(&shop, "/refused/plain", &[HTML]);
    assert!(built_in.text().contains("<h1>Our words</h1>"));
    // For a format that a page does not define, the built-in one is used.
    let text = ask(&shop, "/500/x", &[("accept", "text/plain")]);
    assert!(
        text.text()
            .starts_with("500 Internal Server Error: No. 500\n"),
        "{}",
        text.text()
    );
}

#[test]
fn page_shows_exposed_values_escaped() {
    let shop = start();
    let path = "/refused/a'b\"<i>&=%3C?token=secret";
    let page = ask(&shop, path, &[HTML, ("x-request-id", "<script>")]);
    assert_eq!(page.status, 502);
    // printf %s "$block" | openssl dgst -sha256 -binary | base64
    let style = "p0bF+un5yUb9MBO6xRb8kPHlY2BdpHVtLiFkDrZPF64=";
    let script = "MXaDCkGu/Ud7qfXQqfbyCOa9C0lFiGvrQv6bc7ltHzk=";
    assert_eq!(
        page.header("content-security-policy").unwrap(),
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; \
             connect-src 'self'; font-src data:; img-src data:; media-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'"
        )
    );
    let shown = "/refused/a&#39;b&quot;&lt;i&gt;&amp;=%3C";
    let part = "%2Frefused%2Fa%27b%22%3Ci%3E%26%3D%253C";
    let expected = format!(
        "<!doctype html>\n<html lang=\"en\" dir=\"ltr\">\n<title>We’ll be right back</title>\n\
         <style>{STYLE}</style>\n<p>Our site cannot be reached at the moment. \
         {{{{not ours}}}} &lt;call&gt; <b>now</b></p>\n\
         <a href=\"https://status.example/?path={part}\" title='{shown}'>site.example{shown}</a>\n\
         <a href=\"/help?a&amp;b\">Help &amp; more</a>\n<b>Bye</b>none\n<script>{SCRIPT}</script>\n"
    );
    // Envoy accepts a client's request id only at the edge. In either case there is no markup.
    let text = page.text();
    let text = match (text.find("<i>"), text.find("</i>")) {
        (Some(from), Some(to)) => [&text[..from], "none", &text[to + 4..]].concat(),
        _ => text.to_owned(),
    };
    assert_eq!(text, expected);

    let text = ask(&shop, path, &[("accept", "text/plain")]);
    assert_eq!(
        text.text(),
        "502 We’ll be right back (connection_refused)\n\
         GET site.example/refused/a'b\"<i>&=%3C\nBye\n"
    );
    let problem = ask(&shop, path, &[("accept", "application/json")]);
    let problem: Value = serde_json::from_str(problem.text()).expect("JSON");
    assert_eq!(problem["support"], "https://status.example/");
    assert_eq!(
        problem["where"],
        json!({ "path": ["/refused/a'b\"<i>&=%3C", 1, null] })
    );
    assert_eq!(problem["status"], 502);
}

/// After a retry, Envoy tells nothing of the attempt before.
#[test]
fn a_form_without_a_connection_was_not_processed_unless_it_was_retried() {
    let shop = start();
    let client = Client::new(Protocol::H1, shop.envoy.listener("main"));
    for (path, said) in [
        ("/refused/", "What you sent has not been processed."),
        (
            "/retried/",
            "What you sent may or may not have been processed.",
        ),
        ("/503/", "What you sent may or may not have been processed."),
    ] {
        // No template of the operator has this format.
        let form = Request::new("POST", path).header("accept", "text/markdown");
        let page = client.get(&form);
        let text = page.text();
        assert!(text.contains(said), "{path}: {text}");
    }
}

#[test]
fn page_is_in_the_visitors_language() {
    let shop = start();
    for (accept, language, title, bye) in [
        ("de-AT, en;q=0.5", "de", "Gleich zurück", "Tschüs"),
        ("fr;q=0.5, DE;q=0.8", "de", "Gleich zurück", "Tschüs"),
        ("xx, *", "en", "We’ll be right back", "Bye"),
        // Texts that a language does not define come from the default language.
        ("ckb-IQ", "ckb", "ناونیشان", "Bye"),
    ] {
        let page = ask(&shop, "/refused/x", &[HTML, ("accept-language", accept)]);
        assert_eq!(page.header("content-language"), Some(language), "{accept}");
        let text = page.text();
        let dir = if language == "ckb" { "rtl" } else { "ltr" };
        assert!(
            text.contains(&format!("<html lang=\"{language}\" dir=\"{dir}\">")),
            "{text}"
        );
        assert!(text.contains(&format!("<title>{title}</title>")), "{text}");
        assert!(text.contains(&format!("<b>{bye}</b>")), "{text}");
        assert!(page.header("vary").unwrap().contains("accept-language"));
    }
    // The built-in page too, with its own texts.
    let page = ask(
        &shop,
        "/503/x",
        &[("accept", "text/plain"), ("accept-language", "de")],
    );
    assert!(
        page.text().contains("Wir sind gerade nicht erreichbar"),
        "{}",
        page.text()
    );
}

#[test]
fn invalid_template_is_refused_with_its_position() {
    let shop = start();
    let wrong = merge(
        configuration(),
        json!({
            "templates": { "busy": { "html": "<p>\n<p onclick=\"[[title]]\">[[titel]]" } },
            "pages": [{ "template": "bussy" }],
        }),
    );
    shop.envoy.replace_listeners(&[listener(&wrong)]);
    assert_eq!(shop.envoy.stat("listener_manager.lds.update_rejected"), 1);
    let log = shop.envoy.log();
    for line in [
        "templates.busy.html: line 2, column 13: found \"[[title]]\": a tag in an attribute that holds code",
        "templates.busy.html: line 2, column 24: found \"[[titel]]\": no such name; did you mean `title`?",
        "pages[0].template: found \"bussy\"; allowed: a name of `templates`; did you mean `busy`?",
    ] {
        assert!(log.contains(line), "no line {line} in:\n{log}");
    }
    assert_eq!(ask(&shop, "/500/x", &[HTML]).text(), "busy No. 500");
}
