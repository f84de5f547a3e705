//! What is wrong with a configuration: where it is, what was found there, and what is allowed there.

use std::fmt;

use super::json::Json;
use super::yaml::YamlReading;
use super::{limits, notation};
use crate::diagnostics::quoted;
use crate::template::TemplateError;

/// All errors of a configuration; never empty.
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

    /// Adds an error. From [`limits::ERRORS`] errors on, it only counts further ones.
    pub(super) fn push(&mut self, at: &str, kind: impl FnOnce() -> ErrorKind) {
        if self.errors.len() < limits::ERRORS {
            self.errors.push(ConfigError {
                at: at.to_owned(),
                kind: kind(),
            });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Returns the errors, at most [`limits::ERRORS`]: first those of single values in the order of
    /// the document, then those of values that contradict each other, then those of templates and
    /// texts.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.errors.iter()
    }

    /// Returns the number of errors beyond those of [`ConfigErrors::iter`].
    pub fn more(&self) -> usize {
        self.more
    }

    /// Returns the number of all errors.
    pub fn total(&self) -> usize {
        self.errors.len().saturating_add(self.more)
    }
}

impl fmt::Display for ConfigErrors {
    /// Writes one line for each error.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = self.errors.iter().map(ConfigError::to_string).collect();
        if self.more > 0 {
            lines.push(format!("and {} more", self.more));
        }
        formatter.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

/// One error and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    at: String,
    kind: ErrorKind,
}

impl ConfigError {
    /// Returns the key path, such as `routes[2].breaker.window`. It is empty for the whole document.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// Returns what is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }
}

impl fmt::Display for ConfigError {
    /// Writes the place and what is wrong there, on one line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.at.is_empty() {
            write!(formatter, "{}: ", self.at)?;
        }
        self.kind.fmt(formatter)
    }
}

/// What is wrong with a value. Texts of the configuration are shortened and printable here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// The document is not JSON.
    NotJson {
        /// Line of the mistake, from 1.
        line: usize,
        /// Column of the mistake in bytes, from 1; 0 where nothing of the line has been read.
        column: usize,
        /// Message of the JSON reader.
        problem: String,
    },
    /// The document is larger than [`limits::CONFIG_BYTES`].
    TooLarge,
    /// An object has the same key twice.
    DuplicateKey,
    /// A key with which YAML merges other objects into one. YAML 1.2 has none.
    MergeKey,
    /// The key has no meaning here.
    UnknownKey {
        /// The keys that have one; empty: see `allowed`.
        keys: Vec<&'static str>,
        /// What a key of the operator's choice has to be; empty: see `keys`.
        allowed: String,
        /// The key that was probably meant.
        did_you_mean: Option<String>,
    },
    /// The key had a meaning here in an earlier version.
    RemovedKey {
        /// What to use instead, as a request.
        instead: &'static str,
    },
    /// A required key is missing.
    Missing {
        /// What it takes.
        allowed: String,
    },
    /// The value is not allowed.
    Value {
        /// The value.
        found: String,
        /// What is wrong with it, where that is not obvious; else empty.
        why: &'static str,
        /// What is allowed.
        allowed: String,
        /// What was probably meant.
        did_you_mean: Option<String>,
        /// What YAML probably made of what was written.
        yaml: Option<YamlReading>,
    },
    /// The text is too long.
    TooLong {
        /// Its length in bytes.
        found: usize,
        /// The largest length allowed.
        limit: usize,
    },
    /// The list or object has too many or too few entries.
    Entries {
        /// Number of entries.
        found: usize,
        /// The least number allowed.
        min: usize,
        /// The largest number allowed.
        max: usize,
    },
    /// A file reference, which only `tidegate bundle` can resolve.
    FileReference {
        /// The file.
        file: String,
    },
    /// A name that the configuration does not define.
    UnknownName {
        /// The name.
        found: String,
        /// The key under which such names are defined.
        of: &'static str,
        /// The name that was probably meant.
        did_you_mean: Option<String>,
    },
    /// A name, or a key that ignores case, is used twice.
    NameTaken {
        /// The name.
        found: String,
        /// Its first use.
        first: String,
    },
    /// A duration contradicts another one.
    Order {
        /// The duration.
        found: String,
        /// `at least` or `at most`.
        bound: &'static str,
        /// The key of the other duration.
        other: String,
        /// The other duration.
        value: String,
    },
    /// A mistake in a template.
    Template(TemplateError),
}

impl fmt::Display for ErrorKind {
    /// Writes what is wrong and what is allowed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::NotJson {
                line,
                column,
                problem,
            } => write!(f, "line {line}, column {column}: not JSON: {problem}"),
            ErrorKind::TooLarge => {
                let limit = limits::CONFIG_BYTES;
                write!(
                    f,
                    "found more than {limit} bytes; allowed: at most {limit} for the whole configuration"
                )
            }
            ErrorKind::DuplicateKey => f.write_str("found twice; allowed: once"),
            ErrorKind::MergeKey => f.write_str(
                "found a merge key of YAML; allowed: the keys themselves, in place of the alias",
            ),
            ErrorKind::UnknownKey {
                keys,
                allowed,
                did_you_mean,
            } => {
                let keys = keys.join(", ");
                write!(f, "found an unknown key; allowed: {allowed}{keys}")?;
                suggest(f, did_you_mean)
            }
            ErrorKind::RemovedKey { instead } => {
                write!(f, "found a key that no longer exists; {instead}")
            }
            ErrorKind::Missing { allowed } => write!(f, "not found; needed: {allowed}"),
            ErrorKind::Value {
                found,
                why,
                allowed,
                did_you_mean,
                yaml,
            } => {
                write!(f, "found {found}")?;
                if !why.is_empty() {
                    write!(f, " ({why})")?;
                }
                write!(f, "; allowed: {allowed}")?;
                match yaml {
                    Some(yaml) => yaml.fmt(f),
                    None => suggest(f, did_you_mean),
                }
            }
            ErrorKind::TooLong { found, limit } => {
                write!(f, "found {found} bytes; allowed: at most {limit}")
            }
            ErrorKind::Entries { found, min, max } => {
                let noun = if *found == 1 { "entry" } else { "entries" };
                write!(f, "found {found} {noun}; allowed: ")?;
                if min != max {
                    write!(f, "{min} to ")?;
                }
                write!(f, "{max}")
            }
            ErrorKind::FileReference { file } => write!(
                f,
                "found a reference to the file {file}; allowed: its content, since the filter reads no \
                 files: `tidegate bundle` puts it here"
            ),
            ErrorKind::UnknownName {
                found,
                of,
                did_you_mean,
            } => {
                write!(f, "found {found}; allowed: a name of `{of}`")?;
                suggest(f, did_you_mean)
            }
            ErrorKind::NameTaken { found, first } => write!(
                f,
                "found {found}, which {first} has already; allowed: another name"
            ),
            ErrorKind::Order {
                found,
                bound,
                other,
                value,
            } => write!(
                f,
                "found \"{found}\"; allowed: {bound} `{other}`, which is \"{value}\""
            ),
            ErrorKind::Template(error) => {
                let TemplateError {
                    line,
                    column,
                    found,
                    why,
                    did_you_mean,
                } = error;
                write!(f, "line {line}, column {column}: found {found}: {why}")?;
                suggest(f, did_you_mean)
            }
        }
    }
}

fn suggest(f: &mut fmt::Formatter<'_>, did_you_mean: &Option<String>) -> fmt::Result {
    match did_you_mean {
        Some(name) => write!(f, "; did you mean `{name}`?"),
        None => Ok(()),
    }
}

/// Describes a value in an error: short, on one line, printable.
pub(crate) fn found(json: &Json) -> String {
    match json {
        Json::Null | Json::Bool(_) | Json::Whole(_) => json.to_string(),
        Json::Number(number) => notation::number(*number),
        Json::String(text) => quoted(text),
        Json::List(items) if items.is_empty() => "an empty list".to_owned(),
        Json::List(_) => "a list".to_owned(),
        Json::Object(entries) if entries.is_empty() => "an empty object".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    }
}
