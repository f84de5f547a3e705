//! The scripts of `scripts/` that find or install what the tests use.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Runs a script and returns the path that it prints.
///
/// # Panics
/// If the script fails, or prints something else than the path of a file.
pub(crate) fn path(name: &str) -> PathBuf {
    let printed = lines(name);
    let found = PathBuf::from(printed.first().map_or("", String::as_str));
    assert!(
        found.is_file(),
        "scripts/{name} printed {printed:?}, which is no file"
    );
    found
}

/// Runs a script and returns the lines that it prints.
///
/// # Panics
/// If the script fails.
pub(crate) fn lines(name: &str) -> Vec<String> {
    let path = crate::workspace().join("scripts").join(name);
    let output = Command::new(&path)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", path.display()));
    assert!(
        output.status.success(),
        "{} failed: {}",
        path.display(),
        output.status
    );
    let printed = String::from_utf8(output.stdout).expect("lines in UTF-8");
    printed.lines().map(str::to_owned).collect()
}
