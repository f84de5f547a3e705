//! The HTML of a template: its inline blocks, and where values are allowed.

use super::attribute::{Attribute, Link};
use super::html::{is_text, Event, State};
use super::parse::Parser;
use super::{InlineBlock, Position, Syntax};

/// The end of a script.
const SCRIPT_END_TAG: &str = "</script>";

impl Parser<'_> {
    /// Appends HTML of the source, with its offset there, or of a constant.
    pub(super) fn push_html(&mut self, html: &str, from: Option<usize>) {
        let (mut copied, mut next) = (0, 0_usize);
        let bytes = html.as_bytes();
        loop {
            let rest = bytes.get(next..).unwrap_or_default();
            // Most of a page is text, and images in attributes.
            let skipped = match self.html.stops_at() {
                Some(stop) => rest.iter().position(|&byte| byte == stop),
                None => Some(0),
            };
            let Some((skipped, &byte)) = skipped.and_then(|at| Some((at, rest.get(at)?))) else {
                break;
            };
            next = next.saturating_add(skipped).saturating_add(1);
            let event = self.html.feed(byte);
            if event == Event::Nothing {
                continue;
            }
            if self.emits {
                self.push_normalized(html.get(copied..next).unwrap_or_default());
                copied = next;
            }
            match event {
                Event::LessThan => self.less_than = self.text.len().saturating_sub(1),
                Event::BlockStart => self.block_start = self.text.len(),
                Event::BlockEnd(is_style) if self.emits => {
                    let end = from.map(|from| from.saturating_add(next));
                    self.end_inline_block(is_style, end);
                }
                Event::BlockEnd(_) | Event::Nothing => {}
            }
        }
        if self.emits {
            self.push_normalized(html.get(copied..).unwrap_or_default());
        }
    }

    /// Appends HTML as a browser's parser sees it, because the policy lists hashes of what that parser
    /// makes of a block: CR LF and CR are LF (WHATWG HTML §13.2.3.5), and NUL in a block is U+FFFD
    /// (§13.2.5.3, §13.2.5.4).
    fn push_normalized(&mut self, html: &str) {
        let mut rest = html;
        // Most pages have neither, and the search for one character is many times as fast.
        if !html.contains('\r') && !html.contains('\0') {
            return self.text.trusted(html);
        }
        let find = |text: &str| text.find(['\r', '\0']);
        while let Some((before, from)) = find(rest).and_then(|at| rest.split_at_checked(at)) {
            self.text.trusted(before);
            let (replacement, after) = match from.strip_prefix("\r\n") {
                Some(after) => ("\n", after),
                None => match from.strip_prefix('\r') {
                    Some(after) => ("\n", after),
                    None => ("\u{fffd}", from.strip_prefix('\0').unwrap_or_default()),
                },
            };
            self.text.trusted(replacement);
            rest = after;
        }
        self.text.trusted(rest);
    }

    /// Records the script or style that has just ended; `end` is the offset of its end in the source.
    fn end_inline_block(&mut self, is_style: bool, end: Option<usize>) {
        let range = self.block_start..self.less_than;
        let content = self.text.as_str().get(range.clone()).unwrap_or_default();
        let is_ambiguous = !is_style && hides_its_end(content);
        // Browsers ask the policy about an empty style, but not about an empty script.
        if is_style || !content.is_empty() {
            self.blocks.push(InlineBlock { is_style, range });
        }
        if is_ambiguous {
            let tag = self.tag;
            if let Some(end) = end {
                self.tag = (end.saturating_sub(SCRIPT_END_TAG.len()), end);
            }
            self.refuse("the end of a script with `<!--` and `<script` in it");
            self.tag = tag;
        }
    }

    /// Returns how a value is escaped at the current position, or why no value is allowed there.
    pub(super) fn position(&self, is_block: bool) -> Result<Position, &'static str> {
        match self.syntax {
            Syntax::Text => return Ok(Position::Plain),
            Syntax::Json => return Ok(Position::Json),
            Syntax::Html => {}
        }
        match self.html.state {
            State::Text => Ok(Position::Html),
            // Browsers differ about markup in a title.
            State::Raw(raw, false) if is_text(raw) => Ok(Position::Html),
            State::Raw(..) | State::RawTagOpen(..) | State::RawEndTag(..) => Err(
                "a tag in a script, a style or another element that is not HTML inside: put values into `data-*` attributes",
            ),
            State::Comment(_)
            | State::MarkupDeclaration(_)
            | State::MarkupBracket(_)
            | State::Bogus
            | State::Unknown => {
                Err("a tag in a comment or declaration: use {{! … }}")
            }
            State::Tag | State::AfterBlock | State::AfterAttributeName if is_block => {
                Ok(Position::Html)
            }
            State::Value(_, _) if self.html.is_special() => {
                Err("a tag in an attribute of an element such as `<script>`, `<iframe>`, `<base>` or `<meta http-equiv>`")
            }
            State::Value(_, Attribute::Plain) => Ok(Position::Html),
            State::Value(_, Attribute::Forbidden) => Err("a tag in an attribute that holds code"),
            State::Value(_, Attribute::Link(link)) => match link {
                Link::Start => Ok(Position::Link),
                Link::Path => Ok(Position::Path),
                Link::Query => Ok(Position::Query),
                _ if is_block => Ok(Position::Html),
                Link::Open => Err(
                    "a tag where a URL could still get another scheme: `/`, `?`, `#` or a scheme must come before it",
                ),
                Link::Unsafe => Err("a tag in a URL with a scheme other than http, https, mailto and tel"),
            },
            State::Unquoted | State::BeforeValue => Err("a tag in an attribute value without quotes"),
            _ => Err("a tag in the name of an element or attribute"),
        }
    }
}

/// Returns whether a browser may take the end tag of a script for a part of the script: after `<!--` and
/// `<script` (WHATWG HTML §13.2.5.20, "script data double escape start state").
fn hides_its_end(script: &str) -> bool {
    const SCRIPT: &[u8] = b"<script";
    let Some((_, escaped)) = script.split_once("<!--") else {
        return false;
    };
    let mut words = escaped.as_bytes().windows(SCRIPT.len());
    words.any(|word| word.eq_ignore_ascii_case(SCRIPT))
}
