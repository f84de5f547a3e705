//! Shows the progress of a long run on standard error.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Nothing is shown for this long.
const QUIET: Duration = Duration::from_secs(2);
/// Interval between lines if standard error is not a terminal.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// Interval between updates on a terminal.
const TERMINAL_EVERY: Duration = Duration::from_millis(200);

/// Shows nothing for two seconds, then the progress; on a terminal in one line that is updated.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    updated: Option<Instant>,
    is_terminal: bool,
    total: usize,
}

impl Progress {
    /// Creates the progress of `total` runs.
    pub(crate) fn new(total: usize) -> Self {
        Self {
            begun: Instant::now(),
            updated: None,
            is_terminal: io::stderr().is_terminal(),
            total,
        }
    }

    /// Updates the progress: `done` runs are complete, and `share` in [0, 1] of the next one,
    /// `what`.
    pub(crate) fn tell(&mut self, done: usize, share: f64, what: &str) {
        let (every, end) = if self.is_terminal {
            (TERMINAL_EVERY, "\x1b[K\r")
        } else {
            (LOG_EVERY, "\n")
        };
        let is_due = match self.updated {
            None => self.begun.elapsed() >= QUIET,
            Some(updated) => updated.elapsed() >= every,
        };
        if is_due {
            self.updated = Some(Instant::now());
            let percent = 100.0 * (done as f64 + share) / self.total.max(1) as f64;
            // A failed write loses only the progress.
            let _ = write!(io::stderr(), "{percent:3.0} % {what}{end}");
        }
    }

    /// Clears the line.
    pub(crate) fn end(&self) {
        if self.is_terminal && self.updated.is_some() {
            let _ = write!(io::stderr(), "\x1b[K");
        }
    }
}
