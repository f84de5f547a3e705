//! A document with the place of every value in it.
//!
//! The filter's parser reports errors by key path, while people who edit a file need a line. So a
//! source is read into this tree from YAML or JSON, and written as JSON for the filter.

use std::fmt::{self, Write as _};

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

/// A place in one of the files of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Number of the file.
    pub(crate) file: usize,
    /// From 1; 0 if unknown.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
}

impl Mark {
    /// Returns the start of a file.
    pub(crate) fn start(file: usize) -> Self {
        Self {
            file,
            line: 1,
            column: 1,
        }
    }

    /// Returns a mark for a file without a known place.
    pub(crate) fn nowhere(file: usize) -> Self {
        Self {
            file,
            line: 0,
            column: 0,
        }
    }
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) value: Value,
}

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    /// A string; true if its lines are lines of the file, starting at its mark.
    Text(String, bool),
    List(Vec<Node>),
    /// Keys with their marks. A key may occur twice, which the filter's parser rejects.
    Map(Vec<(String, Mark, Node)>),
}

impl Value {
    fn without_place(self) -> Node {
        Node {
            mark: Mark::nowhere(0),
            value: self,
        }
    }
}

impl Node {
    /// Returns the empty object at the start of a file.
    pub(crate) fn empty(file: usize) -> Self {
        Self {
            mark: Mark::start(file),
            value: Value::Map(Vec::new()),
        }
    }

    /// Returns nothing, without a place in its file.
    pub(crate) fn nowhere(file: usize) -> Self {
        Self {
            mark: Mark::nowhere(file),
            value: Value::Null,
        }
    }

    /// Returns the entries of an object; none for another value.
    pub(crate) fn entries(&self) -> &[(String, Mark, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the values in a list; none for another value.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let mut entries = self.entries().iter();
        entries
            .find(|(name, ..)| name == key)
            .map(|(_, _, node)| node)
    }

    /// Returns the text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text, _) => Some(text),
            _ => None,
        }
    }

    /// Returns the file of a reference `{ "file": "…" }`.
    pub(crate) fn file_reference(&self) -> Option<(&str, Mark)> {
        match &self.value {
            Value::Map(entries) => match entries.as_slice() {
                [(key, _, node)] if key == "file" => Some((node.text()?, node.mark)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the place in the file of a line and column (both from 1) of this text, if the text
    /// is there verbatim.
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

    /// Returns the place of the value at a key path, or of the longest part of the path that
    /// exists.
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

    /// Returns the places of the values at a key path: several if a key occurs more than once.
    pub(crate) fn places(&self, path: &str) -> Vec<Mark> {
        let mut places = Vec::new();
        self.walk(&mut String::new(), &mut |at, mark, _| {
            if at == path {
                places.push(mark);
            }
        });
        places
    }

    /// Returns the value at a key path.
    pub(crate) fn at(&self, path: &str) -> Option<&Node> {
        let mut found = None;
        self.walk(&mut String::new(), &mut |at, _, node| {
            if at == path {
                found = Some(node);
            }
        });
        found
    }

    /// Calls `visit` for every value, with its key path and the mark of its key.
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

    /// Changes the place of this value and of everything in it.
    pub(super) fn move_marks(&mut self, to: &dyn Fn(Mark) -> Mark) {
        self.mark = to(self.mark);
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.move_marks(to)),
            Value::Map(entries) => {
                for (_, mark, node) in entries {
                    *mark = to(*mark);
                    node.move_marks(to);
                }
            }
            _ => {}
        }
    }

    /// Returns the value as pretty-printed JSON that is also YAML of the same meaning.
    pub(crate) fn to_json(&self) -> String {
        // Fails only for keys that are not strings.
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        yaml_safe(&json) + "\n"
    }
}

/// Escapes characters that YAML rejects or treats as line breaks. In JSON they occur in strings
/// only.
pub(crate) fn yaml_safe(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}'
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
    out
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => number.serialize(serializer),
            Value::Text(text, _) => serializer.serialize_str(text),
            Value::List(items) => serializer.collect_seq(items),
            Value::Map(entries) => {
                serializer.collect_map(entries.iter().map(|(key, _, node)| (key, node)))
            }
        }
    }
}

/// Deserializes JSON without places, keeping duplicate keys.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Value::Null.without_place())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Value::Bool(value).without_place())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Value::Number(number.into()).without_place())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Value::Number(number.into()).without_place())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        let number = Number::from_f64(number).map_or(Value::Null, Value::Number);
        Ok(number.without_place())
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Value::Text(text.to_owned(), false).without_place())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items).without_place())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = map.next_entry()? {
            entries.push((key, Mark::nowhere(0), node));
        }
        Ok(Value::Map(entries).without_place())
    }
}
