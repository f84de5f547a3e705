//! `tidegate-exports IN OUT`: writes the module with fewer exports and reports the counts
//! (scripts/wasm.sh).
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io, process};

use tidegate_exports::{count_exported_functions, keep_exports, list::KEPT};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [input, output] = arguments.as_slice() else {
        eprintln!("usage: tidegate-exports IN.wasm OUT.wasm");
        return ExitCode::from(2);
    };
    match run(input, output) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}: {error}", input.display());
            ExitCode::FAILURE
        }
    }
}

fn run(input: &Path, output: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let before = fs::read(input)?;
    let after = keep_exports(&before, KEPT)?;
    let has_changed = replace(output, &after)?;
    Ok(format!(
        "exports: {} -> {} functions; the module has {} bytes{}",
        count_exported_functions(&before)?,
        count_exported_functions(&after)?,
        after.len(),
        if has_changed { "" } else { " (unchanged)" },
    ))
}

/// Puts `bytes` at `path` in one step and only if they differ: a running Envoy never reads half a
/// module, and a file that does not change keeps its time. Returns whether it wrote.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", process::id()));
    fs::write(&temporary, bytes)?;
    fs::rename(&temporary, path)?;
    Ok(true)
}
