mod calls;

use std::collections::BTreeMap;

use super::*;

fn negotiated(request: &HeaderBlock) -> Format {
    let preferences = Preferences {
        always: None,
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
            "fetch() without metadata, of another origin",
            (
                &[("accept", "*/*"), ("origin", "http://app.example")],
                Format::Problem,
            ),
        ),
        (
            "curl that tries CORS",
            (
                &[
                    ("accept", "*/*"),
                    ("origin", "http://app.example"),
                    ("user-agent", "curl/8.14.1"),
                ],
                Format::Text,
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
        (
            "markdown",
            (&[("accept", "text/markdown")], Format::Markdown),
        ),
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
                Format::GrpcWeb,
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

/// The headers of feed readers. XML is for those that name nothing else.
#[test]
fn feed_readers_get_xml_unless_they_name_another_format() {
    for (name, accept, want) in [
        (
            "feedparser",
            "application/atom+xml,application/rdf+xml,application/rss+xml,application/x-netcdf,application/xml;q=0.9,text/xml;q=0.2,*/*;q=0.1",
            Format::ProblemXml,
        ),
        (
            "NewsBlur",
            "application/atom+xml, application/rss+xml, application/xml;q=0.8, text/xml;q=0.6, */*;q=0.2",
            Format::ProblemXml,
        ),
        (
            "Tiny Tiny RSS",
            "application/rss+xml, application/rdf+xml;q=0.8, application/atom+xml;q=0.6, application/xml;q=0.4, text/xml;q=0.4",
            Format::ProblemXml,
        ),
        (
            "FreshRSS",
            "application/atom+xml, application/rss+xml, application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, text/html;q=0.7, unknown/unknown;q=0.1, application/unknown;q=0.1, */*;q=0.1",
            Format::Html,
        ),
        (
            "Miniflux",
            "application/xml, application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, text/html, */*;q=0.9",
            Format::Problem,
        ),
        ("SOAP 1.2", "application/soap+xml", Format::ProblemXml),
        ("problem+xml", "application/problem+xml", Format::ProblemXml),
        ("XML and JSON", "application/xml, application/json;q=0.5", Format::Problem),
        ("anything rather than XML", "application/xml;q=0.1, */*", Format::Text),
        ("no XML", "application/xml;q=0, */*;q=0.5", Format::Text),
        ("XHTML", "application/xhtml+xml", Format::Text),
        ("a picture", "image/svg+xml", Format::Text),
    ] {
        assert_eq!(chosen(&[("accept", accept)]), want, "{name}");
    }
}

/// The headers of agents and of the tools that they use.
#[test]
fn agents_get_markdown_if_they_ask_for_it() {
    for (name, accept, want) in [
        ("Claude Code", "text/markdown, text/html, */*", Format::Markdown),
        (
            "Cursor",
            "text/markdown,text/html;q=0.9,application/xhtml+xml;q=0.8,application/xml;q=0.7,image/avif,image/webp,image/png,image/svg+xml,*/*;q=0.6",
            Format::Markdown,
        ),
        (
            "OpenCode",
            "text/markdown;q=1.0, text/x-markdown;q=0.9, text/plain;q=0.8, text/html;q=0.7, */*;q=0.1",
            Format::Markdown,
        ),
        ("with a variant", "text/markdown; variant=GFM", Format::Markdown),
        ("the old name", "text/x-markdown", Format::Markdown),
        ("rather HTML", "text/markdown;q=0.5, text/html", Format::Html),
        ("not by a wildcard", "text/*", Format::Text),
        ("not at all", "text/markdown;q=0, text/*", Format::Text),
    ] {
        assert_eq!(chosen(&[("accept", accept)]), want, "{name}");
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

proptest::proptest! {
    #[test]
    fn any_headers_get_a_negotiable_format(value in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100)) {
        let block = HeaderBlock::from_pairs(&[("accept", &value[..]), ("sec-fetch-mode", &value), ("user-agent", &value)]);
        let format = negotiated(&block);
        let is_negotiable = matches!(format, Format::Html | Format::Problem | Format::ProblemXml | Format::Text | Format::Markdown);
        proptest::prop_assert!(is_negotiable);
    }
}

/// An API whose clients say nothing about formats, or what browsers say.
#[test]
fn a_format_for_all_clients_is_sent_whatever_they_accept_unless_they_cannot_read_it() {
    let always = |headers: &[(&str, &str)]| {
        let preferences = Preferences {
            always: Some(Format::Problem),
            default: Format::Text,
            cli_agents: &["curl/".to_owned()],
        };
        negotiate(&HeaderBlock::from_pairs(headers), preferences)
    };
    let navigation = [
        ("accept", "text/html,*/*;q=0.8"),
        ("sec-fetch-mode", "navigate"),
    ];
    let upgrade = [("upgrade", "websocket"), ("connection", "Upgrade")];
    for (headers, expected) in [
        (&[][..], Format::Problem),
        (&navigation, Format::Problem),
        (
            &[("user-agent", "curl/8"), ("accept", "*/*")],
            Format::Problem,
        ),
        (&[("accept", "text/plain")], Format::Problem),
        (&[("accept", "application/xml")], Format::Problem),
        (&[("content-type", "application/grpc")], Format::Grpc),
        (
            &[("content-type", "application/grpc-web+proto")],
            Format::GrpcWeb,
        ),
        (&[("connect-protocol-version", "1")], Format::Connect),
        (
            &[("content-type", "application/connect+json")],
            Format::ConnectStream,
        ),
        (&upgrade, Format::Line),
        (&[("sec-fetch-dest", "image")], Format::Empty),
    ] {
        assert_eq!(always(headers), expected, "{headers:?}");
    }
}

#[test]
fn clients_of_a_transcoder_get_what_they_accept_and_else_json() {
    let by = [
        ("content-type", "application/grpc"),
        ("x-envoy-original-method", "GET"),
    ];
    for (accept, agent, want) in [
        ("application/json", "", Format::Problem),
        ("text/html", "", Format::Html),
        ("*/*", "", Format::Problem),
        ("*/*", "curl/8", Format::Text),
    ] {
        let headers = [by[0], by[1], ("accept", accept), ("user-agent", agent)];
        assert_eq!(chosen(&headers), want, "{accept} {agent}");
    }
    assert_eq!(chosen(&by[..1]), Format::Grpc);
}
