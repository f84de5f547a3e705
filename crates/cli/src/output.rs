//! Writes to standard output, whose reader may close it at any time (`tidegate schema | head`).

use std::io::{self, Write};
use std::process::ExitCode;

/// Writes `text` and returns the exit code. A closed pipe is not an error.
pub(crate) fn print(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("standard output: {error}");
            ExitCode::from(crate::USAGE)
        }
        _ => ExitCode::SUCCESS,
    }
}
