//! `text/markdown`: the page for agents, who read prose and act on facts.
//!
//! The facts are YAML in front of the text. Their names are those of the problem documents, and the strings
//! among them are quoted as in JSON, which is YAML too.

#[cfg(test)]
mod tests;

use super::problem::{Member, Problem};
use crate::page::bindings::Bindings;
use crate::template::{Output, Position};

/// The content type (RFC 7763).
pub(in crate::page) const CONTENT_TYPE: &str = "text/markdown; charset=utf-8";
/// Room for most pages.
const CAPACITY: usize = 1024;

/// Returns the page for these bindings.
pub(in crate::page) fn render(problem: Problem<'_>, bindings: &Bindings<'_>) -> String {
    let mut out = Output::with_capacity(CAPACITY);
    out.markup("---\n");
    for (name, member) in problem.members(bindings) {
        // What these say, the text says.
        if matches!(name, "title" | "detail") {
            continue;
        }
        out.markup(name).markup(": ");
        match member {
            Member::Text(text) => out.markup("\"").put(Position::Json, &text).markup("\""),
            Member::Number(number) => out.number(number),
            Member::Boolean(true) => out.markup("true"),
            Member::Boolean(false) => out.markup("false"),
        };
        out.markup("\n");
    }
    out.markup("---\n\n# ")
        .put(Position::Markdown, bindings.of_kind.title());
    for text in [
        bindings.of_kind.message(),
        bindings.of_kind.sent(),
        &bindings.advice(),
    ] {
        if !text.is_empty() {
            out.markup("\n\n").put(Position::Markdown, text);
        }
    }
    out.markup("\n");
    out.into_string()
}
