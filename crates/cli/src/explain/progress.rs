//! Shows how much of the logs has been read.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::progress::Progress;

/// Nothing is shown for this long.
const QUIET: Duration = Duration::from_millis(500);

/// The progress of reading files, in bytes as they are on disk.
#[derive(Debug)]
pub(super) struct ReadProgress {
    progress: Progress,
    /// Total size of all files; `None` if one is a pipe.
    total: Option<u64>,
    /// Size of the files that are finished.
    done: u64,
}

impl ReadProgress {
    pub(super) fn new(files: &[PathBuf]) -> Self {
        let size = |file: &PathBuf| {
            let about = fs::metadata(file).ok()?;
            about.is_file().then_some(about.len())
        };
        Self {
            progress: Progress::on_terminal(QUIET),
            total: files.iter().map(size).sum(),
            done: 0,
        }
    }

    /// Updates the line; `read` is the number of bytes read of the current file.
    pub(super) fn update(&mut self, read: u64) {
        let (read, total) = (self.done + read, self.total);
        self.progress.update(|since| line(read, total, since));
    }

    /// Marks the current file as finished; `read` is its size.
    pub(super) fn done(&mut self, read: u64) {
        self.done += read;
    }

    /// Clears the line.
    pub(super) fn end(&self) {
        self.progress.end();
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
