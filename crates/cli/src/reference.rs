//! `tidegate reference`: prints `docs/configuration.md` and `docs/command.md`.

use std::process::ExitCode;

use clap::CommandFactory as _;
use tidegate_core::config::reference;

use crate::Cli;

/// What docs/command.md says before the help of the commands.
const ABOUT_COMMAND: &str = include_str!("reference/command.md");

/// Print the reference of the filter configuration, or of this command (Markdown)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate reference             docs/configuration.md
  tidegate reference --command   docs/command.md")]
pub(crate) struct Args {
    /// Print the reference of this command instead
    #[arg(long)]
    command: bool,
}

/// Characters in a line of the help.
const WIDTH: usize = 100;

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    match args.command {
        true => crate::output::print(&command_page()),
        false => crate::output::print(&reference::page()),
    }
}

/// Returns the page: the introduction and the help of every command.
fn command_page() -> String {
    let mut page = ABOUT_COMMAND.to_owned();
    // The same page on a terminal of any width.
    let mut cli = Cli::command().term_width(WIDTH);
    cli.build();
    let commands = cli
        .get_subcommands()
        .filter(|command| command.get_name() != "help");
    for command in commands {
        // Values of variables are those of whoever prints the page.
        let mut command = command.clone().mut_args(|arg| arg.hide_env_values(true));
        let help = command.render_long_help().to_string();
        let lines = help.lines().map(str::trim_end);
        let help: String = lines.flat_map(|line| [line, "\n"]).collect();
        page += &format!(
            "\n## `tidegate {}`\n\n```text\n{}\n```\n",
            command.get_name(),
            help.trim_end()
        );
    }
    page
}
