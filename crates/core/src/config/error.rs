//! What is wrong with a configuration, said so that a person can mend it without the manual:
//! where it stands, what was found there, what is allowed there.

use crate::prelude::*;
use crate::text::{count, decimal, hex};
use core::fmt;

use super::json::Json;
use super::limits;
use crate::page::TemplateError;

/// Everything that is wrong with a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    errors: Vec<ConfigError>,
    more: usize,
}

impl ConfigErrors {
    pub(super) fn none() -> Self {
        Self {
            errors: Vec::new(),
            more: 0,
        }
    }

    /// Adds one, or only counts it once there are [`limits::ERRORS`].
    pub(super) fn push(&mut self, at: &str, fault: Fault) {
        if self.errors.len() < limits::ERRORS {
            self.errors.push(ConfigError {
                at: at.to_owned(),
                fault,
            });
        } else {
            self.more = self.more.wrapping_add(1);
        }
    }

    /// The errors: of single values in the order of the document, then of values that do not go
    /// together; at most [`limits::ERRORS`].
    pub fn iter(&self) -> core::slice::Iter<'_, ConfigError> {
        self.errors.iter()
    }

    /// How many errors there are beyond those of [`ConfigErrors::iter`].
    pub fn more(&self) -> usize {
        self.more
    }

    /// How many errors there are in all.
    pub fn total(&self) -> usize {
        self.errors.len().wrapping_add(self.more)
    }
}

impl fmt::Display for ConfigErrors {
    /// One line for each error.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = self.errors.iter().map(ConfigError::text).collect();
        if self.more > 0 {
            lines.push(["and ", &count(self.more), " more"].joined());
        }
        formatter.write_str(&lines.join("\n"))
    }
}

impl core::error::Error for ConfigErrors {}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    at: String,
    fault: Fault,
}

impl ConfigError {
    /// The key path, such as `routes[2].breaker.window`; empty: the document as a whole.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Where it is and what is wrong, on one line.
    pub fn text(&self) -> String {
        let between = if self.at.is_empty() { "" } else { ": " };
        [&self.at, between, &self.fault.text()].joined()
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text())
    }
}

/// What is wrong with a value. Values of the configuration are already shortened and printable here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The document is not JSON.
    NotJson {
        /// Line of the mistake, from 1.
        line: usize,
        /// Column of the mistake, in bytes, from 1; 0 where nothing of the line has been read.
        column: usize,
        /// What the JSON reader says.
        problem: String,
    },
    /// The document is larger than [`limits::CONFIG_BYTES`].
    TooLarge,
    /// A key stands twice in one object.
    DuplicateKey,
    /// A key that means nothing here.
    UnknownKey {
        /// The keys that mean something here; empty: see `allowed`.
        keys: Vec<&'static str>,
        /// What a free key has to be; empty: see `keys`.
        allowed: String,
        /// The key that was probably meant.
        did_you_mean: Option<String>,
    },
    /// A key that has to be given is not.
    Missing {
        /// What it takes.
        allowed: String,
    },
    /// A value that is not allowed.
    Value {
        /// The value.
        found: String,
        /// What about it is wrong, where that is not plain to see; else empty.
        why: &'static str,
        /// What is allowed.
        allowed: String,
        /// What was probably meant.
        did_you_mean: Option<String>,
    },
    /// A text that is too long.
    TooLong {
        /// Its length in bytes.
        found: usize,
        /// The longest allowed.
        limit: usize,
    },
    /// A list or an object with too many or too few entries.
    Entries {
        /// How many there are.
        found: usize,
        /// The fewest allowed.
        min: usize,
        /// The most allowed.
        max: usize,
    },
    /// A file reference, which only `tidegate bundle` can resolve.
    FileReference {
        /// The file.
        file: String,
    },
    /// A name that nothing of this configuration has.
    UnknownName {
        /// The name.
        found: String,
        /// Where the names stand.
        of: &'static str,
        /// The name that was probably meant.
        did_you_mean: Option<String>,
    },
    /// A name, or a key that is the same in any case, for the second time.
    NameTaken {
        /// The name.
        found: String,
        /// Where it stands first.
        first: String,
    },
    /// A duration on the wrong side of another one.
    Order {
        /// The duration.
        found: String,
        /// `at least` or `at most`.
        bound: &'static str,
        /// The key that bounds it.
        other: String,
        /// What that key says.
        value: String,
    },
    /// A template that cannot be right.
    Template(TemplateError),
    /// A colour that cannot be told from the page.
    Contrast {
        /// The colour.
        found: String,
        /// Its contrast, in hundredths.
        hundredths: u32,
        /// `light` or `dark`.
        page: &'static str,
        /// The colour of that page.
        background: String,
    },
}

impl Fault {
    /// What is wrong, and what is allowed.
    pub fn text(&self) -> String {
        match self {
            Fault::NotJson {
                line,
                column,
                problem,
            } => [&place(*line, *column), "not JSON: ", problem].joined(),
            Fault::TooLarge => {
                let limit = count(limits::CONFIG_BYTES);
                [
                    "found more than ",
                    &limit,
                    " bytes; allowed: at most ",
                    &limit,
                    " for the whole configuration",
                ]
                .joined()
            }
            Fault::DuplicateKey => "found twice; allowed: once".to_owned(),
            Fault::UnknownKey {
                keys,
                allowed,
                did_you_mean,
            } => [
                "found an unknown key; allowed: ",
                allowed,
                &listed(keys),
                &suggestion(did_you_mean),
            ]
            .joined(),
            Fault::Missing { allowed } => ["not found; needed: ", allowed].joined(),
            Fault::Value {
                found,
                why,
                allowed,
                did_you_mean,
            } => {
                let (open, close) = if why.is_empty() {
                    ("", "")
                } else {
                    (" (", ")")
                };
                [
                    "found ",
                    found,
                    open,
                    why,
                    close,
                    "; allowed: ",
                    allowed,
                    &suggestion(did_you_mean),
                ]
                .joined()
            }
            Fault::TooLong { found, limit } => {
                let (found, limit) = (count(*found), count(*limit));
                ["found ", &found, " bytes; allowed: at most ", &limit].joined()
            }
            Fault::Entries { found, min, max } => {
                let entries = if *found == 1 {
                    " entry; allowed: "
                } else {
                    " entries; allowed: "
                };
                let (min, to) = match min == max {
                    true => (String::new(), ""),
                    false => (count(*min), " to "),
                };
                ["found ", &count(*found), entries, &min, to, &count(*max)].joined()
            }
            Fault::FileReference { file } => [
                "found a reference to the file ",
                file,
                "; allowed: its content, since the filter reads no files: `tidegate bundle` puts \
                 it here",
            ]
            .joined(),
            Fault::UnknownName {
                found,
                of,
                did_you_mean,
            } => {
                let suggestion = suggestion(did_you_mean);
                [
                    "found ",
                    found,
                    "; allowed: a name of `",
                    of,
                    "`",
                    &suggestion,
                ]
                .joined()
            }
            Fault::NameTaken { found, first } => [
                "found ",
                found,
                ", which ",
                first,
                " has already; allowed: another name",
            ]
            .joined(),
            Fault::Order {
                found,
                bound,
                other,
                value,
            } => [
                "found \"",
                found,
                "\"; allowed: ",
                bound,
                " `",
                other,
                "`, which is \"",
                value,
                "\"",
            ]
            .joined(),
            Fault::Template(error) => [
                &place(error.line, error.column),
                "found ",
                &error.found,
                ": ",
                &error.why,
                &suggestion(&error.did_you_mean),
            ]
            .joined(),
            Fault::Contrast {
                found,
                hundredths,
                page,
                background,
            } => {
                let whole = decimal(u64::from(hundredths.wrapping_div(100)));
                // With a digit before the two: a leading zero stays.
                let part = hundredths.wrapping_rem(100).wrapping_add(100);
                let part = decimal(u64::from(part));
                let least = limits::CONTRAST_HUNDREDTHS.wrapping_div(100);
                [
                    "found ",
                    found,
                    ", whose contrast against the ",
                    page,
                    " page (",
                    background,
                    ") is ",
                    &whole,
                    ".",
                    part.get(1..).unwrap_or_default(),
                    ":1; allowed: at least ",
                    &decimal(u64::from(least)),
                    ":1",
                ]
                .joined()
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

fn place(line: usize, column: usize) -> String {
    ["line ", &count(line), ", column ", &count(column), ": "].joined()
}

/// Keys as people list them.
fn listed(keys: &[&str]) -> String {
    let mut list = String::new();
    for key in keys {
        let comma = if list.is_empty() { "" } else { ", " };
        list.push_str(comma);
        list.push_str(key);
    }
    list
}

fn suggestion(did_you_mean: &Option<String>) -> String {
    match did_you_mean {
        Some(name) => ["; did you mean `", name, "`?"].joined(),
        None => String::new(),
    }
}

/// A value as an error shows it: short, on one line, printable.
pub(super) fn found(json: &Json) -> String {
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(true) => "true".to_owned(),
        Json::Bool(false) => "false".to_owned(),
        Json::Whole(number) => {
            let sign = if *number < 0 { "-" } else { "" };
            [sign, &decimal(number.unsigned_abs())].joined()
        }
        Json::Number(number) => super::value::number(*number),
        Json::String(text) => quoted(text),
        Json::List(items) if items.is_empty() => "an empty list".to_owned(),
        Json::List(_) => "a list".to_owned(),
        Json::Object(entries) if entries.is_empty() => "an empty object".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    }
}

/// A text in quotes, shortened to [`limits::FOUND_BYTES`]; what could break a log line is escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        if out.len() > limits::FOUND_BYTES {
            out.push('…');
            break;
        }
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            _ if character.is_control() || is_invisible(character) => {
                let code = u32::from(character);
                // As many digits as it has, from the highest bit that is set.
                let bits = u32::BITS.saturating_sub((code | 1).leading_zeros());
                out.push_str("\\u{");
                out.push_str(&hex(code, bits.div_ceil(4)));
                out.push('}');
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// Line separators, and the marks that turn or hide what is printed after them.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_break_a_log_line() {
        assert_eq!(quoted("a\nb\"\u{202e}\\"), "\"a\\u{a}b\\\"\\u{202e}\\\\\"");
        let long = quoted(&"ä".repeat(1000));
        assert!(long.ends_with("…\"") && long.len() < 70, "{long}");
    }
}
