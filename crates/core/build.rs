//! Makes the script of the built-in page small: the page has to fit into the first packets of a connection.
#![expect(
    clippy::disallowed_methods,
    reason = "the core reads no files; the machine that builds it does"
)]

use std::error::Error;
use std::path::Path;
use std::{env, fs};

const SCRIPT: &str = "src/page/builtin/page.js";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SCRIPT}");
    let script = fs::read_to_string(SCRIPT)?;
    let small = minifier::js::minify(&script)?.to_string();
    let folder = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&folder).join("page.js"), small)?;
    Ok(())
}
