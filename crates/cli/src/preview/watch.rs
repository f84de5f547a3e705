//! Renders a source again when one of its files changes.
//!
//! Polls the files: editors save in many ways, and reading the times of a dozen files is cheap.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::cases::{Cases, Contents};
use crate::check::{examine, Examined};
use crate::findings::{count, Findings};
use crate::source::{display_name, Files, Source};

/// Modification time and length of a file; `None` if it does not exist.
type Stamp = Option<(SystemTime, u64)>;

/// A watched source.
pub(super) struct Watched {
    source: PathBuf,
    cases: Cases,
    /// The errors and warnings of the current source. If there are errors, the pages are the last valid
    /// ones.
    found: Findings,
    /// Why the source cannot be read, if it cannot.
    unreadable: Option<String>,
    version: u64,
    stamps: Vec<(PathBuf, Stamp)>,
}

impl Watched {
    /// Watches a source that was loaded from a path.
    pub(super) fn new(path: &Path, source: &Source, cases: Cases, found: Findings) -> Self {
        Self {
            source: path.to_path_buf(),
            cases,
            found,
            unreadable: None,
            version: 1,
            stamps: stamps(&source.files),
        }
    }

    pub(super) fn cases(&self) -> &Cases {
        &self.cases
    }

    /// Returns the data of the gallery.
    pub(super) fn state(&self) -> String {
        let contents = Contents::Live {
            version: self.version,
        };
        self.cases.state(&contents, &self.found)
    }

    /// Renders again if a file has changed, or while there are errors, since missing files cannot
    /// be watched. Prints what came of it.
    pub(super) fn refresh(&mut self) {
        let same = |(path, before): &(PathBuf, Stamp)| stamp(path) == *before;
        let is_good = self.found.errors() == 0 && self.unreadable.is_none();
        if is_good && self.stamps.iter().all(same) {
            return;
        }
        let mut source = match Source::load(&self.source) {
            Ok(source) => source,
            Err(error) => return self.note_unreadable(&error),
        };
        let Examined { findings, bundle } = examine(&mut source, false);
        let is_new = bundle.is_some() || self.unreadable.is_some();
        let is_new = is_new || findings.list != self.found.list;
        if let Some(bundle) = bundle {
            self.cases = Cases::new(bundle.config);
        }
        self.unreadable = None;
        self.found = findings;
        self.stamps = stamps(&source.files);
        if is_new {
            self.version += 1;
            self.print();
        }
    }

    /// Prints the result of a build.
    pub(super) fn print(&self) {
        let name = display_name(&self.source);
        self.found.print(&name);
        let (errors, warnings) = (self.found.errors(), self.found.warnings());
        let warnings = count(warnings, "warning");
        match errors {
            0 => eprintln!("{name}: build {}: {warnings}", self.version),
            _ => eprintln!(
                "{name}: build {}: {}, {warnings}; the pages are the last good ones",
                self.version,
                count(errors, "error")
            ),
        }
    }

    /// The file may be in the middle of being saved.
    fn note_unreadable(&mut self, error: &io::Error) {
        let text = format!("{}: cannot be read: {error}", display_name(&self.source));
        if self.unreadable.as_ref() != Some(&text) {
            eprintln!("{text}");
        }
        self.unreadable = Some(text);
    }
}

fn stamps(files: &Files) -> Vec<(PathBuf, Stamp)> {
    files
        .paths()
        .map(|path| (path.to_path_buf(), stamp(path)))
        .collect()
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
