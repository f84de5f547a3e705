//! gRPC-Web: the status of a call, as headers and as a body of trailers.
//!
//! A reply has one of the two. Headers are all that a failed response without a body can become, and every
//! client reads them ("Trailers-Only"). But Envoy removes the content type of a local reply without a body,
//! so that one has a frame with the trailers (gRPC-Web, "Protocol differences vs gRPC over HTTP2").

#[cfg(test)]
mod tests;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;

use super::grpc::message_header;
use super::CallStatus;

/// The flag of a frame with trailers.
const TRAILERS: u8 = 0x80;

/// The content types of responses: those of the requests that they answer.
const BINARY: [&str; 3] = [
    "application/grpc-web+proto",
    "application/grpc-web+json",
    "application/grpc-web",
];
const TEXT: [&str; 2] = [
    "application/grpc-web-text+proto",
    "application/grpc-web-text",
];

/// Returns the content type of the response to a request with this one. One that is not known is never
/// repeated.
pub(in crate::page) fn content_type(request: &[u8]) -> &'static str {
    let known = if is_text(request) { &TEXT[..] } else { &BINARY };
    let mut same = known.iter().filter(|kind| kind.as_bytes() == request);
    same.next().or(known.first()).copied().unwrap_or_default()
}

/// Returns the headers that carry the status. `more` are those of gRPC.
pub(in crate::page) fn headers(
    status: CallStatus,
    message: &str,
    more: Vec<(&'static str, String)>,
) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("grpc-status", status.number.to_string()),
        ("grpc-message", message_header(message.as_bytes())),
    ];
    headers.extend(more);
    headers
}

/// Returns the body for a request with this content type: one frame with the headers as trailers.
pub(in crate::page) fn body(request: &[u8], headers: &[(&'static str, String)]) -> Vec<u8> {
    let trailers = headers.iter();
    let trailers: String = trailers
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = u32::try_from(trailers.len()).unwrap_or(u32::MAX);
    let frame = [&[TRAILERS][..], &length.to_be_bytes(), trailers.as_bytes()].concat();
    match is_text(request) {
        true => STANDARD.encode(frame).into_bytes(),
        false => frame,
    }
}

/// Returns whether a content type is that of gRPC-Web as text, in base64.
fn is_text(content_type: &[u8]) -> bool {
    content_type.starts_with(b"application/grpc-web-text")
}
