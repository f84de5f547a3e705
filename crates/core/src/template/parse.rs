//! The parser. It fills in constants and unrolls `each`, so that only variables are left for rendering.

use std::borrow::Cow;

use super::html::{State, Tokenizer};
use super::names::PART_DELIMITERS;
use super::{
    limits, tag, Action, Field, InlineBlock, Meaning, Names, Operation, Output, Position, Syntax,
    Template, TemplateError,
};
use crate::diagnostics::quoted;

/// What a name stands for where it is used.
pub(super) enum Found<'n> {
    /// A variable, by its number.
    Variable(usize),
    /// A constant of [`Names`].
    Constant(&'n str),
    /// A URL that was checked.
    CheckedUrl(&'n str),
    /// A field of the current list item.
    Field(&'n str),
    /// A part of pages, which is a template.
    Part(&'n str),
    List,
}

/// An open block.
pub(super) struct Frame {
    /// The range of its tag.
    pub(super) tag: (usize, usize),
    /// The state of the HTML at its beginning.
    pub(super) before: Tokenizer,
    /// The state at the end of the first branch, once there is an `else`.
    pub(super) first_branch: Option<Tokenizer>,
    pub(super) is_each: bool,
    /// Whether the text around the block is part of the page.
    pub(super) emits: bool,
    /// The value of the condition, if it is a constant.
    pub(super) constant: Option<bool>,
    /// The number of the jump over the current branch of an `if`.
    pub(super) jump: usize,
    /// The offset of the content of an `each`, and the number of its current item.
    pub(super) content: usize,
    pub(super) item: usize,
}

/// A parser, and the template that it has compiled so far.
pub(crate) struct Parser<'n> {
    pub(super) names: &'n dyn Names,
    pub(super) syntax: Syntax,
    pub(super) source: &'n str,
    /// The range of the current tag in the source.
    pub(super) tag: (usize, usize),
    pub(super) html: Tokenizer,
    pub(super) text: Output,
    pub(super) operations: Vec<Operation>,
    variables: Vec<String>,
    pub(super) blocks: Vec<InlineBlock>,
    pub(super) frames: Vec<Frame>,
    pub(super) emits: bool,
    /// The offset of the last `<` in the text, and that of the current script or style.
    pub(super) less_than: usize,
    pub(super) block_start: usize,
    /// The part that is in the template, if one is.
    part: Option<&'n str>,
    errors: Vec<TemplateError>,
}

impl<'n> Parser<'n> {
    /// Returns a parser for a new template.
    pub(crate) fn new(names: &'n dyn Names, syntax: Syntax) -> Self {
        Self {
            names,
            syntax,
            source: "",
            tag: (0, 0),
            html: Tokenizer::new(),
            text: Output::default(),
            operations: Vec::new(),
            variables: Vec::new(),
            blocks: Vec::new(),
            frames: Vec::new(),
            emits: true,
            less_than: 0,
            block_start: 0,
            part: None,
            errors: Vec::new(),
        }
    }

    /// Returns the template.
    ///
    /// # Errors
    /// Everything that is wrong with it, up to [`limits::ERRORS`].
    pub(crate) fn finish(self) -> Result<Template, Vec<TemplateError>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        Ok(Template {
            text: self.text.into_string(),
            operations: self.operations,
            variables: self.variables,
            blocks: self.blocks,
        })
    }

    /// Returns the output, for text around the sources.
    pub(crate) fn around(&mut self) -> &mut Output {
        &mut self.text
    }

    /// Reads a source to its end. The sources of one template continue each other.
    pub(crate) fn read(&mut self, source: &'n str) {
        self.read_tags(source, self.names.delimiters());
        self.check_end();
    }

    fn read_tags(&mut self, source: &'n str, (open, close): (&str, &str)) {
        self.source = source;
        let mut at = 0;
        loop {
            let Some(found) = tag::next(source, at, open, close) else {
                self.push_source(at, source.len());
                break;
            };
            let tag = match found {
                Ok(tag) => tag,
                Err(opening) => {
                    self.tag = (opening.start, opening.end);
                    self.push_source(at, opening.start);
                    self.refuse("a tag that does not end");
                    break;
                }
            };
            self.tag = (tag.range.start, tag.range.end);
            let content = source.get(tag.content).unwrap_or_default().trim_ascii();
            let is_raw = tag.is_raw;
            let is_block = !is_raw && (content.starts_with(['#', '/', '!']) || content == "else");
            let (text_end, next) = match is_block {
                true => self.line_of_block(at),
                false => self.tag,
            };
            self.push_source(at, text_end);
            at = next;
            if is_raw {
                self.raw(content);
            } else if !is_block {
                self.value(content);
            } else if !content.starts_with('!') {
                at = self.block(next, content);
            }
            if self.operations.len() > limits::TEMPLATE_TAGS || self.text.len() > limits::PAGE_BYTES
            {
                // This is an error inside `each` too.
                self.frames.clear();
                self.refuse("the page would be too large, counting what `each` repeats");
                break;
            }
            if self.errors.len() >= limits::ERRORS {
                break;
            }
        }
    }

    /// Refuses everything that was opened and not closed.
    fn check_end(&mut self) {
        for frame in std::mem::take(&mut self.frames) {
            self.tag = frame.tag;
            self.refuse("a block that is not closed");
        }
        if self.syntax == Syntax::Html && self.errors.is_empty() {
            let why = match self.html.state {
                State::Text | State::TagOpen => return,
                State::Raw(..) | State::RawTagOpen(..) | State::RawEndTag(..) => {
                    "an element that is not closed"
                }
                State::Comment(_)
                | State::MarkupDeclaration(_)
                | State::MarkupBracket(_)
                | State::Unknown => "a comment or CDATA section that does not end",
                _ => "a tag of HTML that does not end",
            };
            self.tag = (self.source.len(), self.source.len());
            self.refuse(why);
        }
    }

    /// Reports an error at the current tag.
    pub(super) fn refuse(&mut self, why: impl Into<Cow<'static, str>>) {
        self.refuse_with_suggestion(why, None);
    }

    /// Reports an error at the current tag, with the name that was probably meant.
    pub(super) fn refuse_with_suggestion(
        &mut self,
        why: impl Into<Cow<'static, str>>,
        did_you_mean: Option<String>,
    ) {
        // An error in a loop is reported for the first item only.
        if self.frames.iter().any(|frame| frame.item > 0) || self.errors.len() >= limits::ERRORS {
            return;
        }
        let (from, to) = self.tag;
        let before = self.source.get(..from).unwrap_or_default();
        let last_line = before.rsplit('\n').next().unwrap_or_default();
        let found = self.source.get(from..to).unwrap_or_default();
        self.errors.push(TemplateError {
            line: before.matches('\n').count().saturating_add(1),
            column: last_line.chars().count().saturating_add(1),
            found: match found {
                "" => "the end".to_owned(),
                tag => quoted(tag),
            },
            why: why.into(),
            did_you_mean,
        });
    }

    /// Appends text of the source.
    fn push_source(&mut self, from: usize, to: usize) {
        let text = self.source.get(from..to).unwrap_or_default();
        match self.syntax {
            Syntax::Html => self.push_html(text, Some(from)),
            Syntax::Text if self.emits => self.text.trusted(text),
            Syntax::Json if self.emits => {
                self.text.put(Position::Json, text);
            }
            Syntax::Text | Syntax::Json => {}
        }
    }

    /// Returns what a name stands for. Refuses unknown names.
    pub(super) fn find(&mut self, name: &str) -> Option<Found<'n>> {
        match self.names.resolve(name) {
            Ok(Meaning::Variable) => Some(Found::Variable(self.variable(name))),
            Ok(Meaning::Constant(text)) => Some(Found::Constant(text)),
            Ok(Meaning::CheckedUrl(url)) => Some(Found::CheckedUrl(url)),
            Ok(Meaning::List) => Some(Found::List),
            Ok(Meaning::Part(part)) => Some(Found::Part(part)),
            Ok(Meaning::Field(field)) => {
                let list = self.names.list();
                let Some(each) = self.frames.iter().find(|frame| frame.is_each) else {
                    let list = list.name;
                    self.refuse(format!("a name of `#each {list}`, outside of it"));
                    return None;
                };
                let item = list.items.get(each.item);
                Some(match item.and_then(|item| item.get(field)) {
                    Some(Field::Constant(text)) => Found::Field(text),
                    Some(Field::Variable(name)) => Found::Variable(self.variable(name)),
                    None => Found::Field(""),
                })
            }
            Err(unknown) => {
                self.refuse_with_suggestion(unknown.why, unknown.did_you_mean);
                None
            }
        }
    }

    /// Returns the number of a variable.
    fn variable(&mut self, name: &str) -> usize {
        let known = self.variables.iter().position(|other| other == name);
        known.unwrap_or_else(|| {
            self.variables.push(name.to_owned());
            self.variables.len().saturating_sub(1)
        })
    }

    /// Handles `{{name}}`.
    fn value(&mut self, name: &str) {
        let Some(found) = self.find(name) else {
            return;
        };
        let position = match self.position(false) {
            Ok(position) => position,
            Err(why) => return self.refuse(why),
        };
        self.html.saw_value();
        match found {
            Found::Variable(variable) => self.push(Action::Write(variable, position)),
            Found::CheckedUrl(url) if position == Position::Link => {
                self.push_constant(Position::Html, url);
            }
            Found::Constant(text) | Found::CheckedUrl(text) | Found::Field(text) => {
                self.push_constant(position, text);
            }
            Found::List => {
                let list = self.names.list().name;
                self.refuse(format!("a list: it needs {{{{#each {list}}}}}"));
            }
            Found::Part(_) => self.refuse(format!("a part of pages: it needs {{{{{{{name}}}}}}}")),
        }
    }

    fn push_constant(&mut self, position: Position, text: &str) {
        if self.emits {
            self.text.put(position, text);
        }
    }

    /// Handles `{{{name}}}`: markup that the operator configured, which is as trusted as the template.
    fn raw(&mut self, name: &str) {
        match (self.find(name), self.syntax) {
            (None, _) => {}
            (Some(Found::Part(part)), Syntax::Html) => self.include(part),
            (Some(Found::Constant(text) | Found::CheckedUrl(text)), Syntax::Html) => {
                self.push_html(text, None);
            }
            (Some(Found::Constant(text) | Found::CheckedUrl(text)), Syntax::Text) => {
                self.push_constant(Position::Plain, text);
            }
            _ => {
                let constants = self.names.constants();
                self.refuse(format!(
                    "a raw value: only {constants} can be, in HTML and text"
                ));
            }
        }
    }

    /// Puts a part of pages in. Its elements have ids, so it can be in a page once.
    fn include(&mut self, part: &'n str) {
        if self.html.state != State::Text || self.frames.iter().any(|frame| frame.is_each) {
            return self.refuse("a part of pages where no paragraph can stand: in a tag, an attribute, a title or an `each`");
        }
        if self.part.replace(part).is_some() {
            return self.refuse("a part of pages for the second time");
        }
        let (source, tag, known) = (self.source, self.tag, self.errors.len());
        self.read_tags(part, PART_DELIMITERS);
        (self.source, self.tag) = (source, tag);
        // What is wrong has its place in the template, not in the part.
        let found = self.errors.get(known..).unwrap_or_default().first();
        if let Some(why) = found.map(|error| error.why.clone()) {
            self.errors.truncate(known);
            self.refuse(why);
        }
    }

    /// Appends an operation. Its jump, if it is one, gets its target later.
    pub(super) fn push(&mut self, action: Action) {
        if self.emits {
            self.operations.push(Operation {
                upto: self.text.len(),
                action,
            });
        }
    }

    /// Sets the target of an earlier jump to the current position.
    pub(super) fn land(&mut self, jump: usize) {
        super::land(&mut self.operations, jump, self.text.len());
    }
}
