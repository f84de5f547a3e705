//! Writing to standard output, where a reader may go away at any time (`tidegate schema | head`).

use std::io::{self, Write};
use std::process::ExitCode;

/// Writes `text` and says how that went. A reader that has seen enough is no failure.
pub(crate) fn print(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("standard output: {error}");
            ExitCode::from(crate::USAGE)
        }
        _ => ExitCode::SUCCESS,
    }
}
