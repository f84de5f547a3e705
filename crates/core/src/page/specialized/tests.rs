use std::time::Duration;

use super::*;
use crate::config::Config;
use crate::failure::Reason;
use crate::http::format::Format;
use crate::page::tests::info;
use crate::page::{Gate, PageInfo, Pages};

const CONFIG: &str = r#"{
    "security": { "expose": ["request_id", "timestamp", "host", "path"] },
    "locales": { "strings": { "de": { "label.time": "Uhrzeit & <Ort>" }, "xx": { "auto.stop": "\"S\"" } } },
    "brand": { "home_url": "/" },
    "brands": [{ "match": { "hosts": ["two.example"] }, "name": "Two", "home_url": "/" }],
    "vars": { "team": { "en": "The <shop> team", "de": "Ihr <Laden>" } },
    "templates": { "own": {
        "html": "<p lang='{{lang}}' title='{{title}}'>{{#if request_id}}{{host}}{{else}}{{vars.team}}{{/if}} {{hint}}",
        "text": "{{message}} {{when}} {{until_time}}"
    } },
    "pages": [
        { "match": { "reasons": ["dns_error"] }, "strings": { "title.dns_error": "No <name>" } },
        { "match": { "path_prefix": "/own" }, "template": "own" },
        { "match": { "path_prefix": "/basket" }, "strings": { "title": "No basket" } }
    ],
    "routes": [{ "name": "a", "maintenance": { "message": "We are <moving>.", "until": "2027-01-01T00:00:00Z" } }]
}"#;

fn pages(config: &str) -> Pages {
    Pages::new(&Config::from_json(config.as_bytes()).unwrap())
}

fn kept(pages: &Pages) -> usize {
    pages.specialized.0.lock().unwrap().by_kind.len()
}

/// Renders a page from a template that is made for it alone.
fn first(info: &PageInfo<'_>) -> String {
    body(&pages(CONFIG), info)
}

fn body(pages: &Pages, info: &PageInfo<'_>) -> String {
    String::from_utf8(pages.render(info).body).unwrap()
}

/// Returns pages that differ in all that decides a page. Those that differ least follow one another.
fn all_kinds(pages: &Pages) -> Vec<PageInfo<'static>> {
    let languages = ["en", "de", "xx", "ar", "ja"].map(|tag| pages.language_of_tag(tag));
    let paths: [&[u8]; 4] = [b"/", b"/basket", b"/own/1", b"/other"];
    let requests: [(&[u8], &[u8]); 3] = [
        (b"id-1", b"one<.example"),
        (b"id-2", b"two.example"),
        (b"id-3", b"three.example"),
    ];
    let gates = [(None, None), (Some(Gate::Crowd), Some(90))];
    let mut all = Vec::new();
    for method in [&b"GET"[..], b"POST"] {
        for reason in [Reason::CircuitOpen, Reason::DnsError] {
            for (gate, retry_after) in gates {
                for format in [Format::Html, Format::Text] {
                    for language in languages {
                        for path in paths {
                            all.extend(requests.map(|(id, host)| PageInfo {
                                reason,
                                method,
                                path,
                                gate,
                                retry_after: retry_after.map(Duration::from_secs),
                                request_id: Some(id),
                                host,
                                language,
                                ..info(format)
                            }));
                        }
                    }
                }
            }
        }
    }
    all
}

#[test]
fn a_page_is_the_same_from_a_template_that_was_made_for_another_one() {
    let pages = pages(CONFIG);
    let all = all_kinds(&pages);
    let mut texts_of_german = 0;
    // In different orders, neighbours differ in different things.
    for step in [1, 7, 12, 60, 120, 240] {
        for first_one in 0..step {
            for info in all.iter().skip(first_one).step_by(step) {
                let made = body(&pages, info);
                assert_eq!(made, first(info), "{info:?}");
                texts_of_german += usize::from(made.contains("Uhrzeit &amp; &lt;Ort&gt;"));
            }
        }
    }
    assert!(texts_of_german > 0);
    assert_eq!(kept(&pages), MAX_TEMPLATES.get());
}

#[test]
fn nothing_of_one_request_is_on_the_page_of_another() {
    let pages = pages(CONFIG);
    let request = |id: &'static [u8], host: &'static [u8], path: &'static [u8]| PageInfo {
        request_id: Some(id),
        host,
        path,
        ..info(Format::Html)
    };
    let one = body(
        &pages,
        &request(b"alpha-id", b"alpha.example", b"/alpha-path"),
    );
    for shown in ["alpha-id", "alpha.example", "/alpha-path"] {
        assert!(one.contains(shown), "{one}");
    }
    let other = body(&pages, &request(b"2", b"second.example", b"/"));
    assert_eq!(kept(&pages), 2, "the second is a request for the home page");
    let third = body(&pages, &request(b"3", b"third.example", b"/third"));
    assert_eq!(kept(&pages), 2);
    for page in [other, third] {
        assert!(!page.contains("alpha"), "{page}");
    }
}

#[test]
fn what_the_operator_says_of_a_maintenance_is_not_kept() {
    let config = Config::from_json(CONFIG.as_bytes()).unwrap();
    let pages = Pages::new(&config);
    let in_maintenance = PageInfo {
        reason: Reason::Maintenance,
        maintenance: config.routes[0].maintenance.as_ref(),
        ..info(Format::Html)
    };
    let page = body(&pages, &in_maintenance);
    assert!(page.contains("We are &lt;moving&gt;."), "{page}");
    assert_eq!(kept(&pages), 0);
    let without = PageInfo {
        maintenance: None,
        ..in_maintenance
    };
    assert!(!body(&pages, &without).contains("moving"));
    assert_eq!(kept(&pages), 1);
}

#[test]
fn the_templates_that_were_used_last_are_kept() {
    let pages = pages("{}");
    let of_status = |status| PageInfo {
        status,
        ..info(Format::Text)
    };
    let is_kept = |status| {
        let kept = pages.specialized.0.lock().unwrap();
        kept.by_kind
            .iter()
            .any(|((_, kind), _)| kind.status == status)
    };
    for status in 500..500 + MAX_TEMPLATES.get() as u16 {
        body(&pages, &of_status(status));
    }
    body(&pages, &of_status(500));
    body(&pages, &of_status(599));
    assert_eq!(kept(&pages), MAX_TEMPLATES.get());
    assert!(is_kept(500) && is_kept(599) && !is_kept(501) && is_kept(502));
}

#[test]
fn the_templates_take_a_limited_number_of_bytes() {
    let long = |bytes: usize| {
        let html = format!("<p>{}{{{{title}}}}", "x".repeat(bytes));
        let json = serde_json::json!({
            "templates": { "own": { "html": html } },
            "pages": [{ "match": {}, "template": "own" }]
        });
        pages(&json.to_string())
    };
    let of_status = |status| PageInfo {
        status,
        ..info(Format::Html)
    };
    let bytes = MAX_TEMPLATE_BYTES - 1_000;
    let nearly_too_long = long(bytes);
    for status in 500..520 {
        body(&nearly_too_long, &of_status(status));
        assert!(kept(&nearly_too_long) * bytes <= MAX_BYTES);
    }
    assert_eq!(kept(&nearly_too_long), MAX_BYTES / (bytes + 1_000));
    let too_long = long(MAX_TEMPLATE_BYTES);
    body(&too_long, &of_status(502));
    assert_eq!(kept(&too_long), 0);
}
