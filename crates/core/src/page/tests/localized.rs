//! Texts of the configuration that differ by language.

use super::*;

const CONFIG: &str = r#"{
    "vars": { "team": { "en": "The <shop> team", "de": "Ihr <Laden>" }, "html": "<b>1</b>" },
    "brand": { "links": [
        { "label": { "en": "Write & call", "de": "Schreiben & rufen" }, "url": "/help" },
        { "label": "Status", "url": "/status" }
    ] },
    "templates": { "a": {
        "html": "<p title='{{vars.team}}'>{{{vars.html}}}{{#each links}}<a href='{{url}}'>{{label}}</a>{{/each}}",
        "problem": { "team": "{{vars.team}}" }
    } },
    "routes": [{ "name": "a", "maintenance": { "message": { "de": "Wir ziehen um.", "en": "We are moving." } } }]
}"#;

#[test]
fn the_message_of_a_maintenance_is_in_the_language_of_the_page() {
    let config = Config::from_json(CONFIG.as_bytes()).unwrap();
    let pages = Pages::new(&config);
    for (language, expected) in [
        ("de", "Wir ziehen um."),
        ("en", "We are moving."),
        ("ja", "We are moving."),
    ] {
        for format in FORMATS {
            if matches!(format, Format::Empty | Format::Line) {
                continue;
            }
            let page = pages.render(&PageInfo {
                reason: Reason::Maintenance,
                maintenance: config.routes[0].maintenance.as_ref(),
                language: pages.language_of_tag(language),
                ..info(format)
            });
            let body = String::from_utf8(page.body).unwrap();
            let text = body.replace("\\.", ".");
            assert!(text.contains(expected), "{language} {body}");
        }
    }
}

#[test]
fn vars_and_labels_of_links_are_in_the_language_of_the_page_and_escaped() {
    let pages = Pages::new(&Config::from_json(CONFIG.as_bytes()).unwrap());
    let own = |language, format| {
        let page = pages.render(&PageInfo {
            page: Some(0),
            language: pages.language_of_tag(language),
            ..info(format)
        });
        String::from_utf8(page.body).unwrap()
    };
    assert_eq!(
        own("de-AT", Format::Html),
        "<p title='Ihr &lt;Laden&gt;'><b>1</b><a href='/help'>Schreiben &amp; rufen</a><a href='/status'>Status</a>"
    );
    assert_eq!(
        own("ja", Format::Html),
        "<p title='The &lt;shop&gt; team'><b>1</b><a href='/help'>Write &amp; call</a><a href='/status'>Status</a>"
    );
    let problem: serde_json::Value = serde_json::from_str(&own("de", Format::Problem)).unwrap();
    assert_eq!(problem["team"], "Ihr <Laden>");
    // The built-in page, of which each language has a copy.
    for (language, expected) in [("de", "Schreiben &amp; rufen"), ("en", "Write &amp; call")] {
        let page = pages.render(&PageInfo {
            language: pages.language_of_tag(language),
            ..info(Format::Html)
        });
        let html = String::from_utf8(page.body).unwrap();
        assert!(
            html.contains(&format!("<a href=\"/help\">{expected}</a>")),
            "{html}"
        );
    }
}
