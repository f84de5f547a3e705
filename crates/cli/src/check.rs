//! `tidegate check`: is this a configuration that the filter would accept? It asks the filter's own
//! parser, and tells everything that is wrong with every file at once.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tidegate_core::config::{limits, Config};

/// Check filter configurations, with the filter's own parser.
///
/// Exit code: 0 when all are in order, 1 when something was found, 2 when a file cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files to check; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What checking the files came to.
#[derive(Debug, Default)]
struct Tally {
    files: usize,
    errors: usize,
    unreadable: usize,
    not_in_force: usize,
}

/// Checks every file.
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
        _ => ExitCode::SUCCESS,
    }
}

fn check(file: &Path, tally: &mut Tally) {
    let name = if is_stdin(file) {
        "stdin".into()
    } else {
        file.to_string_lossy()
    };
    let bytes = match read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("{name}: cannot be read: {error}");
            tally.unreadable += 1;
            return;
        }
    };
    tally.files += 1;
    match Config::from_json(&bytes) {
        Ok(config) => {
            for path in &config.not_in_force {
                eprintln!("{name}: {path}: note: not yet in force");
                tally.not_in_force += 1;
            }
        }
        Err(errors) => {
            tally.errors += errors.total();
            for error in errors.iter() {
                eprintln!("{name}: {error}");
            }
            if errors.more() > 0 {
                eprintln!("{name}: and {} more", errors.more());
            }
        }
    }
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

/// Reads a file, but no more of it than is needed to see that it is too large.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let enough = u64::try_from(limits::CONFIG_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    if is_stdin(file) {
        io::stdin().lock().take(enough).read_to_end(&mut bytes)?;
    } else {
        File::open(file)?.take(enough).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
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
        if self.not_in_force > 0 {
            write!(formatter, ", {}", many(self.not_in_force, "note"))?;
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
