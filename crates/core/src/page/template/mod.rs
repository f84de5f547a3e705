//! The template engine: operators' own pages, and the built-in ones.
//!
//! A template is read once, at configuration ([`parse`]), and becomes text with a list of what is
//! to be done between its parts; nothing of it is looked at again when a page is made. A value is
//! escaped for the place where it stands ([`html`]) and never expanded a second time. Every jump
//! leads forward, so that rendering takes as many steps as there are operations, at most.
//!
//! An engine of its own, because the smallest crate that does half of this is a hundred kilobytes
//! of the module, and none escapes by position.

mod html;
pub(super) mod names;
mod parse;
#[cfg(test)]
mod tests;

use super::color;
use super::escape::{is_safe_url, Body, Part};
use super::scope::Scope;
use crate::config::{Brand, Config, Json, Link, Logo};
use crate::prelude::*;
use names::Item;

pub(super) use parse::Parser;

/// What the template makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// HTML: escaped by position.
    Html,
    /// Text: without control characters.
    Text,
    /// The inside of a JSON string.
    Json,
}

/// How a value is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Text of HTML, or a value in quotes.
    Html,
    /// A whole link, or its beginning.
    Link,
    /// A link from its path on.
    Path,
    /// The query or fragment of a link.
    Query,
    /// The inside of a JSON string.
    Json,
    /// Text for a terminal.
    Plain,
}

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The tag, shortened and printable.
    pub found: String,
    /// What is wrong with it.
    pub why: &'static str,
    /// The name that was probably meant.
    pub did_you_mean: Option<String>,
}

/// What a template is read with: everything that the configuration says once and for all.
#[derive(Debug)]
pub(crate) struct Env {
    /// Names and texts of `brand.*` and `vars.*`.
    constants: Vec<(String, String)>,
    /// Label and address.
    links: Vec<(String, String)>,
    open: String,
    close: String,
    /// Keys of the operator's own texts: `own.…`.
    own_keys: Vec<String>,
}

impl Env {
    /// The names of a configuration.
    pub(crate) fn new(
        brand: &Brand,
        vars: &[(String, String)],
        delimiters: &(String, String),
        own_keys: Vec<String>,
    ) -> Self {
        let mut env = Self {
            constants: Vec::new(),
            links: Vec::new(),
            open: delimiters.0.clone(),
            close: delimiters.1.clone(),
            own_keys,
        };
        for Link { label, url } in &brand.links {
            if !label.is_empty() && is_safe_url(url) {
                env.links.push((label.clone(), url.clone()));
            }
        }
        let (logo, logo_svg) = match &brand.logo {
            Some(Logo::DataUri(uri)) => (uri.as_str(), ""),
            Some(Logo::Svg(svg)) => ("", svg.as_str()),
            None => ("", ""),
        };
        let status_url = safe(&brand.status_url);
        let has_links = !env.links.is_empty() || !status_url.is_empty();
        for (name, text) in [
            ("name", brand.name.as_str()),
            ("logo", logo),
            ("logo_svg", logo_svg),
            ("home_url", safe(&brand.home_url)),
            ("status_url", status_url),
            ("any_link", if has_links { "true" } else { "" }),
            ("palette", &color::palette(brand)),
            ("color", &color::hex(brand.color)),
            ("color_dark", &color::hex(brand.color_dark)),
        ] {
            env.add("brand.", name, text);
        }
        for (name, text) in vars {
            env.add("vars.", name, text);
        }
        env
    }

    fn add(&mut self, prefix: &str, name: &str, text: &str) {
        let name = [prefix, name].joined();
        self.constants.push((name, text.to_owned()));
    }

    /// The names of a whole configuration.
    pub(crate) fn of(config: &Config) -> Self {
        let mut keys = Vec::new();
        let mut add = |strings: &[(String, String)]| {
            for (key, _) in strings {
                if super::words::is_own(key) {
                    keys.push(key.clone());
                }
            }
        };
        for (_, strings) in &config.locales.strings {
            add(strings);
        }
        for page in &config.pages {
            add(&page.strings);
        }
        Self::new(&config.brand, &config.vars, &config.delimiters, keys)
    }

    /// The names for the built-in pages: the usual delimiters, and these pieces.
    pub(super) fn for_built_in(mut self, pieces: &[(&str, &str)]) -> Self {
        (self.open, self.close) = ("{{".to_owned(), "}}".to_owned());
        for (name, text) in pieces {
            self.add("", name, text);
        }
        self
    }

    /// Reads a template.
    pub(crate) fn read<'e>(
        &'e self,
        syntax: Syntax,
        source: &'e str,
    ) -> Result<Program, Vec<TemplateError>> {
        let mut parser = Parser::new(self, syntax);
        parser.read(source);
        parser.finish()
    }

    /// What is wrong with a template.
    pub(crate) fn check(&self, syntax: Syntax, source: &str) -> Vec<TemplateError> {
        self.read(syntax, source).err().unwrap_or_default()
    }

    /// Reads the members that a template adds to problem documents.
    pub(super) fn read_members<'e>(
        &'e self,
        members: &'e [(String, Json)],
    ) -> Result<Program, Vec<TemplateError>> {
        let mut parser = Parser::new(self, Syntax::Json);
        for member in members {
            parser.around().markup(",");
            read_member(&mut parser, member);
        }
        parser.finish()
    }

    /// What is wrong with all members together.
    pub(crate) fn check_members(&self, members: &[(String, Json)]) -> Vec<TemplateError> {
        self.read_members(members).err().unwrap_or_default()
    }
}

/// An address that may stand in a link, else nothing.
fn safe(url: &Option<String>) -> &str {
    match url {
        Some(url) if is_safe_url(url) => url,
        _ => "",
    }
}

fn read_member<'e>(parser: &mut Parser<'e>, (key, value): &'e (String, Json)) {
    parser.around().markup("\"").json(key).markup("\":");
    read_json(parser, value);
}

fn read_json<'e>(parser: &mut Parser<'e>, value: &'e Json) {
    match value {
        Json::Null => parser.around().markup("null"),
        Json::Bool(true) => parser.around().markup("true"),
        Json::Bool(false) => parser.around().markup("false"),
        Json::Whole(number) => {
            if *number < 0 {
                parser.around().markup("-");
            }
            parser.around().number(number.unsigned_abs())
        }
        Json::Number(number) => parser.around().json(&crate::config::number(*number)),
        Json::String(source) => {
            parser.around().markup("\"");
            parser.read(source);
            parser.around().markup("\"")
        }
        Json::List(items) => {
            parser.around().markup("[");
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    parser.around().markup(",");
                }
                read_json(parser, item);
            }
            parser.around().markup("]")
        }
        Json::Object(entries) => {
            parser.around().markup("{");
            for (at, entry) in entries.iter().enumerate() {
                if at > 0 {
                    parser.around().markup(",");
                }
                read_member(parser, entry);
            }
            parser.around().markup("}")
        }
    };
}

/// Room for what differs from answer to answer.
const SLACK: usize = 1600;

/// A template that was read.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// Everything that is the same in every answer, in its order.
    text: Part,
    ops: Vec<Op>,
    /// Keys of the texts that it shows.
    keys: Vec<String>,
    /// Its scripts and styles, for their hashes: whether it is a style, where it begins and ends.
    blocks: Vec<(bool, usize, usize)>,
}

/// One operation: copies the text up to a place, then acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Op {
    upto: usize,
    action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Writes a value.
    Put(Item, Position),
    /// Jumps to an operation, and a place of the text, unless there is this value.
    Unless(Item, usize, usize),
    /// Jumps.
    Jump(usize, usize),
}

impl Program {
    /// Scripts (`false`) or styles (`true`) of the template.
    pub(super) fn blocks(&self, styles: bool) -> Vec<&[u8]> {
        let mut blocks = Vec::new();
        for &(is_style, from, to) in &self.blocks {
            if is_style == styles {
                blocks.push(self.text.bytes().get(from..to).unwrap_or_default());
            }
        }
        blocks
    }

    /// The same template with everything filled in that is the same in all answers of one kind:
    /// what is left to do for each of them is little.
    pub(super) fn filled(&self, scope: &Scope<'_>) -> Self {
        let mut ops = Vec::new();
        let mut text = Body::with_capacity(self.text.len());
        self.walk(scope, &mut |from, upto, put| {
            text.slice(&self.text, from, upto);
            if let Some((item, position)) = put {
                if scope.varies(item) {
                    let (upto, action) = (text.len(), Action::Put(item, position));
                    ops.push(Op { upto, action });
                } else {
                    scope.put(&mut text, item, position, &self.keys);
                }
            }
        });
        Self {
            text: text.into_part(),
            ops,
            // Words are among what is filled in.
            keys: Vec::new(),
            blocks: Vec::new(),
        }
    }

    /// Bytes of the template's own text.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Makes the page.
    pub(super) fn page(&self, scope: &Scope<'_>) -> Vec<u8> {
        let mut length = 0_usize;
        self.walk(scope, &mut |from, upto, _| {
            length = length.wrapping_add(upto.wrapping_sub(from));
        });
        // Room for all of it at once.
        let values = self.ops.len().wrapping_mul(8);
        let room = length.wrapping_add(values).wrapping_add(SLACK);
        let mut out = Body::with_capacity(room);
        self.write(scope, &mut out);
        out.into_bytes()
    }

    /// Writes the page; gives the number of operations that were needed.
    pub(super) fn write(&self, scope: &Scope<'_>, out: &mut Body) -> usize {
        self.walk(scope, &mut |from, upto, put| {
            out.slice(&self.text, from, upto);
            if let Some((item, position)) = put {
                scope.put(out, item, position, &self.keys);
            }
        })
    }

    /// Goes through the page, and says of each piece of it where it stands in the text and which
    /// value follows; gives the number of operations that were needed.
    fn walk(
        &self,
        scope: &Scope<'_>,
        visit: &mut dyn FnMut(usize, usize, Option<(Item, Position)>),
    ) -> usize {
        let (mut at, mut from, mut steps) = (0_usize, 0_usize, 0_usize);
        loop {
            let Some(op) = self.ops.get(at) else {
                visit(from, self.text.len(), None);
                return steps;
            };
            steps = steps.wrapping_add(1);
            let put = match op.action {
                Action::Put(item, position) => Some((item, position)),
                Action::Unless(..) | Action::Jump(..) => None,
            };
            visit(from, op.upto, put);
            (at, from) = (at.wrapping_add(1), op.upto);
            match op.action {
                Action::Unless(item, _, _) if scope.has(item, &self.keys) => {}
                Action::Unless(_, to, text) | Action::Jump(to, text) => (at, from) = (to, text),
                Action::Put(..) => {}
            }
        }
    }
}
