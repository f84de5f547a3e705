//! What style sheets refer to.

use std::ops::Range;

/// What a style sheet refers to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) target: String,
    /// `url(…)`, or the whole `@import …;`.
    pub(super) at: Range<usize>,
    /// Of an `@import`: the conditions behind the address.
    pub(super) import: Option<String>,
}

/// A part of a style sheet, as far as it matters where one ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Comment,
    String,
    /// `url(…)` without quotes.
    Url,
    Blank,
    /// One character, or an escape.
    Other,
}

/// The parts of a style sheet (CSS Syntax Level 3 §4.3).
fn parts(css: &str) -> Vec<(Kind, Range<usize>)> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(first) = css[at..].chars().next() {
        let rest = &css[at..];
        let (kind, length) = if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment.find("*/").map_or(rest.len(), |end| end + 4);
            (Kind::Comment, end)
        } else if first == '"' || first == '\'' {
            (Kind::String, string(rest, first))
        } else if let Some(length) = bare_url(css, at) {
            (Kind::Url, length)
        } else if first.is_ascii_whitespace() {
            let end = rest.find(|c: char| !c.is_ascii_whitespace());
            (Kind::Blank, end.unwrap_or(rest.len()))
        } else if first == '\\' {
            let next = rest[1..].chars().next().map_or(0, char::len_utf8);
            (Kind::Other, 1 + next)
        } else {
            (Kind::Other, first.len_utf8())
        };
        parts.push((kind, at..at + length));
        at += length;
    }
    parts
}

/// The length of a string with its quotes.
fn string(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' => return at,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a `url(…)` without quotes that begins here.
fn bare_url(css: &str, at: usize) -> Option<usize> {
    let rest = &css[at..];
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '\\');
    if css[..at].ends_with(is_name) || !rest.get(..4)?.eq_ignore_ascii_case("url(") {
        return None;
    }
    let inner = rest[4..].trim_start();
    match inner.chars().next() {
        Some('"' | '\'') => None,
        _ => Some(rest.find(')').map_or(rest.len(), |end| end + 1)),
    }
}

/// Everything that a style sheet refers to.
pub(super) fn references(css: &str) -> Vec<Reference> {
    let parts = parts(css);
    let mut found = Vec::new();
    let mut skip_to = 0;
    for (number, (kind, at)) in parts.iter().enumerate() {
        if at.start < skip_to {
            continue;
        }
        let text = &css[at.clone()];
        if let Some(reference) = import(css, &parts[number..]) {
            skip_to = reference.at.end;
            found.push(reference);
        } else if *kind == Kind::Url {
            found.push(Reference {
                target: text[4..].trim_end_matches(')').trim().replace('\\', ""),
                at: at.clone(),
                import: None,
            });
        } else if *kind == Kind::String {
            let before = css[..at.start].trim_end();
            if before.len() >= 4 && before.is_char_boundary(before.len() - 4) {
                let (head, tail) = before.split_at(before.len() - 4);
                let rest = &css[at.end..];
                let close = rest.find(')').filter(|end| rest[..*end].trim().is_empty());
                if let (true, Some(close)) = (tail.eq_ignore_ascii_case("url("), close) {
                    found.push(Reference {
                        target: unquoted(text),
                        at: head.len()..at.end + close + 1,
                        import: None,
                    });
                }
            }
        }
    }
    found
}

/// An `@import` that begins here.
fn import(css: &str, parts: &[(Kind, Range<usize>)]) -> Option<Reference> {
    let start = parts.first()?.1.start;
    if !css.get(start..start + 7)?.eq_ignore_ascii_case("@import") {
        return None;
    }
    let mut rest = parts.iter().skip(7);
    let (kind, at) = rest
        .find(|(kind, at)| matches!(kind, Kind::String | Kind::Url) || &css[at.clone()] == ";")?;
    let mut condition_from = at.end;
    let target = match kind {
        Kind::String => unquoted(&css[at.clone()]),
        Kind::Url => css[at.start + 4..at.end]
            .trim_end_matches(')')
            .trim()
            .to_owned(),
        _ => return None,
    };
    if css[..at.start]
        .trim_end()
        .to_ascii_lowercase()
        .ends_with("url(")
    {
        condition_from += css[at.end..].find(')')? + 1;
    }
    let end = parts
        .iter()
        .find(|(kind, at)| {
            *kind == Kind::Other && at.start >= condition_from && &css[at.clone()] == ";"
        })
        .map_or(css.len(), |(_, at)| at.end);
    let condition = css[condition_from..end].trim_end_matches(';').trim();
    Some(Reference {
        target,
        at: start..end,
        import: Some(condition.to_owned()),
    })
}

fn unquoted(string: &str) -> String {
    let inner = string.get(1..string.len().max(2) - 1).unwrap_or_default();
    inner.replace('\\', "")
}
