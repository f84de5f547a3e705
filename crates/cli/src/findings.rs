//! What the command finds in a source: errors and warnings, each with its place.

use std::fmt;

use anstyle::{AnsiColor, Style};

use crate::source::Mark;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// The filter, or the bundle, refuses it.
    Error,
    /// It is accepted but should be changed.
    Warning,
}

impl Severity {
    /// Returns its word in every format.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }

    fn style(self) -> Style {
        let color = match self {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
        };
        color.on_default().bold()
    }
}

/// A message with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The display name of the file.
    pub(crate) file: String,
    /// The place in the file; its line is 0 if only the file is known.
    pub(crate) mark: Mark,
    pub(crate) severity: Severity,
    /// The message.
    pub(crate) what: String,
}

impl Finding {
    /// Returns the same finding as a warning.
    pub(crate) fn into_warning(self) -> Self {
        Self {
            severity: Severity::Warning,
            ..self
        }
    }

    /// Returns `file:line:column`, or as much of it as is known.
    fn place(&self) -> String {
        match self.mark.line {
            0 => self.file.clone(),
            line => format!("{}:{line}:{}", self.file, self.mark.column),
        }
    }

    /// Prints it to standard error, in colour on a terminal.
    fn print(&self) {
        let style = self.severity.style();
        let (place, word, what) = (self.place(), self.severity.word(), &self.what);
        anstream::eprintln!("{place}: {style}{word}{style:#}: {what}");
    }
}

/// Editors and CI systems know this form.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, word) = (self.place(), self.severity.word());
        write!(f, "{place}: {word}: {}", self.what)
    }
}

/// The findings of a source.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) list: Vec<Finding>,
    /// Number of further errors that the filter's parser counts but does not list.
    pub(crate) more: usize,
}

impl Findings {
    /// Returns the number of errors.
    pub(crate) fn errors(&self) -> usize {
        self.list.len() - self.warnings() + self.more
    }

    /// Returns the number of warnings.
    pub(crate) fn warnings(&self) -> usize {
        let list = self.list.iter();
        list.filter(|finding| finding.severity == Severity::Warning)
            .count()
    }

    /// Adds a finding unless it is known.
    pub(crate) fn add(&mut self, finding: Finding) {
        if !self.list.contains(&finding) {
            self.list.push(finding);
        }
    }

    /// Sorts the findings by place: those of the source first, then those of its other files.
    pub(crate) fn sort(&mut self) {
        self.list
            .sort_by_key(|finding| (finding.mark.file, finding.mark.line, finding.mark.column));
    }

    /// Prints all, one per line. `name` is the source.
    pub(crate) fn print(&self, name: &str) {
        for finding in &self.list {
            finding.print();
        }
        if self.more > 0 {
            eprintln!("{name}: and {}", count(self.more, "more error"));
        }
    }
}

/// Returns a number with its noun.
pub(crate) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
