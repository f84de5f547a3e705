//! `tidegate check`: is this a configuration that the filter would accept?

use std::path::PathBuf;
use std::process::ExitCode;

/// Check filter configurations with the filter's own parser.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files to check; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Checks every file.
pub(crate) fn run(args: &Args) -> ExitCode {
    for file in &args.files {
        eprintln!("{}: cannot be checked yet", file.display());
    }
    ExitCode::from(super::FINDINGS.max(super::USAGE))
}
