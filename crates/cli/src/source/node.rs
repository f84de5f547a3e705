//! A document as people wrote it, with the place of everything in it.
//!
//! The filter's own parser says what is wrong by key path; who edits a file wants a line. So the
//! source is read into this tree, from YAML and from JSON alike, and written as JSON for the filter.

use std::fmt::Write as _;

/// A place in one of the files of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Number of the file.
    pub(crate) file: usize,
    /// From 1; 0: not known.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
}

impl Mark {
    /// The beginning of a file.
    pub(crate) fn start(file: usize) -> Self {
        Self {
            file,
            line: 1,
            column: 1,
        }
    }
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As JSON writes it.
    Number(String),
    /// A text; whether its lines are lines of the file, from its place on.
    Text(String, bool),
    List(Vec<Node>),
    /// Keys with their places; a key may stand there twice, which the filter's parser refuses.
    Map(Vec<(String, Mark, Node)>),
}

impl Node {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries
                .iter()
                .find(|(name, ..)| name == key)
                .map(|(_, _, node)| node),
            _ => None,
        }
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text, _) => Some(text),
            _ => None,
        }
    }

    /// The file, if this is `{ "file": "…" }`.
    pub(crate) fn file_reference(&self) -> Option<(&str, Mark)> {
        match &self.value {
            Value::Map(entries) => match entries.as_slice() {
                [(key, _, node)] if key == "file" => Some((node.text()?, node.mark)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The place of a line and column (both from 1) of this text, if the file has it there.
    pub(crate) fn inside(&self, line: usize, column: usize) -> Option<Mark> {
        match self.value {
            Value::Text(_, true) if self.mark.line > 0 => Some(Mark {
                file: self.mark.file,
                line: self.mark.line + line - 1,
                column: self.mark.column + column - 1,
            }),
            _ => None,
        }
    }

    /// Where the value of a key path stands, or the last part of the path that is there.
    pub(crate) fn find(&self, path: &str) -> Mark {
        let mut best = (0, self.mark);
        self.walk(&mut String::new(), &mut |at, mark, _| {
            let is_part = path
                .strip_prefix(at)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
            if is_part && at.len() > best.0 {
                best = (at.len(), mark);
            }
        });
        best.1
    }

    /// The value of a key path.
    pub(crate) fn at(&self, path: &str) -> Option<&Node> {
        let mut found = None;
        self.walk(&mut String::new(), &mut |at, _, node| {
            if at == path {
                found = Some(node);
            }
        });
        found
    }

    /// Visits every value with its key path and the place of its key.
    fn walk<'n>(&'n self, at: &mut String, visit: &mut dyn FnMut(&str, Mark, &'n Node)) {
        let length = at.len();
        match &self.value {
            Value::Map(entries) => {
                for (key, mark, node) in entries {
                    tidegate_core::config::push_key(at, key);
                    visit(at, *mark, node);
                    node.walk(at, visit);
                    at.truncate(length);
                }
            }
            Value::List(items) => {
                for (index, node) in items.iter().enumerate() {
                    let _ = write!(at, "[{index}]");
                    visit(at, node.mark, node);
                    node.walk(at, visit);
                    at.truncate(length);
                }
            }
            _ => {}
        }
    }

    /// The same as JSON, for people to read.
    pub(crate) fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out.push('\n');
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        match &self.value {
            Value::Null => out.push_str("null"),
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Number(number) => out.push_str(number),
            Value::Text(text, _) => quote(out, text),
            Value::List(items) if items.is_empty() => out.push_str("[]"),
            Value::Map(entries) if entries.is_empty() => out.push_str("{}"),
            Value::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    new_line(out, index, depth + 1);
                    item.write(out, depth + 1);
                }
                out.push('\n');
                out.push_str(&"  ".repeat(depth));
                out.push(']');
            }
            Value::Map(entries) => {
                out.push('{');
                for (index, (key, _, node)) in entries.iter().enumerate() {
                    new_line(out, index, depth + 1);
                    quote(out, key);
                    out.push_str(": ");
                    node.write(out, depth + 1);
                }
                out.push('\n');
                out.push_str(&"  ".repeat(depth));
                out.push('}');
            }
        }
    }
}

fn new_line(out: &mut String, index: usize, depth: usize) {
    out.push_str(if index > 0 { ",\n" } else { "\n" });
    out.push_str(&"  ".repeat(depth));
}

/// A JSON string that is a YAML string as well: what YAML takes for line ends or refuses is escaped.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}
