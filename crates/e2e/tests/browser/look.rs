//! Every built-in page for the eyes of a browser: valid, accessible, and as a picture.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{json, Value};
use tidegate_core::config::{Config, PageRetry};
use tidegate_core::negotiate::Format;
use tidegate_core::page::{LanguageId, PageFacts, Pages};
use tidegate_core::reason::{Reason, Source};
use tidegate_e2e::client::browser;

/// The languages that have a picture of every page: one for each direction of writing.
const PICTURED: [&str; 2] = ["en", "ar"];
/// The other languages.
const CHECKED: [&str; 12] = [
    "de", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "ru", "tr", "zh",
];

const PAGE_RETRY: PageRetry = PageRetry {
    auto: true,
    max_attempts: 10,
    cap: Duration::from_secs(120),
};

/// The configuration of the demo, whose brand it is.
const DEMO: &str = include_str!("../../../cli/src/demo/assets/filter.json");
const WEAK_BRAND: &str = r##"{ "name": "Sunny", "color": "#d97706", "home_url": "/",
    "links": [{ "label": "?", "url": "/help" }] }"##;
const NO_BRAND: &str = "{}";
/// Stands for the brand of [`DEMO`].
const BRAND: &str = "";

/// A page that is more than its reason: name, brand, what differs.
type Change = fn(&mut PageFacts<'static>);
const VARIATIONS: [(&str, &str, Change); 7] = [
    ("branded", BRAND, |_| ()),
    ("weak-color", WEAK_BRAND, |_| ()),
    ("post", BRAND, |facts| facts.method = b"POST"),
    ("post-never-sent", NO_BRAND, |facts| {
        facts.method = b"POST";
        facts.reason = Reason::CircuitOpen;
    }),
    ("not-retryable", BRAND, |facts| facts.retry_after_ms = None),
    ("all-exposed", NO_BRAND, |facts| {
        facts.request_id = Some(b"trace-000000000000000000000000000000000001:7");
        facts.host = b"a-rather-long-name-of-a-host.shop.example";
        facts.path = b"/a/folder/that-has-a-long-name-without-any-blank-in-it/b";
    }),
    ("long-wait", BRAND, |facts| {
        facts.retry_after_ms = Some(2_700_000)
    }),
];

fn facts(reason: Reason) -> PageFacts<'static> {
    PageFacts {
        format: Format::Html,
        status: reason.standard_status().unwrap_or(match reason {
            Reason::UpstreamBadGateway => 502,
            Reason::UpstreamUnavailable => 503,
            Reason::UpstreamTimeout => 504,
            Reason::DestinationNotFound => 404,
            _ => 500,
        }),
        reason,
        source: Source::Proxy,
        tripped_by: (reason == Reason::CircuitOpen).then_some(Reason::ConnectionRefused),
        maintenance: None,
        retry_after_ms: reason.is_retryable().then_some(24_000),
        page_retry: Some(&PAGE_RETRY),
        request_id: Some(b"6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11"),
        now_ms: Some(1_787_480_130_250),
        method: b"GET",
        host: b"",
        path: b"",
        language: LanguageId::default(),
        route: b"",
        page: None,
    }
}

fn pages_of(lang: &str, brand: &str) -> Pages {
    let brand: Value = match brand {
        BRAND => serde_json::from_str::<Value>(DEMO).expect("JSON")["brand"].clone(),
        brand => serde_json::from_str(brand).expect("JSON"),
    };
    let text = json!({
        "brand": brand,
        "locales": { "default": lang },
        "security": { "expose": ["request_id", "timestamp", "host", "path"] },
    });
    let text = text.to_string();
    Pages::new(&Config::from_json(text.as_bytes()).expect("a valid configuration"))
}

/// Writes every page into `folder`, with an index of what belongs to each.
fn write(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    let mut index = vec![];
    let mut add = |lang: &str, name: &str, pages: &Pages, facts: &PageFacts<'_>| {
        let page = pages.render(facts);
        let file = format!("{lang}/{name}.html");
        fs::create_dir_all(folder.join(lang)).expect("make a folder");
        fs::write(folder.join(&file), page.body).expect("write a page");
        index.push(json!({
            "name": name, "file": file, "lang": lang, "status": facts.status, "policy": page.csp,
        }));
    };
    for lang in PICTURED {
        let pages = pages_of(lang, NO_BRAND);
        for &reason in Reason::ALL {
            add(lang, reason.as_str(), &pages, &facts(reason));
        }
        for (name, brand, change) in VARIATIONS {
            let mut facts = facts(Reason::ConnectionRefused);
            change(&mut facts);
            add(lang, name, &pages_of(lang, brand), &facts);
        }
    }
    for lang in CHECKED {
        let pages = pages_of(lang, BRAND);
        for reason in [Reason::ConnectionLimitReached, Reason::CircuitOpen] {
            add(lang, reason.as_str(), &pages, &facts(reason));
        }
        let post = PageFacts {
            method: b"POST",
            ..facts(Reason::HttpResponseTimeout)
        };
        add(lang, "post", &pages, &post);
    }
    fs::write(folder.join("index.json"), json!(index).to_string()).expect("write the index");
}

#[test]
fn the_pages_are_valid_and_accessible() {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| tidegate_e2e::workspace().join("target"), PathBuf::from);
    let folder = target.join("pages");
    write(&folder);
    // Fonts differ from machine to machine, so these pictures are not compared.
    let docs =
        std::env::var_os("UPDATE_GOLDENS").map(|_| tidegate_e2e::workspace().join("docs/img"));
    let facts = json!({ "folder": folder, "pictured": PICTURED, "docs": docs });
    let passed = browser::run("look.mjs", &facts, |asked| panic!("{asked}"));
    assert_eq!(passed.len(), 9, "{passed:#?}");
}
