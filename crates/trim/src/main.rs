//! `tidegate-trim IN OUT`: writes the trimmed module and says what that saved (scripts/wasm.sh).
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io, process};

use tidegate_trim::{exports::KEPT, surface, trim};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [input, output] = arguments.as_slice() else {
        eprintln!("usage: tidegate-trim IN.wasm OUT.wasm");
        return ExitCode::from(2);
    };
    match run(input, output) {
        Ok(said) => {
            println!("{said}");
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
    let after = trim(&before, KEPT)?;
    let (old, new) = (surface(&before)?, surface(&after)?);
    let news = replace(output, &after)?;
    Ok(format!(
        "trimmed {} -> {} bytes, {} -> {} exported functions, {} -> {} imports{}",
        before.len(),
        after.len(),
        old.exports,
        new.exports,
        old.imports,
        new.imports,
        if news { "" } else { " (unchanged)" },
    ))
}

/// Puts `bytes` at `path` in one step, and only when they differ: a running Envoy never reads half a
/// module, and what depends on the file's time is not made again for nothing. True when it wrote.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}", process::id()));
    fs::write(&aside, bytes)?;
    fs::rename(&aside, path)?;
    Ok(true)
}
