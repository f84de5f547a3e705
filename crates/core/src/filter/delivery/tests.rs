use super::*;
use crate::time::Timestamp;

const GET: &[(&str, &str)] = &[(":method", "GET"), (":authority", "shop.example")];
const HEAD: &[(&str, &str)] = &[(":method", "HEAD"), (":authority", "shop.example")];

fn response(status: u16, end_of_stream: bool) -> ResponseInfo {
    ResponseInfo {
        status,
        end_of_stream,
        ..ResponseInfo::none(Timestamp::EPOCH)
    }
}

/// Returns a response whose headers announce a body.
fn announcing(status: u16) -> ResponseInfo {
    ResponseInfo {
        headers: HeaderBlock::from_pairs(&[("content-length", "10")]),
        ..response(status, false)
    }
}

fn delivery(
    request: &[(&str, &str)],
    format: Format,
    response: &ResponseInfo,
    source: Source,
) -> Option<(Format, Way)> {
    let request = HeaderBlock::from_pairs(request);
    let delivery = Delivery::of_response(&request, format, response, source);
    delivery.map(|delivery| (delivery.format, delivery.way))
}

fn promised_length(request: &[(&str, &str)], format: Format, length: usize) -> Option<usize> {
    let request = HeaderBlock::from_pairs(request);
    let failed = response(502, true);
    let delivery = Delivery::of_response(&request, format, &failed, Source::Upstream);
    delivery.expect("it is replaced").promised_length(length)
}

#[test]
fn a_body_to_come_becomes_the_page_whoever_asks() {
    let failed = announcing(502);
    for format in Format::ALL {
        if matches!(format, Format::Grpc | Format::GrpcWeb) {
            continue;
        }
        let got = delivery(GET, format, &failed, Source::Upstream);
        assert_eq!(got, Some((format, Way::Body)), "{format:?}");
    }
}

#[test]
fn head_is_always_rewritten_and_has_the_headers_of_get() {
    for end_of_stream in [true, false] {
        for format in [Format::Html, Format::Problem, Format::Text, Format::Empty] {
            let failed = response(502, end_of_stream);
            let got = delivery(HEAD, format, &failed, Source::Upstream);
            assert_eq!(got, Some((format, Way::Headers)), "{format:?}");
        }
    }
    assert_eq!(promised_length(HEAD, Format::Html, 1234), Some(1234));
}

#[test]
fn without_a_body_only_visitors_get_a_page_and_the_others_the_headers() {
    const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");
    const OTHER: (&str, &str) = ("origin", "https://app.example");
    const SAME: (&str, &str) = ("origin", "https://Shop.example");
    const OPAQUE: (&str, &str) = ("origin", "null");
    let page = (Format::Html, Way::LocalReply);
    let headers = (Format::Empty, Way::Headers);
    for (format, more, want) in [
        (Format::Html, &[][..], page),
        (Format::Html, &[NAVIGATE], page),
        // A form sends the origin of its page.
        (Format::Html, &[NAVIGATE, OTHER], page),
        (Format::Html, &[NAVIGATE, OPAQUE], page),
        (Format::Html, &[SAME], page),
        (Format::Html, &[OTHER], headers),
        (Format::Html, &[OPAQUE], headers),
        (Format::Html, &[OTHER, ("sec-fetch-mode", "cors")], headers),
        (Format::Problem, &[], headers),
        (Format::Problem, &[OTHER], headers),
        (Format::ProblemXml, &[], headers),
        (Format::Text, &[], headers),
        (Format::Markdown, &[], headers),
        (Format::Connect, &[], headers),
        (Format::ConnectStream, &[], headers),
        (Format::Line, &[], headers),
        (Format::Empty, &[], headers),
        (Format::GrpcWeb, &[], (Format::GrpcWeb, Way::Headers)),
    ] {
        let request = [GET, more].concat();
        for source in [Source::Upstream, Source::Proxy] {
            let got = delivery(&request, format, &response(503, true), source);
            assert_eq!(got, Some(want), "{format:?} {more:?}");
        }
    }
}

#[test]
fn an_empty_reply_promises_no_body() {
    assert_eq!(promised_length(GET, Format::Text, 99), Some(0));
    assert_eq!(promised_length(GET, Format::GrpcWeb, 99), Some(0));
    assert_eq!(promised_length(GET, Format::Grpc, 99), None);
}

/// A gRPC client needs the status in headers with nothing after them. A translated call has another client.
#[test]
fn a_grpc_call_gets_a_local_reply_only_while_a_body_is_to_come() {
    let web = ("x-grpc-web", "1");
    let text = ("accept", "application/grpc-web-text");
    for (more, status, end_of_stream, source, want) in [
        (&[][..], 200, true, Source::Proxy, Some(Way::Headers)),
        (&[], 502, true, Source::Upstream, Some(Way::Headers)),
        (&[], 502, false, Source::Upstream, Some(Way::LocalReply)),
        (&[], 503, false, Source::Proxy, None),
        (&[web], 503, false, Source::Proxy, Some(Way::Headers)),
        (&[web], 502, false, Source::Upstream, Some(Way::Headers)),
        (&[text], 502, false, Source::Upstream, None),
        (&[text], 503, false, Source::Proxy, None),
        (&[text], 502, true, Source::Upstream, Some(Way::Headers)),
    ] {
        let request = [GET, more].concat();
        let failed = response(status, end_of_stream);
        let got = delivery(&request, Format::Grpc, &failed, source);
        assert_eq!(
            got,
            want.map(|way| (Format::Grpc, way)),
            "{more:?} {status}"
        );
    }
}
