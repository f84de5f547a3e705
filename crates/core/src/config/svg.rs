//! Decides whether an inline `<svg>` is a drawing and nothing else.
//!
//! The logo becomes part of every page, so the check is strict: only elements that draw, only
//! attributes that can neither run nor fetch anything, every element closed. What drawing programs
//! add (editor data, comments, style sheets) is refused, not removed.
//!
//! The markup has to be well-formed XML, and stands in HTML. The two grammars read it alike because
//! names hold only letters, digits, `-`, `_` and `:`, all values have quotes, and there are no comments,
//! CDATA sections or declarations.

use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::events::attributes::AttrError;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader};

use super::limits;

/// Elements that draw, or describe what is drawn.
const ELEMENTS: &[&str] = &[
    "svg",
    "g",
    "path",
    "circle",
    "ellipse",
    "rect",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "defs",
    "symbol",
    "use",
    "title",
    "desc",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "mask",
    "pattern",
    "marker",
];

const UNFINISHED_TAG: &str = "a tag that does not end";
const NOT_AN_ELEMENT: &str = "a comment, declaration or broken tag";
const WRONG_END: &str = "an element that is not closed where it should be";
const ENTITY: &str = "an entity other than &amp; &lt; &gt; &quot; &apos;";
const FOREIGN: &str = "a reference to something outside of the logo";

/// Checks markup. The error says what is wrong with it.
pub(super) fn check(markup: &str) -> Result<(), &'static str> {
    let mut reader = Reader::from_str(markup.trim_ascii_end());
    let mut depth: usize = 0;
    loop {
        match reader.read_event().map_err(|error| why(&error))? {
            Event::Start(tag) => {
                check_element(&tag, depth == 0)?;
                if depth >= limits::SVG_DEPTH {
                    return Err("too many nested elements");
                }
                depth = depth.saturating_add(1);
            }
            Event::Empty(tag) => check_element(&tag, depth == 0)?,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(_) | Event::GeneralRef(_) | Event::Eof if depth == 0 => {
                return Err("text outside of the svg element");
            }
            Event::Text(_) => {}
            Event::GeneralRef(name) => {
                if !ENTITIES.iter().any(|entity| entity.as_bytes() == &*name) {
                    return Err(ENTITY);
                }
            }
            Event::Eof => return Err("an element that is not closed"),
            _ => return Err(NOT_AN_ELEMENT),
        }
        if depth == 0 {
            return match reader.read_event() {
                Ok(Event::Eof) => Ok(()),
                _ => Err("something after the svg element"),
            };
        }
    }
}

/// Returns what a mistake of the reader means.
fn why(error: &Error) -> &'static str {
    match error {
        Error::Syntax(SyntaxError::UnclosedTag) => UNFINISHED_TAG,
        Error::Syntax(
            SyntaxError::UnclosedSingleQuotedAttributeValue
            | SyntaxError::UnclosedDoubleQuotedAttributeValue,
        ) => "an attribute value that does not end",
        Error::Syntax(_) => NOT_AN_ELEMENT,
        Error::IllFormed(IllFormedError::UnclosedReference) => ENTITY,
        _ => WRONG_END,
    }
}

fn check_element(tag: &BytesStart<'_>, is_outermost: bool) -> Result<(), &'static str> {
    match tag.name().as_ref() {
        b"" => return Err(NOT_AN_ELEMENT),
        b"script" => return Err("a script element"),
        b"foreignObject" => return Err("a foreignObject element"),
        b"style" => return Err("a style element; use attributes such as fill"),
        b"image" => return Err("an image element; give the whole logo as a data: URI"),
        b"svg" if !is_outermost => return Err("an svg element within another"),
        name if is_outermost && name != b"svg" => {
            return Err("an element other than svg");
        }
        name if !ELEMENTS.iter().any(|element| element.as_bytes() == name) => {
            return Err("an element that does not draw");
        }
        _ => {}
    }
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| match error {
            AttrError::ExpectedEq(_) => "an attribute without a value",
            AttrError::UnquotedValue(_) => "an attribute value without quotes",
            _ => UNFINISHED_TAG,
        })?;
        let name = std::str::from_utf8(attribute.key.as_ref()).unwrap_or_default();
        let value = std::str::from_utf8(&attribute.value).unwrap_or_default();
        check_attribute(name, value)?;
    }
    Ok(())
}

fn check_attribute(name: &str, value: &str) -> Result<(), &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_plain) {
        return Err(UNFINISHED_TAG);
    }
    let name = name.to_ascii_lowercase();
    if name.starts_with("on") {
        return Err("an event handler");
    }
    if name == "style" {
        return Err("a style attribute; use attributes such as fill");
    }
    if value.contains('<') {
        return Err("a < in an attribute value");
    }
    let mut references = value.split('&').skip(1);
    let is_entity = |text: &str| {
        let name = text.split_once(';').map(|(name, _)| name);
        name.is_some_and(|name| ENTITIES.contains(&name))
    };
    if !references.all(is_entity) {
        return Err(ENTITY);
    }
    let is_reference = name == "href" || name.ends_with(":href");
    if is_reference && !value.starts_with('#') {
        return Err(FOREIGN);
    }
    // `fill="url(#a)"` is fine, and nothing else that fetches; CSS escapes need a backslash.
    let value = value.to_ascii_lowercase();
    let mut urls = value.split("url(").skip(1);
    if value.contains('\\') || urls.any(|target| !target.starts_with('#')) {
        return Err(FOREIGN);
    }
    Ok(())
}

/// Entities that HTML and XML read alike.
const ENTITIES: &[&str] = &["amp", "lt", "gt", "quot", "apos"];

#[cfg(test)]
mod tests;
