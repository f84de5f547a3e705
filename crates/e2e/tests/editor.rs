//! The source of `tidegate init` in an editor with the YAML language server: the first line of the source names the schema
//! beside it, so everything works without a setting and without a network.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use tidegate_e2e::editor::{self, Place};
use tidegate_e2e::tool;

/// The source of a new project.
struct Project {
    folder: TempDir,
    text: String,
}

impl Project {
    fn new() -> Self {
        let folder = TempDir::new().expect("make a folder");
        let status = tool().arg("init").arg(folder.path()).output();
        assert!(status.expect("run tidegate init").status.success());
        let text = fs::read_to_string(folder.path().join("tidegate.yaml")).expect("the source");
        Self { folder, text }
    }

    /// Replaces a part of the text, which an editor has not saved.
    fn edit(&mut self, from: &str, to: &str) {
        assert_eq!(self.text.matches(from).count(), 1, "{from}");
        self.text = self.text.replace(from, to);
    }

    /// Returns the place behind a part of the text.
    fn behind(&self, part: &str) -> Place {
        let (before, _) = self.text.split_once(part).expect(part);
        let before = format!("{before}{part}");
        let line = before.matches('\n').count();
        let column = before.lines().last().map_or(0, str::len);
        let column = if before.ends_with('\n') { 0 } else { column };
        (
            u32::try_from(line).expect("a line"),
            u32::try_from(column).expect("a column"),
        )
    }

    fn open(&self, complete: &[Place], hover: &[Place]) -> Value {
        let file = self.folder.path().join("tidegate.yaml");
        editor::open(&file, &self.text, complete, hover)
    }
}

/// Returns line and message of each diagnostic, in the order of the lines.
fn messages(answers: &Value) -> Vec<(u64, String)> {
    let all = answers["diagnostics"].as_array().expect("diagnostics");
    let of = |said: &Value| {
        let line = said["range"]["start"]["line"].as_u64().expect("a line");
        (line, said["message"].as_str().expect("a text").to_owned())
    };
    let mut found: Vec<_> = all.iter().map(of).collect();
    found.sort();
    found
}

#[test]
fn new_project_has_no_diagnostics() {
    assert_eq!(messages(&Project::new().open(&[], &[])), []);
}

#[test]
fn wrong_keys_and_values_are_marked() {
    let mut project = Project::new();
    project.edit("color_dark:", "colour_dark:");
    project.edit("template: shop", "template: { file: shop }");
    project.edit("after: { default: 5s", "after: { default: 5 s");
    let line = |part| u64::from(project.behind(part).0);
    let found = messages(&project.open(&[], &[]));
    let lines: Vec<u64> = found.iter().map(|(line, _)| *line).collect();
    let expected = [line("colour_dark"), line("- template"), line("after:")];
    assert_eq!(lines, expected, "{found:#?}");
    assert_eq!(found[0].1, "Property colour_dark is not allowed.");
}

#[test]
fn completion_offers_keys_and_words() {
    let mut project = Project::new();
    project.edit("version: 1\n", "version: 1\nmode: \n\n");
    project.edit("\nretry:\n", "\nretry:\n  \n");
    project.edit(
        "\nsecurity:",
        "\nroutes:\n  - name: x\n    breaker:\n      scope: \n\nsecurity:",
    );
    let top = {
        let (line, _) = project.behind("mode: \n");
        (line, 0)
    };
    let places = [
        top,
        project.behind("mode: "),
        project.behind("\nretry:\n  "),
        project.behind("scope: "),
    ];
    let answers = project.open(&places, &[]);
    let labels = |place: usize| -> Vec<&str> {
        let labels = answers["complete"][place].as_array().expect("labels");
        labels.iter().filter_map(Value::as_str).collect()
    };
    // What is there already is not offered.
    for (place, offered, not) in [
        (0, &["intercept", "breaker", "headers"][..], "brand"),
        (1, &["enforce", "shadow", "\"off\""], "path"),
        (2, &["honor_upstream", "max"], "after"),
        (3, &["path", "route"], "enforce"),
    ] {
        let labels = labels(place);
        for label in offered {
            assert!(labels.contains(label), "{place}: {label} in {labels:?}");
        }
        assert!(!labels.contains(&not), "{place}: {not} in {labels:?}");
    }
}

#[test]
fn hovering_shows_the_description() {
    let project = Project::new();
    let places = ["\nret", "  lo", "  ht", "  exp"].map(|part| project.behind(part));
    let answers = project.open(&[], &places);
    for (place, part) in [
        "The retry hints",
        "The logo, as part of the page",
        "The page as HTML",
        "Facts about the request",
    ]
    .iter()
    .enumerate()
    {
        let shown = answers["hover"][place].as_str().expect("a text");
        assert!(shown.contains(part), "{place}: {shown}");
    }
}
