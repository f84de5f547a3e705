//! `tidegate init`: creates a complete page project.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Create a page project: a configuration, its schema for editors, a page, a style sheet, pictures, texts
///
/// Existing files are never overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate init my-pages   a new folder
  tidegate init            this folder")]
pub(crate) struct Args {
    /// Folder of the project; created if it does not exist
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
}

macro_rules! starter {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("starter/", $name)) as &[u8])),*]
    };
}

/// The schema of the source, for editors. The first line of the source names it.
const SCHEMA: &str = "tidegate.schema.json";

/// The other files of the project. The source, which refers to them, is the last.
const FILES: &[(&str, &[u8])] = starter![
    "pages/shop.html",
    "pages/shop.css",
    "pages/shop.txt",
    "images/logo.svg",
    "images/harbour.svg",
    "locales/de.yaml",
    "tidegate.yaml",
];

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    let schema = crate::schema::of_source();
    let files = || std::iter::once((SCHEMA, schema.as_bytes())).chain(FILES.iter().copied());
    let there: Vec<PathBuf> = files()
        .map(|(name, _)| args.folder.join(name))
        .filter(|path| path.symlink_metadata().is_ok())
        .collect();
    if !there.is_empty() {
        for path in there {
            eprintln!("{}: already exists; nothing was written", path.display());
        }
        return ExitCode::from(crate::FINDINGS);
    }
    for (name, content) in files() {
        let path = args.folder.join(name);
        if let Err(error) = write(&path, content) {
            eprintln!("{}: cannot be written: {error}", path.display());
            return ExitCode::from(crate::USAGE);
        }
    }
    let source = args.folder.join("tidegate.yaml");
    let source = source.strip_prefix(".").unwrap_or(&source).display();
    crate::output::print(&format!(
        "Created {source}. Next:\n\
         \n\
         tidegate preview {source}                # show every page while you edit\n\
         tidegate check {source}                  # list errors and warnings\n\
         tidegate bundle {source} -o filter.json  # write the filter configuration (--as envoy: a complete Envoy)\n"
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
