//! `tidegate init`: a source to start from, which is a whole one.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Start a source of your own pages: a configuration, a page, a style, a picture, words
///
/// Nothing that is there already is overwritten.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder to start it in
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
}

macro_rules! starter {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("starter/", $name)) as &[u8])),*]
    };
}

/// The files of the source, the one that names the others last.
const FILES: &[(&str, &[u8])] = starter![
    "pages/shop.html",
    "pages/shop.css",
    "pages/shop.txt",
    "images/logo.svg",
    "images/harbour.svg",
    "locales/de.yaml",
    "tidegate.yaml",
];

/// Starts it.
pub(crate) fn run(args: &Args) -> ExitCode {
    let there: Vec<PathBuf> = FILES
        .iter()
        .map(|(name, _)| args.folder.join(name))
        .filter(|path| path.symlink_metadata().is_ok())
        .collect();
    if !there.is_empty() {
        for path in there {
            eprintln!("{}: is there already; nothing was written", path.display());
        }
        return ExitCode::from(crate::FINDINGS);
    }
    for (name, content) in FILES {
        let path = args.folder.join(name);
        if let Err(error) = write(&path, content) {
            eprintln!("{}: cannot be written: {error}", path.display());
            return ExitCode::from(crate::USAGE);
        }
    }
    let source = args.folder.join("tidegate.yaml");
    let source = source.strip_prefix(".").unwrap_or(&source).display();
    crate::output::print(&format!(
        "{source} is a source of pages. Next:\n\
         \n\
         tidegate preview {source}                # look at every page, while you change it\n\
         tidegate check {source}                  # what is wrong, what is unwise\n\
         tidegate bundle {source} -o filter.json  # what the filter gets (--as envoy: all of Envoy)\n"
    ))
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    options.open(path)?.write_all(content)
}
