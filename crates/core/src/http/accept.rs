//! `Accept`: which formats a client prefers (RFC 9110 §12.5.1).

use std::cmp::Reverse;

use crate::http::format::Format;
use crate::http::headers::HeaderBlock;

/// The formats that a range can name or match, in the order of preference if nothing else decides.
const RANKED: [Format; 4] = [
    Format::Html,
    Format::Problem,
    Format::Text,
    Format::Markdown,
];

/// The formats that clients get who say nothing: those that `*/*` matches.
const USUAL: [Format; 3] = [Format::Html, Format::Problem, Format::Text];

/// Returns the formats that `Accept` ranks highest; the usual ones if it has no preference or accepts
/// none. XML is for clients that accept nothing else that they name.
pub(super) fn acceptable(request: &HeaderBlock) -> Vec<Format> {
    let ranges = request
        .get_all("accept")
        .flat_map(|value| value.split(|&b| b == b','))
        .filter_map(MediaRange::parse);
    let mut matches = [None; RANKED.len()];
    let mut xml: Option<u16> = None;
    for (position, range) in ranges.enumerate() {
        for (format, matched) in RANKED.iter().zip(&mut matches) {
            *matched = (*matched).max(range.rank(*format, position));
        }
        if range.is_xml() {
            xml = xml.max(Some(range.weight));
        }
    }
    let mut best = None;
    let mut fitting = Vec::new();
    for (format, matched) in RANKED.into_iter().zip(matches) {
        let matched = matched
            .map(Match::of)
            .filter(|matched| matched.weight > 0)
            .filter(|matched| matched.is_named || USUAL.contains(&format));
        if matched > best {
            best = matched;
            fitting.clear();
        }
        if matched.is_some() && matched == best {
            fitting.push(format);
        }
    }
    let is_named = best.is_some_and(|best: Match| best.is_named);
    let least = best.map_or(1, |best| best.weight);
    if !is_named && xml.is_some_and(|weight| weight >= least) {
        return vec![Format::ProblemXml];
    }
    if fitting.is_empty() {
        return USUAL.to_vec();
    }
    fitting
}

/// How `Accept` ranks a format; the greatest is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Match {
    /// `q` in thousandths.
    weight: u16,
    /// Whether a range names the format; otherwise a wildcard matches it together with others.
    is_named: bool,
    /// The position of the range: of formats named with the same weight, the first is preferred. `None` if
    /// only a wildcard matches.
    position: Option<Reverse<usize>>,
}

impl Match {
    fn of((specificity, weight, position): Rank) -> Self {
        let is_named = specificity >= Specificity::Related;
        Self {
            weight,
            is_named,
            position: Some(position).filter(|_| is_named),
        }
    }
}

/// How well a range fits a format: how specific it is, its weight, and its position. The greatest decides: the
/// most specific range, whatever its weight (RFC 9110 §12.5.1: "the most specific reference has precedence"),
/// and of two equally specific ones that with the higher weight. A client that accepts any JSON accepts
/// problem+json.
type Rank = (Specificity, u16, Reverse<usize>);

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

/// The type of a media range, before the slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `*`
    Any,
    Text,
    Application,
    /// No format has it.
    Other,
}

impl Kind {
    fn parse(kind: &[u8]) -> Self {
        match kind {
            b"*" => Self::Any,
            _ if kind.eq_ignore_ascii_case(b"text") => Self::Text,
            _ if kind.eq_ignore_ascii_case(b"application") => Self::Application,
            _ => Self::Other,
        }
    }
}

/// A media range: one member of `Accept`.
#[derive(Debug, Clone, Copy)]
struct MediaRange<'a> {
    kind: Kind,
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
            kind: Kind::parse(kind),
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

    /// Returns how well the range at this position fits a format; `None` if it does not.
    fn rank(&self, format: Format, position: usize) -> Option<Rank> {
        let specificity = self.specificity(format)?;
        Some((specificity, self.weight, Reverse(position)))
    }

    fn specificity(&self, format: Format) -> Option<Specificity> {
        let (kind, subtype) = match format {
            Format::Html => (Kind::Text, "html"),
            Format::Problem => (Kind::Application, "problem+json"),
            Format::ProblemXml => (Kind::Application, "problem+xml"),
            Format::Text => (Kind::Text, "plain"),
            Format::Markdown => (Kind::Text, "markdown"),
            _ => return None,
        };
        if self.kind == Kind::Any {
            return (self.subtype == b"*").then_some(Specificity::Anything);
        }
        if self.kind != kind {
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
        let is_related = match format {
            Format::Problem => is_json(self.subtype),
            Format::Markdown => self.subtype.eq_ignore_ascii_case(b"x-markdown"),
            _ => false,
        };
        is_related.then_some(Specificity::Related)
    }

    /// Returns whether the range names XML of any kind, but not XHTML, which is for browsers.
    fn is_xml(&self) -> bool {
        let suffix = self.subtype.rsplit(|&byte| byte == b'+').next();
        matches!(self.kind, Kind::Application | Kind::Text)
            && suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"xml"))
            && !self.subtype.eq_ignore_ascii_case(b"xhtml+xml")
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
