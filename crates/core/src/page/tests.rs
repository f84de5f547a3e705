//! What holds for every page.

mod brands;
mod client_input;
mod localized;

use std::time::Duration;

use super::locales;
use super::*;
use crate::config::{Color, Csp, Link, Logo, Maintenance};

const EVERYTHING: [Exposed; 4] = [
    Exposed::RequestId,
    Exposed::Timestamp,
    Exposed::Host,
    Exposed::Path,
];
/// The formats whose body is text: all but the frames of gRPC-Web and of a stream of Connect.
const FORMATS: [Format; 9] = [
    Format::Html,
    Format::Problem,
    Format::ProblemXml,
    Format::Text,
    Format::Markdown,
    Format::Grpc,
    Format::Connect,
    Format::Empty,
    Format::Line,
];

static PAGE_RETRY: PageRetry = PageRetry {
    auto: true,
    max_attempts: 7,
    cap: Duration::from_secs(90),
};

pub(super) fn info(format: Format) -> PageInfo<'static> {
    PageInfo {
        format,
        status: 502,
        reason: Reason::ConnectionRefused,
        source: Source::Proxy,
        tripped_by: None,
        maintenance: None,
        retry_after: Some(Duration::from_millis(12_000)),
        page_retry: Some(&PAGE_RETRY),
        is_unsent: false,
        gate: None,
        request_id: Some(b"6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11"),
        now: Some(Timestamp::from_millis(1_787_480_130_250)),
        method: b"GET",
        content_type: b"",
        host: b"shop.example",
        path: b"/pay?token=secret",
        language: LanguageId::default(),
        route: b"",
        page: None,
        problem_type_base: "about:blank",
    }
}

fn branded(text: &str) -> Config {
    let mut config = Config::default();
    config.brand.name = text.to_owned();
    config.brand.logo = Some(Logo::DataUri(text.to_owned()));
    config.brand.home_url = Some(text.to_owned());
    config.brand.status_url = Some(text.to_owned());
    config.brand.links = vec![Link {
        label: text.into(),
        url: text.to_owned(),
    }];
    config.policy.formats.problem_type_base = text.to_owned();
    config.security.expose = EVERYTHING.to_vec();
    config
}

fn body(config: &Config, info: &PageInfo<'_>) -> String {
    let info = PageInfo {
        problem_type_base: &config.policy.formats.problem_type_base,
        ..info.clone()
    };
    String::from_utf8(Pages::new(config).render(&info).body).unwrap()
}

#[test]
fn each_format_has_its_content_type() {
    let pages = Pages::new(&Config::default());
    for (format, expected) in [
        (Format::Html, Some("text/html; charset=utf-8")),
        (
            Format::Problem,
            Some("application/problem+json; charset=utf-8"),
        ),
        (Format::Text, Some("text/plain; charset=utf-8")),
        (Format::Line, Some("text/plain; charset=utf-8")),
        (
            Format::ProblemXml,
            Some("application/problem+xml; charset=utf-8"),
        ),
        (Format::Markdown, Some("text/markdown; charset=utf-8")),
        (Format::Grpc, None),
        (Format::GrpcWeb, Some("application/grpc-web+proto")),
        (Format::Connect, Some("application/json")),
        (Format::ConnectStream, Some("application/connect+proto")),
        (Format::Empty, None),
    ] {
        let page = pages.render(&info(format));
        let has_headers = matches!(format, Format::Grpc | Format::GrpcWeb);
        assert_eq!(page.content_type, expected);
        assert_eq!(page.csp.is_some(), format == Format::Html);
        assert_eq!(page.body.is_empty(), format == Format::Empty);
        assert_eq!(page.headers.is_empty(), !has_headers);
        assert_eq!(page.language, "en");
    }
}

/// Returns the hash of the text between two tags, as a source expression of a policy.
fn hash_between(html: &str, open: &str, close: &str) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let (_, rest) = html.split_once(open).unwrap();
    let (block, rest) = rest.split_once(close).unwrap();
    assert!(!rest.contains(open), "{open} twice");
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(block));
    format!("'sha256-{hash}'")
}

#[test]
fn the_policy_allows_exactly_the_blocks_of_the_page() {
    let mut config = branded("Acme");
    config.brand.color = Some(Color { r: 1, g: 2, b: 3 });
    let pages = Pages::new(&config);
    let rest = "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let auto = info(Format::Html);
    let page = pages.render(&auto);
    let html = String::from_utf8(page.body).unwrap();
    assert!(!html.contains("style=") && html.contains("--fill:#010203;"));
    let style = hash_between(&html, "<style>", "</style>");
    let script = hash_between(&html, "<script>", "</script>");
    assert_eq!(
        page.csp.unwrap(),
        format!(
            "default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; {rest}"
        )
    );
    let page = pages.render(&PageInfo {
        page_retry: None,
        ..auto
    });
    assert_eq!(
        page.csp.unwrap(),
        format!("default-src 'none'; style-src {style}; {rest}")
    );
    config.security.csp = Csp::Off;
    assert_eq!(Pages::new(&config).render(&info(Format::Html)).csp, None);
}

#[test]
fn the_page_fits_into_the_first_flight_of_tcp() {
    // Ten segments (RFC 6928) of about 1,400 bytes, less the response headers.
    for locale in locales::ALL {
        let mut config = branded("Acme");
        config.locales.default = locale.tag.to_owned();
        for &reason in Reason::ALL {
            let html = body(
                &config,
                &PageInfo {
                    reason,
                    ..info(Format::Html)
                },
            );
            assert!(html.len() < 12_800, "{}: {} bytes", locale.tag, html.len());
        }
    }
}

#[test]
fn every_language_says_when_a_maintenance_ends() {
    const NOW_MS: u64 = 1_787_480_130_250;
    let at = |tag: &str, format, maintenance: &Maintenance| {
        let mut config = Config::default();
        config.locales.default = tag.to_owned();
        let info = PageInfo {
            reason: Reason::Maintenance,
            maintenance: Some(maintenance),
            retry_after: Some(Duration::from_secs(900)),
            ..info(format)
        };
        body(&config, &info)
    };
    let ends = Maintenance {
        until: Some(Timestamp::from_secs(NOW_MS / 1000 + 2 * 3_600)),
        message: None,
    };
    for locale in locales::ALL {
        let hours = match locale.tag {
            "ar" | "he" => locale.find("when.hours.two"),
            "cs" | "pl" | "ro" | "ru" | "uk" => locale.find("when.hours.few"),
            _ => locale.find("when.hours"),
        };
        let hours = hours.unwrap().replace("{n}", "2");
        let gap = match locale.tag {
            "ja" | "zh-Hans" | "zh-Hant" => "",
            _ => " ",
        };
        let (before, after) = locale
            .find("hint.again")
            .unwrap()
            .split_once("{when}")
            .unwrap();
        let next = locale.find("next.maintenance").unwrap();
        let html = at(locale.tag, Format::Html, &ends);
        let time = "<time id=\"until\" dir=\"auto\" datetime=\"2026-08-23T12:15:30Z\">\
                    2026-08-23 12:15:30 UTC</time>";
        let said =
            format!("{next}{gap}<span class=\"end\">{before}<strong>{hours}</strong> ({time}){after}</span></p>");
        assert!(html.contains(&said), "{said} in {html}");
        let text = at(locale.tag, Format::Text, &ends);
        let said = format!("\n{before}{hours} (2026-08-23 12:15:30 UTC){after}\n");
        assert!(text.contains(&said), "{said} in {text}");
        let problem = at(locale.tag, Format::Problem, &ends);
        let said = "\"until\":\"2026-08-23T12:15:30Z\",\"retryable\":true,\"retry_after\":900,";
        assert!(problem.contains(said), "{problem}");
    }
    // Without an end, or with one long before the hint, the hint decides.
    let open = Maintenance {
        until: None,
        message: None,
    };
    let soon = Maintenance {
        until: Some(Timestamp::from_secs(NOW_MS / 1000 + 60)),
        message: None,
    };
    for (maintenance, has_time) in [(&open, false), (&soon, true)] {
        let html = at("en", Format::Html, maintenance);
        assert!(
            html.contains("<strong>in about 15 minutes</strong>"),
            "{html}"
        );
        assert_eq!(html.contains("<time id=\"until\""), has_time);
    }
}

#[test]
fn no_markup_reloads_or_leaves_the_page() {
    for &reason in Reason::ALL {
        let html = body(
            &branded("Acme"),
            &PageInfo {
                reason,
                ..info(Format::Html)
            },
        );
        assert!(!html.contains("http-equiv"));
        assert_eq!(html.matches("<h1>").count(), 1);
        assert_eq!(html.matches("<main ").count(), 1);
    }
}

#[test]
fn the_script_is_part_of_pages_that_may_reload() {
    let off = PageRetry {
        auto: false,
        ..PAGE_RETRY.clone()
    };
    let soon = Some(Duration::from_secs(12));
    for (method, retry_after, page_retry, expected) in [
        (&b"GET"[..], soon, Some(&PAGE_RETRY), true),
        // The headers of HEAD speak of the page of GET (RFC 9110 §9.3.2).
        (b"HEAD", soon, Some(&PAGE_RETRY), true),
        (b"POST", soon, Some(&PAGE_RETRY), false),
        (b"GET", None, Some(&PAGE_RETRY), false),
        (b"GET", soon, Some(&off), false),
        (b"GET", soon, None, false),
    ] {
        let html = body(
            &branded("Acme"),
            &PageInfo {
                method,
                retry_after,
                page_retry,
                ..info(Format::Html)
            },
        );
        for part in [
            "<script>",
            "id=\"auto\" hidden",
            "role=\"status\"",
            "data-max-attempts=\"7\"",
            "data-cap-ms=\"90000\"",
        ] {
            assert_eq!(html.contains(part), expected, "{part}");
        }
        // The same in a page of the operator's own.
        let own = body(
            &with_retry(),
            &PageInfo {
                method,
                retry_after,
                page_retry,
                ..info(Format::Html)
            },
        );
        let (from, to) = ("<div id=\"auto\"", "</script>");
        let part = |html: &str| Some(html.split_once(from)?.1.split_once(to)?.0.to_owned());
        assert_eq!(part(&own), part(&html));
        assert_eq!(own.contains(from), expected, "{own}");
    }
}

/// Returns a configuration with a page that comes back by itself, and other delimiters.
fn with_retry() -> Config {
    let json = r#"{
        "delimiters": ["[[", "]]"],
        "templates": { "own": { "html": "<p>[[title]]</p>\n[[{retry}]]\n<script>mine()</script>" } },
        "pages": [{ "template": "own" }]
    }"#;
    Config::from_json(json.as_bytes()).unwrap()
}

#[test]
fn an_own_page_allows_the_script_that_makes_it_come_back() {
    let pages = Pages::new(&with_retry());
    let page = pages.render(&info(Format::Html));
    let html = String::from_utf8(page.body).unwrap();
    let (retry, mine) = html.rsplit_once("<script>").unwrap();
    let hashes = [
        hash_between(retry, "<script>", "</script>"),
        hash_between(&format!("<script>{mine}"), "<script>", "</script>"),
    ];
    let policy = format!("script-src {}; connect-src 'self';", hashes.join(" "));
    assert!(page.csp.unwrap().contains(&policy), "{policy}");
}

#[test]
fn nothing_leads_home_from_the_home_page() {
    let mut config = branded("/");
    config.brand.logo = None;
    for (method, path, retry_after, links) in [
        (&b"GET"[..], &b"/cart"[..], true, 1),
        (b"GET", b"/?a=1", true, 0),
        (b"GET", b"/", false, 0),
        (b"POST", b"/", true, 1),
    ] {
        let retry_after = retry_after.then_some(Duration::from_secs(9));
        let html = body(
            &config,
            &PageInfo {
                method,
                path,
                retry_after,
                ..info(Format::Html)
            },
        );
        assert_eq!(
            html.matches("Go to the home page").count(),
            links,
            "{path:?}"
        );
    }
}

#[test]
fn nobody_is_asked_to_report_a_maintenance() {
    for (reason, expected) in [(Reason::Maintenance, false), (Reason::CircuitOpen, true)] {
        let html = body(
            &Config::default(),
            &PageInfo {
                reason,
                ..info(Format::Html)
            },
        );
        assert_eq!(html.contains("If you contact us"), expected);
        assert_eq!(html.contains("<dl>"), expected);
    }
}

#[test]
fn the_page_tells_its_script_what_the_gate_asks() {
    let html = |gate| {
        body(
            &branded("Acme"),
            &PageInfo {
                gate,
                ..info(Format::Html)
            },
        )
    };
    for (gate, expected) in [(Gate::Wait, "wait"), (Gate::Crowd, "crowd")] {
        assert!(html(Some(gate)).contains(&format!(" data-gate=\"{expected}\"")));
    }
    assert!(!html(None).contains("data-gate"));
    // A gate whose sentence the script shows, and one that has none.
    assert!(html(None).contains(" data-crowd=\"Many people are waiting right now."));
    assert!(!html(None).contains(" data-wait="));
}

#[test]
fn only_a_safe_retryable_request_is_offered_again() {
    let link = "href=\"\"";
    let refused = Reason::ConnectionRefused;
    let soon = Some(Duration::from_millis(1));
    // With a home page there is a button either way.
    for config in [Config::default(), branded("/home")] {
        let at = |method, retry_after, reason| {
            body(
                &config,
                &PageInfo {
                    method,
                    retry_after,
                    reason,
                    ..info(Format::Html)
                },
            )
        };
        assert!(at(b"GET", soon, refused).contains(link));
        assert!(at(b"HEAD", soon, refused).contains(link));
        assert!(!at(b"GET", None, refused).contains(link));
        for method in [
            &b"POST"[..],
            b"PUT",
            b"PATCH",
            b"DELETE",
            b"OPTIONS",
            b"get",
            b"",
        ] {
            let html = at(method, soon, refused);
            assert!(!html.contains(link) && html.contains("may or may not have been processed"));
            let html = at(method, soon, Reason::CircuitOpen);
            assert!(!html.contains(link) && html.contains("has not been processed"));
        }
    }
}

#[test]
fn unsafe_urls_are_not_linked() {
    let html = body(&branded("javascript:alert(1)"), &info(Format::Html));
    assert!(!html.contains("href=\"javascript"));
    assert_eq!(html.matches("<a ").count(), 1, "only to try again: {html}");
}

#[test]
fn the_query_is_never_shown() {
    for format in FORMATS {
        assert!(!body(&branded("Acme"), &info(format)).contains("secret"));
    }
}
