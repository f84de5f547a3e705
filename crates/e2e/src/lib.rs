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
pub mod message;
pub mod upstream;

use std::path::PathBuf;
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
