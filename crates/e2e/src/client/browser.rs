//! A real browser: headless Chromium, driven by the cases in `crates/e2e/browser`.
//!
//! A case knows what a visitor does and sees; only its test knows the upstream. So a case writes a
//! question as one line of JSON and gets one line as the answer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{json, Value};

use crate::process::Program;

/// Runs the cases of a file of `crates/e2e/browser` and returns their names. The cases get `facts`,
/// and `answer` answers their questions.
///
/// # Panics
/// If there is no browser (tests are never skipped), or if a case fails.
pub fn run(file: &str, facts: &Value, mut answer: impl FnMut(&Value) -> Value) -> Vec<String> {
    static TOOLS: LazyLock<Vec<String>> = LazyLock::new(|| crate::scripts::lines("browser.sh"));
    let [node, chromium, shell, packages, fonts] = &TOOLS[..] else {
        panic!("scripts/browser.sh printed {:?}", *TOOLS);
    };
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("browser");
    let mut command = Command::new(node);
    command
        .arg(folder.join(file))
        .env("TIDEGATE_CHROMIUM", chromium)
        .env("TIDEGATE_HEADLESS_SHELL", shell)
        .env("TIDEGATE_PACKAGES", packages)
        .env("TIDEGATE_FACTS", facts.to_string())
        .env("FONTCONFIG_FILE", fonts)
        // Fontconfig keeps an index of the fonts there; without this, in the user's home.
        .env("XDG_CACHE_HOME", packages)
        .stdin(Stdio::piped());
    let mut node = Program::start_piped(command);
    let mut stdin = node.stdin.take().expect("a pipe");
    let stdout = BufReader::new(node.stdout.take().expect("a pipe"));
    let stderr = node.stderr.take().expect("a pipe");
    // Read in a thread, so that the pipe cannot fill up.
    let log = std::thread::spawn(move || std::io::read_to_string(stderr).unwrap_or_default());
    let (mut passed, mut failed) = (vec![], vec![]);
    for line in stdout.lines() {
        let line = line.expect("a line of node");
        let said: Value = serde_json::from_str(&line).expect("a line of JSON");
        if let Some(name) = said["passed"].as_str() {
            println!("{said}");
            passed.push(name.to_owned());
        } else if let Some(error) = said["failed"].as_str() {
            failed.push(error.to_owned());
        } else {
            let reply = json!({ "reply": answer(&said) });
            writeln!(stdin, "{reply}").expect("answer node");
        }
    }
    let status = node.wait().expect("the end of node");
    let log = log.join().unwrap_or_default();
    assert!(
        status.success() && failed.is_empty(),
        "{file}: {status}\n{}\n{log}",
        failed.join("\n")
    );
    passed
}
