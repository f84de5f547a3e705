//! Waiting for a condition.

use std::fmt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// Time between two looks at a condition.
const POLL: Duration = Duration::from_millis(10);

/// Polls until `probe` returns a value.
///
/// # Errors
/// If `ended` returns the status of a process that ended, or the limit passes.
pub fn wait_until<T>(
    limit: Duration,
    mut ended: impl FnMut() -> Option<ExitStatus>,
    mut probe: impl FnMut() -> Option<T>,
) -> Result<T, WaitError> {
    let end = Instant::now() + limit;
    loop {
        if let Some(value) = probe() {
            return Ok(value);
        }
        if let Some(status) = ended() {
            return Err(WaitError::Ended(status));
        }
        if Instant::now() >= end {
            return Err(WaitError::Overdue(limit));
        }
        std::thread::sleep(POLL);
    }
}

/// Why a condition was not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitError {
    /// The process ended.
    Ended(ExitStatus),
    /// The limit has passed.
    Overdue(Duration),
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(status) => write!(f, "the process ended: {status}"),
            Self::Overdue(limit) => write!(f, "not within {limit:?}"),
        }
    }
}

impl std::error::Error for WaitError {}
