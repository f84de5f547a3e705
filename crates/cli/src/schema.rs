//! `tidegate schema`.

use std::process::ExitCode;

/// Print the schema of the filter configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Prints it.
pub(crate) fn run(_: &Args) -> ExitCode {
    ExitCode::from(super::USAGE)
}
