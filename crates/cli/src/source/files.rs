//! The files of a source, all inside one folder, each read once.
//!
//! A source may come from an untrusted author, and the files that it names end up on a public page.
//! So no file outside its folder is read, neither through `..` nor through a link.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tidegate_core::config::limits;

use super::node::Mark;

/// A source may be a file of Envoy or Kubernetes that holds several configurations, each of which has
/// a limit of its own.
const SOURCE_BYTES: usize = 16 << 20;

/// A file that was read.
#[derive(Debug, Clone)]
struct Entry {
    /// Its display name.
    name: String,
    path: PathBuf,
    bytes: Vec<u8>,
}

/// The files of a source, identified by number.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// The folder that contains all of them; `None` for standard input.
    root: Option<PathBuf>,
    /// The same folder for display.
    shown_root: PathBuf,
    entries: Vec<Entry>,
}

impl Files {
    /// Opens the source at `path` as file 0.
    pub(crate) fn around(path: &Path) -> io::Result<Self> {
        let bytes = read(File::open(path)?, SOURCE_BYTES)?;
        let path_there = path.canonicalize()?;
        let root = path_there.parent().map(Path::to_path_buf);
        Ok(Self {
            root,
            shown_root: path.parent().unwrap_or(Path::new("")).to_path_buf(),
            entries: vec![Entry {
                name: path.display().to_string(),
                path: path_there,
                bytes,
            }],
        })
    }

    /// Reads standard input, which cannot refer to files.
    pub(crate) fn stdin() -> io::Result<Self> {
        Ok(Self {
            root: None,
            shown_root: PathBuf::new(),
            entries: vec![Entry {
                name: "stdin".to_owned(),
                path: PathBuf::new(),
                bytes: read(io::stdin().lock(), SOURCE_BYTES)?,
            }],
        })
    }

    pub(crate) fn name(&self, file: usize) -> &str {
        self.entries.get(file).map_or("", |entry| &entry.name)
    }

    pub(crate) fn bytes(&self, file: usize) -> &[u8] {
        self.entries.get(file).map_or(&[], |entry| &entry.bytes)
    }

    /// Returns the extension of a file in lower case.
    pub(crate) fn extension(&self, file: usize) -> String {
        let path = self.entries.get(file).map(|entry| entry.path.as_path());
        let extension = path.and_then(Path::extension).unwrap_or_default();
        extension.to_string_lossy().to_ascii_lowercase()
    }

    /// Returns the path of every file that was read.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.entries.iter().map(|entry| entry.path.as_path())
    }

    /// Returns a file as text, or the place of the first byte that is not text in UTF-8. A NUL is none either: a page
    /// of ASCII in UTF-16 has them.
    pub(crate) fn text(&self, file: usize) -> Result<&str, Mark> {
        let bytes = self.bytes(file);
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| error.valid_up_to());
        let text = text.and_then(|text| match text.find('\0') {
            None => Ok(text),
            Some(at) => Err(at),
        });
        text.map_err(|end| {
            let good = bytes.get(..end).unwrap_or_default();
            position(&String::from_utf8_lossy(good), file, usize::MAX)
        })
    }

    /// Returns the message for a file that is not text.
    pub(crate) fn not_text(&self, file: usize) -> &'static str {
        let bytes = self.bytes(file);
        let has_mark = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
        match has_mark || bytes.contains(&0) {
            true => "UTF-16, or no text; allowed: text in UTF-8",
            false => "not UTF-8; allowed: text in UTF-8",
        }
    }

    /// Opens the file that `from` refers to as `reference`; the error says why it cannot.
    pub(crate) fn open(&mut self, from: usize, reference: &str) -> Result<usize, String> {
        let limit = (limits::CONFIG_BYTES, "a whole configuration");
        self.open_as(from, reference, limit)
    }

    /// Opens a file for a purpose. The error about a file that is larger than any configuration names
    /// the limit of that purpose.
    pub(super) fn open_as(
        &mut self,
        from: usize,
        reference: &str,
        (limit, purpose): (usize, &str),
    ) -> Result<usize, String> {
        let Some(root) = &self.root else {
            return Err("standard input cannot refer to files".to_owned());
        };
        if reference.is_empty() {
            return Err("the file name is empty".to_owned());
        }
        let shown = format!("{reference:?}");
        if Path::new(reference).is_absolute() {
            return Err(format!(
                "{shown} is an absolute path; allowed: a path relative to {}",
                self.name(from)
            ));
        }
        let folder = self.entries.get(from).and_then(|entry| entry.path.parent());
        let path = folder.unwrap_or(root).join(reference);
        let path = path
            .canonicalize()
            .map_err(|error| format!("{shown} cannot be read: {}", plain(&error)))?;
        let Ok(inner) = path.strip_prefix(root) else {
            return Err(format!(
                "{shown} is outside the folder of the source; allowed: files inside it"
            ));
        };
        if let Some(known) = self.entries.iter().position(|entry| entry.path == path) {
            return Ok(known);
        }
        if !path.is_file() {
            return Err(format!("{shown} is not a file"));
        }
        let bytes = File::open(&path)
            .and_then(|file| read(file, limits::CONFIG_BYTES))
            .map_err(|error| format!("{shown} cannot be read: {}", plain(&error)))?;
        if bytes.len() > limits::CONFIG_BYTES {
            let size = path.metadata().map_or(0, |file| file.len());
            return Err(format!(
                "{shown} has {size} bytes; allowed: at most {limit} for {purpose}"
            ));
        }
        let name = self.shown_root.join(inner).display().to_string();
        self.entries.push(Entry { name, path, bytes });
        Ok(self.entries.len() - 1)
    }
}

/// Reads at most one byte more than the limit.
fn read(from: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Formats a system error without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Returns the place of a byte in a file.
pub(crate) fn position(text: &str, file: usize, at: usize) -> Mark {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    Mark {
        file,
        line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
        column: line.chars().count() + 1,
    }
}
