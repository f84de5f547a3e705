//! The source that people edit: YAML or JSON, with references to files; and what the filter gets.
//!
//! The way of a source: it is read with the place of everything in it ([`read`]); references to
//! files are replaced by their content ([`expand`]); the filter's own parser checks that, and its
//! errors are told with file, line and column. Only then are pages changed (`crate::markup`), so
//! that every place is one in a file that somebody wrote.

mod expand;
mod files;
mod node;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::Path;

use tidegate_core::config::{Config, ConfigError, Fault};

pub(crate) use files::{position, Files};
pub(crate) use node::{yaml_safe, Mark, Node, Value};

/// A place as people are told of it, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// `file:line:column`, or as much of it as is known.
    pub(crate) place: String,
    /// What about it.
    pub(crate) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// What is wrong with a source.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) list: Vec<Finding>,
    /// Those that the filter's parser counts but does not tell.
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

    /// Tells all of the source at `path`, a line each.
    pub(crate) fn tell(&self, path: &Path) {
        for finding in &self.list {
            eprintln!("{finding}");
        }
        if self.more > 0 {
            eprintln!("{}: and {} more", shown(path), self.more);
        }
    }
}

/// A source as people are told of it.
pub(crate) fn shown(path: &Path) -> String {
    match path == Path::new("-") {
        true => "stdin".to_owned(),
        false => path.display().to_string(),
    }
}

/// Something at a place.
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

/// Something at a byte of the text of a value with a key path: in the file, if the text is there as
/// it is, else by line and column of the text.
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

/// Why a source is none.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The source itself cannot be read.
    Unreadable(io::Error),
    /// It can be, and this is wrong with it.
    Wrong(Findings),
}

/// A source that the filter's parser accepts, its pages as people wrote them.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) files: Files,
    /// With the content of the files that it refers to.
    pub(crate) document: Node,
    pub(crate) config: Config,
    /// Whether the filter would take the file as it is.
    pub(crate) is_for_the_filter: bool,
}

impl Source {
    /// Reads the source at `path`; `-` is standard input.
    pub(crate) fn load(path: &Path) -> Result<Self, LoadError> {
        Self::load_files(path).map_err(|(error, _)| error)
    }

    /// The same; where something is wrong, with the files that were read.
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
            // The filter's parser has the words for it.
            let nowhere = Node {
                mark: Mark::nowhere(0),
                value: Value::Null,
            };
            return Err(refused(Config::from_json(files.bytes(0)), files, &nowhere));
        }
        let written = read_document(files, 0)?;
        let document = expand::expand(files, &written)?;
        // A filter configuration is checked as the filter gets it, to the byte.
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

/// The errors of the filter's parser, each with its place.
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

/// An error of the filter's parser, with its place in the source.
pub(crate) fn place(error: &ConfigError, files: &Files, document: &Node) -> Finding {
    let mark = document.find(error.at());
    match error.fault() {
        Fault::Template(fault) => {
            let inside = document
                .at(error.at())
                .and_then(|node| node.inside(fault.line, fault.column));
            if let Some(mark) = inside {
                // The place in the file is the place of the mistake; the words follow.
                let text = error.fault().to_string();
                let what = text
                    .split_once(": ")
                    .map_or(text.as_str(), |(_, what)| what);
                return finding(files, mark, format!("{}: {what}", error.at()));
            }
        }
        Fault::FileReference { file } => {
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

/// Whether a file is JSON, rather than YAML.
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

/// What is said of a file that is no text.
pub(crate) const NOT_UTF8: &str = "not UTF-8; allowed: text in UTF-8";
