use std::collections::BTreeMap;

use super::*;

fn negotiated(request: &HeaderBlock) -> Format {
    let preferences = Preferences {
        default: Format::Text,
        cli_agents: &["curl/", "Wget/", "HTTPie/"].map(str::to_owned),
    };
    negotiate(request, preferences)
}

fn chosen(headers: &[(&str, &str)]) -> Format {
    negotiated(&HeaderBlock::from_pairs(headers))
}

/// The headers that real clients send, and what each must get.
#[test]
fn real_clients_get_the_format_they_can_use() {
    const CHROME: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7";
    const FIREFOX: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let table: BTreeMap<&str, (Headers<'_>, Format)> = BTreeMap::from([
        (
            "chrome navigation",
            (
                &[
                    ("accept", CHROME),
                    ("sec-fetch-dest", "document"),
                    ("sec-fetch-mode", "navigate"),
                ][..],
                Format::Html,
            ),
        ),
        ("firefox navigation", (&[("accept", FIREFOX)], Format::Html)),
        (
            "iframe",
            (
                &[("accept", FIREFOX), ("sec-fetch-dest", "iframe")],
                Format::Html,
            ),
        ),
        (
            "fetch()",
            (
                &[
                    ("accept", "*/*"),
                    ("sec-fetch-dest", "empty"),
                    ("sec-fetch-mode", "cors"),
                ],
                Format::Problem,
            ),
        ),
        (
            "same-origin fetch()",
            (
                &[("accept", "*/*"), ("sec-fetch-mode", "same-origin")],
                Format::Problem,
            ),
        ),
        (
            "axios",
            (
                &[
                    ("accept", "application/json, text/plain, */*"),
                    ("sec-fetch-dest", "empty"),
                ],
                Format::Problem,
            ),
        ),
        (
            "jquery",
            (
                &[("accept", "application/json, text/javascript, */*; q=0.01")],
                Format::Problem,
            ),
        ),
        (
            "script",
            (
                &[("accept", "*/*"), ("sec-fetch-dest", "script")],
                Format::Empty,
            ),
        ),
        (
            "style",
            (
                &[
                    ("accept", "text/css,*/*;q=0.1"),
                    ("sec-fetch-dest", "style"),
                ],
                Format::Empty,
            ),
        ),
        (
            "image",
            (
                &[
                    (
                        "accept",
                        "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
                    ),
                    ("sec-fetch-dest", "image"),
                ],
                Format::Empty,
            ),
        ),
        (
            "font",
            (
                &[("accept", "*/*"), ("sec-fetch-dest", "font")],
                Format::Empty,
            ),
        ),
        ("worker", (&[("sec-fetch-dest", "worker")], Format::Empty)),
        (
            "curl",
            (
                &[("accept", "*/*"), ("user-agent", "curl/7.88.1")],
                Format::Text,
            ),
        ),
        (
            "wget",
            (
                &[("accept", "*/*"), ("user-agent", "Wget/1.21")],
                Format::Text,
            ),
        ),
        (
            "curl asking for json",
            (
                &[("accept", "application/json"), ("user-agent", "curl/8")],
                Format::Problem,
            ),
        ),
        (
            "curl asking for html",
            (
                &[("accept", "text/html"), ("user-agent", "curl/8")],
                Format::Html,
            ),
        ),
        (
            "problem+json",
            (&[("accept", "application/problem+json")], Format::Problem),
        ),
        (
            "json:api",
            (&[("accept", "application/vnd.api+json")], Format::Problem),
        ),
        (
            "json:api with profile",
            (
                &[("accept", "application/vnd.api+json; profile=\"x\"")],
                Format::Problem,
            ),
        ),
        (
            "python requests",
            (
                &[("accept", "*/*"), ("user-agent", "python-requests/2.31")],
                Format::Text,
            ),
        ),
        ("no accept at all", (&[], Format::Text)),
        ("markdown", (&[("accept", "text/markdown")], Format::Text)),
        (
            "event stream",
            (
                &[
                    ("accept", "text/event-stream"),
                    ("sec-fetch-dest", "empty"),
                    ("sec-fetch-mode", "cors"),
                ],
                Format::Problem,
            ),
        ),
        (
            "safari image, no metadata",
            (&[("accept", "image/webp,*/*;q=0.8")], Format::Text),
        ),
        (
            "grpc",
            (
                &[
                    ("content-type", "application/grpc"),
                    ("accept", "text/html"),
                ],
                Format::Grpc,
            ),
        ),
        (
            "grpc+proto",
            (&[("content-type", "application/grpc+proto")], Format::Grpc),
        ),
        (
            "grpc-web is not grpc",
            (
                &[
                    ("content-type", "application/grpc-web+proto"),
                    ("sec-fetch-mode", "cors"),
                ],
                Format::Problem,
            ),
        ),
        (
            "websocket",
            (
                &[
                    ("connection", "Upgrade"),
                    ("upgrade", "websocket"),
                    ("accept", "text/html"),
                ],
                Format::Line,
            ),
        ),
        (
            "websocket, firefox",
            (
                &[
                    ("connection", "keep-alive, Upgrade"),
                    ("upgrade", "websocket"),
                    ("sec-fetch-dest", "empty"),
                ],
                Format::Line,
            ),
        ),
        ("connect", (&[(":method", "CONNECT")], Format::Line)),
        (
            "upgrade without connection",
            (
                &[("upgrade", "websocket"), ("accept", "text/html")],
                Format::Html,
            ),
        ),
        (
            "navigation that accepts anything",
            (
                &[("accept", "*/*"), ("sec-fetch-mode", "navigate")],
                Format::Html,
            ),
        ),
    ]);
    for (name, (headers, want)) in table {
        assert_eq!(chosen(headers), want, "{name}");
    }
}

/// RFC 9110 §12.5.1 by cases.
#[test]
fn accept_is_ranked_by_specificity_then_weight_then_order() {
    let table: &[(&str, Format)] = &[
        ("text/html", Format::Html),
        ("TEXT/HTML", Format::Html),
        ("text/html;q=0.5, application/json", Format::Problem),
        ("text/html;q=0.5, application/json;q=0.4", Format::Html),
        (
            "text/html;q=0.501, application/json;q=0.502",
            Format::Problem,
        ),
        ("text/html;q=0, */*", Format::Text),
        ("text/plain;q=0, text/html;q=0, */*", Format::Problem),
        ("*/*;q=0", Format::Text),
        ("application/*", Format::Problem),
        ("text/*", Format::Text),
        ("text/*, text/plain;q=0.5", Format::Html),
        (
            "text/*;q=0.3, text/html;q=0.7, text/html;level=1, text/html;level=2;q=0.4, */*;q=0.5",
            Format::Html,
        ),
        (
            "text/html;level=1;q=0.1, application/json;q=0.5",
            Format::Problem,
        ),
        (
            "text/html; charset=utf-8, application/json;q=0.9",
            Format::Html,
        ),
        ("application/json, text/html", Format::Problem),
        ("text/html, application/json", Format::Html),
        (
            "application/problem+json;q=0.2, application/json;q=0.9, text/html;q=0.5",
            Format::Html,
        ),
        (
            "application/json;q=0.9, text/plain;q=0.9, */*;q=0.1",
            Format::Problem,
        ),
        ("image/png", Format::Text),
        (
            "garbage, /, a/, /b, text/html;q=x, text/html;q=2",
            Format::Text,
        ),
        ("", Format::Text),
        (",,,text/html", Format::Html),
        ("text/html ; q=1.000", Format::Html),
        ("*/html", Format::Text),
    ];
    for (accept, want) in table {
        assert_eq!(chosen(&[("accept", accept)]), *want, "accept: {accept}");
    }
}

#[test]
fn several_accept_headers_are_one_list() {
    assert_eq!(
        chosen(&[
            ("accept", "text/html;q=0.1"),
            ("accept", "application/json")
        ]),
        Format::Problem
    );
}

#[test]
fn weights_are_read_in_thousandths() {
    for (text, want) in [
        ("1", Some(1000)),
        ("0", Some(0)),
        ("0.", Some(0)),
        ("0.5", Some(500)),
        ("0.05", Some(50)),
        ("0.123", Some(123)),
        ("0.1239", Some(123)),
        ("1.000", Some(1000)),
        ("1.5", Some(1000)),
        ("", None),
        (".5", None),
        ("0,5", None),
        ("0.5a", None),
        ("-1", None),
        ("2", None),
    ] {
        assert_eq!(parse_weight(text.as_bytes()), want, "{text:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_headers_get_a_negotiable_format(value in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100)) {
        let block = HeaderBlock::from_pairs(&[("accept", &value[..]), ("sec-fetch-mode", &value), ("user-agent", &value)]);
        let format = negotiated(&block);
        proptest::prop_assert!(NEGOTIABLE.contains(&format));
    }
}
