//! A source and what it makes, made anew when a file of it changes.
//!
//! Files are looked at, not watched: editors save in many ways, and asking for the time of a dozen
//! files costs nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::cases::Cases;
use crate::bundle::Bundle;
use crate::source::{Files, Findings, LoadError, Source};

/// When a file was changed, and its length; `None`: it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// A source under work.
pub(super) struct Watched {
    source: PathBuf,
    cases: Cases,
    /// What is wrong with the source as it is now; the pages are then those of before.
    wrong: String,
    version: u64,
    stamps: Vec<(PathBuf, Stamp)>,
}

impl Watched {
    /// Reads the source for the first time.
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

    /// What the gallery shows.
    pub(super) fn state(&self) -> String {
        self.cases.state(true, self.version, &self.wrong)
    }

    /// Makes everything anew if a file has changed. While something is wrong that is done each time:
    /// what is missing cannot be looked at.
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
