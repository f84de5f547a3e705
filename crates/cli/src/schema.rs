//! `tidegate schema`: prints the JSON Schemas, for editors and for `schema/`.

use std::process::ExitCode;

use tidegate_core::config::reference;

use crate::source;

/// Print the JSON Schema of the filter configuration, or of a source
///
/// `tidegate init` writes the schema of the source into the project, where editors find it without a network.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate schema >config.schema.json
  tidegate schema --source >my-pages/tidegate.schema.json   the first line of the source, for editors:
                                                            # yaml-language-server: $schema=tidegate.schema.json")]
pub(crate) struct Args {
    /// The schema of a source, in which files may be named
    #[arg(long)]
    source: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    crate::output::print(&match args.source {
        true => of_source(),
        false => reference::schema(),
    })
}

/// Returns the schema of a source.
pub(crate) fn of_source() -> String {
    reference::source_schema(
        &source::takes_file,
        "A path relative to the file that contains it, inside the folder of the source.",
    )
}
