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
const USUAL: Fitting = [
    Some(Format::Html),
    Some(Format::Problem),
    Some(Format::Text),
    None,
];

/// The formats that fit a client, each at its place in [`RANKED`].
pub(super) type Fitting = [Option<Format>; RANKED.len()];

/// Returns the formats that `Accept` ranks highest; the usual ones if it has no preference or accepts
/// none. XML is for clients that accept nothing else that they name.
pub(super) fn acceptable(request: &HeaderBlock) -> Fitting {
    let mut ranks: [Option<Rank>; RANKED.len()] = [None; RANKED.len()];
    let mut xml: Option<u16> = None;
    let mut position = 0_usize;
    for value in request.get_all("accept") {
        for range in value.split(|&b| b == b',').filter_map(MediaRange::parse) {
            for (best, specificity) in ranks.iter_mut().zip(range.specificities()) {
                if let Some(specificity) = specificity {
                    let rank = (specificity, range.weight, Reverse(position));
                    *best = (*best).max(Some(rank));
                }
            }
            if range.is_xml() {
                xml = xml.max(Some(range.weight));
            }
            position = position.saturating_add(1);
        }
    }
    let mut best: Option<Match> = None;
    let mut matches = [None; RANKED.len()];
    for ((matched, rank), usual) in matches.iter_mut().zip(ranks).zip(USUAL) {
        let fits = |found: &Match| found.weight > 0 && (found.is_named || usual.is_some());
        *matched = rank.map(Match::of).filter(fits);
        best = best.max(*matched);
    }
    let is_named = best.is_some_and(|best| best.is_named);
    let least = best.map_or(1, |best| best.weight);
    if !is_named && xml.is_some_and(|weight| weight >= least) {
        return [Some(Format::ProblemXml), None, None, None];
    }
    if best.is_none() {
        return USUAL;
    }
    let mut fitting = RANKED.map(Some);
    for (format, matched) in fitting.iter_mut().zip(matches) {
        if matched != best {
            *format = None;
        }
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

    /// Returns how specific the range is for each format of [`RANKED`]; `None` if it does not match.
    fn specificities(&self) -> [Option<Specificity>; RANKED.len()] {
        let is = |subtype: &str| self.subtype.eq_ignore_ascii_case(subtype.as_bytes());
        let is_all = self.subtype == b"*";
        let all_of_type = Some(Specificity::Type);
        let related = Some(Specificity::Related);
        let own = match self.has_parameters {
            true => related,
            false => Some(Specificity::Exact),
        };
        match self.kind {
            Kind::Any if is_all => [Some(Specificity::Anything); RANKED.len()],
            Kind::Text if is_all => [all_of_type, None, all_of_type, all_of_type],
            Kind::Text if is("html") => [own, None, None, None],
            Kind::Text if is("plain") => [None, None, own, None],
            Kind::Text if is("markdown") => [None, None, None, own],
            Kind::Text if is("x-markdown") => [None, None, None, related],
            Kind::Application if is_all => [None, all_of_type, None, None],
            Kind::Application if is("problem+json") => [None, own, None, None],
            Kind::Application if has_suffix(self.subtype, "json") => [None, related, None, None],
            _ => [None; RANKED.len()],
        }
    }

    /// Returns whether the range names XML of any kind, but not XHTML, which is for browsers.
    fn is_xml(&self) -> bool {
        matches!(self.kind, Kind::Application | Kind::Text)
            && has_suffix(self.subtype, "xml")
            && !self.subtype.eq_ignore_ascii_case(b"xhtml+xml")
    }
}

/// Returns whether a subtype is `suffix`, or ends with `+` and that (RFC 6839 §3.1: JSON of any kind).
fn has_suffix(subtype: &[u8], suffix: &str) -> bool {
    let before = before_suffix(subtype, suffix.as_bytes());
    before.is_some_and(|before| matches!(before.last(), None | Some(b'+')))
}

/// Returns what stands before a suffix in any case; `None` if the name does not end with it.
pub(crate) fn before_suffix<'n>(name: &'n [u8], suffix: &[u8]) -> Option<&'n [u8]> {
    let before = name.len().checked_sub(suffix.len())?;
    let (before, end) = name.split_at_checked(before)?;
    end.eq_ignore_ascii_case(suffix).then_some(before)
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
