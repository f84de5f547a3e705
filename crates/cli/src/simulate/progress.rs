//! Shows how many of the runs are complete.

use std::time::Duration;

use crate::progress::Progress;

/// Nothing is shown for this long.
const QUIET: Duration = Duration::from_secs(2);

/// The progress of a number of runs.
#[derive(Debug)]
pub(crate) struct RunProgress {
    progress: Progress,
    total: usize,
}

impl RunProgress {
    /// Creates the progress of `total` runs.
    pub(crate) fn new(total: usize) -> Self {
        Self {
            progress: Progress::in_log_too(QUIET),
            total,
        }
    }

    /// Updates the progress: `done` runs are complete, and `share` in [0, 1] of the next one,
    /// `what`.
    pub(crate) fn update(&mut self, done: usize, share: f64, what: &str) {
        let percent = 100.0 * (done as f64 + share) / self.total.max(1) as f64;
        self.progress.update(|_| format!("{percent:3.0} % {what}"));
    }

    /// Clears the line.
    pub(crate) fn end(&self) {
        self.progress.end();
    }
}
