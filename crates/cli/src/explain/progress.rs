//! Shows progress on standard error if that is a terminal.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Nothing is shown for this long.
const QUIET: Duration = Duration::from_millis(500);
/// Interval between updates.
const EVERY: Duration = Duration::from_millis(100);

/// A line on a terminal that is updated.
#[derive(Debug)]
pub(super) struct Progress {
    begun: Instant,
    updated: Option<Instant>,
    is_terminal: bool,
    /// Total size of all files; `None` if one is a pipe.
    total: Option<u64>,
    /// Size of the files that are finished.
    done: u64,
}

impl Progress {
    pub(super) fn new(files: &[PathBuf]) -> Self {
        let size = |file: &PathBuf| {
            let about = fs::metadata(file).ok()?;
            about.is_file().then_some(about.len())
        };
        Self {
            begun: Instant::now(),
            updated: None,
            is_terminal: io::stderr().is_terminal(),
            total: files.iter().map(size).sum(),
            done: 0,
        }
    }

    /// Updates the line; `read` is the number of bytes read of the current file.
    pub(super) fn update(&mut self, read: u64) {
        let is_due = match self.updated {
            None => self.begun.elapsed() >= QUIET,
            Some(updated) => updated.elapsed() >= EVERY,
        };
        if !self.is_terminal || !is_due {
            return;
        }
        self.updated = Some(Instant::now());
        let line = line(self.done + read, self.total, self.begun.elapsed());
        // A failed write to the terminal loses only the progress.
        let _ = write!(io::stderr(), "\r{line}\x1b[K");
    }

    /// Marks the current file as finished; `read` is its size.
    pub(super) fn done(&mut self, read: u64) {
        self.done += read;
    }

    /// Clears the line.
    pub(super) fn end(&self) {
        if self.updated.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(read: u64, total: Option<u64>, since: Duration) -> String {
    let mega = read as f64 / 1e6;
    let rate = mega / since.as_secs_f64().max(0.001);
    match total.filter(|total| *total > 0) {
        Some(total) => {
            let share = (read as f64 / total as f64).min(1.0);
            let left = since.as_secs_f64() * (1.0 - share) / share.max(0.001);
            let percent = share * 100.0;
            format!("{percent:3.0} %  {mega:.0} MB, {rate:.0} MB/s, {left:.0} s left")
        }
        None => format!("{mega:.0} MB, {rate:.0} MB/s"),
    }
}

#[cfg(test)]
mod tests;
