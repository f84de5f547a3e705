//! What holds for any client input.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Returns the number of tags. Every `<` of a page belongs to the template.
fn tags(html: &str) -> usize {
    html.matches('<').count()
}

/// Bytes that try to break out of any position.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    const BREAKERS: &[&[u8]] = &[
        b"</title><script>alert(1)</script>",
        b"\"><img src=x onerror=alert(1)>",
        b"'-alert(1)-'",
        b"{{title}}",
        b"\\u003cscript\\u003e",
        b"\\\"",
        b"-->",
        b"\xff\xfe",
        b"\x1b[2J",
        b"\r\nset-cookie: a=b",
        "\u{202e}\u{2028}\u{200f}\u{61c}".as_bytes(),
        b"%3Cscript%3E",
    ];
    let piece = prop_oneof![
        proptest::sample::select(BREAKERS).prop_map(<[u8]>::to_vec),
        vec(any::<u8>(), 0..8),
    ];
    vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn client_input_is_never_markup(
        id in hostile(),
        host in hostile(),
        path in hostile(),
        method in hostile(),
        brand in hostile(),
        status in 400..600_u16,
        reason in proptest::sample::select(Reason::ALL),
        retry_after in any::<Option<u64>>(),
        now in any::<Option<u64>>(),
    ) {
        // A label that is never empty, and a URL that is never linked.
        let brand = ["x", &String::from_utf8_lossy(&brand)].concat();
        let config = branded(&brand);
        for format in FORMATS {
            let hostile = PageInfo {
                format,
                status,
                reason,
                retry_after: retry_after.map(Duration::from_millis),
                now: now.map(Timestamp::from_millis),
                source: Source::Upstream,
                tripped_by: None,
                maintenance: None,
                page_retry: Some(&PAGE_RETRY),
                is_unsent: false,
                gate: Some(Gate::Crowd),
                request_id: Some(&id),
                method: &method,
                content_type: &host,
                host: &host,
                path: &[b"/", &path[..]].concat(),
                language: LanguageId::default(),
                route: b"",
                page: None,
                problem_type_base: &brand,
            };
            let benign = PageInfo {
                request_id: Some(&b"a"[..]).filter(|_| {
                    let values = ExposedValues::new(&hostile, &EVERYTHING, None);
                    values.request_id().is_some()
                }),
                method: b"POST",
                host: b"shop.example",
                path: b"/",
                ..hostile.clone()
            };
            let made = body(&config, &hostile);
            match format {
                Format::Html => {
                    let mut plain = branded("https://shop.example");
                    // Without the links that the brand's unsafe URLs do not become.
                    if !crate::template::escape::is_safe_url(&brand) {
                        plain.brand.home_url = None;
                        plain.brand.status_url = None;
                        plain.brand.links.clear();
                    }
                    let expected = body(&plain, &benign);
                    prop_assert_eq!(tags(&made), tags(&expected), "{}", made);
                    prop_assert_eq!(
                        made.matches('"').count(),
                        expected.matches('"').count(),
                        "{}", made
                    );
                    let control = |c: char| c.is_control() && c != '\n';
                    prop_assert!(!made.contains(control));
                }
                Format::Problem => {
                    let json: serde_json::Value = serde_json::from_str(&made).unwrap();
                    prop_assert_eq!(&json["status"], status);
                    prop_assert_eq!(
                        json["type"].as_str().unwrap(),
                        [&*brand, reason.as_str()].concat()
                    );
                    prop_assert!(!made.contains(['<', '>', '&']));
                }
                Format::ProblemXml => {
                    prop_assert_eq!(tags(&made), tags(&body(&config, &benign)), "{}", made);
                }
                _ => prop_assert!(
                    !made.contains(|c: char| "<>&".contains(c) || (c.is_control() && c != '\n'))
                ),
            }
            for (_, value) in Pages::new(&config).render(&hostile).headers {
                prop_assert!(value.bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }
}

/// Returns a configuration whose templates show all client input in many positions.
fn own_templates() -> Config {
    let text = r#"{
        "templates": { "a": {
            "html": "<title>{{path}}</title><p a='{{host}}' b=\"{{path}}\" data-id='{{request_id}}'>{{host}}{{method}}<a href='{{path}}'></a><a href='/x?{{path}}#{{host}}'></a><a href='{{address}}'></a>",
            "text": "{{path}} {{host}} {{address}} {{request_id}} {{method}}",
            "problem": { "all": ["{{path}}", "{{host}}", "{{request_id}}", { "{{path}}": "{{method}}{{address}}" }] }
        } },
        "pages": [{ "template": "a" }],
        "security": { "expose": ["request_id", "timestamp", "host", "path"] }
    }"#;
    Config::from_json(text.as_bytes()).unwrap()
}

proptest! {
    #[test]
    fn client_input_is_never_markup_in_own_templates(
        id in hostile(),
        host in hostile(),
        path in hostile(),
        method in hostile(),
    ) {
        let config = own_templates();
        let path = [b"/", &path[..]].concat();
        let pages = Pages::new(&config);
        let made = |format| {
            let info = PageInfo {
                request_id: Some(&id), method: &method, host: &host, path: &path,
                ..info(format)
            };
            String::from_utf8(pages.render(&info).body).unwrap()
        };
        let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let html = made(Format::Html);
        // Those of the template.
        prop_assert_eq!(html.matches(['<', '>']).count(), 18, "{}", html);
        prop_assert_eq!(html.matches(['"', '\'']).count(), 12, "{}", html);
        prop_assert!(!html.contains(|c: char| c.is_control() || turns(c)), "{}", html);
        let text = made(Format::Text);
        prop_assert!(!text.contains(|c: char| c.is_control() || turns(c)), "{}", text);
        let problem = made(Format::Problem);
        let json: serde_json::Value = serde_json::from_str(&problem).unwrap();
        prop_assert_eq!(json["all"].as_array().unwrap().len(), 4);
        prop_assert!(json["all"][3]["{{path}}"].is_string());
        prop_assert!(!problem.contains(['<', '>', '&']) && !problem.contains(turns), "{}", problem);
    }
}
