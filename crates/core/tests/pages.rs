//! Every built-in page, byte for byte: one file per reason and format, and one per variation.
//!
//! After an intended change, run `UPDATE_EXPECT=1 cargo test -p tidegate-core --test pages` and review
//! the difference. The HTML files can be opened in a browser.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use expect_test::expect_file;
use tidegate_core::config::{Color, Config, Exposed, Link, Logo, Maintenance, PageRetry};
use tidegate_core::failure::{Reason, Source};
use tidegate_core::http::format::Format;
use tidegate_core::page::{Gate, LanguageId, Page, PageInfo, Pages};
use tidegate_core::time::Timestamp;

/// The formats whose body is text, and the endings of their files.
const FORMATS: [(Format, &str); 8] = [
    (Format::Html, "html"),
    (Format::Problem, "problem.json"),
    (Format::ProblemXml, "problem.xml"),
    (Format::Text, "text.txt"),
    (Format::Markdown, "md"),
    (Format::Line, "line.txt"),
    (Format::Grpc, "grpc.txt"),
    (Format::Connect, "connect.json"),
];

static PAGE_RETRY: PageRetry = PageRetry {
    auto: true,
    max_attempts: 10,
    cap: Duration::from_secs(120),
};

/// Ends at 12:00, an hour and three quarters after [`info`].
static MAINTENANCE: Maintenance = Maintenance {
    until: Some(Timestamp::from_secs(1_787_486_400)),
    message: None,
};

fn info(format: Format, reason: Reason) -> PageInfo<'static> {
    PageInfo {
        format,
        status: reason.standard_status().unwrap_or(match reason {
            Reason::UpstreamBadGateway => 502,
            Reason::UpstreamUnavailable => 503,
            Reason::UpstreamTimeout => 504,
            Reason::DestinationNotFound => 404,
            Reason::Unauthorized => 401,
            Reason::Forbidden => 403,
            Reason::RateLimited => 429,
            Reason::ClientError => 400,
            _ => 500,
        }),
        reason,
        source: Source::Proxy,
        tripped_by: None,
        maintenance: None,
        retry_after: reason
            .is_retryable()
            .then_some(Duration::from_millis(12_345)),
        page_retry: Some(&PAGE_RETRY),
        is_unsent: false,
        gate: None,
        request_id: Some(b"6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11"),
        now: Some(Timestamp::from_millis(1_787_480_130_250)),
        method: b"GET",
        content_type: b"",
        host: b"shop.example",
        path: b"/basket?session=secret",
        language: LanguageId::default(),
        route: b"",
        page: None,
        problem_type_base: "about:blank",
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
        label: "Contact support".into(),
        url: "mailto:help@example".to_owned(),
    }];
    config.policy.formats.problem_type_base = "https://errors.example/".to_owned();
    config
}

/// Changes the configuration and the failure of a page.
type Change = fn(&mut Config, &mut PageInfo<'static>);

const VARIATIONS: [(&str, Change); 12] = [
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
    ("post", |config, info| {
        *config = branded();
        info.method = b"POST";
    }),
    ("post-never-sent", |_, info| {
        info.method = b"POST";
        info.reason = Reason::CircuitOpen;
        info.status = 503;
    }),
    ("post-not-retryable", |_, info| {
        info.method = b"POST";
        info.retry_after = None;
    }),
    ("not-retryable", |config, info| {
        *config = branded();
        info.retry_after = None;
    }),
    ("maintenance-until", |_, info| {
        info.reason = Reason::Maintenance;
        info.status = 503;
        info.retry_after = Some(Duration::from_secs(900));
        info.maintenance = Some(&MAINTENANCE);
    }),
    ("gate-wait", |_, info| {
        info.reason = Reason::CircuitOpen;
        info.status = 503;
        info.tripped_by = Some(Reason::ConnectionRefused);
        info.gate = Some(Gate::Wait);
    }),
    ("gate-crowd", |config, info| {
        *config = branded();
        info.reason = Reason::CircuitOpen;
        info.status = 503;
        info.tripped_by = Some(Reason::ConnectionRefused);
        info.gate = Some(Gate::Crowd);
    }),
    ("never-by-itself", |_, info| info.page_retry = None),
    ("nothing-exposed", |config, _| {
        config.security.expose.clear()
    }),
    ("all-exposed", |config, info| {
        config.security.expose = vec![
            Exposed::RequestId,
            Exposed::Timestamp,
            Exposed::Host,
            Exposed::Path,
        ];
        info.request_id = Some(b"trace-000000000000000000000000000000000001:7");
        info.path = b"/a/<b>/\xffc?session=secret";
        info.retry_after = Some(Duration::from_secs(600));
    }),
];

/// Returns what the file of a page contains: the headers of its format, and the body.
fn content(page: &Page<'_>) -> String {
    let headers = page.headers.iter();
    let headers: String = headers
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    let body = std::str::from_utf8(&page.body).unwrap();
    format!("{headers}{body}")
}

/// Compares a page with its file.
fn check(name: &str, page: &Page<'_>) {
    expect_file![format!("golden/pages/{name}")].assert_eq(&content(page));
}

#[test]
fn every_page_equals_its_file_and_every_file_has_a_page() {
    let mut names = BTreeSet::new();
    let pages = Pages::new(&Config::default());
    for (format, extension) in FORMATS {
        for &reason in Reason::ALL {
            let name = format!("{}.{extension}", reason.as_str());
            check(&name, &pages.render(&info(format, reason)));
            names.insert(name);
        }
        for (variation, change) in VARIATIONS {
            let mut config = Config::default();
            let mut info = info(format, Reason::ConnectionRefused);
            change(&mut config, &mut info);
            let problem_type_base = &config.policy.formats.problem_type_base;
            let info = PageInfo {
                problem_type_base,
                ..info
            };
            let name = format!("variation-{variation}.{extension}");
            check(&name, &Pages::new(&config).render(&info));
            names.insert(name);
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pages");
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), names);
}

#[test]
fn an_empty_page_has_no_body_and_no_headers() {
    let pages = Pages::new(&branded());
    for &reason in Reason::ALL {
        let page = pages.render(&info(Format::Empty, reason));
        assert!(page.body.is_empty() && page.headers.is_empty());
        assert_eq!((page.content_type, page.csp), (None, None));
    }
}
