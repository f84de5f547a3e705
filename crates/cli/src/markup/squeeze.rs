//! Pages without what is superfluous in them. What a browser shows stays as it is, and so does every
//! tag of the template but notes; lines stay lines, because a block's tag that has one for itself
//! takes it along.
//!
//! Styles and scripts are for [`super::minify`]. No crate can do the same for the HTML around them:
//! each builds a tree first, and a template is no tree (ARCHITECTURE.md has what became of those that
//! were tried). So here only comments, notes and runs of blanks go.

use std::ops::Range;

use super::minify::{self, Script};
use super::{overlapping, Delimiters, Page, Part};

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
            Part::Start { name, .. } if name == "style" || name == "script" => {
                let (content, _) = page.content(number - 1);
                let text = &html[content.clone()];
                // A raw tag in a style stands for text of the configuration.
                let text = match overlapping(&page.tags, &content) {
                    [] if name == "style" => minify::css(text),
                    [] => script(part).map_or(text.to_owned(), |kind| minify::script(text, kind)),
                    _ => text.to_owned(),
                };
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
            Part::Comment(at)
                if overlapping(&page.tags, at).is_empty() && !is_conditional(&html[at.clone()]) =>
            {
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

/// How a script is read; `None`: it is data.
fn script(part: &Part) -> Option<Script> {
    let (attributes, _) = part.start("script")?;
    let kind = super::attribute(attributes, "type").map(|kind| kind.value.to_ascii_lowercase());
    match kind.as_deref().map(str::trim) {
        None | Some("" | "text/javascript" | "application/javascript") => Some(Script::Classic),
        Some("module") => Some(Script::Module),
        Some(_) => None,
    }
}

/// Whether a comment is none to some old browser: `<!--[if IE]>`, `<![endif]-->`.
fn is_conditional(comment: &str) -> bool {
    comment.starts_with("<!--[if") || comment.contains("<![endif]")
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
