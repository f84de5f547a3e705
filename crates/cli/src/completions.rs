//! `tidegate completions` and `tidegate man`: files for shells and for `man`, made from the definition of
//! the arguments.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::Cli;

/// Print the completions of a shell
///
/// The output belongs into a file that the shell reads at its start.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate completions bash >~/.local/share/bash-completion/completions/tidegate
  tidegate completions fish >~/.config/fish/completions/tidegate.fish
  tidegate completions zsh >\"${fpath[1]}/_tidegate\"")]
pub(crate) struct Args {
    /// Shell
    shell: Shell,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tidegate", &mut script);
    crate::output::print(&String::from_utf8_lossy(&script))
}

/// Print a man page
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate man | man -l -            read the page of the command
  tidegate man check | man -l -      read the page of `tidegate check`
  tidegate man >/usr/local/share/man/man1/tidegate.1")]
pub(crate) struct ManArgs {
    /// Command of Tidegate, such as `check`; without it, the page is about all of them
    command: Option<String>,
}

/// Runs the command.
pub(crate) fn man(args: &ManArgs) -> ExitCode {
    let mut cli = Cli::command();
    cli.build();
    let wanted = args.command.as_deref().unwrap_or("tidegate");
    let command = match wanted {
        "tidegate" => Some(&cli),
        name => cli.find_subcommand(name),
    };
    let Some(command) = command else {
        let names = cli.get_subcommands().map(clap::Command::get_name);
        let names: Vec<&str> = names.filter(|name| *name != "help").collect();
        eprintln!("COMMAND: found {wanted:?}; allowed: {}", names.join(", "));
        return ExitCode::from(crate::USAGE);
    };
    let mut page = Vec::new();
    match clap_mangen::Man::new(command.clone()).render(&mut page) {
        Ok(()) => crate::output::print(&String::from_utf8_lossy(&page)),
        Err(error) => {
            eprintln!("the page cannot be made: {error}");
            ExitCode::from(crate::USAGE)
        }
    }
}
