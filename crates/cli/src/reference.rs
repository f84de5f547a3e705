//! `tidegate reference`: prints `docs/configuration.md`.

use std::process::ExitCode;

use tidegate_core::config::reference;

/// Print the reference of the filter configuration (Markdown)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs the command.
pub(crate) fn run(_: &Args) -> ExitCode {
    crate::output::print(&reference::page())
}
