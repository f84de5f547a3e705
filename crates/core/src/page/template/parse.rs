//! Reads a template: once, at configuration. What the configuration says (the brand, the links,
//! `vars`) is put in at once, so that only what differs from answer to answer is left to be done.

mod blocks;

use super::super::escape::Body;
use super::super::words;
use super::html::{Attribute, Event, Html, Link, Place};
use super::names::{Item, Meaning, Value, NAMES};
use super::{Action, Env, Op, Position, Program, Syntax, TemplateError};
use crate::config::{limits, nearest, quoted};
use crate::prelude::*;
use crate::text;

/// The end of a script.
const END_TAG: &str = "</script>";

/// What a name means here.
enum Found<'e> {
    Value(Item),
    Constant(&'e str),
    Links,
}

/// A block that is open.
struct Frame {
    /// Where its tag stands.
    tag: (usize, usize),
    /// Where it begins, in the HTML.
    before: Html,
    /// The end of the first way, once there is an `else`.
    first: Option<Html>,
    is_each: bool,
    /// Whether what is around it goes out.
    emits: bool,
    /// What the condition is, if the configuration says it.
    constant: Option<bool>,
    /// Of an `if`: the operation that jumps over what does not hold.
    jump: usize,
    /// Of an `each`: where its content begins, and the number of the link.
    body: usize,
    link: usize,
}

/// A template being read.
pub(in crate::page) struct Parser<'e> {
    env: &'e Env,
    syntax: Syntax,
    source: &'e str,
    /// Where the tag at hand begins and ends.
    tag: (usize, usize),
    html: Html,
    text: Body,
    ops: Vec<Op>,
    keys: Vec<String>,
    /// Scripts and styles: whether it is a style, where it begins and ends.
    blocks: Vec<(bool, usize, usize)>,
    frames: Vec<Frame>,
    emits: bool,
    /// The last `<`, and where the content of the script or style begins.
    bracket: usize,
    block: usize,
    errors: Vec<TemplateError>,
}

impl<'e> Parser<'e> {
    pub(in crate::page) fn new(env: &'e Env, syntax: Syntax) -> Self {
        Self {
            env,
            syntax,
            source: "",
            tag: (0, 0),
            html: Html::new(),
            text: Body::default(),
            ops: Vec::new(),
            keys: Vec::new(),
            blocks: Vec::new(),
            frames: Vec::new(),
            emits: true,
            bracket: 0,
            block: 0,
            errors: Vec::new(),
        }
    }

    /// What was read, or everything that is wrong with it.
    pub(in crate::page) fn finish(self) -> Result<Program, Vec<TemplateError>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        Ok(Program {
            text: self.text.into_part(),
            ops: self.ops,
            keys: self.keys,
            blocks: self.blocks,
        })
    }

    /// Text that belongs to no template: the JSON around strings.
    pub(in crate::page) fn around(&mut self) -> &mut Body {
        &mut self.text
    }

    /// Reads a source to its end.
    pub(in crate::page) fn read(&mut self, source: &'e str) {
        let (open, close) = (self.env.open.as_str(), self.env.close.as_str());
        let raw_close = ["}", close].joined();
        self.source = source;
        let mut at = 0;
        loop {
            let rest = source.get(at..).unwrap_or_default();
            let Some(found) = text::find(rest, open) else {
                self.put_text(at, source.len());
                break;
            };
            let tag = at.wrapping_add(found);
            let mut from = tag.wrapping_add(open.len());
            self.tag = (tag, from);
            let is_raw = source.as_bytes().get(from) == Some(&b'{');
            let mut close = close;
            if is_raw {
                (from, close) = (from.wrapping_add(1), &raw_close);
            }
            let rest = source.get(from..).unwrap_or_default();
            let Some(length) = text::find(rest, close) else {
                self.put_text(at, tag);
                self.refuse("a tag that does not end", None);
                break;
            };
            let content = rest.get(..length).unwrap_or_default().trim_ascii();
            let end = from.wrapping_add(length).wrapping_add(close.len());
            self.tag = (tag, end);
            let mark = content.as_bytes().first();
            let is_block =
                !is_raw && (matches!(mark, Some(b'#' | b'/' | b'!')) || content == "else");
            let (text_end, next) = match is_block {
                true => self.alone(at),
                false => (tag, end),
            };
            self.put_text(at, text_end);
            at = next;
            if is_raw {
                self.raw(content);
            } else if !is_block {
                self.value(content);
            } else if mark != Some(&b'!') {
                at = self.block(next, content);
            }
            if self.ops.len() > limits::TEMPLATE_TAGS || self.text.len() > limits::PAGE_BYTES {
                // Told wherever it happens, and nothing is read behind it.
                self.frames.clear();
                self.refuse("more than a page can hold, with what `each` repeats", None);
                break;
            }
            if self.errors.len() >= limits::ERRORS {
                break;
            }
        }
        self.end();
    }

    /// Everything that was opened must have been closed.
    fn end(&mut self) {
        for frame in core::mem::take(&mut self.frames) {
            self.tag = frame.tag;
            self.refuse("a block that is not closed", None);
        }
        if self.syntax == Syntax::Html && self.errors.is_empty() {
            let why = match self.html.place {
                Place::Text | Place::Open => return,
                Place::Raw(..) | Place::RawOpen(..) | Place::RawEnd(..) => {
                    "an element that is not closed"
                }
                Place::Comment(_) | Place::Bang(_) | Place::Never => {
                    "a comment or CDATA section that does not end"
                }
                _ => "a tag of HTML that does not end",
            };
            self.tag = (self.source.len(), self.source.len());
            self.refuse(why, None);
        }
    }

    /// Says what is wrong with the tag at hand.
    fn refuse(&mut self, why: &'static str, did_you_mean: Option<String>) {
        // What is wrong in a loop is wrong each time.
        if self.frames.iter().any(|frame| frame.link > 0) || self.errors.len() >= limits::ERRORS {
            return;
        }
        let (from, to) = self.tag;
        let (mut line, mut column) = (1_usize, 1_usize);
        for &byte in self.source.as_bytes().get(..from).unwrap_or_default() {
            if byte == b'\n' {
                (line, column) = (line.wrapping_add(1), 1);
            } else if byte & 0xc0 != 0x80 {
                // Not in the middle of a character.
                column = column.wrapping_add(1);
            }
        }
        let found = self.source.get(from..to).unwrap_or_default();
        self.errors.push(TemplateError {
            line,
            column,
            found: match found {
                "" => "the end".to_owned(),
                tag => quoted(tag),
            },
            why,
            did_you_mean,
        });
    }

    /// Text of the template itself.
    fn put_text(&mut self, from: usize, to: usize) {
        let text = self.source.get(from..to).unwrap_or_default();
        match self.syntax {
            Syntax::Html => self.put_html(text, Some(from)),
            Syntax::Text if self.emits => self.text.checked(text),
            Syntax::Json if self.emits => {
                self.text.json(text);
            }
            _ => {}
        }
    }

    /// HTML of the template, with where it begins there, or of the operator's configuration.
    fn put_html(&mut self, html: &str, from: Option<usize>) {
        let (mut done, mut next) = (0, 0_usize);
        let bytes = html.as_bytes();
        loop {
            let rest = bytes.get(next..).unwrap_or_default();
            // Most of a page is text, and images written into attributes.
            let skipped = match self.html.stops_at() {
                Some(stop) => rest.iter().position(|&byte| byte == stop),
                None => Some(0),
            };
            let Some((skipped, &byte)) = skipped.and_then(|at| Some((at, rest.get(at)?))) else {
                break;
            };
            next = next.wrapping_add(skipped).wrapping_add(1);
            let event = self.html.feed(byte);
            if event == Event::Nothing {
                continue;
            }
            if self.emits {
                self.text.checked(html.get(done..next).unwrap_or_default());
                done = next;
            }
            match event {
                Event::Bracket => self.bracket = self.text.len().saturating_sub(1),
                Event::BlockStart => self.block = self.text.len(),
                Event::BlockEnd(is_style) if self.emits => {
                    let (start, end) = (self.block, self.bracket);
                    let bytes = self.text.bytes().get(start..end).unwrap_or_default();
                    // In a comment of a script, another script could begin.
                    let is_odd = !is_style && bytes.windows(4).any(|part| part == b"<!--");
                    if !bytes.is_empty() {
                        self.blocks.push((is_style, start, end));
                    }
                    if is_odd {
                        let tag = self.tag;
                        if let Some(from) = from {
                            let end = from.wrapping_add(next);
                            self.tag = (end.saturating_sub(END_TAG.len()), end);
                        }
                        self.refuse("the end of a script with `<!--` in it", None);
                        self.tag = tag;
                    }
                }
                _ => {}
            }
        }
        if self.emits {
            self.text.checked(html.get(done..).unwrap_or_default());
        }
    }

    /// What a name means; `None`: nothing, which has been told.
    fn find(&mut self, name: &str) -> Option<Found<'e>> {
        let env = self.env;
        if let Some(key) = name.strip_prefix("t.") {
            let is_own = || env.own_keys.iter().any(|own| own == key);
            if !is_own() && (words::is_own(key) || !words::is_known(key)) {
                let meant = words::nearest_key(key, &env.own_keys);
                self.refuse("no such text", meant.map(|key| ["t.", &key].joined()));
                return None;
            }
            let known = self.keys.iter().position(|other| other == key);
            let number = known.unwrap_or(self.keys.len());
            if known.is_none() {
                self.keys.push(key.to_owned());
            }
            return Some(Found::Value(Item {
                value: Value::Word,
                word: number,
            }));
        }
        if let Some((_, text)) = env.constants.iter().find(|(other, _)| other == name) {
            return Some(Found::Constant(text));
        }
        let known = NAMES.iter().find(|known| known.name == name);
        match known.map(|known| known.meaning) {
            Some(Meaning::Value(value)) => Some(Found::Value(value.into())),
            Some(Meaning::Links) => Some(Found::Links),
            Some(Meaning::OfLink) => {
                let Some(frame) = self.frames.iter().find(|frame| frame.is_each) else {
                    self.refuse("a name of `#each links`, outside of it", None);
                    return None;
                };
                let text = match env.links.get(frame.link) {
                    Some((_, url)) if name == "url" => url,
                    Some((label, _)) => label,
                    None => "",
                };
                Some(Found::Constant(text))
            }
            _ => {
                let mut names: Vec<&str> = Vec::new();
                for known in NAMES {
                    names.push(known.name);
                }
                for (name, _) in &env.constants {
                    names.push(name);
                }
                self.refuse("no such name", nearest(name, &mut names.into_iter()));
                None
            }
        }
    }

    /// How a value is escaped here, or why none can stand here.
    fn position(&self, is_block: bool) -> Result<Position, &'static str> {
        match self.syntax {
            Syntax::Text => return Ok(Position::Plain),
            Syntax::Json => return Ok(Position::Json),
            Syntax::Html => {}
        }
        match self.html.place {
            Place::Text => Ok(Position::Html),
            // What looks like markup in a title is read by browsers in more than one way.
            Place::Raw(raw, false) if super::html::is_text(raw) => Ok(Position::Html),
            Place::Raw(..) | Place::RawOpen(..) | Place::RawEnd(..) => Err(
                "a tag in a script, a style or the like: values belong into `data-*` attributes",
            ),
            Place::Comment(_) | Place::Bang(_) | Place::Bogus | Place::Never => {
                Err("a tag in a comment or declaration: use {{! … }}")
            }
            Place::Tag | Place::Between | Place::AfterName if is_block => Ok(Position::Html),
            Place::Value(_, _) if self.html.is_special() => {
                Err("a tag in an element whose attributes act")
            }
            Place::Value(_, Attribute::Plain) => Ok(Position::Html),
            Place::Value(_, Attribute::Never) => Err("a tag in an attribute that holds code"),
            Place::Value(_, Attribute::Link(link)) => match link {
                Link::Start => Ok(Position::Link),
                Link::Path => Ok(Position::Path),
                Link::Query => Ok(Position::Query),
                _ if is_block => Ok(Position::Html),
                Link::Open => Err(
                    "a tag at the beginning of a link, but not alone there: `/`, `?`, `#` or a \
                     scheme must come first",
                ),
                Link::Unsafe => Err("a tag in a link with another scheme"),
            },
            Place::Unquoted | Place::BeforeValue => Err("a tag in a value without quotes"),
            _ => Err("a tag in the name of an element or attribute"),
        }
    }

    fn value(&mut self, name: &str) {
        let Some(found) = self.find(name) else {
            return;
        };
        let mut position = match self.position(false) {
            Ok(position) => position,
            Err(why) => return self.refuse(why, None),
        };
        self.html.saw_value();
        match found {
            Found::Constant(text) => {
                // The configuration has checked that it is an image.
                if name == "brand.logo" && position == Position::Link {
                    position = Position::Html;
                }
                if self.emits {
                    self.text.put(position, text);
                }
            }
            Found::Value(item) => self.op(Action::Put(item, position)),
            Found::Links => self.refuse("a list: it needs {{#each links}}", None),
        }
    }

    /// A value that is markup: text of the template, by way of the configuration.
    fn raw(&mut self, name: &str) {
        match (self.find(name), self.syntax) {
            (None, _) => {}
            (Some(Found::Constant(text)), Syntax::Html) if name.contains('.') => {
                self.put_html(text, None);
            }
            (Some(Found::Constant(text)), Syntax::Text) if name.contains('.') => {
                if self.emits {
                    self.text.plain(text);
                }
            }
            _ => {
                let why = "a raw value: only `brand.*` and `vars.*` can be, in HTML and text";
                self.refuse(why, None);
            }
        }
    }

    fn op(&mut self, action: Action) {
        if self.emits {
            self.ops.push(Op {
                upto: self.text.len(),
                action,
            });
        }
    }
}
