//! The template engine: text with `{{name}}`, `{{{name}}}`, `{{#if name}}`, `{{else}}`, `{{#each list}}`.
//!
//! A template is compiled once, when the configuration is read ([`parse`]), into text and a list of
//! operations between its parts; rendering does not look at the source again. A value is escaped for
//! the position where the template shows it ([`html`] tracks that position), and is never expanded a
//! second time. Every jump leads forward, so that rendering takes at most as many steps as there are
//! operations.
//!
//! The engine knows neither the configuration nor pages. Its caller says what names mean ([`Names`])
//! and provides their values ([`Value`]).

mod attribute;
mod blocks;
pub(crate) mod escape;
mod html;
pub(crate) mod limits;
mod markup;
mod names;
mod parse;
mod specialize;
mod tag;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use escape::Output;
pub(crate) use names::{Field, List, Meaning, Names, UnknownName};
pub(crate) use parse::Parser;
pub use tag::{tags, Tag};

/// What a template produces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Syntax {
    /// HTML; values are escaped by position.
    Html,
    /// Plain text; values lose their control characters.
    Text,
    /// The content of a JSON string.
    Json,
}

/// Where a value appears, which decides how it is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// Text of HTML, or a quoted attribute value.
    Html,
    /// The beginning of a link, with its scheme.
    Link,
    /// The path of a link.
    Path,
    /// The query or fragment of a link.
    Query,
    /// The content of a JSON string.
    Json,
    /// Plain text, possibly shown in a terminal.
    Plain,
    /// A paragraph or heading of Markdown.
    Markdown,
}

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'v> {
    /// A text.
    Text(&'v str),
    /// A text that was joined from several values. At the beginning of a link it is escaped as part of
    /// a query, because a check of its scheme would mean nothing.
    Joined(String),
    /// A whole number.
    Number(u64),
    /// A time or a token, which is written unchanged in every position.
    Verbatim(Cow<'v, str>),
}

impl Value<'_> {
    /// Returns whether an `if` takes its first branch: the value is neither empty nor `false`.
    fn is_true(&self) -> bool {
        match self {
            Self::Text(text) => !matches!(*text, "" | "false"),
            Self::Number(_) => true,
            Self::Joined(text) => !text.is_empty(),
            Self::Verbatim(text) => !text.is_empty(),
        }
    }
}

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The tag, shortened and printable.
    pub found: String,
    /// What is wrong with it.
    pub why: Cow<'static, str>,
    /// The name that was probably meant.
    pub did_you_mean: Option<String>,
}

/// A compiled template.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Template {
    /// The text between the values, in order.
    text: String,
    operations: Vec<Operation>,
    /// The names of the variables, each once. Operations refer to them by number.
    variables: Vec<String>,
    blocks: Vec<InlineBlock>,
}

/// The content of a `<style>` or `<script>` element, as a range of the template's text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct InlineBlock {
    is_style: bool,
    range: Range<usize>,
}

/// An operation: copies the text up to an offset, then acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operation {
    upto: usize,
    action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Writes the value of a variable.
    Write(usize, Position),
    /// Jumps unless a variable is true.
    JumpUnless(usize, Target),
    /// Jumps.
    Jump(Target),
}

/// Where a jump leads: the next operation, and the offset in the text from which it copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Target {
    operation: usize,
    offset: usize,
}

impl Target {
    /// Where a jump leads before its target is known: the end, so that no jump ever leads back.
    const UNKNOWN: Self = Self {
        operation: usize::MAX,
        offset: usize::MAX,
    };
}

/// Lets the jump with this number lead to the end of what there is so far: of the operations, and of the text,
/// which has `offset` bytes.
fn land(operations: &mut [Operation], jump: usize, offset: usize) {
    let here = Target {
        operation: operations.len(),
        offset,
    };
    if let Some(Operation {
        action: Action::JumpUnless(_, target) | Action::Jump(target),
        ..
    }) = operations.get_mut(jump)
    {
        *target = here;
    }
}

impl Template {
    /// Compiles `source`.
    ///
    /// # Errors
    /// Everything that is wrong with it, up to [`limits::ERRORS`].
    pub(crate) fn compile(
        names: &dyn Names,
        syntax: Syntax,
        source: &str,
    ) -> Result<Self, Vec<TemplateError>> {
        let mut parser = Parser::new(names, syntax);
        parser.read(source);
        parser.finish()
    }

    /// Returns the names of the variables, in the order in which [`Template::render`] takes their values.
    pub(crate) fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Returns the length of the text between the values, in bytes.
    pub(crate) fn text_len(&self) -> usize {
        self.text.len()
    }

    /// Returns the memory that the text and the operations take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let operations = std::mem::size_of_val(self.operations.as_slice());
        self.text.len().saturating_add(operations)
    }

    /// Returns the contents of all `<style>` elements.
    pub(crate) fn styles(&self) -> Vec<&str> {
        self.blocks(true)
    }

    /// Returns the contents of all `<script>` elements.
    pub(crate) fn scripts(&self) -> Vec<&str> {
        self.blocks(false)
    }

    fn blocks(&self, styles: bool) -> Vec<&str> {
        self.blocks
            .iter()
            .filter(|block| block.is_style == styles)
            .filter_map(|block| self.text.get(block.range.clone()))
            .collect()
    }

    /// Appends a page to `out`. `value` returns the value of a variable, by its number; it is called for
    /// the operations that are executed, not for those in other branches. Returns the number of executed
    /// operations.
    pub(crate) fn render<'v>(
        &self,
        value: impl Fn(usize) -> Option<&'v Value<'v>>,
        out: &mut Output,
    ) -> usize {
        let (mut next, mut copied, mut steps) = (0_usize, 0, 0_usize);
        while let Some(operation) = self.operations.get(next) {
            steps = steps.saturating_add(1);
            // Before many operations there is no text, and copying nothing is not free.
            if copied < operation.upto {
                out.trusted(self.text.get(copied..operation.upto).unwrap_or_default());
            }
            (next, copied) = (next.saturating_add(1), operation.upto);
            match operation.action {
                Action::Write(variable, position) => {
                    if let Some(value) = value(variable) {
                        out.value(position, value);
                    }
                }
                Action::JumpUnless(variable, _) if value(variable).is_some_and(Value::is_true) => {}
                Action::JumpUnless(_, to) | Action::Jump(to) => {
                    (next, copied) = (to.operation, to.offset);
                }
            }
        }
        out.trusted(self.text.get(copied..).unwrap_or_default());
        steps
    }
}
