//! The language server that YAML editors use.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{json, Value};

/// Line and character of a place, both from 0.
pub type Place = (u32, u32);

/// Opens a file with this text, as an editor does, in the folder that contains it. Returns the `diagnostics`, the labels
/// that completion offers at each place of `complete`, and the text that hovering over each place of `hover` shows.
///
/// # Panics
/// If there is no language server: tests are never skipped.
pub fn open(file: &Path, text: &str, complete: &[Place], hover: &[Place]) -> Value {
    static TOOLS: LazyLock<Vec<String>> = LazyLock::new(|| crate::scripts::lines("editor.sh"));
    let [node, packages] = &TOOLS[..] else {
        panic!("scripts/editor.sh printed {:?}", *TOOLS);
    };
    let places = |places: &[Place]| -> Vec<Value> {
        let places = places.iter();
        places
            .map(|(line, character)| json!({ "line": line, "character": character }))
            .collect()
    };
    let ask = json!({
        "server": format!("{packages}/node_modules/yaml-language-server/bin/yaml-language-server"),
        "folder": file.parent(), "file": file, "text": text,
        "complete": places(complete), "hover": places(hover),
    });
    let mut client = Command::new(node)
        .arg(crate::workspace().join("crates/e2e/editor/ask.mjs"))
        .env("PACKAGES", packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("run node");
    let mut stdin = client.stdin.take().expect("its standard input");
    stdin
        .write_all(ask.to_string().as_bytes())
        .expect("write to node");
    drop(stdin);
    let output = client.wait_with_output().expect("wait for node");
    assert!(output.status.success(), "the client failed: {output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}
