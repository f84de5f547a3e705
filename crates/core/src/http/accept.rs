//! Content negotiation: which format of the page a client gets.
//!
//! The first of these that is present decides: a gRPC content type, an upgrade, `Sec-Fetch-Dest`,
//! `Accept` (RFC 9110 §12.5.1), `Sec-Fetch-Mode`, the user agent, the configured default. A page is
//! never replaced by a 406: if nothing is acceptable, `Accept` is ignored (RFC 9110 §12.4.1).

use crate::http::headers::{list_has, HeaderBlock};

/// A format of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// An HTML page.
    Html,
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// A few lines of text for a terminal.
    Text,
    /// A gRPC status.
    Grpc,
    /// The status without a body, for sub-resources such as images and scripts.
    Empty,
    /// The status and one line of text, for an upgrade or CONNECT.
    Line,
}

/// What decides between formats that the client's headers do not rank.
#[derive(Debug, Clone, Copy)]
pub struct Preferences<'a> {
    /// The format if the client has no preference: HTML, problem+json or text.
    pub default: Format,
    /// Prefixes of user agents that are command-line programs, which get text.
    pub cli_agents: &'a [String],
}

/// Returns the format for a request with these headers.
pub fn negotiate(request: &HeaderBlock, preferences: Preferences<'_>) -> Format {
    if is_grpc(request) {
        return Format::Grpc;
    }
    if is_upgrade(request) {
        return Format::Line;
    }
    if request.get("sec-fetch-dest").is_some_and(is_subresource) {
        return Format::Empty;
    }
    let fitting = acceptable(request);
    match fitting.as_slice() {
        [only] => *only,
        _ => by_client(request, preferences, &fitting),
    }
}

/// Returns whether Envoy takes the request for a gRPC call (`source/common/grpc/common.cc`,
/// `hasGrpcContentType`): `application/grpc` or `application/grpc+…`, but not gRPC-Web.
pub fn is_grpc(request: &HeaderBlock) -> bool {
    request
        .get("content-type")
        .is_some_and(is_grpc_content_type)
}

/// Returns whether a content type is gRPC, but not gRPC-Web.
pub fn is_grpc_content_type(value: &[u8]) -> bool {
    match value.strip_prefix(b"application/grpc") {
        Some(rest) => matches!(rest.first(), None | Some(b'+')),
        None => false,
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

/// The negotiable formats, in the order of preference if nothing else decides.
const NEGOTIABLE: [Format; 3] = [Format::Html, Format::Problem, Format::Text];

/// Returns the formats that `Accept` ranks highest; all if it has no preference or accepts none.
fn acceptable(request: &HeaderBlock) -> Vec<Format> {
    let ranges: Vec<MediaRange<'_>> = request
        .get_all("accept")
        .flat_map(|value| value.split(|&b| b == b','))
        .filter_map(MediaRange::parse)
        .collect();
    let mut best = None;
    let mut fitting = Vec::new();
    for format in NEGOTIABLE {
        let matched = best_match(format, &ranges).filter(|matched| matched.weight > 0);
        if matched > best {
            best = matched;
            fitting.clear();
        }
        if matched.is_some() && matched == best {
            fitting.push(format);
        }
    }
    if fitting.is_empty() {
        return NEGOTIABLE.to_vec();
    }
    fitting
}

/// Chooses among formats that `Accept` ranks equally, by the kind of client.
fn by_client(request: &HeaderBlock, preferences: Preferences<'_>, fitting: &[Format]) -> Format {
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
        None => default,
    };
    [usual, default]
        .into_iter()
        .find(|format| fitting.contains(format))
        .or_else(|| fitting.first().copied())
        .unwrap_or(default)
}

/// How `Accept` ranks a format; the greatest is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Match {
    /// `q` in thousandths.
    weight: u16,
    /// Whether a range names the format; otherwise a wildcard matches it together with others.
    is_named: bool,
    /// The position of the range, counted from the end: of formats named with the same weight, the
    /// first is preferred. 0 if only a wildcard matches.
    earliness: usize,
}

/// How specific a range is for a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    /// `*/*`
    Anything,
    /// `text/*`
    Type,
    /// A type for the same parser (`application/vnd.api+json`), or the format's own type with unknown
    /// parameters.
    Related,
    /// The format's own type.
    Exact,
}

/// Returns the rank of a format. The most specific range decides, whatever its weight (RFC 9110
/// §12.5.1: "the most specific reference has precedence"). Of two equally specific ranges the one with
/// the higher weight decides: a client that accepts any JSON accepts problem+json.
fn best_match(format: Format, ranges: &[MediaRange<'_>]) -> Option<Match> {
    let mut best = None;
    for (from_end, range) in ranges.iter().rev().enumerate() {
        if let Some(specificity) = range.specificity(format) {
            best = best.max(Some((specificity, range.weight, from_end)));
        }
    }
    let (specificity, weight, from_end) = best?;
    let is_named = specificity >= Specificity::Related;
    Some(Match {
        weight,
        is_named,
        earliness: if is_named { from_end } else { 0 },
    })
}

/// A media range: one member of `Accept`.
#[derive(Debug, Clone, Copy)]
struct MediaRange<'a> {
    kind: &'a [u8],
    subtype: &'a [u8],
    has_parameters: bool,
    weight: u16,
}

impl<'a> MediaRange<'a> {
    /// Parses a member; returns `None` if it is not a media range, which is then ignored.
    fn parse(member: &'a [u8]) -> Option<Self> {
        let mut parts = member.split(|&b| b == b';').map(<[u8]>::trim_ascii);
        let media = parts.next()?;
        let slash = media.iter().position(|&b| b == b'/')?;
        let (kind, rest) = media.split_at_checked(slash)?;
        let subtype = rest.get(1..)?;
        if kind.is_empty() || subtype.is_empty() {
            return None;
        }
        let mut range = Self {
            kind,
            subtype,
            has_parameters: false,
            weight: 1000,
        };
        for parameter in parts {
            let end = parameter.iter().position(|&b| b == b'=');
            let (name, value) = parameter.split_at_checked(end.unwrap_or(parameter.len()))?;
            let value = value.get(1..).unwrap_or_default();
            let (name, value) = (name.trim_ascii(), value.trim_ascii());
            if name.eq_ignore_ascii_case(b"q") {
                range.weight = parse_weight(value)?;
            } else if !name.is_empty() && !value.eq_ignore_ascii_case(b"utf-8") {
                range.has_parameters = true;
            }
        }
        Some(range)
    }

    fn specificity(&self, format: Format) -> Option<Specificity> {
        let (kind, subtype): (&str, &str) = match format {
            Format::Html => ("text", "html"),
            Format::Problem => ("application", "problem+json"),
            Format::Text | Format::Line => ("text", "plain"),
            Format::Grpc | Format::Empty => return None,
        };
        if self.kind == b"*" {
            return (self.subtype == b"*").then_some(Specificity::Anything);
        }
        if !self.kind.eq_ignore_ascii_case(kind.as_bytes()) {
            return None;
        }
        if self.subtype == b"*" {
            return Some(Specificity::Type);
        }
        if self.subtype.eq_ignore_ascii_case(subtype.as_bytes()) {
            let known = !self.has_parameters;
            return Some(if known {
                Specificity::Exact
            } else {
                Specificity::Related
            });
        }
        (format == Format::Problem && is_json(self.subtype)).then_some(Specificity::Related)
    }
}

/// Returns whether a subtype of `application` is JSON (RFC 6839 §3.1).
fn is_json(subtype: &[u8]) -> bool {
    let suffix = subtype.rsplit(|&byte| byte == b'+').next();
    suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"json"))
}

/// Parses a weight (RFC 9110 §12.4.2) in thousandths; ignores digits after the third.
pub(crate) fn parse_weight(value: &[u8]) -> Option<u16> {
    let (whole, fraction) = match value.split_first()? {
        (b'0', rest) => (0_u16, rest),
        (b'1', rest) => (1000, rest),
        _ => return None,
    };
    let digits = match fraction.split_first() {
        None => return Some(whole),
        Some((b'.', digits)) => digits,
        Some(_) => return None,
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let places = digits.iter().chain(&[b'0'; 3]).take(3);
    let thousandths = places.fold(0_u16, |value, digit| {
        let digit = u16::from(digit.saturating_sub(b'0'));
        value.saturating_mul(10).saturating_add(digit)
    });
    Some(whole.saturating_add(thousandths).min(1000))
}

#[cfg(test)]
mod tests;
