//! RPC protocols over HTTP, by the headers of their calls: gRPC, gRPC-Web and Connect.

use crate::http::headers::HeaderBlock;
use crate::http::uri::query;

/// The protocol of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallProtocol {
    /// gRPC over HTTP/2.
    Grpc,
    /// gRPC-Web, binary or as text.
    GrpcWeb,
    /// A unary call of the Connect protocol.
    Connect,
    /// A streaming call of the Connect protocol.
    ConnectStream,
}

/// Returns the protocol of a call as its client made it; `None` if that is no call.
pub fn call_protocol(request: &HeaderBlock) -> Option<CallProtocol> {
    let content_type = request.get("content-type").unwrap_or_default();
    if is_grpc_content_type(content_type) {
        Some(CallProtocol::Grpc).filter(|_| !is_transcoded(request))
    } else if is_grpc_web_content_type(content_type) {
        Some(CallProtocol::GrpcWeb)
    } else if content_type.starts_with(b"application/connect+") {
        Some(CallProtocol::ConnectStream)
    } else if is_connect(request) {
        Some(CallProtocol::Connect)
    } else {
        None
    }
}

/// Returns whether a request that is no stream is a call of the Connect protocol: a unary one names the
/// version in a header, or, if it is a GET, in its query (Connect Protocol Reference, "Unary-Request" and
/// "Unary-Get-Request").
fn is_connect(request: &HeaderBlock) -> bool {
    let is_get = || request.get(":method") == Some(b"GET");
    request.get("connect-protocol-version").is_some()
        || (is_get() && request.get(":path").is_some_and(has_connect_query))
}

/// Returns whether the query of a path is that of a unary GET of the Connect protocol.
pub(crate) fn has_connect_query(path: &[u8]) -> bool {
    let mut parameters = query(path).split(|&byte| byte == b'&');
    parameters.any(|parameter| parameter == b"connect=v1")
}

/// Returns whether Envoy takes the request for a gRPC call (`source/common/grpc/common.cc`,
/// `hasGrpcContentType`): `application/grpc` or `application/grpc+…`, but not gRPC-Web.
pub fn is_grpc(request: &HeaderBlock) -> bool {
    request
        .get("content-type")
        .is_some_and(is_grpc_content_type)
}

/// What Envoy's `grpc_json_transcoder` adds to a request of which it makes a gRPC call
/// (`json_transcoder_filter.cc`, `decodeHeaders`).
const ORIGINAL_METHOD: &str = "x-envoy-original-method";

/// Returns whether a filter between this one and the client made a gRPC call of a request with JSON. Its
/// client knows nothing of gRPC, and Envoy does not take the request for a call.
pub fn is_transcoded(request: &HeaderBlock) -> bool {
    is_grpc(request) && request.get(ORIGINAL_METHOD).is_some()
}

/// Returns the method of a request as its client sent it; empty if there is none.
pub fn client_method(request: &HeaderBlock) -> &[u8] {
    let method = request.get(":method").unwrap_or_default();
    // A call is a POST.
    let is_call = method == b"POST" && is_grpc(request);
    match is_call {
        true => request.get(ORIGINAL_METHOD).unwrap_or(method),
        false => method,
    }
}

/// Returns whether a content type is gRPC, but not gRPC-Web.
pub fn is_grpc_content_type(value: &[u8]) -> bool {
    match value.strip_prefix(b"application/grpc") {
        Some(rest) => matches!(rest.first(), None | Some(b'+')),
        None => false,
    }
}

/// Returns whether a content type is gRPC-Web.
pub fn is_grpc_web_content_type(value: &[u8]) -> bool {
    match value.strip_prefix(b"application/grpc-web") {
        Some(rest) => {
            rest.starts_with(b"-text") || matches!(rest.first(), None | Some(b'+' | b';'))
        }
        None => false,
    }
}

/// Returns whether the client of a request speaks gRPC-Web, even if a filter has made a gRPC call of it
/// (gRPC-Web, "User Agent" and Envoy's `grpc_web` filter, which leaves these headers as they are).
pub fn accepts_grpc_web(request: &HeaderBlock) -> bool {
    let mut accepted = request.get_all("accept");
    request.get("x-grpc-web").is_some() || accepted.any(is_grpc_web_content_type)
}

/// Returns whether the client of a request takes gRPC-Web in base64 only.
pub fn accepts_grpc_web_text(request: &HeaderBlock) -> bool {
    let mut accepted = request.get_all("accept");
    accepted.any(|range| range.starts_with(b"application/grpc-web-text"))
}

#[cfg(test)]
mod tests;
