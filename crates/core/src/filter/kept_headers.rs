//! What a request in flight keeps of its headers.
//!
//! A client may send 60 KB of headers (Envoy `max_request_headers_kb`), a thousand requests may wait for
//! their responses at once, and the memory of a wasm VM never shrinks. So of a large header block only
//! those headers are kept that are read later, each within a limit.

use std::borrow::Cow;

use crate::http::headers::{HeaderBlock, PAIR_OVERHEAD};
use crate::http::rpc::has_connect_query;
use crate::http::uri::without_query;

/// Smaller blocks are kept as they are: most are, and copying would cost more than it saves.
const SMALL_BYTES: usize = 4 * 1024;

/// Every request header that is read after the request has begun, and how many bytes are kept of all its
/// values together. No option names another one.
///
/// The limits are above what any of these can mean: the rest of a value is never shown, and matters
/// only as said at [`shortened`].
const READ: &[(&str, usize)] = &[
    (":method", 128),
    (":authority", 1024),
    (":path", 4 * 1024),
    (":scheme", 32),
    ("accept", 2 * 1024),
    ("accept-language", 1024),
    ("connect-protocol-version", 128),
    ("connection", 512),
    ("content-length", 128),
    ("content-type", 512),
    ("grpc-timeout", 128),
    ("origin", 512),
    ("sec-fetch-dest", 128),
    ("sec-fetch-mode", 128),
    ("upgrade", 128),
    ("user-agent", 512),
    ("x-envoy-original-method", 64),
    ("x-envoy-upstream-rq-per-try-timeout-ms", 128),
    ("x-envoy-upstream-rq-timeout-ms", 128),
    ("x-envoy-upstream-stream-duration-ms", 128),
    ("x-forwarded-proto", 32),
    ("x-grpc-web", 32),
    ("x-request-id", 512),
    ("x-tidegate-retry", 32),
];

/// The end of a long path that is kept. Patterns for paths are at most so long.
const PATH_END: usize = 256;

/// What is kept of the query of a call of the Connect protocol.
const CONNECT_QUERY: &[u8] = b"?connect=v1";

/// Returns whether a block is too large to be kept as it is.
pub(super) fn is_large(block: &HeaderBlock) -> bool {
    block.as_wire().len() > SMALL_BYTES
}

/// Returns a copy of a large block with only what is read later; a small block as it is.
pub(super) fn keep_read_headers(block: HeaderBlock) -> HeaderBlock {
    if !is_large(&block) {
        return block;
    }
    let mut rooms = READ.to_vec();
    let mut kept = Vec::new();
    for (name, value) in block.iter() {
        let room = rooms.iter_mut().find(|(read, _)| read.as_bytes() == name);
        let Some((name, room)) = room else { continue };
        let Some(for_value) = room.checked_sub(name.len().saturating_add(PAIR_OVERHEAD)) else {
            continue;
        };
        let value = shortened(name, value, for_value);
        *room = for_value.saturating_sub(value.len());
        kept.push((*name, value));
    }
    HeaderBlock::from_pairs(&kept)
}

/// Shortens a value to `limit` bytes.
///
/// A list loses its last members. A path loses its query, except what marks a call of the Connect protocol.
/// If it is still too long, it loses its middle: prefixes and suffixes match as before, but a pattern with
/// a `*` at both ends does not find what was only in the middle.
fn shortened<'a>(name: &str, value: &'a [u8], limit: usize) -> Cow<'a, [u8]> {
    if name == ":path" && has_connect_query(value) {
        let limit = limit.saturating_sub(CONNECT_QUERY.len());
        let path = shortened(name, without_query(value), limit);
        return [&path, CONNECT_QUERY].concat().into();
    }
    let value = match name {
        ":path" => without_query(value),
        _ => value,
    };
    let Some(start) = value.get(..limit).filter(|_| value.len() > limit) else {
        return value.into();
    };
    match name {
        ":path" => {
            let start = start.get(..limit.saturating_sub(PATH_END));
            let end = value.get(value.len().saturating_sub(PATH_END)..);
            [start, end].map(Option::unwrap_or_default).concat().into()
        }
        "accept" | "accept-language" | "connection" => {
            let last_comma = start.iter().rposition(|&byte| byte == b',');
            start
                .get(..last_comma.unwrap_or(0))
                .unwrap_or_default()
                .into()
        }
        _ => start.into(),
    }
}

#[cfg(test)]
mod tests;
