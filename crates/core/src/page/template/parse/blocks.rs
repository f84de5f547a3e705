//! Blocks: `#if`, `else`, `#each`, and their ends.

use super::{Found, Frame, Parser};
use crate::config::{limits, nearest};
use crate::page::template::{Action, Op};

impl Parser<'_> {
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

    /// A tag of a block; gives where to read on, which is `next` but in a loop.
    pub(super) fn block(&mut self, next: usize, content: &str) -> usize {
        let (word, name) = crate::text::split_once(content, " ").unwrap_or((content, ""));
        let wrong = match word {
            "#if" | "#each" => self.open_block(next, word == "#each", name.trim_ascii()),
            "else" => self.other_way(),
            "/if" | "/each" => match self.close_block(word == "/each") {
                Ok(back) => return back.unwrap_or(next),
                Err(why) => Some(why),
            },
            _ => {
                let mut words = ["#if", "#each", "/if", "/each"].into_iter();
                let meant = nearest(word, &mut words);
                self.refuse("no such block", meant);
                None
            }
        };
        if let Some(why) = wrong {
            self.refuse(why, None);
        }
        next
    }

    fn open_block(&mut self, next: usize, is_each: bool, name: &str) -> Option<&'static str> {
        let mut wrong = self.position(true).err();
        let has_links = !self.env.links.is_empty();
        let mut frame = Frame {
            tag: self.tag,
            before: self.html,
            first: None,
            is_each,
            emits: self.emits,
            constant: Some(true),
            jump: self.ops.len(),
            body: next,
            link: 0,
        };
        match self.find(name) {
            None => {}
            found if is_each => {
                if !matches!(found, Some(Found::Links)) {
                    wrong = Some("nothing to repeat: only `links` is a list");
                } else if self.frames.iter().any(|outer| outer.is_each) {
                    wrong = Some("an `each` in an `each`");
                }
                frame.constant = Some(has_links);
            }
            Some(Found::Value(item)) => {
                self.op(Action::Unless(item, 0, 0));
                frame.constant = None;
            }
            Some(Found::Constant(text)) => frame.constant = Some(!text.is_empty()),
            Some(Found::Links) => frame.constant = Some(has_links),
        }
        self.emits &= frame.constant.unwrap_or(true);
        if self.frames.len() >= limits::TEMPLATE_DEPTH {
            wrong = Some("too many blocks within each other");
        }
        self.frames.push(frame);
        wrong
    }

    fn other_way(&mut self) -> Option<&'static str> {
        let is_if = |frame: &&Frame| !frame.is_each && frame.first.is_none();
        if self.frames.last().filter(is_if).is_none() {
            return Some("an `else` outside of an `if`");
        }
        let mut frame = self.frames.pop()?;
        frame.first = Some(self.html);
        self.html = frame.before;
        match frame.constant {
            Some(holds) => self.emits = frame.emits && !holds,
            None => {
                let jump = self.ops.len();
                self.op(Action::Jump(0, 0));
                self.land(frame.jump);
                frame.jump = jump;
            }
        }
        self.frames.push(frame);
        None
    }

    /// Closes a block; gives where to read on, if that is not behind the tag.
    fn close_block(&mut self, is_each: bool) -> Result<Option<usize>, &'static str> {
        let Some(mut frame) = self.frames.pop() else {
            return Err("the end of no block");
        };
        if frame.is_each != is_each {
            self.frames.push(frame);
            return Err("the end of another block");
        }
        let start = frame.first.unwrap_or(frame.before);
        let here = self.html.place;
        let is_same = self.html.join(&start) && !(is_each && here != start.place);
        if !is_same && frame.link == 0 {
            self.refuse(
                "a block whose ways end in different places of the HTML",
                None,
            );
        }
        frame.link = frame.link.wrapping_add(1);
        if is_each && frame.link < self.env.links.len() {
            let back = frame.body;
            self.frames.push(frame);
            return Ok(Some(back));
        }
        if !is_each && frame.constant.is_none() {
            self.land(frame.jump);
        }
        self.emits = frame.emits;
        Ok(None)
    }

    /// Where the text before a block's tag ends and the text after it begins: a tag that has a line
    /// for itself takes the whole line.
    pub(super) fn alone(&self, from: usize) -> (usize, usize) {
        let (tag, end) = self.tag;
        let bytes = self.source.as_bytes();
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
        let before = bytes.get(from..tag).unwrap_or_default();
        let blanks = before.iter().rev().take_while(|b| is_blank(b)).count();
        let line = tag.saturating_sub(blanks);
        let is_start = line
            .checked_sub(1)
            .is_none_or(|at| bytes.get(at) == Some(&b'\n'));
        let after = bytes.get(end..).unwrap_or_default();
        let blanks = after.iter().take_while(|b| is_blank(b)).count();
        let last = end.wrapping_add(blanks);
        match bytes.get(last) {
            Some(b'\n') if is_start => (line, last.wrapping_add(1)),
            None if is_start => (line, last),
            _ => (tag, end),
        }
    }
}
