//! Runs `tidegate simulate`.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// Largest size of a chart in the documentation.
pub(crate) const PICTURE_BYTES: usize = 60 * 1024;

/// Exit code, standard output, standard error, charts by name.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) pictures: Vec<(String, String)>,
    /// All entries of the folder: three configurations, and what the command has written.
    pub(crate) files: Vec<String>,
}

impl Run {
    /// Returns the names of the charts.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.pictures
            .iter()
            .map(|(name, _)| name.as_str())
            .collect()
    }
}

/// Runs the simulation in a folder of its own, with charts.
pub(crate) fn simulate(args: &str) -> Run {
    run(&format!("{args} --out simulation"))
}

/// Runs the simulation in a folder of its own, with these arguments only.
pub(crate) fn run(args: &str) -> Run {
    let directory = TempDir::new().unwrap();
    fs::write(
        directory.path().join("off.json"),
        r#"{"breaker": {"mode": "disabled"}}"#,
    )
    .unwrap();
    fs::write(
        directory.path().join("bad.json"),
        r#"{"breaker": {"window": 10}}"#,
    )
    .unwrap();
    fs::write(
        directory.path().join("route.json"),
        r#"{"breaker": {"scope": "route"}}"#,
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .arg("simulate")
        .args(args.split_whitespace())
        .current_dir(directory.path())
        .output()
        .unwrap();
    let mut pictures = Vec::new();
    if let Ok(entries) = fs::read_dir(directory.path().join("simulation")) {
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            pictures.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    pictures.sort();
    let files = fs::read_dir(directory.path()).unwrap();
    let files = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        pictures,
        files: files.collect(),
    }
}

/// Returns the figures as JSON.
pub(crate) fn figures(args: &str) -> Value {
    let run = simulate(&format!("{args} --json"));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}
