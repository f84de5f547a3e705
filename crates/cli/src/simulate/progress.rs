//! How far a long run has come, on standard error.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Who waits for longer than this wants to know for what.
const QUIET: Duration = Duration::from_secs(2);
/// A line in a log is written at most this often; one on a terminal is written over.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// A terminal is told so often.
const TERMINAL_EVERY: Duration = Duration::from_millis(200);

/// Tells nothing for two seconds; then how far it is: on a terminal in one line that changes.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    told: Option<Instant>,
    is_terminal: bool,
    total: usize,
}

impl Progress {
    /// For so many runs.
    pub(crate) fn new(total: usize) -> Self {
        Self {
            begun: Instant::now(),
            told: None,
            is_terminal: io::stderr().is_terminal(),
            total,
        }
    }

    /// `done` runs are done, and `share` in [0, 1] of the one after them, which is `what`.
    pub(crate) fn tell(&mut self, done: usize, share: f64, what: &str) {
        let (every, end) = if self.is_terminal {
            (TERMINAL_EVERY, "\x1b[K\r")
        } else {
            (LOG_EVERY, "\n")
        };
        let is_due = match self.told {
            None => self.begun.elapsed() >= QUIET,
            Some(told) => told.elapsed() >= every,
        };
        if is_due {
            self.told = Some(Instant::now());
            let percent = 100.0 * (done as f64 + share) / self.total.max(1) as f64;
            // Whoever does not read this misses nothing else.
            let _ = write!(io::stderr(), "{percent:3.0} % {what}{end}");
        }
    }

    /// Clears the line.
    pub(crate) fn end(&self) {
        if self.is_terminal && self.told.is_some() {
            let _ = write!(io::stderr(), "\x1b[K");
        }
    }
}
