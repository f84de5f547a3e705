//! Finds the tags of a template.

use std::ops::Range;

/// A tag, by its place in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The tag with its delimiters.
    pub range: Range<usize>,
    /// What is between the delimiters.
    pub content: Range<usize>,
    /// Whether the tag is raw: `{{{name}}}`.
    pub is_raw: bool,
}

/// Returns all tags of a source, up to one that does not end.
pub fn tags<'s>(source: &'s str, open: &'s str, close: &'s str) -> impl Iterator<Item = Tag> + 's {
    let mut at = 0;
    std::iter::from_fn(move || {
        let tag = next(source, at, open, close)?.ok()?;
        at = tag.range.end;
        Some(tag)
    })
}

/// Returns the first tag at or after `at`; `None` if there is none. The error is the range of the
/// opening delimiter of a tag that does not end.
pub(super) fn next(
    source: &str,
    at: usize,
    open: &str,
    close: &str,
) -> Option<Result<Tag, Range<usize>>> {
    let start = at.saturating_add(source.get(at..)?.find(open)?);
    let inner = start.saturating_add(open.len());
    let is_raw = source.as_bytes().get(inner) == Some(&b'{');
    let (from, braces) = match is_raw {
        true => (inner.saturating_add(1), "}"),
        false => (inner, ""),
    };
    let close = format!("{braces}{close}");
    let Some(length) = source.get(from..)?.find(&close) else {
        return Some(Err(start..inner));
    };
    let to = from.saturating_add(length);
    Some(Ok(Tag {
        range: start..to.saturating_add(close.len()),
        content: from..to,
        is_raw,
    }))
}
