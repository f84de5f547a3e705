use super::*;

fn protocol(headers: &[(&str, &str)]) -> Option<CallProtocol> {
    call_protocol(&HeaderBlock::from_pairs(headers))
}

#[test]
fn content_types_name_the_protocol() {
    for (content_type, want) in [
        ("application/grpc", Some(CallProtocol::Grpc)),
        ("application/grpc+json", Some(CallProtocol::Grpc)),
        ("application/grpc-web", Some(CallProtocol::GrpcWeb)),
        (
            "application/grpc-web;charset=utf-8",
            Some(CallProtocol::GrpcWeb),
        ),
        ("application/grpc-web+thrift", Some(CallProtocol::GrpcWeb)),
        ("application/grpc-web-text", Some(CallProtocol::GrpcWeb)),
        (
            "application/grpc-web-text+proto",
            Some(CallProtocol::GrpcWeb),
        ),
        ("application/grpc-website", None),
        ("application/grpcx", None),
        (
            "application/connect+proto",
            Some(CallProtocol::ConnectStream),
        ),
        ("application/json", None),
        ("", None),
    ] {
        assert_eq!(
            protocol(&[("content-type", content_type)]),
            want,
            "{content_type}"
        );
    }
}

#[test]
fn unary_connect_calls_name_the_version() {
    let get = |path| protocol(&[(":method", "GET"), (":path", path)]);
    assert_eq!(
        get("/a/B?connect=v1&encoding=proto"),
        Some(CallProtocol::Connect)
    );
    assert_eq!(get("/a/B?base64=1&connect=v1"), Some(CallProtocol::Connect));
    assert_eq!(get("/a/B?connect=v10"), None);
    assert_eq!(get("/connect=v1"), None);
    let post = [(":method", "POST"), (":path", "/a/B?connect=v1")];
    assert_eq!(protocol(&post), None);
    let version = ("connect-protocol-version", "1");
    let json = ("content-type", "application/json");
    assert_eq!(protocol(&[json, version]), Some(CallProtocol::Connect));
}

#[test]
fn a_transcoded_request_is_no_call_of_its_client() {
    let transcoded = [
        (":method", "POST"),
        ("content-type", "application/grpc"),
        ("x-envoy-original-method", "GET"),
    ];
    assert_eq!(protocol(&transcoded), None);
    assert_eq!(protocol(&transcoded[..2]), Some(CallProtocol::Grpc));
    for (headers, want) in [
        (&transcoded[..], &b"GET"[..]),
        (&transcoded[..2], b"POST"),
        // Of a plain request, the header is the client's own.
        (
            &[(":method", "POST"), ("x-envoy-original-method", "GET")],
            b"POST",
        ),
    ] {
        assert_eq!(client_method(&HeaderBlock::from_pairs(headers)), want);
    }
}
