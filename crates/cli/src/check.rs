//! `tidegate check`: checks configurations with the filter's own parser, and reports all errors and
//! warnings of all files at once.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::bundle::Bundle;
use crate::lint;
use crate::source::{display_name, Finding, LoadError, Source};

/// Check filter configurations and page projects with the filter's own parser
///
/// Prints every error and warning with file, line and column. Warnings are about pages: what their
/// content security policy blocks, what is not accessible. Exit code: 0 if there are no errors, 1 if
/// there are, 2 if a file cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Configurations or sources in JSON or YAML; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
}

/// The counts of a run.
#[derive(Debug, Default)]
struct Tally {
    files: usize,
    errors: usize,
    warnings: usize,
    unreadable: usize,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    let mut tally = Tally::default();
    for file in &args.files {
        check(file, &mut tally);
    }
    eprintln!("{tally}");
    match tally {
        Tally {
            unreadable: 1.., ..
        } => ExitCode::from(crate::USAGE),
        Tally { errors: 1.., .. } => ExitCode::from(crate::FINDINGS),
        Tally { warnings: 1.., .. } if args.strict => ExitCode::from(crate::FINDINGS),
        _ => ExitCode::SUCCESS,
    }
}

fn check(file: &Path, tally: &mut Tally) {
    let mut source = match Source::load(file) {
        Ok(source) => source,
        Err(LoadError::Unreadable(error)) => {
            eprintln!("{}: cannot be read: {error}", display_name(file));
            tally.unreadable += 1;
            return;
        }
        Err(LoadError::Wrong(findings)) => {
            tally.files += 1;
            tally.errors += findings.total();
            findings.print(file);
            return;
        }
    };
    tally.files += 1;
    let mut warn = |warnings: &[Finding]| {
        for warning in warnings {
            eprintln!("{warning}");
        }
        tally.warnings += warnings.len();
    };
    warn(&lint::lint(&source));
    match Bundle::new(&mut source) {
        Ok(bundle) => warn(&lint::sizes(&source, &bundle)),
        // The filter accepts it all the same.
        Err(mut findings) if source.is_for_the_filter => {
            for finding in &mut findings.list {
                finding.what.insert_str(0, "warning: ");
            }
            warn(&findings.list);
        }
        Err(findings) => {
            findings.print(file);
            tally.errors += findings.total();
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |count: usize, one: &str| match count {
            1 => format!("1 {one}"),
            _ => format!("{count} {one}s"),
        };
        write!(
            formatter,
            "{} checked: {}",
            many(self.files, "file"),
            many(self.errors, "error")
        )?;
        if self.warnings > 0 {
            write!(formatter, ", {}", many(self.warnings, "warning"))?;
        }
        if self.unreadable > 0 {
            write!(
                formatter,
                "; {} cannot be read",
                many(self.unreadable, "file")
            )?;
        }
        Ok(())
    }
}
