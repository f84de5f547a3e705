//! Reads a template: once, at configuration. What the configuration says (the brand, the links,
//! `vars`) is put in at once, so that only what differs from answer to answer is left to be done.

use super::super::escape::Body;
use super::super::words;
use super::html::{Attribute, Event, Html, Link, Place};
use super::names::{Meaning, Value, NAMES};
use super::{Action, Env, Op, Position, Program, Syntax, TemplateError};
use crate::config::{limits, nearest, quoted};

/// Which words begin a block.
const BLOCKS: [&str; 2] = ["#if", "#each"];

/// What a name means here.
enum Found<'e> {
    Value(Value),
    Constant(&'e str),
    Links,
}

/// A block that is open.
struct Frame {
    /// Where its tag stands.
    start: usize,
    /// Where it begins, in the HTML.
    before: Html,
    /// The end of the first way, once there is an `else`.
    first: Option<Html>,
    is_each: bool,
    /// Whether what is around it goes out.
    emits: bool,
    /// Of an `if`: what the condition is, if the configuration says it.
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
    pub(in crate::page) fn read(&mut self, source: &str) {
        let (open, close) = (self.env.open.as_str(), self.env.close.as_str());
        let mut at = 0;
        loop {
            let rest = source.get(at..).unwrap_or_default();
            let Some(found) = rest.find(open) else {
                self.put_text(source, at, source.len());
                break;
            };
            let tag = at.saturating_add(found);
            let inside = tag.saturating_add(open.len());
            let rest = source.get(inside..).unwrap_or_default();
            let is_raw = rest.starts_with('{');
            let rest = if is_raw {
                rest.get(1..).unwrap_or_default()
            } else {
                rest
            };
            let length = match is_raw {
                true => rest.find(&["}", close].concat()),
                false => rest.find(close),
            };
            let Some(length) = length else {
                self.put_text(source, at, tag);
                self.refuse(source, tag, inside, "a tag that does not end", None);
                break;
            };
            let content = rest.get(..length).unwrap_or_default().trim();
            let marks = usize::from(is_raw).saturating_mul(2);
            let end = inside
                .saturating_add(length)
                .saturating_add(close.len())
                .saturating_add(marks);
            let is_block = !is_raw && (content.starts_with(['#', '/', '!']) || content == "else");
            let (text_end, next) = match is_block {
                true => alone(source, at, tag, end),
                false => (tag, end),
            };
            self.put_text(source, at, text_end);
            at = next;
            match content {
                _ if is_raw => self.raw(source, tag, end, content),
                _ if content.starts_with('!') => {}
                _ if is_block => {
                    if let Some(back) = self.block(source, (tag, end), next, content) {
                        at = back;
                    }
                }
                _ => self.value(source, tag, end, content),
            }
            let is_too_much =
                self.ops.len() > limits::TEMPLATE_TAGS || self.text.len() > limits::PAGE_BYTES;
            if is_too_much {
                // Told wherever it happens, and nothing is read behind it.
                self.frames.clear();
                let why = "more than a page can hold, with what `each` repeats";
                self.refuse(source, tag, end, why, None);
                break;
            }
            if self.errors.len() >= limits::ERRORS {
                break;
            }
        }
        self.end(source);
    }

    /// Everything that was opened must have been closed.
    fn end(&mut self, source: &str) {
        let frames = std::mem::take(&mut self.frames);
        for frame in &frames {
            let content = source.get(frame.start..).unwrap_or_default();
            let end = content
                .find(self.env.close.as_str())
                .unwrap_or(content.len());
            let end = end
                .saturating_add(self.env.close.len())
                .saturating_add(frame.start);
            self.refuse(source, frame.start, end, "a block that is not closed", None);
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
            self.refuse(source, source.len(), source.len(), why, None);
        }
    }

    fn refuse(
        &mut self,
        source: &str,
        from: usize,
        to: usize,
        why: &'static str,
        did_you_mean: Option<String>,
    ) {
        // What is wrong in a loop is wrong each time.
        if self.frames.iter().any(|frame| frame.link > 0) || self.errors.len() >= limits::ERRORS {
            return;
        }
        let before = source.get(..from).unwrap_or(source);
        let line = before.bytes().filter(|&b| b == b'\n').count();
        let last = before.rsplit('\n').next().unwrap_or_default();
        let found = source.get(from..to).unwrap_or_default();
        self.errors.push(TemplateError {
            line: line.saturating_add(1),
            column: last.chars().count().saturating_add(1),
            found: match found {
                "" => "the end".to_owned(),
                tag => quoted(tag),
            },
            why,
            did_you_mean,
        });
    }

    /// Text of the template itself.
    fn put_text(&mut self, source: &str, from: usize, to: usize) {
        let text = source.get(from..to).unwrap_or_default();
        match self.syntax {
            Syntax::Html => self.put_html(source, from, text),
            Syntax::Text if self.emits => self.text.checked(text),
            Syntax::Json if self.emits => {
                self.text.json(text);
            }
            _ => {}
        }
    }

    /// HTML of the template, or of the operator's configuration.
    fn put_html(&mut self, source: &str, from: usize, html: &str) {
        let mut done = 0;
        for (at, byte) in html.bytes().enumerate() {
            let event = self.html.feed(byte);
            if event == Event::Nothing {
                continue;
            }
            let next = at.saturating_add(1);
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
                        let at = from.saturating_add(at);
                        self.refuse(source, at, at, "a script with `<!--` in it", None);
                    }
                }
                _ => {}
            }
        }
        if self.emits {
            self.text.checked(html.get(done..).unwrap_or_default());
        }
    }

    /// What a name means, or what is wrong with it.
    fn find(&mut self, name: &str) -> Result<Found<'e>, (&'static str, Option<String>)> {
        let env = self.env;
        let link = self.frames.iter().find(|frame| frame.is_each);
        if let Some(key) = name.strip_prefix("t.") {
            let is_there = match key.starts_with("own.") {
                true => env.own_keys.iter().any(|own| own == key),
                false => words::is_known(key),
            };
            if !is_there {
                let own = env.own_keys.iter().map(String::as_str);
                let all: Vec<&str> = words::keys().collect();
                let meant = nearest(key, all.into_iter().chain(own));
                return Err(("no such text", meant.map(|key| ["t.", &key].concat())));
            }
            let known = self.keys.iter().position(|other| other == key);
            let number = known.unwrap_or(self.keys.len());
            if known.is_none() {
                self.keys.push(key.to_owned());
            }
            return Ok(Found::Value(Value::Word(number)));
        }
        if let Some((_, text)) = env.constants.iter().find(|(other, _)| other == name) {
            return Ok(Found::Constant(text));
        }
        let known = NAMES.iter().find(|known| known.name == name);
        match known.map(|known| known.meaning) {
            Some(Meaning::Value(value)) => Ok(Found::Value(value)),
            Some(Meaning::Links) => Ok(Found::Links),
            Some(Meaning::OfLink) => {
                let Some(frame) = link else {
                    return Err(("a name of `#each links`, outside of it", None));
                };
                let link = env.links.get(frame.link);
                let text = link.map(|(label, url)| if name == "url" { url } else { label });
                Ok(Found::Constant(text.map_or("", String::as_str)))
            }
            _ => {
                let constants = env.constants.iter().map(|(name, _)| name.as_str());
                let names = NAMES.iter().map(|known| known.name).chain(constants);
                Err(("no such name", nearest(name, names)))
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

    fn value(&mut self, source: &str, tag: usize, end: usize, name: &str) {
        let found = match self.find(name) {
            Ok(found) => found,
            Err((why, meant)) => return self.refuse(source, tag, end, why, meant),
        };
        let mut position = match self.position(false) {
            Ok(position) => position,
            Err(why) => return self.refuse(source, tag, end, why, None),
        };
        if self.syntax == Syntax::Html {
            self.html.saw_value();
        }
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
            Found::Value(value) => self.op(Action::Put(value, position)),
            Found::Links => {
                let why = "a list: it needs {{#each links}}";
                self.refuse(source, tag, end, why, None);
            }
        }
    }

    /// A value that is markup: text of the template, by way of the configuration.
    fn raw(&mut self, source: &str, tag: usize, end: usize, name: &str) {
        match self.find(name) {
            Ok(Found::Constant(text)) if name.contains('.') && self.syntax != Syntax::Json => {
                match self.syntax {
                    Syntax::Html => self.put_html(source, tag, text),
                    _ if self.emits => {
                        self.text.plain(text);
                    }
                    _ => {}
                }
            }
            Ok(_) => {
                let why = "a raw value: only `brand.*` and `vars.*` can be, in HTML and text";
                self.refuse(source, tag, end, why, None);
            }
            Err((why, meant)) => self.refuse(source, tag, end, why, meant),
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

    /// Where a jump from an earlier operation leads: here.
    fn land(&mut self, jump: usize) {
        let (to, from) = (self.ops.len(), self.text.len());
        if let Some(Op {
            action: Action::Unless(_, op, text) | Action::Jump(op, text),
            ..
        }) = self.ops.get_mut(jump)
        {
            (*op, *text) = (to, from);
        }
    }

    /// A tag of a block; gives where to read on, if that is not after the tag.
    fn block(
        &mut self,
        source: &str,
        (tag, end): (usize, usize),
        next: usize,
        content: &str,
    ) -> Option<usize> {
        let (word, name) = match content.split_once(char::is_whitespace) {
            Some((word, name)) => (word, name.trim_start()),
            None => (content, ""),
        };
        let mut wrong = self.position(true).err();
        match word {
            "#if" | "#each" => {
                let mut frame = Frame {
                    start: tag,
                    before: self.html,
                    first: None,
                    is_each: word == "#each",
                    emits: self.emits,
                    constant: None,
                    jump: self.ops.len(),
                    body: next,
                    link: 0,
                };
                let found = self.find(name);
                match found {
                    Err((why, meant)) => {
                        self.refuse(source, tag, end, why, meant);
                        frame.constant = Some(true);
                    }
                    Ok(found) if frame.is_each => {
                        if !matches!(found, Found::Links) {
                            wrong = Some("nothing to repeat: only `links` is a list");
                        } else if self.frames.iter().any(|outer| outer.is_each) {
                            wrong = Some("an `each` in an `each`");
                        }
                        self.emits &= !self.env.links.is_empty();
                    }
                    Ok(Found::Value(value)) => self.op(Action::Unless(value, 0, 0)),
                    Ok(Found::Constant(text)) => frame.constant = Some(!text.is_empty()),
                    Ok(Found::Links) => frame.constant = Some(!self.env.links.is_empty()),
                }
                self.emits &= frame.constant.unwrap_or(true);
                if self.frames.len() >= limits::TEMPLATE_DEPTH {
                    wrong = Some("too many blocks within each other");
                }
                self.frames.push(frame);
            }
            "else" => {
                let here = self.html;
                let (text, ops) = (self.text.len(), self.ops.len());
                match self.frames.last_mut() {
                    Some(frame) if !frame.is_each && frame.first.is_none() => {
                        frame.first = Some(here);
                        self.html = frame.before;
                        let jump = frame.jump;
                        match frame.constant {
                            Some(holds) => self.emits = frame.emits && !holds,
                            None if self.emits => {
                                frame.jump = ops;
                                self.ops.push(Op {
                                    upto: text,
                                    action: Action::Jump(0, 0),
                                });
                                self.land(jump);
                            }
                            None => {}
                        }
                        wrong = None;
                    }
                    _ => wrong = Some("an `else` outside of an `if`"),
                }
            }
            "/if" | "/each" => {
                let is_each = word == "/each";
                match self.frames.pop() {
                    Some(mut frame) if frame.is_each == is_each => {
                        wrong = None;
                        let start = frame.first.unwrap_or(frame.before);
                        let here = self.html.place;
                        if !self.html.join(&start) || (is_each && here != start.place) {
                            wrong = Some("a block whose ways end in different places of the HTML");
                        }
                        frame.link = frame.link.saturating_add(1);
                        if is_each && frame.link < self.env.links.len() {
                            let back = frame.body;
                            // The error is told before the loop hides it.
                            if let Some(why) = wrong {
                                self.refuse(source, tag, end, why, None);
                            }
                            self.frames.push(frame);
                            return Some(back);
                        }
                        if !is_each && frame.constant.is_none() && frame.emits {
                            self.land(frame.jump);
                        }
                        self.emits = frame.emits;
                    }
                    Some(frame) => {
                        wrong = Some("the end of another block");
                        self.frames.push(frame);
                    }
                    None => wrong = Some("the end of no block"),
                }
            }
            _ => {
                let meant = nearest(word, BLOCKS.into_iter().chain(["/if", "/each"]));
                self.refuse(source, tag, end, "no such block", meant);
            }
        }
        if let Some(why) = wrong {
            self.refuse(source, tag, end, why, None);
        }
        None
    }
}

/// Where the text before a block's tag ends and the text after it begins: a tag that has a line for
/// itself takes the whole line.
fn alone(source: &str, from: usize, tag: usize, end: usize) -> (usize, usize) {
    let is_blank = |text: &str| text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r'));
    let before = source.get(..tag).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
    let after = source.get(end..).unwrap_or_default();
    let rest = after
        .find('\n')
        .map_or(after.len(), |at| at.saturating_add(1));
    let is_alone = line >= from
        && is_blank(source.get(line..tag).unwrap_or_default())
        && is_blank(after.get(..rest).unwrap_or_default().trim_end_matches('\n'));
    match is_alone {
        true => (line, end.saturating_add(rest)),
        false => (tag, end),
    }
}
