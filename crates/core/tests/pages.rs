//! Every built-in page, byte for byte: one file per reason and format, and one per variation.
//!
//! After a change that is meant: `UPDATE_GOLDENS=1 cargo test -p tidegate-core --test pages`, and
//! read the difference. The HTML files can be opened in a browser.
// The ban on files and environment is for the core; this compares files.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate_core::config::{Color, Config, Exposed, Link, Logo, Maintenance, PageRetry};
use tidegate_core::negotiate::Format;
use tidegate_core::page::{LanguageId, Page, PageFacts, Pages};
use tidegate_core::reason::{Reason, Source};

/// The formats that have a body, and how their files are named.
const FORMATS: [(Format, &str); 5] = [
    (Format::Html, "html"),
    (Format::Problem, "problem.json"),
    (Format::Text, "text.txt"),
    (Format::Line, "line.txt"),
    (Format::Grpc, "grpc.txt"),
];

static PAGE_RETRY: PageRetry = PageRetry {
    auto: true,
    max_attempts: 10,
    cap: Duration::from_secs(120),
};

/// It ends at 12:00, an hour and three quarters after [`facts`].
static MAINTENANCE: Maintenance = Maintenance {
    until: Some(1_787_486_400),
    message: None,
};

fn facts(format: Format, reason: Reason) -> PageFacts<'static> {
    PageFacts {
        format,
        status: reason.standard_status().unwrap_or(match reason {
            Reason::UpstreamBadGateway => 502,
            Reason::UpstreamUnavailable => 503,
            Reason::UpstreamTimeout => 504,
            Reason::DestinationNotFound => 404,
            _ => 500,
        }),
        reason,
        source: Source::Proxy,
        tripped_by: None,
        maintenance: None,
        retry_after_ms: reason.is_retryable().then_some(12_345),
        page_retry: Some(&PAGE_RETRY),
        request_id: Some(b"6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11"),
        now_ms: Some(1_787_480_130_250),
        method: b"GET",
        host: b"shop.example",
        path: b"/basket?session=secret",
        language: LanguageId::default(),
        route: b"",
        page: None,
    }
}

fn branded() -> Config {
    let mut config = Config::default();
    config.brand.name = "Acme & Sons".to_owned();
    config.brand.color = Some(Color {
        r: 0x0b,
        g: 0x5f,
        b: 0xff,
    });
    config.brand.color_dark = Some(Color {
        r: 0x8a,
        g: 0xb4,
        b: 0xf8,
    });
    config.brand.logo = Some(Logo::Svg(
        "<svg viewBox=\"0 0 40 40\" width=\"40\" height=\"40\"><circle cx=\"20\" cy=\"20\" r=\"18\" \
         fill=\"#0b5fff\"/><path d=\"M12 27l8-16 8 16\" fill=\"none\" stroke=\"#fff\" \
         stroke-width=\"4\"/></svg>"
            .to_owned(),
    ));
    config.brand.home_url = Some("/".to_owned());
    config.brand.status_url = Some("https://status.example/".to_owned());
    config.brand.links = vec![Link {
        label: "Contact support".to_owned(),
        url: "mailto:help@example".to_owned(),
    }];
    config.formats.problem_type_base = "https://errors.example/".to_owned();
    config
}

/// A page that differs from those of the reasons in one respect: name, configuration, facts.
type Change = fn(&mut Config, &mut PageFacts<'static>);

const VARIATIONS: [(&str, Change); 10] = [
    ("branded", |config, _| *config = branded()),
    ("branded-weak-color", |config, _| {
        *config = branded();
        config.brand.logo = None;
        config.brand.color = Some(Color {
            r: 0xd9,
            g: 0x77,
            b: 0x06,
        });
        config.brand.color_dark = None;
    }),
    ("post", |config, facts| {
        *config = branded();
        facts.method = b"POST";
    }),
    ("post-never-sent", |_, facts| {
        facts.method = b"POST";
        facts.reason = Reason::CircuitOpen;
        facts.status = 503;
    }),
    ("post-not-retryable", |_, facts| {
        facts.method = b"POST";
        facts.retry_after_ms = None;
    }),
    ("not-retryable", |config, facts| {
        *config = branded();
        facts.retry_after_ms = None;
    }),
    ("maintenance-until", |_, facts| {
        facts.reason = Reason::Maintenance;
        facts.status = 503;
        facts.retry_after_ms = Some(900_000);
        facts.maintenance = Some(&MAINTENANCE);
    }),
    ("never-by-itself", |_, facts| facts.page_retry = None),
    ("nothing-exposed", |config, _| {
        config.security.expose.clear()
    }),
    ("all-exposed", |config, facts| {
        config.security.expose = vec![
            Exposed::RequestId,
            Exposed::Timestamp,
            Exposed::Host,
            Exposed::Path,
        ];
        facts.request_id = Some(b"trace-000000000000000000000000000000000001:7");
        facts.path = b"/a/<b>/\xffc?session=secret";
        facts.retry_after_ms = Some(600_000);
    }),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pages")
}

/// What the file of a page holds: the body; for gRPC its headers above it.
fn content(page: &Page<'_>) -> Vec<u8> {
    let mut content = String::new();
    for (name, value) in &page.headers {
        content.push_str(&format!("{name}: {value}\n"));
    }
    let mut content = content.into_bytes();
    content.extend_from_slice(&page.body);
    content
}

/// Compares a page with its file, or writes the file.
fn check(name: &str, page: &Page<'_>, wrong: &mut Vec<String>) {
    let path = folder().join(name);
    let content = content(page);
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&path, &content).unwrap();
    } else if std::fs::read(&path).unwrap_or_default() != content {
        wrong.push(name.to_owned());
    }
}

#[test]
fn every_page_is_as_it_was() {
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    let pages = Pages::new(&Config::default());
    for (format, extension) in FORMATS {
        for &reason in Reason::ALL {
            let name = format!("{}.{extension}", reason.as_str());
            check(&name, &pages.render(&facts(format, reason)), &mut wrong);
            names.insert(name);
        }
        for (variation, change) in VARIATIONS {
            let mut config = Config::default();
            let mut facts = facts(format, Reason::ConnectionRefused);
            change(&mut config, &mut facts);
            let name = format!("variation-{variation}.{extension}");
            check(&name, &Pages::new(&config).render(&facts), &mut wrong);
            names.insert(name);
        }
    }
    assert!(
        wrong.is_empty(),
        "differ (see the head of this file): {wrong:#?}"
    );
    let files = std::fs::read_dir(folder()).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(
        files.collect::<BTreeSet<_>>(),
        names,
        "files that no page has"
    );
}

#[test]
fn an_empty_page_says_nothing_for_any_reason() {
    let pages = Pages::new(&branded());
    for &reason in Reason::ALL {
        let page = pages.render(&facts(Format::Empty, reason));
        assert!(page.body.is_empty() && page.headers.is_empty());
        assert_eq!((page.content_type, page.csp), (None, None));
    }
}
