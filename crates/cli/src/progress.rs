//! Shows the progress of a long run on standard error.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Interval between updates on a terminal.
const TERMINAL_EVERY: Duration = Duration::from_millis(100);
/// Interval between lines if standard error is not a terminal.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// A line that is updated on a terminal; elsewhere separate lines, or nothing.
#[derive(Debug)]
pub(crate) struct Progress {
    begun: Instant,
    updated: Option<Instant>,
    quiet: Duration,
    is_terminal: bool,
    logs: bool,
}

impl Progress {
    /// Creates a progress that is shown on a terminal only, after the time `quiet`.
    pub(crate) fn on_terminal(quiet: Duration) -> Self {
        Self {
            begun: Instant::now(),
            updated: None,
            quiet,
            is_terminal: io::stderr().is_terminal(),
            logs: false,
        }
    }

    /// Creates a progress that is shown after the time `quiet`: on a terminal, or else as one line
    /// every ten seconds.
    pub(crate) fn in_log_too(quiet: Duration) -> Self {
        Self {
            logs: true,
            ..Self::on_terminal(quiet)
        }
    }

    /// Shows what `line` returns for the time since the start, if an update is due.
    pub(crate) fn update(&mut self, line: impl FnOnce(Duration) -> String) {
        let (every, end) = match self.is_terminal {
            true => (TERMINAL_EVERY, "\x1b[K\r"),
            false if self.logs => (LOG_EVERY, "\n"),
            false => return,
        };
        let is_due = match self.updated {
            None => self.begun.elapsed() >= self.quiet,
            Some(updated) => updated.elapsed() >= every,
        };
        if is_due {
            self.updated = Some(Instant::now());
            let line = line(self.begun.elapsed());
            // A failed write loses only the progress.
            let _ = write!(io::stderr(), "{line}{end}");
        }
    }

    /// Clears the line.
    pub(crate) fn end(&self) {
        if self.is_terminal && self.updated.is_some() {
            let _ = write!(io::stderr(), "\x1b[K");
        }
    }
}
