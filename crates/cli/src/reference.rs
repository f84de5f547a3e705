//! `tidegate reference`.

use std::process::ExitCode;

/// Print the reference of the filter configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Prints it.
pub(crate) fn run(_: &Args) -> ExitCode {
    ExitCode::from(super::USAGE)
}
