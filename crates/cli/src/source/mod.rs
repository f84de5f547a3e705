//! Loads a source: YAML or JSON with references to files.
//!
//! Steps: read it with the place of every value ([`read`]); replace references by the content of
//! the files ([`expand`]); check the result with the filter's parser, and report its errors with
//! file, line and column. Pages are changed only afterwards (`crate::markup`), so every reported
//! place exists in a file.

mod expand;
mod files;
mod node;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::Path;

use tidegate_core::config::{Config, ConfigError, ErrorKind};

pub(crate) use files::{position, Files};
pub(crate) use node::{yaml_safe, Mark, Node, Value};

/// A message with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// `file:line:column`, or as much of it as is known.
    pub(crate) place: String,
    /// The message.
    pub(crate) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// The errors of a source.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) list: Vec<Finding>,
    /// Number of further errors that the filter's parser counts but does not list.
    pub(crate) more: usize,
}

impl Findings {
    pub(crate) fn total(&self) -> usize {
        self.list.len() + self.more
    }

    fn one(files: &Files, mark: Mark, what: impl Into<String>) -> Self {
        Self {
            list: vec![finding(files, mark, what)],
            more: 0,
        }
    }

    /// Prints all of the source at `path`, one per line.
    pub(crate) fn print(&self, path: &Path) {
        for finding in &self.list {
            eprintln!("{finding}");
        }
        if self.more > 0 {
            eprintln!("{}: and {} more", display_name(path), self.more);
        }
    }
}

/// Returns the display name of a source.
pub(crate) fn display_name(path: &Path) -> String {
    match path == Path::new("-") {
        true => "stdin".to_owned(),
        false => path.display().to_string(),
    }
}

/// Creates a finding at a mark.
pub(crate) fn finding(files: &Files, mark: Mark, what: impl Into<String>) -> Finding {
    let name = files.name(mark.file);
    let place = match mark.line {
        0 => name.to_owned(),
        line => format!("{name}:{line}:{}", mark.column),
    };
    Finding {
        place,
        what: what.into(),
    }
}

/// Creates a finding at byte `at` of the text of a value with a key path: at its place in the file
/// if the text is there verbatim, otherwise with line and column inside the text.
pub(crate) fn finding_in(
    files: &Files,
    node: &Node,
    key: &str,
    at: usize,
    what: impl fmt::Display,
) -> Finding {
    let inner = position(node.text().unwrap_or_default(), node.mark.file, at);
    match node.inside(inner.line, inner.column) {
        Some(mark) => finding(files, mark, what.to_string()),
        None => {
            let Mark { line, column, .. } = inner;
            let what = format!("{key}: line {line}, column {column}: {what}");
            finding(files, node.mark, what)
        }
    }
}

/// Why a source could not be loaded.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The source cannot be read.
    Unreadable(io::Error),
    /// The source has these errors.
    Wrong(Findings),
}

/// A source that the filter's parser accepts, with its pages unchanged.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) files: Files,
    /// Includes the content of the files that it refers to.
    pub(crate) document: Node,
    pub(crate) config: Config,
    /// Whether the filter would accept the file as it is.
    pub(crate) is_for_the_filter: bool,
}

impl Source {
    /// Loads the source at `path`; `-` reads standard input.
    pub(crate) fn load(path: &Path) -> Result<Self, LoadError> {
        Self::load_files(path).map_err(|(error, _)| error)
    }

    /// Loads the source; on error, also returns the files that were read.
    pub(crate) fn load_files(path: &Path) -> Result<Self, (LoadError, Option<Files>)> {
        let files = match path == Path::new("-") {
            true => Files::stdin(),
            false => Files::around(path),
        };
        let mut files = files.map_err(|error| (LoadError::Unreadable(error), None))?;
        match Self::read(&mut files) {
            Ok((document, config, is_for_the_filter)) => Ok(Self {
                files,
                document,
                config,
                is_for_the_filter,
            }),
            Err(findings) => Err((LoadError::Wrong(findings), Some(files))),
        }
    }

    fn read(files: &mut Files) -> Result<(Node, Config, bool), Findings> {
        if files.bytes(0).len() > tidegate_core::config::limits::CONFIG_BYTES {
            // Produces the error text of the filter's parser.
            let nowhere = Node {
                mark: Mark::nowhere(0),
                value: Value::Null,
            };
            return Err(refused(Config::from_json(files.bytes(0)), files, &nowhere));
        }
        let written = read_document(files, 0)?;
        let document = expand::expand(files, &written)?;
        // A filter configuration is checked byte by byte as the filter gets it.
        let is_for_the_filter = document == written && is_json(files, 0);
        let json = match is_for_the_filter {
            true => files.bytes(0).to_vec(),
            false => document.to_json().into_bytes(),
        };
        match Config::from_json(&json) {
            Ok(config) => Ok((document, config, is_for_the_filter)),
            errors => Err(refused(errors, files, &document)),
        }
    }
}

/// Converts the errors of the filter's parser to findings.
fn refused(
    errors: Result<Config, tidegate_core::config::ConfigErrors>,
    files: &Files,
    document: &Node,
) -> Findings {
    let Err(errors) = errors else {
        return Findings::default();
    };
    Findings {
        list: errors
            .iter()
            .map(|error| place(error, files, document))
            .collect(),
        more: errors.more(),
    }
}

/// Converts an error of the filter's parser to a finding with its place in the source.
pub(crate) fn place(error: &ConfigError, files: &Files, document: &Node) -> Finding {
    let mark = document.find(error.at());
    match error.kind() {
        ErrorKind::Template(fault) => {
            let inside = document
                .at(error.at())
                .and_then(|node| node.inside(fault.line, fault.column));
            if let Some(mark) = inside {
                // The place is that of the mistake in the file; the text needs no second place.
                let text = error.kind().to_string();
                let what = text
                    .split_once(": ")
                    .map_or(text.as_str(), |(_, what)| what);
                return finding(files, mark, format!("{}: {what}", error.at()));
            }
        }
        ErrorKind::FileReference { file } => {
            let what = format!(
                "{}: found a reference to the file {file}; allowed: {}",
                error.at(),
                expand::ALLOWED
            );
            return finding(files, mark, what);
        }
        _ => {}
    }
    finding(files, mark, error.to_string())
}

/// Returns whether a file is JSON rather than YAML.
fn is_json(files: &Files, file: usize) -> bool {
    match files.extension(file).as_str() {
        "json" => true,
        "yaml" | "yml" => false,
        _ => {
            let bytes = files.bytes(file).trim_ascii_start();
            bytes.is_empty() || bytes.starts_with(b"{") || bytes.starts_with(b"[")
        }
    }
}

/// Reads a file as YAML or JSON.
fn read_document(files: &Files, file: usize) -> Result<Node, Findings> {
    let text = files
        .text(file)
        .map_err(|mark| Findings::one(files, mark, NOT_UTF8))?;
    if text.trim().is_empty() {
        return Ok(Node {
            mark: Mark::start(file),
            value: Value::Map(Vec::new()),
        });
    }
    let read = match is_json(files, file) {
        true => read::json(text, file),
        false => read::yaml(text, file),
    };
    read.map_err(|wrong| {
        let mark = Mark {
            file,
            line: wrong.line,
            column: wrong.column,
        };
        Findings::one(files, mark, wrong.what)
    })
}

/// Message for a file that is not text.
pub(crate) const NOT_UTF8: &str = "not UTF-8; allowed: text in UTF-8";
