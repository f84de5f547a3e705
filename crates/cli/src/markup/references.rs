//! What a page makes the browser load, in one table: `tidegate bundle` embeds it, and `tidegate check` warns of
//! what stays. So nothing is in one of them only.

use std::ops::Range;

use super::{attribute, Attribute};

/// What is loaded, and what can be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// A picture, a sound or a film, which is embedded as a `data:` URI.
    Data,
    /// Several pictures to choose from (`srcset`), which are embedded in the same way.
    Choices,
    /// A style sheet, which becomes a `<style>`.
    Sheet,
    /// A script, which becomes a block.
    Script,
    /// A document of its own, which the policy of a page blocks wherever it is.
    Frame,
    /// Something that is not embedded, with what to do instead.
    Stays(&'static str),
}

const DRAWING: &str = "put the drawing into the page as <svg>";
const HINT: &str = "remove it, since `tidegate bundle` embeds the files of the source";
const MANIFEST: &str = "remove it, since a page for failures is not installed";
const ALTERNATE: &str = "remove it, or make it the only style sheet";

/// Attributes of drawings that refer to parts of other drawings by `url(…)`.
const PAINTS: [&str; 8] = [
    "fill",
    "stroke",
    "filter",
    "mask",
    "clip-path",
    "marker-start",
    "marker-mid",
    "marker-end",
];

/// Returns what an element makes the browser load, in the order of its attributes (WHATWG HTML §4, SVG 2 §5.8 and
/// §12.3).
pub(super) fn references<'a>(
    element: &str,
    attributes: &'a [Attribute],
) -> Vec<(&'a Attribute, Load)> {
    let loads: &[(&str, Load)] = match element {
        "img" => &[("src", Load::Data), ("srcset", Load::Choices)],
        "source" => &[("src", Load::Data), ("srcset", Load::Choices)],
        "input" if is(attributes, "type", "image") => &[("src", Load::Data)],
        "video" => &[("src", Load::Data), ("poster", Load::Data)],
        "audio" | "track" => &[("src", Load::Data)],
        "image" | "feimage" => &[("href", Load::Data), ("xlink:href", Load::Data)],
        "use" => &[
            ("href", Load::Stays(DRAWING)),
            ("xlink:href", Load::Stays(DRAWING)),
        ],
        "body" | "table" | "thead" | "tbody" | "tfoot" | "tr" | "td" | "th" => {
            &[("background", Load::Data)]
        }
        "script" => &[("src", Load::Script)],
        "iframe" | "frame" | "embed" => &[("src", Load::Frame)],
        "object" => &[("data", Load::Frame)],
        "link" => link(attributes),
        _ => &[],
    };
    let found = attributes.iter().filter_map(|attribute| {
        let (_, load) = loads.iter().find(|(name, _)| *name == attribute.name)?;
        Some((attribute, *load))
    });
    found.collect()
}

/// Returns what a `<link>` makes the browser load.
fn link(attributes: &[Attribute]) -> &'static [(&'static str, Load)] {
    let rel = |word: &str| is_word_of(attributes, "rel", word);
    match () {
        () if rel("stylesheet") && rel("alternate") => &[("href", Load::Stays(ALTERNATE))],
        () if rel("stylesheet") => &[("href", Load::Sheet)],
        () if rel("icon")
            || rel("apple-touch-icon")
            || rel("apple-touch-icon-precomposed")
            || rel("mask-icon") =>
        {
            &[("href", Load::Data)]
        }
        () if rel("preload") || rel("modulepreload") || rel("prefetch") => &[
            ("href", Load::Stays(HINT)),
            ("imagesrcset", Load::Stays(HINT)),
        ],
        () if rel("manifest") => &[("href", Load::Stays(MANIFEST))],
        // The others open connections at most, or are for people and search engines.
        () => &[],
    }
}

/// Returns whether an attribute has this value, in any case.
pub(super) fn is(attributes: &[Attribute], name: &str, value: &str) -> bool {
    attribute(attributes, name)
        .is_some_and(|attribute| attribute.value.trim().eq_ignore_ascii_case(value))
}

/// Returns whether an attribute that is a list of words has this one, in any case.
fn is_word_of(attributes: &[Attribute], name: &str, word: &str) -> bool {
    attribute(attributes, name).is_some_and(|attribute| {
        let mut words = attribute.value.split_ascii_whitespace();
        words.any(|other| other.eq_ignore_ascii_case(word))
    })
}

/// Returns whether an attribute refers to parts of drawings by `url(…)`.
pub(super) fn is_paint(attribute: &Attribute) -> bool {
    PAINTS.contains(&attribute.name.as_str())
}

/// Returns the places of the addresses in a `srcset` (WHATWG HTML, "parse a srcset attribute").
pub(super) fn choices(srcset: &str) -> Vec<Range<usize>> {
    let blank = |c: char| c.is_ascii_whitespace();
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let rest = srcset.get(at..).unwrap_or_default();
        let start = srcset.len() - rest.trim_start_matches(|c| blank(c) || c == ',').len();
        let rest = srcset.get(start..).unwrap_or_default();
        if rest.is_empty() {
            return found;
        }
        let end = start + rest.find(blank).unwrap_or(rest.len());
        let address = srcset.get(start..end).unwrap_or_default();
        let trimmed = address.trim_end_matches(',');
        found.push(start..start + trimmed.len());
        at = match trimmed.len() == address.len() {
            // A descriptor follows; in parentheses, a comma does not end it.
            true => end + after_descriptor(srcset.get(end..).unwrap_or_default()),
            false => end,
        };
    }
}

/// Returns the length of a descriptor with its comma.
fn after_descriptor(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}
