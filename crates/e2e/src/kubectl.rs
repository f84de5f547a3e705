//! A real kubectl, of which the tests use what needs no cluster.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// Returns the program.
///
/// # Panics
/// If there is none: tests are never skipped.
pub fn program() -> &'static Path {
    static KUBECTL: LazyLock<PathBuf> = LazyLock::new(|| crate::scripts::path("kubectl.sh"));
    &KUBECTL
}

/// Returns what `kubectl kustomize` prints for a folder with a `kustomization.yaml`.
///
/// # Errors
/// What it says, if it refuses the folder.
///
/// # Panics
/// If there is no kubectl: tests are never skipped.
pub fn kustomize(folder: &Path) -> Result<String, String> {
    let output = Command::new(program())
        .arg("kustomize")
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .expect("run kubectl");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    match output.status.success() {
        true => Ok(text(output.stdout)),
        false => Err(text(output.stderr)),
    }
}
