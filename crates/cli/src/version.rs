//! `tidegate version`, and `tidegate --version`: which module belongs to the command, and the Envoys it is
//! tested on.

use std::process::ExitCode;
use std::sync::LazyLock;

/// The commit that this was built from, unless its sources were in no repository (`build.rs`).
const COMMIT: Option<&str> = option_env!("TIDEGATE_COMMIT");
/// The versions that the tests run on.
const ENVOYS: &str = include_str!("../../../scripts/envoy-versions");

/// Print the version of the command and of its module, and the versions of Envoy they are tested on
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate version")]
pub(crate) struct Args {}

/// Returns what `--version` prints after the name of the command.
pub(crate) fn long() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let envoys = ENVOYS.lines().filter(|line| !line.starts_with('#'));
        let envoys: Vec<&str> = envoys.filter(|line| !line.is_empty()).collect();
        // The workspace has one version.
        let version = env!("CARGO_PKG_VERSION");
        let envoys = envoys.join(", ");
        let commit = COMMIT.map_or_else(String::new, |commit| format!("commit: {commit}\n"));
        format!("{version}\n{commit}module: tidegate.wasm {version}\ntested on Envoy: {envoys}")
    });
    &TEXT
}

/// Runs the command.
pub(crate) fn run(_: &Args) -> ExitCode {
    crate::output::print(&format!("tidegate {}\n", long()))
}
