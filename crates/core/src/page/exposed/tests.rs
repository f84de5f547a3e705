use super::*;
use crate::failure::{Reason, Source};
use crate::http::format::Format;

const ALL: &[Exposed] = &[
    Exposed::RequestId,
    Exposed::Timestamp,
    Exposed::Host,
    Exposed::Path,
];

fn info() -> PageInfo<'static> {
    PageInfo {
        format: Format::Html,
        status: 502,
        reason: Reason::ConnectionRefused,
        source: Source::Proxy,
        tripped_by: None,
        maintenance: None,
        page_retry: None,
        is_unsent: false,
        gate: None,
        retry_after: None,
        request_id: Some(b"a-1"),
        now: Some(Timestamp::EPOCH),
        method: b"GET",
        content_type: b"",
        host: b"shop.example",
        path: b"/pay?token=secret#x",
        language: Default::default(),
        route: b"",
        page: None,
        problem_type_base: "about:blank",
    }
}

#[test]
fn only_exposed_values_are_shown() {
    let info = info();
    let all = ExposedValues::new(&info, ALL, None);
    assert_eq!(all.request_id(), Some("a-1"));
    assert_eq!(all.time, Timestamp::EPOCH.to_utc());
    assert_eq!(all.host.as_deref(), Some("shop.example"));
    assert_eq!(all.path.as_deref(), Some("/pay"));
    let none = ExposedValues::new(&info, &[], None);
    assert_eq!(none.request_id(), None);
    assert_eq!(none.time, None);
    assert_eq!(none.host, None);
    assert_eq!(none.path, None);
}

#[test]
fn a_request_id_is_shown_unchanged_or_not_at_all() {
    let longest = [b'a'; MAX_REQUEST_ID];
    let too_long = [b'a'; MAX_REQUEST_ID + 1];
    for (id, valid) in [
        (&b"6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11"[..], true),
        (b"AZaz09._:+/=@-", true),
        (&longest, true),
        (&too_long, false),
        (b"", false),
        (b"a b", false),
        (b"<b>", false),
        (b"a\"b", false),
        (b"a\xffb", false),
        ("é".as_bytes(), false),
        (b"a\nb", false),
    ] {
        assert_eq!(valid_request_id(id).is_some(), valid, "{id:?}");
    }
}

#[test]
fn only_get_and_head_are_safe() {
    for (method, safe) in [
        (&b"GET"[..], true),
        (b"HEAD", true),
        (b"POST", false),
        (b"get", false),
        (b"DELETE", false),
        (b"", false),
    ] {
        let info = PageInfo { method, ..info() };
        assert_eq!(ExposedValues::new(&info, &[], None).kind.is_safe, safe);
    }
}

#[test]
fn client_input_is_shortened_and_cleaned() {
    let path = [b"/", &[b'a'; 300][..]].concat();
    let info = PageInfo {
        path: &path,
        host: b"\xff",
        ..info()
    };
    let values = ExposedValues::new(&info, ALL, None);
    assert_eq!(values.path.unwrap().chars().count(), MAX_PATH + 1);
    assert_eq!(values.host.as_deref(), Some("\u{fffd}"));
    let info = PageInfo {
        host: "\u{61c}a\u{200e}\u{200f}\u{202e}b\u{2066}\u{2069}".as_bytes(),
        ..info
    };
    assert_eq!(
        ExposedValues::new(&info, ALL, None).host.as_deref(),
        Some("ab")
    );
}

#[test]
fn a_link_home_is_known_to_lead_nowhere_else() {
    for (url, host, path, method, expected) in [
        ("/", "shop.example", "/?a=1", "GET", true),
        ("/", "shop.example", "/cart", "GET", false),
        ("/?from=error", "shop.example", "/", "HEAD", true),
        ("https://shop.example", "Shop.example", "/", "GET", true),
        (
            "https://shop.example/de/",
            "shop.example",
            "/de/",
            "GET",
            true,
        ),
        ("https://www.example/", "shop.example", "/", "GET", false),
        // A form that was sent to the home page: it can be there again.
        ("/", "shop.example", "/", "POST", false),
    ] {
        let info = PageInfo {
            host: host.as_bytes(),
            path: path.as_bytes(),
            method: method.as_bytes(),
            ..info()
        };
        let values = ExposedValues::new(&info, &[], Some(url));
        assert_eq!(
            values.kind.is_at_home, expected,
            "{url} {host}{path} {method}"
        );
    }
}
