//! Brands by host.

use std::sync::Arc;

use super::*;

const CONFIG: &str = r##"{
    "brand": { "name": "Usual", "color": "#0b5fff", "home_url": "/", "status_url": "https://status.usual.example/",
               "links": [{ "label": "Usual help", "url": "/help" }] },
    "brands": [
        { "match": { "hosts": ["*.fern.example", "fern.example"] }, "name": "Fern & Co", "color": "#ffcc00",
          "logo": "<svg viewBox='0 0 9 9'><path d='M1 1h7'/></svg>",
          "home_url": "https://fern.example/", "status_url": "https://status.fern.example/",
          "links": [{ "label": { "en": "Write to Fern", "de": "Schreiben an Fern" }, "url": "/f" }] },
        { "match": { "hosts": ["*.example"] }, "name": "Other" }
    ],
    "templates": {
        "own": {
            "html": "<style>{{{brand.palette}}}</style><p>{{brand.name}}{{#each links}} {{label}}{{/each}}",
            "text": "{{brand.name}}: {{brand.status_url}}",
            "problem": { "support": "{{brand.status_url}}" }
        },
        "plain": { "html": "<p>{{title}}", "problem": { "support": "{{brand.status_url}}" } }
    }
}"##;

fn config() -> Config {
    Config::from_json(CONFIG.as_bytes()).unwrap()
}

fn at<'i>(host: &'i str, format: Format) -> PageInfo<'i> {
    PageInfo {
        host: host.as_bytes(),
        ..info(format)
    }
}

#[test]
fn the_first_brand_that_matches_the_host_is_that_of_the_page() {
    let config = config();
    for (host, name, color) in [
        ("fern.example", "Fern &amp; Co", "#ffcc00"),
        ("Shop.FERN.example:8443", "Fern &amp; Co", "#ffcc00"),
        ("a.example", "Other", "#0b5fff"),
        ("shop.test", "Usual", "#0b5fff"),
        ("", "Usual", "#0b5fff"),
    ] {
        let html = body(&config, &at(host, Format::Html));
        assert!(
            html.contains(&format!("– {name}</title>")),
            "{host}: {html}"
        );
        assert!(html.contains(&format!("--fill:{color};")), "{host}: {html}");
    }
}

#[test]
fn a_brand_has_its_own_logo_and_links_and_those_of_the_top_level_where_it_gives_none() {
    let config = config();
    let fern = body(&config, &at("fern.example", Format::Html));
    for part in [
        "<svg viewBox='0 0 9 9'>",
        "href=\"https://fern.example/\"",
        "href=\"https://status.fern.example/\"",
        "<a href=\"/f\">Write to Fern</a>",
    ] {
        assert!(fern.contains(part), "{part}: {fern}");
    }
    assert!(!fern.contains("Usual"));
    let other = body(&config, &at("a.example", Format::Html));
    for part in [
        "href=\"https://status.usual.example/\"",
        "<a href=\"/help\">Usual help</a>",
    ] {
        assert!(other.contains(part), "{part}: {other}");
    }
}

#[test]
fn own_templates_have_the_brand_of_the_host_in_every_form() {
    let config = config();
    let own = |host, format| {
        let info = PageInfo {
            page: Some(0),
            ..at(host, format)
        };
        body(&config, &info)
    };
    assert!(own("fern.example", Format::Html).ends_with("<p>Fern &amp; Co Write to Fern"));
    assert!(own("a.example", Format::Html).ends_with("<p>Other Usual help"));
    assert_eq!(
        own("fern.example", Format::Text),
        "Fern & Co: https://status.fern.example/"
    );
    for (host, expected) in [
        ("fern.example", "https://status.fern.example/"),
        ("a.example", "https://status.usual.example/"),
        ("shop.test", "https://status.usual.example/"),
    ] {
        for page in [0, 1] {
            let info = PageInfo {
                page: Some(page),
                ..at(host, Format::Problem)
            };
            let problem: serde_json::Value = serde_json::from_str(&body(&config, &info)).unwrap();
            assert_eq!(problem["support"], expected, "{host}");
        }
    }
}

#[test]
fn the_policy_allows_the_style_of_the_brand() {
    let pages = Pages::new(&config());
    for page in [None, Some(0)] {
        for host in ["fern.example", "a.example", "shop.test"] {
            let page = pages.render(&PageInfo {
                page,
                ..at(host, Format::Html)
            });
            let html = String::from_utf8(page.body).unwrap();
            let style = hash_between(&html, "<style>", "</style>");
            assert!(page.csp.unwrap().contains(&style), "{host}");
        }
    }
}

#[test]
fn each_brand_has_pages_in_each_language() {
    let pages = Pages::new(&config());
    let html = |host, language| {
        let page = pages.render(&PageInfo {
            language: pages.language_of_tag(language),
            ..at(host, Format::Html)
        });
        String::from_utf8(page.body).unwrap()
    };
    // The second time, each comes from the copy of its language.
    for _ in 0..2 {
        for language in ["de", "en"] {
            let (fern, usual) = (html("fern.example", language), html("shop.test", language));
            assert!(fern.contains("– Fern &amp; Co</title>") && !fern.contains("Usual"));
            assert!(usual.contains("– Usual</title>") && !usual.contains("Fern"));
        }
        assert!(html("fern.example", "de").contains(">Schreiben an Fern<"));
    }
}

#[test]
fn a_template_that_does_not_show_the_brand_is_kept_once() {
    let config = config();
    let programs = |name: &str| {
        let mut templates = config.templates.iter();
        let (_, template) = templates.find(|(other, _)| other == name).unwrap();
        &template.html.as_ref().unwrap().programs
    };
    let plain = programs("plain");
    assert_eq!(plain.len(), 3);
    assert!(plain.iter().all(|program| Arc::ptr_eq(program, &plain[0])));
    let own = programs("own");
    assert!(!Arc::ptr_eq(&own[1], &own[0]) && !Arc::ptr_eq(&own[2], &own[0]));
}

#[test]
fn a_template_that_is_too_large_with_one_brand_is_refused_with_its_name() {
    let logo = format!("data:image/png;base64,{}", "A".repeat(60_000));
    let json = serde_json::json!({
        "brands": [{ "name": "small" }, { "logo": logo }],
        "templates": { "a": { "html": "<img src='{{brand.logo}}' alt=''>".repeat(9) } }
    });
    let errors = Config::from_json(json.to_string().as_bytes()).unwrap_err();
    assert_eq!(errors.total(), 1, "{errors}");
    let error = errors.to_string();
    assert!(
        error.starts_with("templates.a.html: line 1, ")
            && error.ends_with("repeats (with `brands[1]`)"),
        "{error}"
    );
}
