//! How a reply reaches its client: in which form, and by which of Envoy's ways.
//!
//! Rewriting keeps what other filters and the route add to a response, each exactly once. A local reply
//! does not: Envoy sends it past the filters between this one and the client, and adds the headers of the
//! route again. But only a local reply can give a body to a response that has none.

use super::ResponseInfo;
use crate::failure::Source;
use crate::http::format::Format;
use crate::http::headers::HeaderBlock;
use crate::http::rpc::{accepts_grpc_web, accepts_grpc_web_text};

/// How Envoy sends a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The headers are rewritten. What comes of the body is dropped.
    Headers,
    /// Headers and body are rewritten.
    Body,
    /// Envoy sends a response of its own.
    LocalReply,
}

/// The form of a reply, and how it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) format: Format,
    pub(super) way: Way,
    is_head: bool,
}

impl Delivery {
    /// Returns how a request is rejected whose client gets this format.
    pub(super) fn of_rejection(format: Format) -> Self {
        Self {
            format,
            way: Way::LocalReply,
            is_head: false,
        }
    }

    /// Returns how a failed response is replaced, for a client that gets this format. Returns `None` if the
    /// failed response is to pass, because another filter makes of it what the client needs.
    pub(super) fn of_response(
        request: &HeaderBlock,
        format: Format,
        response: &ResponseInfo,
        source: Source,
    ) -> Option<Self> {
        let is_head = request.get(":method") == Some(b"HEAD");
        let ends = response.end_of_stream;
        // Trailers may follow the headers at once, as over HTTP/2, and nothing can be added to them. A
        // local reply costs no connection there. But a script of another origin needs the headers of a
        // `cors` filter more than a body.
        let may_have_no_body = !response.announces_body() && request.get("origin").is_none();
        let (format, way) = match format {
            Format::Grpc if ends => (format, Way::Headers),
            // The filter that translates the call makes a status of a plain failure. After a status of
            // this filter's it would wait for a message in base64 (`grpc_web_filter.cc`, `encodeData`).
            Format::Grpc if accepts_grpc_web_text(request) => return None,
            Format::Grpc if accepts_grpc_web(request) => (format, Way::Headers),
            // Another filter, of which nothing is known here, translates the call (`connect_grpc_bridge`): its
            // client may take a status of gRPC in the headers for success.
            Format::Grpc if is_translated(response, source) => return None,
            // The client expects the status in the headers, with nothing after them (gRPC over HTTP/2,
            // "Responses": Trailers-Only).
            Format::Grpc => (format, Way::LocalReply),
            // Its status is in the headers, as that of a gRPC call.
            Format::GrpcWeb => (format, Way::Headers),
            _ if is_head => (format, Way::Headers),
            _ if !ends && may_have_no_body => (format, Way::LocalReply),
            _ if !ends => (format, Way::Body),
            Format::Html if is_for_visitor(request) => (format, Way::LocalReply),
            _ => (Format::Empty, Way::Headers),
        };
        Some(Self {
            format,
            way,
            is_head,
        })
    }

    /// Returns the `content-length` of rewritten headers, if it is certain, for a reply with a body of
    /// this length.
    pub(super) fn promised_length(self, length: usize) -> Option<usize> {
        match self.format {
            // RFC 9110 §8.6: the length that the response to GET would have.
            _ if self.is_head => Some(length),
            // Another filter may still translate the call.
            Format::Grpc => None,
            _ => Some(0),
        }
    }
}

/// Returns whether an HTML page is for the eyes of a visitor: a navigation, or a program that asks for
/// HTML and is no script of another origin, which could not read a response that lacks the headers of
/// a `cors` filter.
fn is_for_visitor(request: &HeaderBlock) -> bool {
    request.get("sec-fetch-mode") == Some(b"navigate") || !has_other_origin(request)
}

/// Returns whether a request comes from another origin than it goes to, as far as it says so.
fn has_other_origin(request: &HeaderBlock) -> bool {
    let Some(origin) = request.get("origin") else {
        return false;
    };
    let authority = request.get(":authority").unwrap_or_default();
    let own = [&b"http://"[..], b"https://"].into_iter();
    let mut own = own.filter_map(|scheme| origin.strip_prefix(scheme));
    !own.any(|origin| origin.eq_ignore_ascii_case(authority))
}

/// Returns whether a filter between this one and the client made a gRPC call of a request in another
/// protocol, so that Envoy does not take it for a call: Envoy's failure of a call has the status 200.
fn is_translated(response: &ResponseInfo, source: Source) -> bool {
    source == Source::Proxy && response.headers.get(":status") != Some(b"200")
}

#[cfg(test)]
mod tests;
