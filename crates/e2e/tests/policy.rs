//! Which failures the configuration replaces, as a table, checked on Envoy.

use tidegate_e2e::client::Protocol;
use tidegate_e2e::message::{Request, Response};

use crate::site::Site;

/// The expected response.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Want {
    /// A page with this status and these `Proxy-Status` parameters.
    Page(u16, &'static str),
    /// The upstream's own response.
    Own(u16),
}
use Want::{Own, Page};

#[rustfmt::skip]
const TABLE: &[(&str, &[(&str, Want)])] = &[
    (r#"{ "intercept": { "source": "proxy" } }"#, &[
        ("/502/", Own(502)),
        ("/502-empty/", Own(502)),
        ("/refused/", Page(502, "error=connection_refused")),
    ]),
    (r#"{ "intercept": { "source": "upstream" } }"#, &[
        ("/502/", Page(502, "error=upstream_bad_gateway; received-status=502")),
        ("/refused/", Own(503)),
    ]),
    (r#"{ "intercept": { "upstream_body": "replace" } }"#, &[
        ("/502-json/", Page(502, "error=upstream_bad_gateway; received-status=502")),
        ("/503-json/", Page(503, "error=upstream_unavailable; received-status=503")),
        ("/502-own/", Own(502)),
        ("/502-inner/", Own(502)),
    ]),
    (r#"{ "intercept": { "upstream_body": "keep" } }"#, &[
        ("/502/", Own(502)),
        ("/502-chunked/", Own(502)),
        ("/502-empty/", Page(502, "error=upstream_bad_gateway; received-status=502")),
        ("/refused/", Page(502, "error=connection_refused")),
    ]),
    (r#"{ "intercept": { "status": "keep" } }"#, &[
        ("/refused/", Page(503, "error=connection_refused")),
        ("/connect-timeout/", Page(503, "error=connection_timeout")),
        ("/hang/", Page(504, "error=http_response_timeout")),
    ]),
    (r#"{ "intercept": { "opt_out_header": "x-own" }, "security": { "inner_pages": "ignore" } }"#, &[
        ("/502-own/", Page(502, "error=upstream_bad_gateway; received-status=502")),
        ("/502-inner/", Page(502, "error=upstream_bad_gateway; received-status=502")),
    ]),
    (r#"{ "intercept": { "statuses": [404, 429], "skip": { "hosts": ["other.example"] } } }"#, &[
        ("/404/", Page(404, "error=client_error; received-status=404")),
        ("/502/", Own(502)),
        ("/refused/", Own(503)),
    ]),
    (r#"{ "intercept": { "skip": { "hosts": ["*.example"] } } }"#, &[
        ("/refused/", Own(503)),
        ("/502/", Own(502)),
    ]),
    (r#"{ "proxy_status": { "name": "edge", "details": true } }"#, &[
        ("/no-hosts/", Page(503, "error=destination_unavailable; details=\"no_healthy_upstream\"")),
    ]),
];

#[test]
fn policy_selects_replaced_responses() {
    let names: Vec<String> = (0..TABLE.len()).map(|n| format!("row-{n}")).collect();
    let listeners: Vec<(&str, Option<&str>)> = names
        .iter()
        .zip(TABLE)
        .map(|(name, (text, _))| (name.as_str(), Some(*text)))
        .collect();
    let site = Site::start(&listeners);
    for (name, (text, rows)) in names.iter().zip(TABLE) {
        let client = site.client(name, Protocol::H1);
        for (path, want) in *rows {
            let answer = client.get(&Request::get(path));
            let is_ours = answer.headers.has("x-robots-tag");
            let member = answer.header("proxy-status").unwrap_or_default();
            let member = member.rsplit(", ").next().unwrap_or_default();
            let got = (
                answer.status,
                is_ours,
                member.split_once("; ").unwrap_or_default().1,
            );
            let fits = match *want {
                Page(status, parameters) => got == (status, true, parameters),
                Own(status) => (got.0, got.1) == (status, false),
            };
            assert!(
                fits,
                "{text} {path}: {want:?}, got {got:?} {:?}",
                answer.headers
            );
        }
    }
}

#[test]
fn upstreams_retry_after_is_the_hint() {
    let site = Site::start(&[
        ("default", None),
        (
            "deaf",
            Some(r#"{ "retry": { "honor_upstream": false, "after": { "503": "1m" } } }"#),
        ),
        (
            "capped",
            Some(r#"{ "retry": { "max": "5s", "after": { "default": "2s", "504": "4s" } } }"#),
        ),
    ]);
    let hint = |listener, path| {
        let answer = site.client(listener, Protocol::H1).get(&Request::get(path));
        let seconds = answer.header("retry-after").expect("a hint").parse::<u64>();
        seconds.expect("delay-seconds")
    };
    // The upstream's time is neither multiplied nor cut. An interval is up to two fifths shorter.
    assert_eq!(hint("default", "/503-in-7/"), 7);
    assert!((36..=60).contains(&hint("deaf", "/503-in-7/")));
    assert_eq!(hint("capped", "/503-in-7/"), 7);
    assert_eq!(hint("capped", "/refused/"), 2);
}

#[test]
fn page_has_brand_and_configured_headers() {
    let site = Site::start(&[(
        "page",
        Some(
            r##"{
                "brand": { "name": "Acme <Shop>", "color": "#0b5fff", "home_url": "/start" },
                "headers": { "set": { "x-team": "edge" }, "remove": ["x-robots-tag"] }
            }"##,
        ),
    )]);
    for path in ["/refused/", "/502/", "/502-empty/", "/no-cluster/"] {
        let request = Request::get(path).header("accept", "text/html");
        let page: Response = site.client("page", Protocol::H2).get(&request);
        let text = page.text();
        assert!(
            text.contains("Acme &lt;Shop&gt;") && !text.contains("Acme <Shop>"),
            "{path}"
        );
        assert!(text.contains("href=\"/start\""), "{path}");
        assert_eq!(page.header("x-team"), Some("edge"), "{path}");
        assert!(!page.headers.has("x-robots-tag"), "{path}");
    }
}

#[test]
fn page_tells_nothing_of_the_network_behind_the_proxy() {
    let details = r#"{ "proxy_status": { "details": true } }"#;
    let site = Site::start(&[("page", None), ("details", Some(details))]);
    for (path, own) in [
        (
            "/502-leak/",
            "gateway; error=upstream_bad_gateway; received-status=502",
        ),
        (
            "/502-leak-empty/",
            "gateway; error=upstream_bad_gateway; received-status=502",
        ),
    ] {
        for protocol in [Protocol::H1, Protocol::H2] {
            let [page, all] = ["page", "details"]
                .map(|listener| site.client(listener, protocol).get(&Request::get(path)));
            let context = format!("{path} {protocol:?} {:?}", page.headers);
            assert!(page.headers.has("x-tidegate-page"), "{context}");
            let members = format!("db; error=connection_refused, {own}");
            assert_eq!(
                page.header("proxy-status"),
                Some(members.as_str()),
                "{context}"
            );
            assert_eq!(page.header("via"), Some("1.1 edge"), "{context}");
            assert!(!page.headers.has("www-authenticate"), "{context}");
            let said = format!("{:?} {}", page.headers, page.text());
            for inside in ["10.0.3.7", "db.internal", "squid", "staging"] {
                assert!(!said.contains(inside), "{inside} in {context}");
            }
            let members = all.header("proxy-status").unwrap_or_default();
            assert!(members.contains("10.0.3.7:8080 db.internal"), "{members}");
            let via = all.header("via").unwrap_or_default();
            assert!(via.contains("db.internal:8080 (squid)"), "{via}");
            assert!(!all.headers.has("www-authenticate"), "{:?}", all.headers);
        }
    }
}
