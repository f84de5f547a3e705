//! The harness of the tests on a real Envoy.
//!
//! Envoy decides which callback runs, what a failure looks like, and what a local reply does to the
//! connection, so the filter must be tested on it. The tests start real Envoys ([`envoy`]) in front
//! of an upstream that fails on demand ([`upstream`], [`faults`]) and use real clients
//! ([`client`]).
//!
//! Tests are never skipped: a missing Envoy or module is a failure that names the command to run.

pub mod client;
pub mod config;
pub mod editor;
pub mod envoy;
pub mod faults;
pub mod grafana;
pub mod kubectl;
pub mod machine;
pub mod message;
pub mod process;
pub mod prometheus;
pub mod registry;
mod scripts;
pub mod stats;
pub mod upstream;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::LazyLock;

use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("start the runtime of the harness")
});

/// Returns the runtime of upstreams and clients. Tests are plain functions that block on it.
pub fn runtime() -> &'static Runtime {
    &RUNTIME
}

/// Returns the root of the workspace.
pub fn workspace() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest
        .ancestors()
        .nth(2)
        .expect("crates/e2e lies two levels deep")
        .to_path_buf()
}

/// Reads a YAML file of the workspace.
///
/// # Panics
/// If there is no such file, or it is not YAML.
pub fn yaml(path: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(workspace().join(path)).expect(path);
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns a free port for a configuration that cannot have port 0. It is below the range from
/// which the system assigns ports.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + (std::process::id() % 1_000) as u16 * 10;
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut candidates = (0..1_000).map(|_| start + NEXT.fetch_add(1, Ordering::Relaxed));
    candidates.find(is_free).expect("a free port")
}

/// Returns the filter under test: `$TIDEGATE_WASM`, else `dist/tidegate.wasm`.
///
/// # Panics
/// If there is no such file.
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

/// Returns the native command `tidegate`: `$TIDEGATE_COMMAND`, else built if needed.
///
/// # Panics
/// If it cannot be built.
pub fn tool() -> Command {
    static TOOL: LazyLock<PathBuf> = LazyLock::new(|| {
        if let Some(built) = std::env::var_os("TIDEGATE_COMMAND") {
            return PathBuf::from(built);
        }
        // Cargo gives the path of a binary only to tests of the same package.
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
