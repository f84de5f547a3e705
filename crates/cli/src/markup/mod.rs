//! Reads operators' pages as HTML, to embed what they refer to and to warn of mistakes.
//!
//! A page is a template, and its tags may occur where HTML would not allow them. So the tags are
//! replaced by letters of the same length before a standard HTML tokenizer reads the page; all
//! offsets stay those of the template.

mod css;
mod fetch;
mod handlers;
mod imports;
mod inline;
mod lint;
mod references;
mod svg;
#[cfg(test)]
mod tests;

use std::ops::Range;

use html5gum::emitters::default::{DefaultEmitter, StartTag, Token};
use html5gum::{State, Tokenizer};
use percent_encoding::percent_decode_str;
use tidegate_core::template_tags;

pub(crate) use inline::inline;
pub(crate) use lint::{lint, Serving};
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
    /// With character references decoded, unless it contains a template tag.
    value: String,
    /// The value with its quotes; empty and after the name if there is none.
    at: Range<usize>,
    /// Whether the value contains a template tag.
    is_dynamic: bool,
    /// Whether the value begins with a template tag, so that nothing is known of an address.
    begins_with_tag: bool,
}

/// A tag of a page.
#[derive(Debug)]
enum Part {
    Start {
        name: String,
        attributes: Vec<Attribute>,
        at: Range<usize>,
        /// Whether it ends with `/>`, which closes elements of drawings.
        is_closed: bool,
    },
    End {
        name: String,
        at: Range<usize>,
    },
}

impl Part {
    /// Returns attributes and place of a start tag with this name.
    fn start(&self, wanted: &str) -> Option<(&[Attribute], &Range<usize>)> {
        match self {
            Part::Start {
                name,
                attributes,
                at,
                ..
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
        let emitter = DefaultEmitter::<usize>::new_with_span();
        let mut tokenizer = Tokenizer::new_with_emitter(covered.as_str(), emitter);
        let mut parts = Vec::new();
        while let Some(Ok(token)) = tokenizer.next() {
            parts.extend(match token {
                Token::StartTag(tag) => {
                    if let Some(state) = content_state(&tag.name) {
                        tokenizer.set_state(state);
                    }
                    Some(start_tag(tag, source, &covered, &tags))
                }
                Token::EndTag(tag) => Some(Part::End {
                    name: lossy(&tag.name),
                    at: tag.span.start..tag.span.end,
                }),
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
                Part::End { at, .. } => Some(at.clone()),
                _ => None,
            });
        let end = end.unwrap_or(self.source.len()..self.source.len());
        (from..end.start, end.end)
    }
}

/// Returns how the content of an element is read, if it is not HTML (WHATWG HTML §13.2.6.4). `<noscript>` is
/// read as a browser without scripts does, since that one shows it.
fn content_state(name: &[u8]) -> Option<State> {
    match name.to_ascii_lowercase().as_slice() {
        b"title" | b"textarea" => Some(State::RcData),
        b"style" | b"xmp" | b"iframe" | b"noembed" | b"noframes" => Some(State::RawText),
        b"script" => Some(State::ScriptData),
        b"plaintext" => Some(State::PlainText),
        _ => None,
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_ascii_lowercase()
}

fn start_tag(tag: StartTag<usize>, source: &str, covered: &str, tags: &[Range<usize>]) -> Part {
    let mut attributes: Vec<_> = tag
        .attributes
        .into_iter()
        .map(|(name, value)| {
            let at = value_range(covered, value.span.start + name.len());
            let is_dynamic = !overlapping(tags, &at).is_empty();
            let value = match is_dynamic {
                // As its author wrote it.
                true => {
                    let value = source.get(at.clone()).unwrap_or_default();
                    value.trim_matches(['"', '\'']).to_owned()
                }
                false => String::from_utf8_lossy(&value.value).into_owned(),
            };
            Attribute {
                name: lossy(&name),
                value,
                is_dynamic,
                begins_with_tag: begins_with_tag(covered, tags, &at),
                at,
            }
        })
        .collect();
    attributes.sort_by_key(|attribute| attribute.at.start);
    Part::Start {
        name: lossy(&tag.name),
        attributes,
        at: tag.span.start..tag.span.end,
        is_closed: tag.self_closing,
    }
}

/// Returns whether a value, with its quotes, begins with a template tag.
fn begins_with_tag(covered: &str, tags: &[Range<usize>], at: &Range<usize>) -> bool {
    let value = covered.get(at.clone()).unwrap_or_default();
    let from = at.start + usize::from(value.starts_with(['"', '\'']));
    tags.iter().any(|tag| tag.start == from)
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
        Some("javascript") => return Target::Script,
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

/// Returns the fragment of an address that selects a part of a drawing, with its `#`; empty if there is none, or
/// if it has a character that means something in a style sheet or a page.
fn fragment(address: &str) -> &str {
    let fragment = address.find('#').and_then(|at| address.get(at..));
    let fragment = fragment.unwrap_or_default().trim_end();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "#-_.:".contains(c);
    match fragment.chars().all(is_plain) {
        true => fragment,
        false => "",
    }
}

/// Returns a text with the line ends that a browser makes of it (WHATWG HTML §13.2.3.5). The filter does the same.
pub(crate) fn with_usual_newlines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Returns what is wrong with the content of a picture that is named as one of this media type.
pub(crate) fn wrong_content(kind: &str, bytes: &[u8]) -> Option<String> {
    if kind == "image/svg+xml" {
        let is_drawing = memchr::memmem::find(bytes, b"<svg").is_some();
        return (!is_drawing).then(|| "has no <svg>".to_owned());
    }
    let found = infer::get(bytes);
    let is_drawing = found.is_none() && memchr::memmem::find(bytes, b"<svg").is_some();
    match found {
        // An animated PNG is a PNG, and an icon may hold one.
        Some(found) if found.mime_type() == kind => None,
        Some(found) if kind == "image/apng" && found.mime_type() == "image/png" => None,
        Some(found) if kind == "image/x-icon" => (found.matcher_type()
            != infer::MatcherType::Image)
            .then(|| format!("is {} by its content", found.mime_type())),
        Some(found) => Some(format!(
            "is {} by its content, not {kind}",
            found.mime_type()
        )),
        None if is_drawing => Some(format!("is image/svg+xml by its content, not {kind}")),
        None => Some(format!("is not {kind} by its content")),
    }
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
        "apng" => "image/apng",
        "bmp" => "image/bmp",
        "ico" | "cur" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "ogv" => "video/ogg",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "aac" => "audio/aac",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "wav" => "audio/wav",
        "vtt" => "text/vtt",
        _ => return None,
    })
}
