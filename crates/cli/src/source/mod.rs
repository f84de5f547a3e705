//! Loads a source: YAML or JSON with references to files.
//!
//! Steps: read it with the place of every value ([`read`]); replace references by the content of
//! the files ([`expand`]); check the result with the filter's parser, and report its errors with
//! file, line and column. Pages are changed only afterwards (`crate::markup`), so every reported
//! place exists in a file.

mod embedded;
mod expand;
mod files;
mod helm;
mod node;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::Path;

use tidegate_core::config::{limits, Config, ConfigError, ConfigErrors, ErrorKind};

use crate::findings::{Finding, Findings, Severity};
use embedded::Found;
use read::Dialect;

pub(crate) use expand::takes_file;
pub(crate) use files::{position, Files};
pub(crate) use node::{yaml_safe, Mark, Node, Value};

/// Returns the display name of a source.
pub(crate) fn display_name(path: &Path) -> String {
    match path == Path::new("-") {
        true => "stdin".to_owned(),
        false => path.display().to_string(),
    }
}

/// Creates an error at a mark.
pub(crate) fn finding(files: &Files, mark: Mark, what: impl Into<String>) -> Finding {
    Finding {
        file: files.name(mark.file).to_owned(),
        mark,
        severity: Severity::Error,
        what: what.into(),
    }
}

/// Creates an error at byte `at` of the text of a value with a key path: at its place in the file
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

/// A source as it was read, with its pages unchanged.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) files: Files,
    /// Includes the content of the files that it refers to.
    pub(crate) document: Node,
    /// What is valid of it.
    pub(crate) config: Config,
    /// Whether the filter gets the document as it is.
    pub(crate) is_for_the_filter: bool,
    /// What the filter's parser refuses, and what could not be read.
    pub(crate) errors: Findings,
}

impl Source {
    /// Loads the source at `path`; `-` reads standard input. A file of Envoy, Istio or Envoy Gateway
    /// must hold one filter configuration.
    pub(crate) fn load(path: &Path) -> io::Result<Self> {
        let mut sources = Self::load_all(path)?;
        let mut source = sources.swap_remove(0);
        if !sources.is_empty() {
            let what = format!(
                "found {} filter configurations; allowed: one",
                sources.len() + 1
            );
            let finding = finding(&source.files, Mark::nowhere(0), what);
            source.errors = Findings::default();
            source.errors.add(finding);
        }
        Ok(source)
    }

    /// Loads every source at `path`, at least one: a file of Envoy, Istio or Envoy Gateway may hold
    /// several filter configurations.
    pub(crate) fn load_all(path: &Path) -> io::Result<Vec<Self>> {
        let mut files = match path == Path::new("-") {
            true => Files::stdin(),
            false => Files::around(path),
        }?;
        let documents = match read_documents(&files, 0, Dialect::Core) {
            Ok(documents) => documents,
            Err(error) => return Ok(vec![Self::refused(files, error)]),
        };
        // Kubernetes reads such a file, and more of its words are booleans there.
        let documents = match documents.iter().any(embedded::is_resource) {
            true => match read_documents(&files, 0, Dialect::Kubernetes) {
                Ok(documents) => documents,
                Err(error) => return Ok(vec![Self::refused(files, error)]),
            },
            false => documents,
        };
        let mut found = Vec::new();
        let mut others = Vec::new();
        for document in documents {
            match embedded::find(&document) {
                Some(embedded) => found.push(embedded),
                None => others.push(document),
            }
        }
        match (others.as_slice(), found.is_empty()) {
            ([], false) => Ok(Self::embedded(&files, found)),
            ([document], true) => Ok(vec![Self::read(&mut files, document)]),
            // Resources of several kinds in one file. The first document of none is no source.
            ([other, ..], false) | ([_, other, ..], true) => {
                let what = "a second document; allowed: one, or resources of Kubernetes only";
                let error = finding(&files, other.mark, what);
                Ok(vec![Self::refused(files, error)])
            }
            ([], true) => {
                let mut source = Self::read(&mut files, &Node::empty(0));
                let what = "is empty, so every option has its default";
                let start = Mark {
                    line: 1,
                    column: 1,
                    file: 0,
                };
                // A file that is too large is not read.
                if source.errors.errors() == 0 {
                    let warning = finding(&source.files, start, what).into_warning();
                    source.errors.add(warning);
                }
                Ok(vec![source])
            }
        }
    }

    /// Returns a source that cannot be read.
    fn refused(files: Files, error: Finding) -> Self {
        let mut errors = Findings::default();
        errors.add(error);
        Self {
            files,
            document: Node::empty(0),
            config: Config::default(),
            is_for_the_filter: true,
            errors,
        }
    }

    /// Reads the configurations in resources.
    fn embedded(files: &Files, found: Vec<Found>) -> Vec<Self> {
        let refused = |(mark, what)| Self::refused(files.clone(), finding(files, mark, what));
        match embedded::of_tidegate(found) {
            Err(what) => vec![refused((Mark::nowhere(0), what))],
            Ok(plugins) => plugins
                .into_iter()
                .map(|plugin| {
                    let missing = plugin.missing();
                    let mut source = match plugin.document() {
                        Ok((node, bytes)) => Self::parse(files.clone(), node, Some(&bytes), &[]),
                        Err(error) => return refused(error),
                    };
                    if let Some((mark, what)) = missing {
                        source.errors.add(finding(files, mark, what).into_warning());
                    }
                    source
                })
                .collect(),
        }
    }

    fn read(files: &mut Files, written: &Node) -> Self {
        if files.bytes(0).len() > limits::CONFIG_BYTES {
            // Produces the error text of the filter's parser.
            let bytes = files.bytes(0).to_vec();
            return Self::parse(files.clone(), Node::nowhere(0), Some(&bytes), &[]);
        }
        let expanded = expand::expand(files, written);
        // A filter configuration is checked byte by byte as the filter gets it.
        let is_for_the_filter = expanded.document == *written && is_json(files, 0);
        let bytes = is_for_the_filter.then(|| files.bytes(0).to_vec());
        let mut source = Self::parse(
            files.clone(),
            expanded.document,
            bytes.as_deref(),
            &expanded.refused,
        );
        for finding in expanded.findings {
            source.errors.add(finding);
        }
        source
    }

    /// Parses a document as the filter does: the `bytes` that the filter gets, if it gets the document as
    /// it is. What is wrong with the references at the places `known` is reported already.
    fn parse(files: Files, document: Node, bytes: Option<&[u8]>, known: &[Mark]) -> Self {
        let json = match bytes {
            Some(bytes) => bytes.to_vec(),
            None => document.to_json().into_bytes(),
        };
        let (config, result) = Config::examine(&json);
        let is_known = |error: &&ConfigError| {
            let node = document.at(error.at());
            node.is_some_and(|node| known.contains(&node.mark))
        };
        let errors = result
            .err()
            .map_or_else(Findings::default, |errors| Findings {
                list: errors
                    .iter()
                    .filter(|error| !is_known(error))
                    .map(|error| place(error, &files, &document))
                    .collect(),
                more: ConfigErrors::more(&errors),
            });
        Self {
            files,
            document,
            config,
            is_for_the_filter: bytes.is_some(),
            errors,
        }
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
            // The place is that of the mistake in the file; the text needs no second place.
            let text = error.kind().to_string();
            let what = match inside {
                Some(_) => text
                    .split_once(": ")
                    .map_or(text.as_str(), |(_, what)| what),
                None => &text,
            };
            let what = format!("{}: {what}{}", error.at(), helm::hint_for_tag(&fault.found));
            finding(files, inside.unwrap_or(mark), what)
        }
        ErrorKind::DuplicateKey => {
            // The later one is what was added.
            let places = document.places(error.at());
            let (first, last) = match places.as_slice() {
                [first, .., last] => (*first, *last),
                _ => return finding(files, mark, error.to_string()),
            };
            let what = format!("{error}; the first is in line {}", first.line);
            finding(files, last, what)
        }
        ErrorKind::FileReference { file } => {
            let what = format!(
                "{}: found a reference to the file {file}; allowed: {}",
                error.at(),
                expand::ALLOWED
            );
            finding(files, mark, what)
        }
        ErrorKind::NotJson {
            line,
            column,
            problem,
        } => {
            let mark = Mark {
                file: 0,
                line: *line,
                column: (*column).max(1),
            };
            finding(files, mark, format!("not JSON: {problem}"))
        }
        _ => finding(files, mark, error.to_string()),
    }
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

/// Reads a file as YAML or JSON: one document.
fn read_document(files: &Files, file: usize) -> Result<Node, Finding> {
    let mut documents = read_documents(files, file, Dialect::Core)?.into_iter();
    let document = documents.next().unwrap_or_else(|| Node::empty(file));
    match documents.next() {
        None => Ok(document),
        Some(second) => Err(finding(
            files,
            second.mark,
            "a second document; allowed: one",
        )),
    }
}

/// Reads the documents of a file: YAML may have several.
fn read_documents(files: &Files, file: usize, dialect: Dialect) -> Result<Vec<Node>, Finding> {
    let text = files
        .text(file)
        .map_err(|mark| finding(files, mark, files.not_text(file)))?;
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let read = match is_json(files, file) {
        true => read::json(text, file).map(|document| vec![document]),
        false => read::yaml(text, file, dialect),
    };
    read.map_err(|wrong| {
        let mark = Mark {
            file,
            line: wrong.line,
            column: wrong.column,
        };
        finding(files, mark, wrong.what + helm::hint_for_file(text))
    })
}

/// Reads the first document of a text in YAML that this command has made.
pub(crate) fn parse_yaml(text: &str) -> Option<Node> {
    read::yaml(text, 0, Dialect::Core).ok()?.into_iter().next()
}
