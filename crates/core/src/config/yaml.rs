//! Explains a value of the wrong type by what YAML makes of words without quotes.
//!
//! The filter gets JSON, but people write YAML. YAML 1.1, which tools of Kubernetes read, has more words for
//! booleans than JSON: `mode: off` becomes `false`.

use std::fmt;

use super::color::Color;
use super::error::found;
use super::json::Json;
use super::shape::Shape;
use super::strings;

/// Words that YAML 1.1 reads as booleans.
const FALSE: [&str; 3] = ["off", "no", "n"];
const TRUE: [&str; 3] = ["on", "yes", "y"];

/// What YAML probably made of what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YamlReading {
    /// A word became a boolean; the word is allowed.
    Word {
        /// What was written.
        written: &'static str,
        /// What became of it.
        is_true: bool,
    },
    /// A word became a boolean; it is not known which.
    Boolean(bool),
    /// A comment, or nothing, became `null`.
    Nothing,
    /// A text became a number.
    Number,
    /// A number became a text.
    Text,
}

impl YamlReading {
    /// Returns how YAML can have made a value of something that a shape takes.
    pub(super) fn of(shape: &Shape, json: &Json) -> Option<Self> {
        match json {
            Json::Bool(is_true) if shape.is_textual() => {
                let words = if *is_true { TRUE } else { FALSE };
                let written = words.into_iter().find(|word| takes_word(shape, word));
                let word = written.map(|written| Self::Word {
                    written,
                    is_true: *is_true,
                });
                Some(word.unwrap_or(Self::Boolean(*is_true)))
            }
            Json::Null if shape.is_textual() => Some(Self::Nothing),
            Json::Whole(_) | Json::Number(_) if takes_text(shape, &found(json)) => {
                Some(Self::Number)
            }
            Json::String(text) if is_number(text) && takes_number(shape) => Some(Self::Text),
            _ => None,
        }
    }
}

impl fmt::Display for YamlReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word { written, is_true } => write!(
                f,
                "; did you mean \"{written}\"? Quote it: YAML 1.1 reads {written} as {is_true}"
            ),
            Self::Boolean(is_true) => {
                let words = if *is_true { TRUE } else { FALSE };
                let [first, second, third] = words;
                write!(
                    f,
                    "; YAML 1.1 reads {first}, {second} and {third} without quotes as {is_true}"
                )
            }
            Self::Nothing => f.write_str(
                "; quote the value: YAML reads nothing, ~, and a comment, which begins with #, as null",
            ),
            Self::Number => f.write_str("; quote it: YAML reads digits without quotes as a number"),
            Self::Text => f.write_str("; write it without quotes"),
        }
    }
}

/// Returns whether a word is probably meant where a shape is allowed.
fn takes_word(shape: &Shape, word: &str) -> bool {
    match shape {
        Shape::Words(words) => words.iter().any(|known| known.name == word),
        // `no` is a language.
        Shape::Text(rule) if std::ptr::eq(*rule, &strings::LANGUAGE) => word == "no",
        Shape::Text(rule) => rule.allowed.contains(&format!("\"{word}\"")),
        Shape::Either(first, second) => takes_word(first, word) || takes_word(second, word),
        _ => false,
    }
}

/// Returns whether a text of digits is allowed, but no number.
fn takes_text(shape: &Shape, digits: &str) -> bool {
    match shape {
        Shape::Color => Color::parse(digits).is_some(),
        Shape::Text(rule) => rule.check(digits).is_ok(),
        Shape::Either(first, second) => takes_text(first, digits) || takes_text(second, digits),
        _ => false,
    }
}

fn takes_number(shape: &Shape) -> bool {
    match shape {
        Shape::Whole { .. } | Shape::Number { .. } => true,
        Shape::Either(first, second) => takes_number(first) || takes_number(second),
        _ => false,
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}
