//! Reads operators' pages as HTML, to embed what they refer to and to warn of mistakes.
//!
//! A page is a template, and its tags may occur where HTML would not allow them. So the tags are
//! replaced by letters of the same length before a standard HTML tokenizer reads the page; all
//! offsets stay those of the template.

mod css;
mod inline;
mod lint;
mod svg;
#[cfg(test)]
mod tests;

use std::ops::Range;

use html5gum::emitters::default::{DefaultEmitter, StartTag, Token};
use html5gum::Tokenizer;
use percent_encoding::percent_decode_str;
use tidegate_core::template_tags;

pub(crate) use inline::inline;
pub(crate) use lint::lint;
pub(crate) use svg::plain as plain_svg;

/// The opening and the closing delimiter of template tags.
pub(crate) type Delimiters = (String, String);

/// Returns those of the sorted tags that overlap `at`.
fn overlapping<'t>(tags: &'t [Range<usize>], at: &Range<usize>) -> &'t [Range<usize>] {
    let from = tags.partition_point(|tag| tag.end <= at.start);
    let to = tags.partition_point(|tag| tag.start < at.end);
    tags.get(from..to.max(from)).unwrap_or_default()
}

/// Returns the template with every tag replaced by letters.
fn covered(source: &str, tags: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    for tag in tags {
        out.push_str(&source[at..tag.start]);
        out.push_str(&"x".repeat(tag.len()));
        at = tag.end;
    }
    out.push_str(&source[at..]);
    out
}

/// An attribute of a tag.
#[derive(Debug)]
struct Attribute {
    /// In lower case.
    name: String,
    /// With character references decoded.
    value: String,
    /// The value with its quotes; empty and after the name if there is none.
    at: Range<usize>,
    /// Whether the value contains a template tag.
    is_dynamic: bool,
}

/// A tag of a page.
#[derive(Debug)]
enum Part {
    Start {
        name: String,
        attributes: Vec<Attribute>,
        at: Range<usize>,
    },
    End(Range<usize>),
}

impl Part {
    /// Returns attributes and place of a start tag with this name.
    fn start(&self, wanted: &str) -> Option<(&[Attribute], &Range<usize>)> {
        match self {
            Part::Start {
                name,
                attributes,
                at,
            } if name == wanted => Some((attributes, at)),
            _ => None,
        }
    }
}

/// Returns the attribute with this name.
fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name == name)
}

/// A parsed page.
#[derive(Debug)]
struct Page<'s> {
    source: &'s str,
    tags: Vec<Range<usize>>,
    covered: String,
    parts: Vec<Part>,
}

impl<'s> Page<'s> {
    fn read(source: &'s str, delimiters: &Delimiters) -> Self {
        let (open, close) = delimiters;
        let tags: Vec<_> = template_tags(source, open, close)
            .map(|tag| tag.range)
            .collect();
        let covered = covered(source, &tags);
        let mut emitter = DefaultEmitter::<usize>::new_with_span();
        emitter.naively_switch_states(true);
        let mut parts = Vec::new();
        for token in Tokenizer::new_with_emitter(covered.as_str(), emitter) {
            let Ok(token) = token;
            parts.extend(match token {
                Token::StartTag(tag) => Some(start_tag(tag, &covered, &tags)),
                Token::EndTag(tag) => Some(Part::End(tag.span.start..tag.span.end)),
                _ => None,
            });
        }
        Self {
            source,
            tags,
            covered,
            parts,
        }
    }

    /// Returns the content and the end of an element whose content is not HTML; `part` is its start
    /// tag.
    fn content(&self, part: usize) -> (Range<usize>, usize) {
        let from = match self.parts.get(part) {
            Some(Part::Start { at, .. }) => at.end,
            _ => 0,
        };
        let end = self
            .parts
            .iter()
            .skip(part + 1)
            .find_map(|part| match part {
                Part::End(at) => Some(at.clone()),
                _ => None,
            });
        let end = end.unwrap_or(self.source.len()..self.source.len());
        (from..end.start, end.end)
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_ascii_lowercase()
}

fn start_tag(tag: StartTag<usize>, covered: &str, tags: &[Range<usize>]) -> Part {
    let mut attributes: Vec<_> = tag
        .attributes
        .into_iter()
        .map(|(name, value)| {
            let at = value_range(covered, value.span.start + name.len());
            Attribute {
                name: lossy(&name),
                value: String::from_utf8_lossy(&value.value).into_owned(),
                is_dynamic: !overlapping(tags, &at).is_empty(),
                at,
            }
        })
        .collect();
    attributes.sort_by_key(|attribute| attribute.at.start);
    Part::Start {
        name: lossy(&tag.name),
        attributes,
        at: tag.span.start..tag.span.end,
    }
}

/// Returns the place of the value with its quotes, after an attribute name that ends at `end`. The
/// tokenizer does not report quotes and empty values.
fn value_range(text: &str, end: usize) -> Range<usize> {
    let blank = |c: char| c.is_ascii_whitespace();
    let rest = text.get(end..).unwrap_or_default();
    let Some(value) = rest.trim_start_matches(blank).strip_prefix('=') else {
        return end..end;
    };
    let value = value.trim_start_matches(blank);
    let from = text.len() - value.len();
    let length = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].find(quote).map(|length| length + 2),
        _ => value.find(|c: char| blank(c) || c == '>'),
    };
    from..from + length.unwrap_or(value.len())
}

/// The target of a reference.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// Nothing, a fragment of this page, or data.
    Here,
    /// A file of the source.
    File(String),
    /// A path on the failing site.
    Site,
    /// Another site.
    Away,
    /// A script in a URL.
    Script,
}

/// Returns the target of the address `value`.
fn target(value: &str) -> Target {
    let value: String = value.trim().replace(['\t', '\n', '\r'], "");
    let scheme = value
        .split_once(':')
        .map(|(scheme, _)| scheme)
        .filter(|scheme| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        });
    match scheme.map(str::to_ascii_lowercase).as_deref() {
        Some("data" | "about" | "blob") => return Target::Here,
        Some("javascript" | "vbscript") => return Target::Script,
        Some(_) => return Target::Away,
        None => {}
    }
    if value.is_empty() || value.starts_with('#') {
        return Target::Here;
    }
    if value.starts_with("//") || value.starts_with("\\\\") {
        return Target::Away;
    }
    if value.starts_with(['/', '\\', '?']) {
        return Target::Site;
    }
    let path = value.split(['?', '#']).next().unwrap_or_default();
    Target::File(percent_decode_str(path).decode_utf8_lossy().into_owned())
}

/// Returns the media type of a file that can be embedded.
pub(crate) fn media_type(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        _ => return None,
    })
}
