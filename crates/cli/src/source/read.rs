//! Reads YAML and JSON into a [`Node`]. JSON is a subset of YAML, so one parser provides the places
//! for both. A JSON file must first pass a strict JSON parser.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::Number;

use super::node::{Mark, Node, Value};

/// Largest number of values in a document. A few YAML aliases can expand to any number of them.
const MAX_NODES: usize = 100_000;
/// Deepest nesting of lists and objects, the same as in the JSON parser.
const MAX_DEPTH: usize = 127;

/// Who reads a YAML document, and so what scalars without quotes mean in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// YAML 1.2 with the core schema (§10.3.2): sources, which only this command reads. `no` and `5xx` are
    /// strings.
    Core,
    /// Resources of Kubernetes: YAML 1.1 by go-yaml.
    Kubernetes,
}

const TOO_MUCH: &str = "too many or too deeply nested values for a configuration";

/// An error in a document, with its place.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) what: String,
}

/// Reads JSON.
pub(super) fn json(text: &str, file: usize) -> Result<Node, Wrong> {
    let mut document: Node = serde_json::from_str(text).map_err(|error| {
        let problem = error.to_string();
        let problem = problem
            .rsplit_once(" at line ")
            .map_or("", |(what, _)| what);
        Wrong {
            line: error.line(),
            column: error.column().max(1),
            what: format!("not JSON: {problem}"),
        }
    })?;
    // YAML does not allow surrogate pairs ("\ud83d\ude00"): such a document has no places.
    let with_places = yaml(text, file, Dialect::Core)
        .ok()
        .and_then(|mut all| all.pop());
    Ok(with_places.unwrap_or_else(|| {
        document.move_marks(&|mark| Mark { file, ..mark });
        document
    }))
}

/// Reads YAML: every document that is not empty.
pub(super) fn yaml(text: &str, file: usize, dialect: Dialect) -> Result<Vec<Node>, Wrong> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        file,
        dialect,
        anchors: HashMap::new(),
        count: 0,
    };
    let mut documents = Vec::new();
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(documents),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => documents.push(reader.node(event, span, 0)?),
        }
    }
}

fn wrong(span: Span, what: impl Into<String>) -> Wrong {
    Wrong {
        line: span.start.line(),
        column: span.start.col() + 1,
        what: what.into(),
    }
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    file: usize,
    dialect: Dialect,
    anchors: HashMap<usize, Node>,
    count: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Wrong> {
        match self.parser.next() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(Wrong {
                line: error.marker().line(),
                column: error.marker().col() + 1,
                what: match error.info() {
                    info if info.contains("tab") => {
                        format!("not YAML: {info}; allowed: blanks, since YAML has no tabs there")
                    }
                    info => format!("not YAML: {info}"),
                },
            }),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Wrong> {
        self.count += 1;
        if self.count > MAX_NODES || depth > MAX_DEPTH {
            return Err(wrong(span, TOO_MUCH));
        }
        let mut mark = Mark {
            file: self.file,
            line: span.start.line(),
            column: span.start.col() + 1,
        };
        let (anchor, value) = match event {
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id) else {
                    return Err(wrong(span, "an alias inside the value that it refers to"));
                };
                self.count += size(node);
                if self.count > MAX_NODES {
                    return Err(wrong(span, TOO_MUCH));
                }
                return Ok(node.clone());
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_tagged =
                    tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let is_text = style != ScalarStyle::Plain || is_tagged;
                if is_text && style == ScalarStyle::Literal {
                    // The mark is that of the first line that is not blank.
                    let blank = text.chars().take_while(|&c| c == '\n').count();
                    mark.line = mark.line.saturating_sub(blank);
                }
                let is_verbatim = style == ScalarStyle::Literal;
                let value = match is_text {
                    true => Value::Text(text.into_owned(), is_verbatim),
                    false => self.dialect.plain(&text),
                };
                (anchor, value)
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                (anchor, Value::List(items))
            }
            Event::MappingStart(anchor, _) => {
                let mut entries = Vec::new();
                loop {
                    let (key, at) = match self.next()? {
                        (Event::MappingEnd, _) => break,
                        (Event::Scalar(key, style, ..), span) => {
                            let is_plain = style == ScalarStyle::Plain;
                            (self.dialect.key(key.into_owned(), is_plain), span)
                        }
                        (_, span) => return Err(wrong(span, "a key that is not a string")),
                    };
                    let key_mark = Mark {
                        file: self.file,
                        line: at.start.line(),
                        column: at.start.col() + 1,
                    };
                    let (event, span) = self.next()?;
                    entries.push((key, key_mark, self.node(event, span, depth + 1)?));
                }
                if self.dialect == Dialect::Kubernetes {
                    merge(&mut entries);
                }
                (anchor, Value::Map(entries))
            }
            _ => return Err(wrong(span, "not YAML")),
        };
        let node = Node { mark, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|(_, _, node)| size(node)).sum(),
        _ => 0,
    }
}

/// Replaces the merge keys of an object by the entries that they stand for
/// (<https://yaml.org/type/merge.html>).
fn merge(entries: &mut Vec<(String, Mark, Node)>) {
    let is_merge = |(key, _, _): &(String, Mark, Node)| key == "<<";
    while let Some(at) = entries.iter().position(is_merge) {
        let (_, _, merged) = entries.remove(at);
        let objects = match &merged.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&merged),
        };
        for entry in objects.iter().flat_map(Node::entries) {
            if !entries.iter().any(|(key, _, _)| *key == entry.0) {
                entries.push(entry.clone());
            }
        }
    }
}

impl Dialect {
    /// Resolves a scalar without quotes.
    fn plain(self, text: &str) -> Value {
        match (self, boolean(text)) {
            (Self::Kubernetes, Some(is_true)) => Value::Bool(is_true),
            (Self::Core | Self::Kubernetes, _) => plain(text),
        }
    }

    /// Resolves a key: one that is a boolean becomes its word in JSON.
    fn key(self, key: String, is_plain: bool) -> String {
        match (self, boolean(&key)) {
            (Self::Kubernetes, Some(is_true)) if is_plain => is_true.to_string(),
            _ => key,
        }
    }
}

/// Returns the boolean that a scalar is in YAML 1.1.
fn boolean(text: &str) -> Option<bool> {
    let lower = text.to_ascii_lowercase();
    let is_true = match lower.as_str() {
        "true" | "yes" | "on" | "y" => true,
        "false" | "no" | "off" | "n" => false,
        _ => return None,
    };
    let rest = text.get(1..)?;
    let is_regular = text == lower || *rest == lower[1..] || text == lower.to_ascii_uppercase();
    is_regular.then_some(is_true)
}

/// Resolves a scalar without quotes by the core schema (YAML 1.2.2 §10.3.2).
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if is_number {
        let whole = text.parse::<i64>().ok().map(Number::from);
        let number = whole.or_else(|| Number::from_f64(text.parse().ok()?));
        if let Some(number) = number {
            return Value::Number(number);
        }
    }
    Value::Text(text.to_owned(), false)
}
