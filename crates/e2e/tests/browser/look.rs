//! Every built-in page in a browser, as Envoy and the module serve it: valid, accessible, and not wider
//! than a phone. With `UPDATE_EXPECT=1`, pictures of all are stored in `target/pages`, and those of the docs
//! in `docs/img`.
//!
//! Each reason is caused by a kind of failure of `site/kinds.rs`, an open circuit or a maintenance.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{json, Value};
use tidegate_core::config::{Config, PageRetry};
use tidegate_core::failure::{Reason, Source};
use tidegate_core::page::{Gate, PageInfo, Pages};
use tidegate_e2e::client::{browser, Protocol};
use tidegate_e2e::config::{merge, tidegate};
use tidegate_e2e::message::Request;

use super::page_of;
use crate::site::kinds::{FAILURES, FAILURES_OF_5XX, REFUSALS};
use crate::site::Site;

/// The languages with a picture of every page: one for each direction of writing.
const PICTURED: [&str; 2] = ["en", "ar"];

/// The configuration of the demo, whose brand the pages have.
const DEMO: &str = include_str!("../../../cli/src/demo/assets/filter.json");
/// A logo with `<text>`, in a font that the browser tests bring along.
const LOGO_WITH_TEXT: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 190 32'>\
    <path d='M6 10h16v14H6z'/>\
    <text x='40' y='23' font-family='Noto Sans' font-size='18'>Harbour Coffee</text></svg>";
/// The output of `tidegate bundle` for the pages, styles and scripts of the example.
const OWN: &str = include_str!("../../../../examples/own-pages/filter.json");
/// A host and a path that do not fit on one line of a phone.
const LONG_HOST: &str = "a-rather-long-name-of-a-host.shop.example";
const LONG_PATH: &str = "/refused/folder/that-has-a-long-name-without-any-blank-in-it/b";
/// A word that does not fit on one line of a phone.
const LONG_WORD: &str = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbaugesellschaft";
const LONG_ID: &str = "trace-000000000000000000000000000000000001:7";

/// A page: its name, listener, host and path, and whether the request is a POST.
type Place = (&'static str, &'static str, &'static str, &'static str, bool);
/// Pages that depend on more than their reason.
const VARIATIONS: [Place; 11] = [
    ("branded", "branded", "127.0.0.1", "/refused/", false),
    (
        "logo-with-text",
        "lettered",
        "127.0.0.1",
        "/refused/",
        false,
    ),
    ("weak-color", "weak", "127.0.0.1", "/refused/", false),
    ("post", "branded", "127.0.0.1", "/hang/", true),
    ("post-never-sent", "open", "127.0.0.1", "/200/", true),
    (
        "not-retryable",
        "branded",
        "127.0.0.1",
        "/tls-to-plain/",
        false,
    ),
    ("all-exposed", "exposed", LONG_HOST, LONG_PATH, false),
    ("long-wait", "long", "127.0.0.1", "/refused/", false),
    ("tripped", "tripped", "127.0.0.1", "/refused/", false),
    ("until", "until", "127.0.0.1", "/200/", false),
    ("long-words", "long-words", "127.0.0.1", "/refused/", false),
];

/// Returns every built-in language.
fn languages() -> Vec<String> {
    let pages = Pages::new(&Config::default());
    pages.languages().map(str::to_owned).collect()
}

/// Returns the brand of the demo.
fn demo_brand() -> Value {
    serde_json::from_str::<Value>(DEMO).expect("JSON")["brand"].clone()
}

/// Returns the listeners with their configurations.
fn listeners() -> Vec<(&'static str, Value)> {
    let maintenance =
        |how: Value| json!({ "routes": [{ "name": "all", "match": {}, "maintenance": how }] });
    vec![
        ("default", json!({})),
        ("branded", json!({ "brand": demo_brand() })),
        (
            "lettered",
            json!({ "brand": merge(demo_brand(), json!({ "logo": LOGO_WITH_TEXT })) }),
        ),
        (
            "weak",
            json!({ "brand": {
                "name": "Sunny", "color": "#d97706", "home_url": "/",
                "links": [{ "label": "?", "url": "/help" }],
            } }),
        ),
        (
            "exposed",
            json!({ "security": { "expose": ["request_id", "timestamp", "host", "path"] } }),
        ),
        (
            "long",
            json!({ "brand": demo_brand(), "retry": { "after": { "default": "45m" }, "max": "1h" } }),
        ),
        (
            "long-words",
            json!({ "brand": {
                "name": LONG_WORD, "home_url": "/", "status_url": "https://status.example/",
                "links": [{ "label": LONG_WORD, "url": "/help" }],
            } }),
        ),
        ("open", json!({ "breaker": { "mode": "forced_open" } })),
        (
            "tripped",
            json!({
                "brand": demo_brand(),
                "breaker": {
                    "mode": "enforce",
                    // Opens at once.
                    "consecutive": { "failures": 5, "for": "0s" },
                    "open": { "base": "1h", "max": "1h" },
                },
                "retry": { "max": "30s" },
            }),
        ),
        ("maintenance", maintenance(json!(true))),
        (
            "until",
            merge(
                json!({ "brand": demo_brand() }),
                maintenance(json!({ "until": in_hours(2) })),
            ),
        ),
        ("lost", json!({ "intercept": { "statuses": [404] } })),
        ("own", serde_json::from_str(OWN).expect("JSON")),
    ]
}

/// Returns the time a number of hours from now in RFC 3339, in whole minutes.
fn in_hours(hours: u64) -> String {
    let time = SystemTime::now() + Duration::from_secs(hours * 3600);
    let time = humantime::format_rfc3339_seconds(time).to_string();
    let minutes = time.len() - "00Z".len();
    format!("{}00Z", &time[..minutes])
}

/// Returns where a reason occurs: listener, host, path. `None`: the core makes the page ([`made`]), of a
/// response that broke off, which no client gets, and of another filter's failure.
fn place(reason: Reason) -> Option<(&'static str, &'static str, String)> {
    let here = "127.0.0.1";
    Some(match reason {
        Reason::HttpResponseIncomplete | Reason::AuthorizationUnavailable => return None,
        Reason::CircuitOpen => ("open", here, "/200/".to_owned()),
        Reason::Maintenance => ("maintenance", here, "/200/".to_owned()),
        Reason::DestinationNotFound => ("lost", "nobody.invalid", "/".to_owned()),
        Reason::ProxyInternalError => ("default", here, "/answered-by-envoy/".to_owned()),
        reason => {
            let mut kinds = FAILURES.iter().chain(FAILURES_OF_5XX).chain(REFUSALS);
            let kind = kinds.find(|kind| kind.reason == reason.as_str());
            let kind = kind.expect("a kind of failure for each reason").name;
            let host = match kind {
                "no-name" => "nowhere.invalid",
                _ => here,
            };
            ("default", host, format!("/{kind}/"))
        }
    })
}

/// Starts Envoy with all listeners, and opens the circuit that opens by itself.
fn start() -> Site {
    let module = tidegate_e2e::module();
    let filters = listeners().into_iter().map(|(name, more)| {
        let base = json!({
            "breaker": { "mode": "disabled" },
            "intercept": { "statuses": ["4xx", "5xx"] },
            // With pacing, later requests would wait for earlier ones.
            "retry": { "check_ins": 1_000_000 },
        });
        let text = merge(base, more).to_string();
        (name, vec![tidegate(&module, Some(&text))])
    });
    let site = Site::with_listeners(filters.collect(), |listener| {
        let answered = json!({
            "match": { "prefix": "/answered-by-envoy/" }, "direct_response": { "status": 502 },
        });
        match listener.json()["name"] == "lost" {
            true => listener.virtual_host(json!({ "domains": ["127.*"] })),
            false => listener.first_routes([answered]),
        }
    });
    let client = site.client("tripped", Protocol::H1);
    let reason = || {
        let answer = client.get(&Request::get("/refused/").header("accept", "text/html"));
        answer.header("x-tidegate-page").map(str::to_owned)
    };
    let opens = (0..500).any(|_| reason().as_deref() == Some("circuit_open"));
    assert!(opens, "the circuit stays closed");
    site
}

/// Returns a page that the core makes here: of a response that broke off, or of a gate before which many
/// people wait.
fn made(name: &str, lang: &str) -> Value {
    const PAGE_RETRY: PageRetry = PageRetry {
        auto: true,
        max_attempts: 10,
        cap: Duration::from_secs(120),
    };
    let (status, reason, gate, brand) = match name {
        "crowd" => (503, Reason::CircuitOpen, Some(Gate::Crowd), demo_brand()),
        "authorization_unavailable" => (503, Reason::AuthorizationUnavailable, None, json!({})),
        _ => (502, Reason::HttpResponseIncomplete, None, json!({})),
    };
    let text = json!({ "locales": { "default": lang }, "brand": brand }).to_string();
    let pages = Pages::new(&Config::from_json(text.as_bytes()).expect("a valid configuration"));
    let page = pages.render(&PageInfo {
        source: Source::Upstream,
        retry_after: Some(Duration::from_secs(24)),
        gate,
        request_id: Some(b"6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11"),
        now: Some(tidegate_core::time::Timestamp::from_millis(
            1_787_480_130_250,
        )),
        ..page_of(status, reason, &PAGE_RETRY)
    });
    json!({
        "name": name, "lang": lang, "url": format!("http://core.invalid/{name}"), "method": "GET",
        "reason": reason.as_str(),
        "made": { "status": status, "policy": page.csp, "body": String::from_utf8_lossy(&page.body) },
    })
}

/// Returns the pages to look at.
fn pages(site: &Site) -> Vec<Value> {
    let url = |listener: &str, host: &str, path: &str| {
        let port = site.envoy.listener(listener).port();
        format!("http://{host}:{port}{path}")
    };
    let page = |lang: &str, (name, listener, host, path, is_post): Place| {
        let id = (name == "all-exposed").then_some(LONG_ID);
        json!({
            "name": name, "lang": lang, "url": url(listener, host, path), "id": id,
            "method": if is_post { "POST" } else { "GET" },
        })
    };
    let mut pages = Vec::new();
    for lang in PICTURED {
        for &reason in Reason::ALL {
            let name = reason.as_str();
            pages.push(match place(reason) {
                Some((listener, host, path)) => json!({
                    "name": name, "lang": lang, "url": url(listener, host, &path),
                    "method": "GET", "reason": name,
                }),
                None => made(name, lang),
            });
        }
        pages.extend(VARIATIONS.map(|place| page(lang, place)));
        pages.push(made("crowd", lang));
    }
    // A picture of the docs.
    pages.push(made("crowd", "de"));
    let others = languages();
    let others = others.iter().map(String::as_str);
    for lang in others.filter(|lang| !PICTURED.contains(lang)) {
        let busy = ("busy", "branded", "127.0.0.1", "/overflow/", false);
        let varied = ["post", "tripped", "until"].map(|name| {
            let place = VARIATIONS.into_iter().find(|place| place.0 == name);
            place.expect("a variation")
        });
        pages.extend(
            varied
                .into_iter()
                .chain([busy])
                .map(|place| page(lang, place)),
        );
    }
    pages
}

/// Returns the folder of the pictures.
fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| tidegate_e2e::workspace().join("target"), PathBuf::from);
    target.join("pages")
}

fn empty(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    for lang in languages() {
        fs::create_dir_all(folder.join(lang)).expect("make a folder");
    }
}

#[test]
fn pages_are_valid_and_accessible() {
    let site = start();
    // Pictures are for people, and take a third of the time: what versions of Chromium draw differs by
    // pixels.
    let pictures = std::env::var_os("UPDATE_EXPECT").map(|_| folder());
    let facts = json!({
        "pictured": PICTURED, "pages": pages(&site),
        "own": format!("http://{}/refused/", site.envoy.listener("own")),
        "pictures": pictures.as_ref().map(|folder| {
            empty(folder);
            json!({ "folder": folder, "docs": tidegate_e2e::workspace().join("docs/img") })
        }),
    });
    let passed = browser::run("look.mjs", &facts, |asked| panic!("{asked}"));
    let cases = 13 + usize::from(pictures.is_some());
    assert_eq!(passed.len(), cases, "{passed:#?}");
}
