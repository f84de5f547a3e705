//! Blocks: `#if`, `else`, `#each`, and their ends.

use super::parse::{Found, Frame, Parser};
use super::{limits, Action, Target};
use crate::diagnostics::nearest;

impl Parser<'_> {
    /// Handles a tag of a block. Returns the offset at which parsing continues: `next`, or the beginning
    /// of an `each` that has more items.
    pub(super) fn block(&mut self, next: usize, content: &str) -> usize {
        let (word, name) = content.split_once(' ').unwrap_or((content, ""));
        let result = match word {
            "#if" => self.open_if(name.trim_ascii()),
            "#each" => self.open_each(next, name.trim_ascii()),
            "else" => self.second_branch(),
            "/if" | "/each" => match self.close_block(word == "/each") {
                Ok(back) => return back.unwrap_or(next),
                Err(why) => Err(why.into()),
            },
            _ => {
                let meant = nearest(word, ["#if", "#each", "/if", "/each"]);
                self.refuse_with_suggestion("no such block", meant);
                Ok(())
            }
        };
        if let Err(why) = result {
            self.refuse(why);
        }
        next
    }

    fn open_if(&mut self, name: &str) -> Result<(), String> {
        let mut result = self.position(true).map(drop).map_err(Into::into);
        let mut frame = self.frame();
        match self.find(name) {
            Some(Found::Variable(variable)) => {
                self.push(Action::JumpUnless(variable, Target::UNKNOWN));
                frame.constant = None;
            }
            Some(Found::Constant(text) | Found::CheckedUrl(text) | Found::Field(text)) => {
                frame.constant = Some(!text.is_empty());
            }
            Some(Found::List) => frame.constant = Some(!self.names.list().items.is_empty()),
            Some(Found::Part(_)) => {
                result = Err("a part of pages, which is no condition".to_owned())
            }
            None => {}
        }
        self.open(frame)?;
        result
    }

    fn open_each(&mut self, next: usize, name: &str) -> Result<(), String> {
        let mut result = self.position(true).map(drop).map_err(Into::into);
        let mut frame = self.frame();
        frame.is_each = true;
        frame.content = next;
        if let Some(found) = self.find(name) {
            let list = self.names.list();
            if !matches!(found, Found::List) {
                result = Err(format!("nothing to repeat: only `{}` is a list", list.name));
            } else if self.frames.iter().any(|outer| outer.is_each) {
                result = Err("an `each` in an `each`".to_owned());
            }
            frame.constant = Some(!list.items.is_empty());
        }
        self.open(frame)?;
        result
    }

    /// Returns the frame of a block whose condition is true.
    fn frame(&self) -> Frame {
        Frame {
            tag: self.tag,
            before: self.html.clone(),
            first_branch: None,
            is_each: false,
            emits: self.emits,
            constant: Some(true),
            jump: self.operations.len(),
            content: 0,
            item: 0,
        }
    }

    fn open(&mut self, frame: Frame) -> Result<(), String> {
        self.emits &= frame.constant.unwrap_or(true);
        let is_too_deep = self.frames.len() >= limits::TEMPLATE_DEPTH;
        self.frames.push(frame);
        if is_too_deep {
            return Err("too many nested blocks".to_owned());
        }
        Ok(())
    }

    /// Handles `else`.
    fn second_branch(&mut self) -> Result<(), String> {
        let is_first_branch = |frame: &&mut Frame| !frame.is_each && frame.first_branch.is_none();
        let Some(frame) = self.frames.last_mut().filter(is_first_branch) else {
            return Err("an `else` outside of an `if`".to_owned());
        };
        frame.first_branch = Some(std::mem::replace(&mut self.html, frame.before.clone()));
        match frame.constant {
            Some(is_true) => self.emits = frame.emits && !is_true,
            None => {
                let over_first = std::mem::replace(&mut frame.jump, self.operations.len());
                self.push(Action::Jump(Target::UNKNOWN));
                self.land(over_first);
            }
        }
        Ok(())
    }

    /// Closes a block. Returns the offset of its content if it is an `each` that has more items.
    fn close_block(&mut self, is_each: bool) -> Result<Option<usize>, &'static str> {
        let Some(mut frame) = self.frames.pop() else {
            return Err("the end of a block that was not opened");
        };
        if frame.is_each != is_each {
            self.frames.push(frame);
            return Err("the end of another kind of block");
        }
        let start = frame.first_branch.as_ref().unwrap_or(&frame.before);
        let end = self.html.state;
        let is_compatible = self.html.join(start) && !(is_each && end != start.state);
        if !is_compatible && frame.item == 0 {
            self.refuse("a block whose branches end in different places of the HTML");
        }
        frame.item = frame.item.saturating_add(1);
        if is_each && frame.item < self.names.list().items.len() {
            let content = frame.content;
            self.frames.push(frame);
            return Ok(Some(content));
        }
        if !is_each && frame.constant.is_none() {
            self.land(frame.jump);
        }
        self.emits = frame.emits;
        Ok(None)
    }

    /// Returns the end of the text before the current tag and the beginning of the text after it. A tag
    /// that is alone on its line takes the whole line.
    pub(super) fn line_of_block(&self, from: usize) -> (usize, usize) {
        const BLANKS: [char; 3] = [' ', '\t', '\r'];
        let (tag, end) = self.tag;
        let before = self.source.get(..tag).unwrap_or_default();
        let line_start = before
            .get(from..)
            .unwrap_or_default()
            .trim_end_matches(BLANKS)
            .len()
            .saturating_add(from);
        let is_first =
            line_start == 0 || before.get(..line_start).is_some_and(|s| s.ends_with('\n'));
        let after = self.source.get(end..).unwrap_or_default();
        let rest = after.trim_start_matches(BLANKS);
        if !is_first || !(rest.is_empty() || rest.starts_with('\n')) {
            return (tag, end);
        }
        let blanks = after.len().saturating_sub(rest.len());
        let line_end = end.saturating_add(blanks);
        let newline = usize::from(!rest.is_empty());
        (line_start, line_end.saturating_add(newline))
    }
}
