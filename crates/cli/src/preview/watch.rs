//! Renders a source again when one of its files changes.
//!
//! Polls the files: editors save in many ways, and reading the times of a dozen files is cheap.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::cases::Cases;
use crate::bundle::Bundle;
use crate::source::{Files, Findings, LoadError, Source};

/// Modification time and length of a file; `None` if it does not exist.
type Stamp = Option<(SystemTime, u64)>;

/// A watched source.
pub(super) struct Watched {
    source: PathBuf,
    cases: Cases,
    /// The errors of the current source; the pages are then the last valid ones.
    wrong: String,
    version: u64,
    stamps: Vec<(PathBuf, Stamp)>,
}

impl Watched {
    /// Loads the source.
    pub(super) fn new(source: &Path) -> Result<Self, LoadError> {
        let (made, files) = make(source);
        Ok(Self {
            source: source.to_path_buf(),
            cases: made?,
            wrong: String::new(),
            version: 1,
            stamps: files.map(|files| stamps(&files)).unwrap_or_default(),
        })
    }

    pub(super) fn cases(&self) -> &Cases {
        &self.cases
    }

    /// Returns the data of the gallery.
    pub(super) fn state(&self) -> String {
        self.cases.state(true, self.version, &self.wrong)
    }

    /// Renders again if a file has changed, or while there are errors, since missing files cannot
    /// be watched.
    pub(super) fn refresh(&mut self) {
        let same = |(path, before): &(PathBuf, Stamp)| stamp(path) == *before;
        if self.wrong.is_empty() && self.stamps.iter().all(same) {
            return;
        }
        let (made, files) = make(&self.source);
        let wrong = match made {
            Ok(cases) => {
                self.cases = cases;
                String::new()
            }
            Err(LoadError::Unreadable(error)) => error.to_string(),
            Err(LoadError::Wrong(findings)) => {
                let lines: Vec<String> = findings.list.iter().map(ToString::to_string).collect();
                lines.join("\n")
            }
        };
        if wrong.is_empty() || wrong != self.wrong {
            self.version += 1;
        }
        self.wrong = wrong;
        if let Some(files) = files {
            self.stamps = stamps(&files);
        }
    }
}

fn make(path: &Path) -> (Result<Cases, LoadError>, Option<Files>) {
    let mut source = match Source::load_files(path) {
        Ok(source) => source,
        Err((error, files)) => return (Err(error), files),
    };
    let made = Bundle::new(&mut source);
    let made = made.map(|bundle| Cases::new(bundle.config));
    let made = made.map_err(|findings: Findings| LoadError::Wrong(findings));
    (made, Some(source.files))
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
