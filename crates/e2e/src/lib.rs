//! Tidegate on a real Envoy.
//!
//! Whether the filter keeps its promises can only be seen on the host that it is made for: Envoy
//! decides which callback runs, what a failure looks like, and what a local reply does to the
//! connection. So these tests start real Envoys ([`envoy`]), put an upstream behind them that
//! misbehaves to order ([`upstream`], [`faults`]), and talk to them with real clients ([`client`]).
//!
//! Nothing is skipped: an Envoy or a module that is not there is a failure that says what to run.

pub mod client;
pub mod config;
pub mod envoy;
pub mod faults;
pub mod grafana;
pub mod message;
pub mod process;
pub mod prometheus;
mod scripts;
pub mod stats;
pub mod upstream;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("start the runtime of the harness")
});

/// The one runtime on which upstreams and clients run; tests are plain functions that block on it.
pub fn runtime() -> &'static Runtime {
    &RUNTIME
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest
        .ancestors()
        .nth(2)
        .expect("crates/e2e lies two levels deep")
        .to_path_buf()
}

/// A YAML file of the workspace.
///
/// # Panics
/// If it is not there, or not YAML.
pub fn yaml(path: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(workspace().join(path)).expect(path);
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The filter under test: `$TIDEGATE_WASM`, else `dist/tidegate.wasm`.
///
/// # Panics
/// If it is not there.
pub fn module() -> PathBuf {
    let path = std::env::var_os("TIDEGATE_WASM")
        .map_or_else(|| workspace().join("dist/tidegate.wasm"), PathBuf::from);
    assert!(
        path.is_file(),
        "there is no module at {}: run `make wasm`",
        path.display()
    );
    path
}

/// The native command `tidegate`, built if it has to be.
///
/// # Panics
/// If it cannot be built.
pub fn tool() -> Command {
    static TOOL: LazyLock<PathBuf> = LazyLock::new(|| {
        // Cargo tells only the tests of the command's own package where the command is.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args([
                "build",
                "--quiet",
                "--locked",
                "-p",
                "tidegate",
                "--message-format",
                "json",
            ])
            .current_dir(workspace())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .expect("run cargo");
        assert!(
            built.status.success(),
            "the command does not build: {}",
            built.status
        );
        let messages = String::from_utf8(built.stdout).expect("JSON in UTF-8");
        let executable = messages.lines().find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            message["executable"].as_str().map(PathBuf::from)
        });
        executable.expect("cargo names the executable")
    });
    Command::new(&*TOOL)
}
