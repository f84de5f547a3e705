//! Records the commit that the command is built from, for `tidegate version`.

use std::path::Path;
use std::process::Command;

/// Returns what a command of git prints, without its line break.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let printed = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| printed.trim().to_owned())
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Each commit and each checkout writes a line to it. Cargo would rerun this each time if it were not there.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        if Path::new(&log).exists() {
            println!("cargo::rerun-if-changed={log}");
        }
    }
    // Sources without a repository have no commit.
    if let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) {
        println!("cargo::rustc-env=TIDEGATE_COMMIT={commit}");
    }
}
