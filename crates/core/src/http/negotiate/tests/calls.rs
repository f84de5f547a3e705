use super::*;

/// The headers of RPC clients, as their libraries send them.
#[test]
fn calls_get_the_form_of_their_protocol() {
    const CONNECT_WEB: &[(&str, &str)] = &[
        ("accept", "*/*"),
        ("connect-protocol-version", "1"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-mode", "cors"),
    ];
    let with = |more: &[(&str, &str)]| chosen(&[CONNECT_WEB, more].concat());
    for (name, format, want) in [
        (
            "grpc-web, text mode",
            chosen(&[
                ("content-type", "application/grpc-web-text"),
                ("accept", "application/grpc-web-text"),
                ("x-grpc-web", "1"),
                ("x-user-agent", "grpc-web-javascript/0.1"),
                ("sec-fetch-dest", "empty"),
            ]),
            Format::GrpcWeb,
        ),
        (
            "grpc-web of connect-es",
            chosen(&[
                ("content-type", "application/grpc-web+proto"),
                ("x-grpc-web", "1"),
            ]),
            Format::GrpcWeb,
        ),
        (
            "grpc-web of tonic",
            chosen(&[
                ("content-type", "application/grpc-web"),
                ("accept", "application/grpc-web"),
            ]),
            Format::GrpcWeb,
        ),
        (
            "connect-es, JSON",
            with(&[("content-type", "application/json")]),
            Format::Connect,
        ),
        (
            "connect-es, binary",
            with(&[("content-type", "application/proto")]),
            Format::Connect,
        ),
        (
            "connect-es, GET",
            chosen(&[
                (":method", "GET"),
                (
                    ":path",
                    "/shop.v1.Shop/List?connect=v1&encoding=json&message=%7B%7D",
                ),
                ("sec-fetch-mode", "cors"),
            ]),
            Format::Connect,
        ),
        (
            "connect-es, stream",
            with(&[("content-type", "application/connect+json")]),
            Format::ConnectStream,
        ),
        (
            "connect-go, stream",
            chosen(&[
                ("content-type", "application/connect+proto"),
                ("connect-protocol-version", "1"),
                ("user-agent", "connect-go/1.18.1 (go1.24)"),
            ]),
            Format::ConnectStream,
        ),
        (
            "a page about connect",
            chosen(&[
                (":method", "GET"),
                (":path", "/?q=connect=v1"),
                ("accept", "text/html"),
            ]),
            Format::Html,
        ),
    ] {
        assert_eq!(format, want, "{name}");
    }
}
