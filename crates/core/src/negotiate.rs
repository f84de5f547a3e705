//! Which form of the page a client can use.
//!
//! The first of these that says something decides: the content type of a gRPC call, an upgrade,
//! `Sec-Fetch-Dest`, `Accept` (RFC 9110 §12.5.1), `Sec-Fetch-Mode`, the user agent, the configured
//! default. An error is never answered with 406: where nothing is acceptable the rest of the order
//! decides as if `Accept` were not there (RFC 9110 §12.4.1).

use crate::config::{DefaultFormat, Formats};
use crate::headers::{list_has, trim, HeaderBlock};
use crate::prelude::*;

/// The forms in which a page can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// A page for a person.
    Html,
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// A few lines for a terminal.
    Text,
    /// A gRPC status.
    Grpc,
    /// The status alone, for sub-resources that nobody reads.
    Empty,
    /// The status and one line, for an upgrade or CONNECT.
    Line,
}

/// Chooses the format for a request with these headers.
pub fn format(request: &HeaderBlock, formats: &Formats) -> Format {
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
        _ => by_habit(request, formats, &fitting),
    }
}

/// Whether Envoy takes the request for a gRPC call (`source/common/grpc/common.cc`,
/// `hasGrpcContentType`): `application/grpc` or `application/grpc+…`, but not gRPC-Web.
pub fn is_grpc(request: &HeaderBlock) -> bool {
    request
        .get("content-type")
        .is_some_and(is_grpc_content_type)
}

/// Whether a content type is that of gRPC itself.
pub fn is_grpc_content_type(value: &[u8]) -> bool {
    match value.strip_prefix(b"application/grpc") {
        Some(rest) => matches!(rest.first(), None | Some(b'+')),
        None => false,
    }
}

/// Whether the client wants another protocol than HTTP on this connection or stream.
fn is_upgrade(request: &HeaderBlock) -> bool {
    request.get(":method") == Some(b"CONNECT")
        || (request.get("upgrade").is_some()
            && request
                .get_all("connection")
                .any(|value| list_has(value, "upgrade")))
}

/// Destinations (Fetch §2.2.5) whose body no person reads and no program parses.
fn is_subresource(destination: &[u8]) -> bool {
    !matches!(
        trim(destination),
        b"" | b"empty" | b"document" | b"iframe" | b"frame" | b"fencedframe" | b"embed" | b"object"
    )
}

/// The negotiable formats, in the order of preference where nothing else tells them apart.
const NEGOTIABLE: [Format; 3] = [Format::Html, Format::Problem, Format::Text];

/// The formats that `Accept` ranks highest; all of them where it has no preference or where
/// nothing is acceptable.
fn acceptable(request: &HeaderBlock) -> Vec<Format> {
    let mut ranges = Vec::new();
    for value in request.get_all("accept") {
        for member in value.split(|&b| b == b',') {
            if let Some(range) = Range::parse(member) {
                ranges.push(range);
            }
        }
    }
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

/// Chooses among formats that `Accept` does not tell apart.
fn by_habit(request: &HeaderBlock, formats: &Formats, fitting: &[Format]) -> Format {
    let default = match formats.default {
        DefaultFormat::Html => Format::Html,
        DefaultFormat::Problem => Format::Problem,
        DefaultFormat::Text => Format::Text,
    };
    let mode = request.get("sec-fetch-mode").map(trim);
    let agent = request.get("user-agent").unwrap_or_default();
    let is_cli = formats
        .cli_agents
        .iter()
        .any(|prefix| agent.starts_with(prefix.as_bytes()));
    let habit = match mode {
        Some(b"navigate") => Format::Html,
        Some(_) => Format::Problem,
        None if is_cli => Format::Text,
        None => default,
    };
    [habit, default]
        .into_iter()
        .find(|format| fitting.contains(format))
        .or_else(|| fitting.first().copied())
        .unwrap_or(default)
}

/// How well `Accept` ranks a format; a bigger one is the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Match {
    /// `q` in thousandths.
    weight: u16,
    /// Whether a range names the format, or a wildcard lets it in together with others.
    is_named: bool,
    /// Of the formats that are named with the same weight, the earlier is meant
    /// (counted from the end). Formats that a wildcard lets in are equal.
    earliness: usize,
}

/// How exactly a range names a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exactness {
    /// `*/*`
    Anything,
    /// `text/*`
    Type,
    /// A relative that can be read by the same parser (`application/vnd.api+json`), or our type
    /// with parameters that we do not know.
    Related,
    /// Our type itself.
    Exact,
}

/// The range that decides about a format is the most exact one, whatever its weight
/// (RFC 9110 §12.5.1: "the most specific reference has precedence"). Of two equally exact ones
/// the heavier counts: a client that accepts any JSON accepts ours.
fn best_match(format: Format, ranges: &[Range<'_>]) -> Option<Match> {
    let mut best = None;
    for (from_end, range) in ranges.iter().rev().enumerate() {
        if let Some(exactness) = range.exactness_for(format) {
            best = best.max(Some((exactness, range.weight, from_end)));
        }
    }
    let (exactness, weight, from_end) = best?;
    let is_named = exactness >= Exactness::Related;
    Some(Match {
        weight,
        is_named,
        earliness: if is_named { from_end } else { 0 },
    })
}

/// One member of `Accept`.
#[derive(Debug, Clone, Copy)]
struct Range<'a> {
    kind: &'a [u8],
    subtype: &'a [u8],
    has_parameters: bool,
    weight: u16,
}

impl<'a> Range<'a> {
    /// `None` for what is not a media range with a weight; such a member says nothing.
    fn parse(member: &'a [u8]) -> Option<Self> {
        let mut parts = member.split(|&b| b == b';').map(trim);
        let media = parts.next()?;
        let slash = media.iter().position(|&b| b == b'/')?;
        let (kind, rest) = media.split_at_checked(slash)?;
        let subtype = rest.get(1..)?;
        if kind.is_empty() || subtype.is_empty() {
            return None;
        }
        let mut range = Range {
            kind,
            subtype,
            has_parameters: false,
            weight: 1000,
        };
        for parameter in parts {
            let end = parameter.iter().position(|&b| b == b'=');
            let (name, value) = parameter.split_at_checked(end.unwrap_or(parameter.len()))?;
            let (name, value) = (trim(name), trim(value.get(1..).unwrap_or_default()));
            if name.eq_ignore_ascii_case(b"q") {
                range.weight = parse_weight(value)?;
            } else if !name.is_empty() && !value.eq_ignore_ascii_case(b"utf-8") {
                range.has_parameters = true;
            }
        }
        Some(range)
    }

    fn exactness_for(&self, format: Format) -> Option<Exactness> {
        let (kind, subtype): (&str, &str) = match format {
            Format::Html => ("text", "html"),
            Format::Problem => ("application", "problem+json"),
            Format::Text | Format::Line => ("text", "plain"),
            Format::Grpc | Format::Empty => return None,
        };
        if self.kind == b"*" {
            return (self.subtype == b"*").then_some(Exactness::Anything);
        }
        if !self.kind.eq_ignore_ascii_case(kind.as_bytes()) {
            return None;
        }
        if self.subtype == b"*" {
            return Some(Exactness::Type);
        }
        if self.subtype.eq_ignore_ascii_case(subtype.as_bytes()) {
            let known = !self.has_parameters;
            return Some(if known {
                Exactness::Exact
            } else {
                Exactness::Related
            });
        }
        (format == Format::Problem && is_json(self.subtype)).then_some(Exactness::Related)
    }
}

/// Whether a subtype of `application` is JSON (RFC 6839 §3.1).
fn is_json(subtype: &[u8]) -> bool {
    let tail = |n: usize| {
        subtype
            .len()
            .checked_sub(n)
            .and_then(|at| subtype.get(at..))
    };
    subtype.eq_ignore_ascii_case(b"json")
        || tail(5).is_some_and(|end| end.eq_ignore_ascii_case(b"+json"))
}

/// A weight in thousandths (RFC 9110 §12.4.2); digits beyond the third are dropped.
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
    let mut thousandths = 0_u16;
    for place in 0..3 {
        let digit = digits
            .get(place)
            .map_or(0, |d| u16::from(d.wrapping_sub(b'0')));
        thousandths = thousandths.wrapping_mul(10).wrapping_add(digit);
    }
    Some(whole.wrapping_add(thousandths).min(1000))
}

#[cfg(test)]
#[path = "negotiate_tests.rs"]
mod tests;
