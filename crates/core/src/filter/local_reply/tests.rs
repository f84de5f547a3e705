use super::*;
use crate::http::header_policy::never_kept;

fn config() -> Headers {
    crate::config::Config::default().headers
}

fn html() -> Page<'static> {
    Page {
        status: 502,
        content_type: Some("text/html; charset=utf-8"),
        csp: Some("default-src 'none'"),
        language: "en",
        headers: Vec::new(),
        body: b"<!doctype html>".to_vec(),
    }
}

fn info(response: &HeaderBlock) -> HeaderInfo<'_> {
    HeaderInfo {
        format: Format::Html,
        status: 502,
        reason: Reason::UpstreamBadGateway,
        source: Source::Upstream,
        received_status: 502,
        hint: Some(Hint::new(Duration::from_millis(10_400), false)),
        response,
        adds_again: false,
        has_origin: false,
        details: b"via_upstream",
        shows_details: false,
        proxy_name: "gateway",
    }
}

fn lines(headers: &[Header]) -> Vec<String> {
    headers
        .iter()
        .map(|(n, v)| format!("{n}: {}", String::from_utf8_lossy(v)))
        .collect()
}

fn made(response: &[(&str, &str)]) -> Vec<String> {
    let block = HeaderBlock::from_pairs(response);
    lines(&page_headers(&config(), &mut html(), &info(&block)))
}

#[test]
fn a_page_has_all_its_headers() {
    let want = [
        "content-type: text/html; charset=utf-8",
        "content-language: en",
        "cache-control: no-store",
        "retry-after: 11",
        "vary: accept, accept-language, sec-fetch-dest",
        "proxy-status: gateway; error=upstream_bad_gateway; received-status=502",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "x-robots-tag: noindex",
        "content-security-policy: default-src 'none'",
        "x-tidegate-page: upstream_bad_gateway",
    ];
    assert_eq!(made(&[]), want);
}

#[test]
fn headers_that_describe_the_replaced_body_are_dropped() {
    let response: Vec<(&str, &str)> = never_kept().map(|name| (name, "theirs")).collect();
    let got = made(&response);
    assert!(!got.iter().any(|line| line.contains("theirs")), "{got:?}");
}

#[test]
fn only_allowed_headers_are_kept() {
    let got = made(&[
        (":status", "502"),
        ("x-anything", "1"),
        ("strict-transport-security", "max-age=1"),
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-allow-credentials", "true"),
        ("via", "1.1 a"),
        ("via", "1.1 b"),
    ]);
    for line in [
        "strict-transport-security: max-age=1",
        "access-control-allow-origin: https://a.example",
        "access-control-allow-credentials: true",
        "via: 1.1 a",
        "via: 1.1 b",
        "access-control-expose-headers: retry-after, proxy-status, x-request-id",
    ] {
        assert!(got.iter().any(|l| l == line), "{line} not in {got:?}");
    }
    assert!(
        !got.iter()
            .any(|l| l.starts_with("x-anything") || l.starts_with(':')),
        "{got:?}"
    );
}

#[test]
fn a_challenge_is_kept_on_a_401_and_a_403_only() {
    let block = HeaderBlock::from_pairs(&[("www-authenticate", "Basic realm=\"staging\"")]);
    for (status, is_kept) in [(401, true), (403, true), (407, false), (502, false)] {
        let info = HeaderInfo {
            status,
            ..info(&block)
        };
        let got = lines(&page_headers(&config(), &mut html(), &info));
        let has = got.iter().any(|line| line.starts_with("www-authenticate"));
        assert_eq!(has, is_kept, "{status}");
    }
}

#[test]
fn hosts_behind_the_proxy_are_shown_only_where_details_are() {
    let block = HeaderBlock::from_pairs(&[
        ("via", "1.1 db.internal:8080 (squid)"),
        ("via", "1.1 edge (squid)"),
        (
            "proxy-status",
            "inner; error=dns_error; details=\"db.internal\"",
        ),
        ("proxy-status", "last; next-hop=\"10.0.3.7\""),
        ("proxy-status", "broken; details=\"10.0.3.8"),
    ]);
    let made = |shows_details| {
        let info = HeaderInfo {
            shows_details,
            ..info(&block)
        };
        lines(&page_headers(&config(), &mut html(), &info))
    };
    let own = "gateway; error=upstream_bad_gateway; received-status=502";
    let vias = |lines: &[String]| {
        let vias = lines.iter().filter(|line| line.starts_with("via: "));
        vias.cloned().collect::<Vec<_>>()
    };
    let public = made(false);
    assert_eq!(vias(&public), ["via: 1.1 edge"]);
    let members = format!("proxy-status: inner; error=dns_error, last, {own}");
    assert!(public.contains(&members), "{public:?}");
    let all = made(true);
    assert_eq!(vias(&all).len(), 2);
    let members = format!(
        "proxy-status: inner; error=dns_error; details=\"db.internal\", \
         last; next-hop=\"10.0.3.7\", {own}; details=\"via_upstream\""
    );
    assert!(all.contains(&members), "{all:?}");
}

#[test]
fn list_headers_keep_the_members_of_the_failed_response() {
    let got = made(&[
        ("vary", "Origin, Accept"),
        ("vary", "cookie"),
        ("proxy-status", "inner; error=dns_error"),
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "*"),
    ]);
    for line in [
        "vary: Origin, Accept, cookie, accept-language, sec-fetch-dest",
        "proxy-status: inner; error=dns_error, gateway; error=upstream_bad_gateway; received-status=502",
        "access-control-expose-headers: *",
    ] {
        assert!(got.iter().any(|l| l == line), "{line} not in {got:?}");
    }
    for name in ["vary:", "proxy-status:", "access-control-expose-headers:"] {
        assert_eq!(
            got.iter().filter(|l| l.starts_with(name)).count(),
            1,
            "{name}"
        );
    }
}

#[test]
fn configured_changes_apply_last_but_not_to_essential_headers() {
    let mut config = config();
    config.set = vec![
        ("cache-control".into(), "no-store, private".into()),
        ("x-brand".into(), "acme".into()),
    ];
    let raw =
        br#"{"headers":{"remove":["x-robots-tag","via","content-t*","x-brand","x-tidegate-p*"]}}"#;
    config.remove = crate::config::Config::from_json(raw)
        .unwrap()
        .headers
        .remove;
    let block = HeaderBlock::from_pairs(&[("via", "1.1 a")]);
    let got = lines(&page_headers(&config, &mut html(), &info(&block)));
    let has = |start: &str| got.iter().filter(|l| l.starts_with(start)).count();
    assert_eq!(has("cache-control: no-store, private"), 1);
    assert_eq!(has("cache-control:"), 1);
    assert_eq!(has("x-brand: acme"), 1, "set wins over remove");
    assert_eq!(has("via:"), 0);
    assert_eq!(has("x-robots-tag:"), 0);
    assert_eq!(
        has("content-type:"),
        1,
        "a page without its type is no page"
    );
    assert_eq!(
        has("x-tidegate-page:"),
        1,
        "an outer filter would wrap it again"
    );
}

#[test]
fn exposed_details_are_escaped_as_a_string() {
    let block = HeaderBlock::default();
    let exposed = HeaderInfo {
        details: b"a\"b\\c\xff\nd",
        shows_details: true,
        ..info(&block)
    };
    let got = lines(&page_headers(&config(), &mut html(), &exposed));
    let want = "proxy-status: gateway; error=upstream_bad_gateway; received-status=502; details=\"a\\\"b\\\\c??d\"";
    assert!(got.iter().any(|l| l == want), "{got:?}");
}

#[test]
fn without_a_hint_there_is_no_retry_after() {
    let block = HeaderBlock::from_pairs(&[("retry-after", "5")]);
    let hopeless = HeaderInfo {
        hint: None,
        reason: Reason::TlsCertificateError,
        ..info(&block)
    };
    let got = lines(&page_headers(&config(), &mut html(), &hopeless));
    assert!(!got.iter().any(|l| l.starts_with("retry-after")), "{got:?}");
}

#[test]
fn replacing_headers_have_status_and_exact_length() {
    let reply = LocalReply {
        status: 502,
        grpc_status: None,
        headers: vec![("x".into(), b"y".into())],
        body: vec![b'a'; 1234],
        details: Vec::new(),
    };
    let block = reply.replacing_headers(Some(1234));
    let got: Vec<_> = block.iter().collect();
    let want: [(&[u8], &[u8]); 3] = [
        (b":status", b"502"),
        (b"x", b"y"),
        (b"content-length", b"1234"),
    ];
    assert_eq!(got, want);
    assert_eq!(reply.replacing_headers(None).get("content-length"), None);
    assert_eq!(reply.local_headers().iter().count(), 1);
}

proptest::proptest! {
    #[test]
    fn essential_headers_are_there_once_whatever_the_failed_response_has(pairs in proptest::collection::vec((".{0,12}", proptest::collection::vec(proptest::prelude::any::<u8>(), 0..20)), 0..12)) {
        let block = HeaderBlock::from_pairs(&pairs);
        let made = page_headers(&config(), &mut html(), &info(&block));
        for name in ["content-type", "cache-control", "proxy-status", "vary", MARKER] {
            proptest::prop_assert_eq!(made.iter().filter(|(n, _)| n == name).count(), 1);
        }
    }
}
