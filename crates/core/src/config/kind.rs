//! What an option can be. One small set of kinds, so that one walker checks all options, and the
//! module carries a table instead of code for each of them.

use crate::prelude::*;
use crate::Doc;
use core::time::Duration;

use super::color::Color;
use super::error::{found, quoted, Fault};
use super::json::Json;
use super::nearest::nearest;
use super::text::TextRule;
use super::value;

/// One option.
#[derive(Debug)]
pub(super) struct Field {
    /// Its key.
    pub(super) key: &'static str,
    /// What it can be.
    pub(super) kind: Kind,
    /// What holds when it is not given.
    pub(super) absent: Absent,
    /// What it means; empty without the feature `reference`.
    #[cfg_attr(
        not(feature = "reference"),
        expect(dead_code, reason = "for the reference only")
    )]
    pub(super) doc: Doc,
}

/// What holds when an option is not given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Absent {
    /// It must be given.
    Required,
    /// Then there is none.
    None,
    /// Then it is this JSON.
    Default(&'static str),
    /// Then the key of the same name at the top level holds.
    TopLevel,
    /// Then the defaults of its own options hold.
    Parts,
}

/// An option with a default, as JSON.
pub(super) const fn opt(key: &'static str, kind: Kind, default: &'static str, doc: Doc) -> Field {
    Field {
        key,
        kind,
        absent: Absent::Default(default),
        doc,
    }
}

/// An option that may be absent.
pub(super) const fn maybe(key: &'static str, kind: Kind, doc: Doc) -> Field {
    Field {
        key,
        kind,
        absent: Absent::None,
        doc,
    }
}

/// An option that must be there.
pub(super) const fn need(key: &'static str, kind: Kind, doc: Doc) -> Field {
    Field {
        key,
        kind,
        absent: Absent::Required,
        doc,
    }
}

/// An object of options.
pub(super) const fn section(key: &'static str, fields: &'static [Field], doc: Doc) -> Field {
    Field {
        key,
        kind: Kind::Object(fields),
        absent: Absent::Parts,
        doc,
    }
}

/// An option of a route rule that overrides the one at the top level.
pub(super) const fn over(key: &'static str, kind: Kind, doc: Doc) -> Field {
    Field {
        key,
        kind,
        absent: Absent::TopLevel,
        doc,
    }
}

/// One of the words that an option can be.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) name: &'static str,
    /// What it means; empty without the feature `reference`.
    #[cfg_attr(
        not(feature = "reference"),
        expect(dead_code, reason = "for the reference only")
    )]
    pub(super) doc: Doc,
}

/// A word that an option can be.
pub(super) const fn word(name: &'static str, doc: Doc) -> Word {
    Word { name, doc }
}

/// What an option can be.
#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Bool,
    /// A whole number.
    Whole {
        min: i64,
        max: i64,
    },
    /// A number from 0 (or above 0 only) to `max`.
    Number {
        zero: bool,
        max: f64,
    },
    /// A duration, in milliseconds.
    Duration((u64, u64)),
    /// One of some words.
    Words(&'static [Word]),
    /// A reason; the words are those of `Reason`.
    Reason,
    /// A status or a range of them.
    Status,
    /// A colour that stands out from a page; whether that page is the dark one.
    Color {
        dark: bool,
    },
    /// A text.
    Text(&'static TextRule),
    /// Any JSON.
    Any,
    /// These options and no others.
    Object(&'static [Field]),
    /// Keys that the operator chooses.
    Map {
        keys: &'static TextRule,
        of: &'static Kind,
        max: usize,
        /// Whether `tidegate bundle` can fill the whole object from a file.
        bundled: bool,
    },
    /// A list.
    List {
        of: &'static Kind,
        min: usize,
        max: usize,
    },
    /// One or the other; which one is plain from the type of the JSON value.
    Either(&'static Kind, &'static Kind),
}

/// A valid value of a kind without parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Leaf {
    Null,
    Bool(bool),
    Whole(i64),
    Number(f64),
    Duration(Duration),
    Word(&'static Word),
    Reason(crate::reason::Reason),
    Status(u16, u16),
    Color(Color),
    /// The text is that of the JSON value.
    Text,
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Why a value is not of a kind.
pub(super) enum Refusal {
    /// It is none of what is allowed.
    Value {
        why: &'static str,
        did_you_mean: Option<String>,
    },
    /// It is, but for this.
    Other(Fault),
}

const NO: Refusal = Refusal::Value {
    why: "",
    did_you_mean: None,
};

impl Kind {
    /// Whether the type of the JSON value is one that the kind can take.
    pub(super) fn takes(&self, json: &Json) -> bool {
        match (self, json) {
            (Kind::Any, _)
            | (Kind::Null, Json::Null)
            | (Kind::Bool, Json::Bool(_))
            | (Kind::Whole { .. } | Kind::Number { .. }, Json::Whole(_) | Json::Number(_))
            | (Kind::Status, Json::Whole(_) | Json::Number(_) | Json::String(_))
            | (
                Kind::Duration(_)
                | Kind::Words(_)
                | Kind::Reason
                | Kind::Color { .. }
                | Kind::Text(_),
                Json::String(_),
            )
            | (Kind::Object(_) | Kind::Map { .. }, Json::Object(_))
            | (Kind::List { .. }, Json::List(_)) => true,
            (Kind::Either(first, second), _) => first.takes(json) || second.takes(json),
            _ => false,
        }
    }

    /// The kind that the value is meant to be of, where there is a choice.
    pub(super) fn pick(&'static self, json: &Json) -> &'static Kind {
        match self {
            Kind::Either(first, second) => {
                let kind = if second.takes(json) { second } else { first };
                kind.pick(json)
            }
            _ => self,
        }
    }

    /// Whether a string can be of the kind, so that a file reference is worth an explanation.
    pub(super) fn is_textual(&self) -> bool {
        match self {
            Kind::Duration(_)
            | Kind::Words(_)
            | Kind::Reason
            | Kind::Status
            | Kind::Color { .. }
            | Kind::Text(_) => true,
            Kind::Either(first, second) => first.is_textual() || second.is_textual(),
            _ => false,
        }
    }

    /// Reads a value of a kind without parts.
    pub(super) fn leaf(&'static self, json: &Json) -> Result<Leaf, Refusal> {
        match (self, json) {
            (Kind::Null, Json::Null) => Ok(Leaf::Null),
            (Kind::Bool, Json::Bool(value)) => Ok(Leaf::Bool(*value)),
            (Kind::Whole { min, max }, Json::Whole(value)) if (min..=max).contains(&value) => {
                Ok(Leaf::Whole(*value))
            }
            (Kind::Number { .. }, Json::Whole(value)) => self.number(*value as f64),
            (Kind::Number { .. }, Json::Number(value)) => self.number(*value),
            (Kind::Status, Json::Whole(value)) => value::status_number(*value)
                .map(|at| Leaf::Status(at, at))
                .ok_or(NO),
            (Kind::Status, Json::String(text)) => value::status_range(text)
                .map(|(low, high)| Leaf::Status(low, high))
                .ok_or(NO),
            (Kind::Duration((min, max)), Json::String(text)) => match value::duration_ms(text) {
                Some(ms) if (*min..=*max).contains(&ms) => {
                    Ok(Leaf::Duration(Duration::from_millis(ms)))
                }
                _ => Err(NO),
            },
            (Kind::Words(words), Json::String(text)) => {
                let found = words.iter().find(|word| word.name == text);
                found
                    .map(Leaf::Word)
                    .ok_or_else(|| meant(text, &mut words.iter().map(|word| word.name)))
            }
            (Kind::Reason, Json::String(text)) => {
                let all = crate::reason::Reason::ALL.iter();
                let found = all.clone().find(|reason| reason.as_str() == text);
                found
                    .map(|reason| Leaf::Reason(*reason))
                    .ok_or_else(|| meant(text, &mut all.map(|reason| reason.as_str())))
            }
            (Kind::Color { dark }, Json::String(text)) => {
                let color = Color::parse(text).ok_or(NO)?;
                contrast(text, color, *dark).map(|()| Leaf::Color(color))
            }
            (Kind::Text(rule), Json::String(text)) => rule.read(text).map(|()| Leaf::Text),
            (Kind::Either(..), _) if self.takes(json) => self.pick(json).leaf(json),
            _ => Err(NO),
        }
    }

    fn number(&self, value: f64) -> Result<Leaf, Refusal> {
        match self {
            Kind::Number { zero, max }
                if value <= *max && (value > 0.0 || (*zero && value == 0.0)) =>
            {
                Ok(Leaf::Number(value))
            }
            _ => Err(NO),
        }
    }

    /// What is allowed, in words.
    pub(super) fn allowed(&self) -> String {
        match self {
            Kind::Null => "null".to_owned(),
            Kind::Bool => "true or false".to_owned(),
            Kind::Whole { min, max } if min == max => found(&Json::Whole(*min)),
            Kind::Whole { min, max } => {
                let (min, max) = (found(&Json::Whole(*min)), found(&Json::Whole(*max)));
                ["a whole number from ", &min, " to ", &max].joined()
            }
            Kind::Number { zero, max } => {
                let from = if *zero { "from 0 to" } else { "above 0, up to" };
                ["a number ", from, " ", &value::number(*max)].joined()
            }
            Kind::Duration((min, max)) => {
                let (min, max) = (value::duration_text(*min), value::duration_text(*max));
                [
                    "a duration from \"",
                    &min,
                    "\" to \"",
                    &max,
                    "\" (units: ms, s, m, h)",
                ]
                .joined()
            }
            Kind::Words(words) => one_of(words.iter().map(|word| word.name)),
            Kind::Reason => one_of(
                crate::reason::Reason::ALL
                    .iter()
                    .map(|reason| reason.as_str()),
            ),
            Kind::Status => {
                "a status from 400 to 599: 502, \"502\", \"502-504\" or \"5xx\"".to_owned()
            }
            Kind::Color { .. } => "a colour such as \"#0b5fff\" or \"#05f\"".to_owned(),
            Kind::Text(rule) => rule.allowed.to_owned(),
            Kind::Any => "any JSON".to_owned(),
            Kind::Object(_) | Kind::Map { .. } => "an object".to_owned(),
            Kind::List { .. } => "a list".to_owned(),
            Kind::Either(first, second) => [&*first.allowed(), ", or ", &second.allowed()].joined(),
        }
    }
}

impl TextRule {
    /// Whether the text keeps the rule.
    pub(super) fn read(&self, text: &str) -> Result<(), Refusal> {
        if text.len() > self.max {
            return Err(Refusal::Other(Fault::TooLong {
                found: text.len(),
                limit: self.max,
            }));
        }
        if text.len() < self.min {
            let why = if text.is_empty() {
                "nothing in it"
            } else {
                "too short"
            };
            return Err(Refusal::Value {
                why,
                did_you_mean: None,
            });
        }
        (self.check)(text).map_err(|why| Refusal::Value {
            why,
            did_you_mean: None,
        })
    }
}

fn meant(text: &str, words: &mut dyn Iterator<Item = &'static str>) -> Refusal {
    Refusal::Value {
        why: "",
        did_you_mean: nearest(text, words),
    }
}

fn contrast(text: &str, color: Color, dark: bool) -> Result<(), Refusal> {
    let (page, background) = if dark {
        ("dark", Color::DARK_PAGE)
    } else {
        ("light", Color::LIGHT_PAGE)
    };
    let hundredths = color.contrast_hundredths(background);
    if hundredths >= super::limits::CONTRAST_HUNDREDTHS {
        return Ok(());
    }
    let background = background.to_hex();
    Err(Refusal::Other(Fault::Contrast {
        found: quoted(text),
        hundredths,
        page,
        background,
    }))
}

/// `"a", "b" or "c"`.
fn one_of(words: impl Iterator<Item = &'static str>) -> String {
    let mut out = String::new();
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        if !out.is_empty() {
            out.push_str(if words.peek().is_some() { ", " } else { " or " });
        }
        out.push('"');
        out.push_str(word);
        out.push('"');
    }
    out
}
