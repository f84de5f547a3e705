//! `tidegate schema`: prints the JSON Schema, for editors and for `schema/config.schema.json`.

use std::process::ExitCode;

use tidegate_core::config::reference;

/// Print the JSON Schema of the filter configuration
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate schema >tidegate.schema.json   then, in a source, for editors:
                                          # yaml-language-server: $schema=tidegate.schema.json")]
pub(crate) struct Args {}

/// Runs the command.
pub(crate) fn run(_: &Args) -> ExitCode {
    crate::output::print(&reference::schema())
}
