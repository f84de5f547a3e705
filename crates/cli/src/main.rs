//! The command `tidegate`.
//!
//! It uses the filter's own core, so it accepts and shows exactly what the filter accepts and
//! serves.
//! Every subcommand is a module with `Args` and `run(Args) -> ExitCode`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bundle;
mod check;
mod demo;
mod explain;
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

/// Exit code: the command found errors.
const FINDINGS: u8 = 1;
/// Exit code: the command could not run (wrong usage, unreadable file).
/// The same number as clap's for wrong arguments.
const USAGE: u8 = 2;

/// Build configurations of the Tidegate filter for Envoy, explain its failures, simulate its breaker
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, propagate_version = true)]
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
}

fn main() -> ExitCode {
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
    }
}
