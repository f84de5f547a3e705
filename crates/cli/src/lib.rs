//! The command `tidegate`.
//!
//! It uses the filter's own core, so it accepts and shows exactly what the filter accepts and
//! serves.
//! Every subcommand is a module with `Args` and `run(Args) -> ExitCode`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bundle;
mod check;
mod completions;
mod demo;
mod explain;
mod findings;
mod http;
mod init;
mod lint;
mod markup;
mod output;
mod preview;
mod progress;
mod reference;
mod schema;
mod simulate;
mod source;
mod time;
mod version;
mod words;

/// Exit code: the command found errors.
const FINDINGS: u8 = 1;
/// Exit code: the command could not run (wrong usage, unreadable file).
/// The same number as clap's for wrong arguments.
const USAGE: u8 = 2;

/// Make, check and preview configurations of the Tidegate filter for Envoy; explain failures in access
/// logs; simulate the circuit breaker
#[derive(Debug, Parser)]
#[command(
    name = "tidegate",
    version,
    long_version = version::long(),
    propagate_version = true,
    after_help = "\
Examples:
  tidegate init my-pages                           start pages of your own
  tidegate preview my-pages/tidegate.yaml          see them while you edit
  tidegate check my-pages/tidegate.yaml            find errors and warnings
  tidegate bundle my-pages/tidegate.yaml --as envoy -o envoy.yaml
  tidegate explain access.log                      find out why requests failed

`tidegate COMMAND --help` has examples of each command."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Check(check::Args),
    Preview(preview::Args),
    Bundle(bundle::Args),
    Demo(demo::Args),
    Explain(explain::Args),
    Schema(schema::Args),
    Reference(reference::Args),
    Simulate(simulate::Args),
    Words(words::Args),
    Completions(completions::Args),
    Man(completions::ManArgs),
    Version(version::Args),
}

/// Runs the command with the arguments of the process.
pub fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Init(args) => init::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Preview(args) => preview::run(&args),
        Command::Bundle(args) => bundle::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Reference(args) => reference::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Words(args) => words::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => completions::man(&args),
        Command::Version(args) => version::run(&args),
    }
}
