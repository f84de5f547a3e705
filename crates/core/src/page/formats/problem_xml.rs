//! `application/problem+xml` (RFC 9457 Appendix B): for clients that accept XML only.
//!
//! It has the members of `application/problem+json`, without those that a template adds.

#[cfg(test)]
mod tests;

use super::problem::{Member, Problem};
use crate::page::bindings::Bindings;
use crate::template::{Output, Position};

/// The content type.
pub(in crate::page) const CONTENT_TYPE: &str = "application/problem+xml; charset=utf-8";
/// Room for most documents.
const CAPACITY: usize = 1024;

/// Returns the document for these bindings.
pub(in crate::page) fn render(problem: Problem<'_>, bindings: &Bindings<'_>) -> String {
    let mut out = Output::with_capacity(CAPACITY);
    out.markup("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // The namespace is that of RFC 7807, which RFC 9457 keeps.
    out.markup("<problem xmlns=\"urn:ietf:rfc:7807\">\n");
    for (name, member) in problem.members(bindings) {
        out.markup("<").markup(name).markup(">");
        match member {
            // Text of HTML is text of XML: its character references are those that XML has too.
            Member::Text(text) => out.put(Position::Html, &text),
            Member::Number(number) => out.number(number),
            Member::Boolean(true) => out.markup("true"),
            Member::Boolean(false) => out.markup("false"),
        };
        out.markup("</").markup(name).markup(">\n");
    }
    out.markup("</problem>\n");
    out.into_string()
}
