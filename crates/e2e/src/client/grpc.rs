//! A real gRPC client: grpcio, run by a small script.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

/// Makes unary calls of the methods in order on one channel and returns the result of each: `code`,
/// `details`, `initial` and `trailing` metadata, `status` (the decoded `grpc-status-details-bin`,
/// with `retry_delay_ms` if it has a `RetryInfo`), `response`.
///
/// # Panics
/// If the client cannot run.
pub fn calls(address: SocketAddr, methods: &[&str]) -> Vec<Value> {
    static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| crate::scripts::path("python.sh"));
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients/grpc_call.py");
    let output = Command::new(&*PYTHON)
        .arg(script)
        .arg(address.to_string())
        .args(methods)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("run the gRPC client");
    assert!(
        output.status.success(),
        "the gRPC client failed: {}",
        output.status
    );
    let lines = String::from_utf8(output.stdout).expect("JSON in UTF-8");
    lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}
