//! Whether an inline `<svg>` is a drawing and nothing else.
//!
//! The logo becomes part of every page, so it is read strictly: only elements that draw, only
//! attributes that can neither run nor fetch anything, every element closed. What a drawing program
//! writes besides (editor data, comments, style sheets) is refused rather than cut out.

use super::limits;
use crate::prelude::*;
use crate::text::{find, split_once};

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

/// Checks markup; the error says what is wrong with it.
pub(super) fn check(markup: &str) -> Result<(), &'static str> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = markup.trim_ascii_end();
    loop {
        let after = rest
            .strip_prefix('<')
            .ok_or("text outside of the svg element")?;
        if let Some(closing) = after.strip_prefix('/') {
            let (name, tail) = take_name(closing);
            if open.pop() != Some(name) {
                return Err("an element that is not closed where it should be");
            }
            rest = tail
                .trim_ascii_start()
                .strip_prefix('>')
                .ok_or("a tag that does not end")?;
        } else {
            let (name, tail) = take_name(after);
            if name.is_empty() {
                return Err("a comment, declaration or broken tag");
            }
            check_element(name, open.is_empty())?;
            let (tail, closed) = attributes(tail)?;
            rest = tail;
            if !closed {
                if open.len() >= limits::SVG_DEPTH {
                    return Err("too many elements within each other");
                }
                open.push(name);
            }
        }
        if open.is_empty() {
            return if rest.is_empty() {
                Ok(())
            } else {
                Err("something after the svg element")
            };
        }
        let text = find(rest, "<").ok_or("an element that is not closed")?;
        let (text, tail) = rest.split_at_checked(text).unwrap_or_default();
        check_entities(text)?;
        rest = tail;
    }
}

fn check_element(name: &str, outermost: bool) -> Result<(), &'static str> {
    match name {
        "script" => Err("a script element"),
        "foreignObject" => Err("a foreignObject element"),
        "style" => Err("a style element; use attributes such as fill"),
        "image" => Err("an image element; give the whole logo as a data: URI"),
        "svg" if !outermost => Err("an svg element within another"),
        _ if outermost && name != "svg" => Err("something else than an svg element"),
        _ if ELEMENTS.contains(&name) => Ok(()),
        _ => Err("an element that does not draw"),
    }
}

/// Reads attributes up to the end of the tag: what follows it, and whether the tag closes itself.
fn attributes(mut rest: &str) -> Result<(&str, bool), &'static str> {
    loop {
        let trimmed = rest.trim_ascii_start();
        if let Some(tail) = trimmed.strip_prefix("/>") {
            return Ok((tail, true));
        }
        if let Some(tail) = trimmed.strip_prefix('>') {
            return Ok((tail, false));
        }
        if trimmed.len() == rest.len() {
            return Err("a tag that does not end");
        }
        let (name, tail) = take_name(trimmed);
        if name.is_empty() {
            return Err("a tag that does not end");
        }
        let tail = tail
            .trim_ascii_start()
            .strip_prefix('=')
            .ok_or("an attribute without a value")?;
        let tail = tail.trim_ascii_start();
        let quote = match tail.as_bytes().first() {
            Some(b'"') => "\"",
            Some(b'\'') => "'",
            _ => return Err("an attribute value without quotes"),
        };
        let (value, after) = tail
            .get(1..)
            .and_then(|tail| split_once(tail, quote))
            .ok_or("an attribute value that does not end")?;
        attribute(name, value)?;
        rest = after;
    }
}

fn attribute(name: &str, value: &str) -> Result<(), &'static str> {
    if name
        .get(..2)
        .is_some_and(|start| start.eq_ignore_ascii_case("on"))
    {
        return Err("an event handler");
    }
    if name.eq_ignore_ascii_case("style") {
        return Err("a style attribute; use attributes such as fill");
    }
    if value.contains('<') {
        return Err("a < in an attribute value");
    }
    check_entities(value)?;
    let is_reference =
        name.eq_ignore_ascii_case("href") || name.to_ascii_lowercase().ends_with(":href");
    if is_reference && !value.starts_with('#') {
        return Err("a reference to something outside of the logo");
    }
    // `fill="url(#a)"` is fine, and nothing else that fetches: CSS escapes need a backslash.
    let lower = value.to_ascii_lowercase();
    if lower.contains('\\') || has_foreign_url(lower.as_bytes()) {
        return Err("a reference to something outside of the logo");
    }
    Ok(())
}

/// Whether some `url(` is not followed by `#`.
fn has_foreign_url(mut text: &[u8]) -> bool {
    while let Some((_, rest)) = text.split_first() {
        if let Some(target) = text.strip_prefix(b"url(") {
            if !target.starts_with(b"#") {
                return true;
            }
        }
        text = rest;
    }
    false
}

/// Only entities that every parser reads alike, and that can hide nothing.
fn check_entities(text: &str) -> Result<(), &'static str> {
    let known = ["amp;", "lt;", "gt;", "quot;", "apos;"];
    let mut rest = text;
    while let Some((_, after)) = split_once(rest, "&") {
        if !known.iter().any(|name| after.starts_with(name)) {
            return Err("an entity other than &amp; &lt; &gt; &quot; &apos;");
        }
        rest = after;
    }
    Ok(())
}

/// Splits off the name that `text` begins with.
fn take_name(text: &str) -> (&str, &str) {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
    let end = text.bytes().take_while(is_name).count();
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::check;
    use proptest::prelude::*;

    #[test]
    fn drawings_pass() {
        for markup in [
            "<svg/>",
            "<svg></svg>\n",
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox='0 0 8 8'><path d="M0 0h8v8z"/></svg>"##,
            r##"<svg><defs><linearGradient id="a"><stop offset="1"/></linearGradient></defs><g fill="url(#a)"><use href="#b" /><text x="1">A &amp; B</text></g></svg>"##,
            r##"<svg xmlns:xlink="http://www.w3.org/1999/xlink"><use xlink:href="#b"></use ></svg>"##,
        ] {
            assert_eq!(check(markup), Ok(()), "{markup}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for (markup, why) in [
            ("", "text outside of the svg element"),
            ("svg", "text outside of the svg element"),
            ("<g></g>", "something else than an svg element"),
            ("<svg>", "an element that is not closed"),
            (
                "<svg><g></svg>",
                "an element that is not closed where it should be",
            ),
            ("<svg></svg><p>", "something after the svg element"),
            ("<svg></svg>x", "something after the svg element"),
            ("<svg/><svg/>", "something after the svg element"),
            ("<svg", "a tag that does not end"),
            ("<svg/", "a tag that does not end"),
            ("<svg a", "an attribute without a value"),
            ("<svg a=b>", "an attribute value without quotes"),
            ("<svg a='b>", "an attribute value that does not end"),
            ("<svg a='b'c='d'/>", "a tag that does not end"),
            (
                "<svg><!-- x --></svg>",
                "a comment, declaration or broken tag",
            ),
            (
                "<?xml version='1.0'?><svg/>",
                "a comment, declaration or broken tag",
            ),
            (
                "<!DOCTYPE svg><svg/>",
                "a comment, declaration or broken tag",
            ),
            ("<svg><script>alert(1)</script></svg>", "a script element"),
            ("<svg><SCRIPT/></svg>", "an element that does not draw"),
            ("<svg><foreignObject/></svg>", "a foreignObject element"),
            ("<svg><animate/></svg>", "an element that does not draw"),
            ("<svg><a/></svg>", "an element that does not draw"),
            (
                "<svg><style/></svg>",
                "a style element; use attributes such as fill",
            ),
            ("<svg onload='x'/>", "an event handler"),
            ("<svg ONLOAD='x'/>", "an event handler"),
            (
                "<svg style='x'/>",
                "a style attribute; use attributes such as fill",
            ),
            ("<svg a='<'/>", "a < in an attribute value"),
            (
                "<svg><use href='x.svg#a'/></svg>",
                "a reference to something outside of the logo",
            ),
            (
                "<svg><use xlink:href=' #a'/></svg>",
                "a reference to something outside of the logo",
            ),
            (
                "<svg fill='URL(//x)'/>",
                "a reference to something outside of the logo",
            ),
            (
                "<svg fill='u\\72l(//x)'/>",
                "a reference to something outside of the logo",
            ),
            (
                "<svg fill='u&#114;l(//x)'/>",
                "an entity other than &amp; &lt; &gt; &quot; &apos;",
            ),
            (
                "<svg>&nbsp;</svg>",
                "an entity other than &amp; &lt; &gt; &quot; &apos;",
            ),
        ] {
            assert_eq!(check(markup), Err(why), "{markup}");
        }
        let deep = |depth: usize| {
            "<svg>".to_owned() + &"<g>".repeat(depth) + &"</g>".repeat(depth) + "</svg>"
        };
        assert_eq!(check(&deep(31)), Ok(()));
        assert_eq!(check(&deep(32)), Err("too many elements within each other"));
    }

    proptest! {
        #[test]
        fn never_panics(parts in proptest::collection::vec("<svg|<g|</g>|</svg>|/>|>| a='|'|=|&amp;|<!|é|\\PC", 0..20)) {
            let markup = parts.concat();
            if check(&markup).is_ok() {
                prop_assert!(markup.starts_with("<svg"));
            }
        }
    }
}
