//! The RPC libraries of browsers and node: `@connectrpc/connect-node`, `@connectrpc/connect-web` and
//! `grpc-web`, driven by `crates/e2e/clients/rpc/call.mjs`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{json, Value};

/// Makes calls, each with a library, below a path, unary or streaming. Returns what the users of the
/// libraries see, in order.
///
/// # Panics
/// If the libraries cannot be installed, or a call ends neither with an answer nor with an error.
pub fn calls(address: SocketAddr, calls: &[(&str, &str, bool)]) -> Vec<Value> {
    static TOOLS: LazyLock<Vec<String>> = LazyLock::new(|| crate::scripts::lines("rpc-clients.sh"));
    let [node, packages] = &TOOLS[..] else {
        panic!("scripts/rpc-clients.sh printed {:?}", *TOOLS);
    };
    let list: Vec<Value> = calls
        .iter()
        .map(|(client, path, stream)| {
            json!({ "client": client, "url": format!("http://{address}{path}"), "stream": stream })
        })
        .collect();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients/rpc/call.mjs");
    let output = Command::new(node)
        .arg(script)
        .arg(Value::from(list).to_string())
        .env("TIDEGATE_PACKAGES", packages)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("run the RPC clients");
    assert!(output.status.success(), "the RPC clients failed");
    let lines = String::from_utf8(output.stdout).expect("JSON in UTF-8");
    let answers: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(answers.len(), calls.len(), "{lines}");
    answers
}
