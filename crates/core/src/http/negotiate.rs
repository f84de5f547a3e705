//! Content negotiation: which format of the page a client gets.
//!
//! The first of these that is present decides: an RPC protocol ([`rpc`](crate::http::rpc)), an upgrade,
//! `Sec-Fetch-Dest`, the format that the configuration gives to all clients, `Accept` (RFC 9110 §12.5.1),
//! `Sec-Fetch-Mode`, the user agent, `Origin`, a transcoder, the configured default. A page is never replaced by a 406: if nothing is acceptable, `Accept` is ignored
//! (RFC 9110 §12.4.1).

use crate::http::accept::{acceptable, Fitting};
use crate::http::format::Format;
use crate::http::headers::{list_has, HeaderBlock};
use crate::http::rpc::{call_protocol, is_transcoded, CallProtocol};

/// What the configuration says about formats.
#[derive(Debug, Clone, Copy)]
pub struct Preferences<'a> {
    /// The format of every page, whatever the client accepts; `None`: what the client accepts decides.
    pub always: Option<Format>,
    /// The format if the client has no preference: HTML, problem+json or text.
    pub default: Format,
    /// Prefixes of user agents that are command-line programs, which get text.
    pub cli_agents: &'a [String],
}

/// Returns the format for a request with these headers.
pub fn negotiate(request: &HeaderBlock, preferences: Preferences<'_>) -> Format {
    match call_protocol(request) {
        Some(CallProtocol::Grpc) => return Format::Grpc,
        Some(CallProtocol::GrpcWeb) => return Format::GrpcWeb,
        Some(CallProtocol::Connect) => return Format::Connect,
        Some(CallProtocol::ConnectStream) => return Format::ConnectStream,
        None => {}
    }
    if is_upgrade(request) {
        return Format::Line;
    }
    if request.get("sec-fetch-dest").is_some_and(is_subresource) {
        return Format::Empty;
    }
    if let Some(always) = preferences.always {
        return always;
    }
    let fitting = acceptable(request);
    let mut formats = fitting.iter().flatten();
    match (formats.next(), formats.next()) {
        (Some(only), None) => *only,
        _ => by_client(request, preferences, fitting),
    }
}

/// Returns whether the client asks for another protocol than HTTP on this connection or stream.
fn is_upgrade(request: &HeaderBlock) -> bool {
    request.get(":method") == Some(b"CONNECT")
        || (request.get("upgrade").is_some()
            && request
                .get_all("connection")
                .any(|value| list_has(value, "upgrade")))
}

/// Returns whether the body for this destination (Fetch §2.2.5) is neither read by a person nor
/// parsed by a program.
fn is_subresource(destination: &[u8]) -> bool {
    !matches!(
        destination.trim_ascii(),
        b"" | b"empty" | b"document" | b"iframe" | b"frame" | b"fencedframe" | b"embed" | b"object"
    )
}

/// Chooses among formats that `Accept` ranks equally, by the kind of client.
fn by_client(request: &HeaderBlock, preferences: Preferences<'_>, fitting: Fitting) -> Format {
    let default = preferences.default;
    let mode = request.get("sec-fetch-mode").map(<[u8]>::trim_ascii);
    let agent = request.get("user-agent").unwrap_or_default();
    let is_cli = preferences
        .cli_agents
        .iter()
        .any(|prefix| agent.starts_with(prefix.as_bytes()));
    let usual = match mode {
        Some(b"navigate") => Format::Html,
        Some(_) => Format::Problem,
        None if is_cli => Format::Text,
        // Browsers send no metadata over plain HTTP. A script of another origin says where it is from.
        None if request.get("origin").is_some() => Format::Problem,
        None if is_transcoded(request) => Format::Problem,
        None => default,
    };
    [usual, default]
        .into_iter()
        .find(|format| fitting.contains(&Some(*format)))
        .or_else(|| fitting.into_iter().flatten().next())
        .unwrap_or(default)
}

#[cfg(test)]
mod tests;
