//! Pages without what is superfluous in them. What a browser shows stays as it is, and so does every
//! tag of the template but notes; lines stay lines, because a block's tag that has one for itself
//! takes it along.

use std::ops::Range;

use super::{css, overlapping, script, Delimiters, Page, Part};

/// The page, smaller; as it is where something left out would make a tag of what is around it.
pub(crate) fn squeeze(html: &str, delimiters: &Delimiters) -> String {
    let small = try_squeeze(html, delimiters);
    match lasting(&small, delimiters) == lasting(html, delimiters) {
        true => small,
        false => html.to_owned(),
    }
}

/// The tags of a template, but notes.
pub(super) fn lasting<'h>(html: &'h str, delimiters: &Delimiters) -> Vec<&'h str> {
    let tags = super::tags(html, delimiters).into_iter();
    let tags = tags.filter(|tag| !is_note(html, tag, delimiters));
    tags.map(|tag| &html[tag]).collect()
}

fn is_note(html: &str, tag: &Range<usize>, delimiters: &Delimiters) -> bool {
    let inner = &html[tag.start + delimiters.0.len()..tag.end];
    inner.trim_start().starts_with('!')
}

fn try_squeeze(html: &str, delimiters: &Delimiters) -> String {
    let html = without_notes(html, delimiters);
    let page = Page::read(&html, delimiters);
    let mut out = String::with_capacity(html.len());
    let mut from = 0;
    let mut kept: Option<String> = None;
    let mut number = 0;
    while let Some(part) = page.parts.get(number) {
        number += 1;
        let (at, text) = match part {
            Part::Start { name, at, .. } if name == "style" || name == "script" => {
                let (content, _) = page.content(number - 1);
                let is_data = name == "script" && !is_javascript(part);
                let text = match overlapping(&page.tags, &content) {
                    _ if is_data => html[content.clone()].to_owned(),
                    [] if name == "style" => css::squeeze(&html[content.clone()]),
                    [] => script::squeeze(&html[content.clone()]),
                    tags if name == "style" => style_with_tags(&html, content.clone(), tags),
                    _ => html[content.clone()].to_owned(),
                };
                debug_assert!(at.end == content.start);
                (content, text)
            }
            Part::Start { name, .. } if kept.is_none() && keeps_blanks(name) => {
                kept = Some(name.clone());
                continue;
            }
            Part::End { name, .. } if kept.as_ref() == Some(name) => {
                kept = None;
                continue;
            }
            Part::Comment(at) if overlapping(&page.tags, at).is_empty() => {
                (at.clone(), String::new())
            }
            Part::Text(at) if kept.is_none() && at.start >= from => {
                (at.clone(), collapse(&html, &page.covered, at.clone()))
            }
            _ => continue,
        };
        if at.start < from {
            continue;
        }
        out.push_str(&html[from..at.start]);
        out.push_str(&text);
        from = at.end;
    }
    out.push_str(&html[from..]);
    out
}

/// Elements whose blanks are shown.
fn keeps_blanks(name: &str) -> bool {
    matches!(
        name,
        "pre" | "textarea" | "listing" | "xmp" | "title" | "svg"
    )
}

fn is_javascript(part: &Part) -> bool {
    let Some((attributes, _)) = part.start("script") else {
        return false;
    };
    super::attribute(attributes, "type").is_none_or(|kind| {
        matches!(
            kind.value.to_ascii_lowercase().as_str(),
            "" | "module" | "text/javascript" | "application/javascript"
        )
    })
}

/// The template without its notes.
fn without_notes(html: &str, delimiters: &Delimiters) -> String {
    let mut out = String::with_capacity(html.len());
    let mut from = 0;
    for tag in super::tags(html, delimiters) {
        if !is_note(html, &tag, delimiters) {
            continue;
        }
        let blank = |c: char| matches!(c, ' ' | '\t' | '\r');
        let before = html[from..tag.start].trim_end_matches(blank);
        let after = html[tag.end..].trim_start_matches(blank);
        let starts =
            html[..from + before.len()].is_empty() || html[..from + before.len()].ends_with('\n');
        if starts && (after.is_empty() || after.starts_with('\n')) {
            out.push_str(before);
            from = html.len() - after.len() + usize::from(!after.is_empty());
        } else {
            out.push_str(&html[from..tag.start]);
            from = tag.end;
        }
    }
    out.push_str(&html[from..]);
    out
}

/// Every run of blanks as one: a line end if it has one. Blanks of the template's tags are covered,
/// so that they stay.
fn collapse(html: &str, covered: &str, at: Range<usize>) -> String {
    let mut out = Vec::new();
    let mut blanks: Option<u8> = None;
    let bytes = html.bytes().zip(covered.bytes()).skip(at.start);
    for (byte, covered) in bytes.take(at.len()) {
        if covered.is_ascii_whitespace() {
            blanks = match (blanks, covered) {
                (Some(b'\n'), _) | (_, b'\n') => Some(b'\n'),
                _ => Some(b' '),
            };
            continue;
        }
        out.extend(blanks.take());
        out.push(byte);
    }
    out.extend(blanks);
    String::from_utf8(out).unwrap_or_else(|_| html[at].to_owned())
}

/// A style sheet with raw tags: each stands for style rules of the configuration.
fn style_with_tags(html: &str, content: Range<usize>, tags: &[Range<usize>]) -> String {
    // A letter that nobody uses, for each tag.
    const STAND_IN: char = '\u{e000}';
    let text = &html[content.clone()];
    if text.contains(STAND_IN) {
        return text.to_owned();
    }
    let mut css = String::new();
    let mut from = content.start;
    for tag in tags {
        css.push_str(&html[from..tag.start]);
        css.push(STAND_IN);
        from = tag.end;
    }
    css.push_str(&html[from..content.end]);
    let squeezed = css::squeeze(&css);
    if squeezed.matches(STAND_IN).count() != tags.len() {
        return text.to_owned();
    }
    let mut tags = tags.iter();
    let mut out = String::new();
    for character in squeezed.chars() {
        match (character, character == STAND_IN) {
            (_, true) => out.push_str(tags.next().map_or("", |tag| &html[tag.clone()])),
            (character, false) => out.push(character),
        }
    }
    out
}

/// A drawing as markup for a page: without what only a file of its own has.
pub(crate) fn plain_svg(svg: &str) -> String {
    let mut out = svg.trim_start_matches('\u{feff}').to_owned();
    // A document type may define what stands in the drawing.
    let parts = [("<?", "?>"), ("<!--", "-->"), ("<!DOCTYPE", ">")];
    for (open, close) in parts.into_iter().filter(|_| !svg.contains("<!ENTITY")) {
        while let Some(from) = out.find(open) {
            let Some(length) = out[from..].find(close) else {
                break;
            };
            out.replace_range(from..from + length + close.len(), "");
        }
    }
    let lines: Vec<&str> = out
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}
