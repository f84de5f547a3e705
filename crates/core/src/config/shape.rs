//! Describes options for errors, the JSON Schema and the reference page.

use std::time::Duration;

use super::json::Json;
use super::notation;
use super::strings::TextRule;
use crate::failure::Reason;

/// One option of an object.
#[derive(Debug)]
pub(super) struct Field {
    /// Its key.
    pub(super) key: &'static str,
    /// What it takes.
    pub(super) shape: Shape,
    /// The options of the object that it takes, or of the objects in its list or map.
    pub(super) options: Vec<Field>,
    /// What applies when it is not given.
    pub(super) absent: Absent,
    /// What it means.
    pub(super) doc: String,
}

/// What applies when an option is not given.
#[derive(Debug)]
pub(super) enum Absent {
    /// The option must be given.
    Required,
    /// The option has no value.
    None,
    /// This value.
    Default(Json),
    /// The option of the same name at the top level.
    TopLevel,
    /// The option of the same name in this object of the top level.
    OptionOf(&'static str),
    /// The defaults of the options inside.
    Parts,
}

/// One of the words that an option takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    /// The word.
    pub(super) name: &'static str,
    /// What it means, as a sentence.
    pub(super) doc: &'static str,
}

/// What an option takes.
#[derive(Debug)]
pub(super) enum Shape {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Whole {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// A number from 0 (or above 0 only) to `max`.
    Number {
        /// Whether 0 is allowed.
        zero: bool,
        /// The largest.
        max: f64,
    },
    /// A duration.
    Duration {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// One of some words.
    Words(Vec<Word>),
    /// A reason of a failure.
    Reason,
    /// A status, or a range of them.
    Status,
    /// A colour.
    Color,
    /// A text.
    Text(&'static TextRule),
    /// Any JSON.
    Any,
    /// An object of options.
    Object,
    /// Keys of the operator's choice.
    Map {
        /// What a key has to be.
        keys: &'static TextRule,
        /// What a value has to be.
        of: Box<Shape>,
        /// Most entries.
        max: usize,
    },
    /// A list.
    List {
        /// What an item has to be.
        of: Box<Shape>,
        /// Fewest items.
        min: usize,
        /// Most items.
        max: usize,
    },
    /// One or the other; the type of the JSON value tells which.
    Either(Box<Shape>, Box<Shape>),
}

impl Shape {
    /// Returns whether a JSON value has the right type. Its content may still be wrong.
    pub(super) fn takes(&self, json: &Json) -> bool {
        match (self, json) {
            (Shape::Any, _)
            | (Shape::Null, Json::Null)
            | (Shape::Bool, Json::Bool(_))
            | (Shape::Whole { .. } | Shape::Number { .. }, Json::Whole(_) | Json::Number(_))
            | (Shape::Status, Json::Whole(_) | Json::Number(_) | Json::String(_))
            | (
                Shape::Duration { .. }
                | Shape::Words(_)
                | Shape::Reason
                | Shape::Color
                | Shape::Text(_),
                Json::String(_),
            )
            | (Shape::Object | Shape::Map { .. }, Json::Object(_))
            | (Shape::List { .. }, Json::List(_)) => true,
            (Shape::Either(first, second), _) => first.takes(json) || second.takes(json),
            _ => false,
        }
    }

    /// Returns whether a string can be a valid value, so that a file reference deserves an
    /// explanation.
    pub(super) fn is_textual(&self) -> bool {
        match self {
            Shape::Duration { .. }
            | Shape::Words(_)
            | Shape::Reason
            | Shape::Status
            | Shape::Color
            | Shape::Text(_) => true,
            Shape::Either(first, second) => first.is_textual() || second.is_textual(),
            _ => false,
        }
    }

    /// Describes in words what is allowed.
    pub(super) fn allowed(&self) -> String {
        match self {
            Shape::Null => "null".to_owned(),
            Shape::Bool => "true or false".to_owned(),
            Shape::Whole { min, max } if min == max => min.to_string(),
            Shape::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Shape::Number { zero, max } => {
                let from = if *zero { "from 0 to" } else { "above 0, up to" };
                format!("a number {from} {}", notation::number(*max))
            }
            Shape::Duration { min, max } => format!(
                "a duration from \"{}\" to \"{}\" (units: ms, s, m, h)",
                notation::duration_text(*min),
                notation::duration_text(*max),
            ),
            Shape::Words(words) => one_of(words.iter().map(|word| word.name)),
            Shape::Reason => one_of(Reason::ALL.iter().map(|reason| reason.as_str())),
            Shape::Status => {
                "a status from 400 to 599: 502, \"502\", \"502-504\" or \"5xx\"".to_owned()
            }
            Shape::Color => "a colour such as \"#0b5fff\" or \"#05f\"".to_owned(),
            Shape::Text(rule) => rule.allowed.to_owned(),
            Shape::Any => "any JSON".to_owned(),
            Shape::Object | Shape::Map { .. } => "an object".to_owned(),
            Shape::List { .. } => "a list".to_owned(),
            Shape::Either(first, second) => format!("{}, or {}", first.allowed(), second.allowed()),
        }
    }
}

/// Lists words as `"a", "b" or "c"`.
fn one_of(words: impl Iterator<Item = &'static str>) -> String {
    let words: Vec<_> = words.map(|word| format!("\"{word}\"")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
