use super::*;
use crate::failure::Reason;

#[test]
fn the_content_type_of_the_request_is_repeated_if_it_is_known() {
    for (request, want) in [
        ("application/grpc-web", "application/grpc-web"),
        ("application/grpc-web+proto", "application/grpc-web+proto"),
        ("application/grpc-web+json", "application/grpc-web+json"),
        ("application/grpc-web+evil", "application/grpc-web+proto"),
        ("application/grpc-web-text", "application/grpc-web-text"),
        (
            "application/grpc-web-text+x",
            "application/grpc-web-text+proto",
        ),
    ] {
        assert_eq!(content_type(request.as_bytes()), want);
    }
}

#[test]
fn the_body_is_one_frame_of_trailers() {
    let status = CallStatus::of(Reason::CircuitOpen);
    let headers = headers(
        status,
        "zu spät",
        vec![("grpc-retry-pushback-ms", "5".to_owned())],
    );
    let trailers =
        b"grpc-status: 14\r\ngrpc-message: zu sp%C3%A4t\r\ngrpc-retry-pushback-ms: 5\r\n";
    let mut frame = vec![0x80, 0, 0, 0, u8::try_from(trailers.len()).unwrap()];
    frame.extend_from_slice(trailers);
    assert_eq!(body(b"application/grpc-web+proto", &headers), frame);
    let text = body(b"application/grpc-web-text", &headers);
    assert_eq!(STANDARD.decode(text).unwrap(), frame);
}
