//! The documentation is correct.

use std::fs;
use std::path::{Path, PathBuf};

use tidegate_core::config::Config;
use tidegate_core::failure::Reason;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the contents of the fenced blocks in `language`.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let parts = text.split(&fence).skip(1);
    parts
        .filter_map(|part| part.split("\n```").next().map(str::to_owned))
        .collect()
}

#[test]
fn every_configuration_of_the_readme_is_accepted_and_in_force() {
    let found = blocks(&read("README.md"), "json");
    assert_eq!(found.len(), 2, "the smallest and a typical one");
    for block in found {
        let config = Config::from_json(block.as_bytes());
        assert!(config.is_ok(), "{block}\n{config:?}");
    }
}

/// Compares the table of failures with the core.
#[test]
fn the_table_of_failures_is_that_of_the_core() {
    let text = read("docs/responses.md");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("` |"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .filter(|row: &Vec<&str>| row.len() == 4)
        .collect();
    // Not in the table: a missing route is a client error, and a truncated response cannot be
    // replaced.
    let elsewhere = [Reason::DestinationNotFound, Reason::HttpResponseIncomplete];
    for reason in Reason::ALL
        .iter()
        .filter(|reason| !elsewhere.contains(reason))
    {
        let token = format!("`{}`", reason.as_str());
        let row = rows.iter().find(|row| row[2].contains(&token));
        let row = row.unwrap_or_else(|| panic!("{token} is not in the table"));
        let status = match reason.standard_status() {
            Some(status) => status.to_string(),
            None if *reason == Reason::UpstreamError => "500".into(),
            None => "as sent".into(),
        };
        assert_eq!(row[1], status, "{token}");
        assert_eq!(
            row[3],
            if reason.is_retryable() { "yes" } else { "no" },
            "{token}"
        );
    }
}

#[test]
fn every_linked_path_exists() {
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/benchmarks.md",
        "docs/breaker.md",
        "docs/command.md",
        "docs/explain.md",
        "docs/filter-chain.md",
        "docs/hints.md",
        "docs/observability.md",
        "docs/pages.md",
        "docs/production.md",
        "docs/release.md",
        "docs/responses.md",
        "docs/runbooks.md",
        "docs/testing.md",
        "examples/branded-502/README.md",
        "examples/circuit-breaker/README.md",
        "examples/own-pages/README.md",
        "examples/per-route/README.md",
        "examples/two-brands/README.md",
    ] {
        let file = root().join(document);
        let folder = file.parent().expect("a file is in a folder");
        for target in read(document)
            .split("](")
            .skip(1)
            .filter_map(|part| part.split(')').next())
        {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") {
                assert!(folder.join(path).exists(), "{document} links to {path}");
            }
        }
    }
}

/// Every path in the plan of the tree exists.
#[test]
fn every_path_in_the_plan_of_the_architecture_exists() {
    let text = read("ARCHITECTURE.md");
    let plan = &blocks(&text, "")[0];
    let mut folder = PathBuf::new();
    for line in plan.lines() {
        let is_inner = line.starts_with("  ");
        // Two spaces end a name; a line may hold several names.
        let names = line
            .trim_start()
            .split("  ")
            .take_while(|name| !name.is_empty());
        for name in names.filter(|name| !name.contains(' ') && name.contains(['/', '.'])) {
            if !is_inner && name.ends_with('/') {
                folder = PathBuf::from(name);
            }
            let path = if is_inner {
                folder.join(name)
            } else {
                PathBuf::from(name)
            };
            assert!(
                root().join(&path).exists(),
                "{} is in the plan only",
                path.display()
            );
        }
    }
}

/// The README has the commands of `--help`.
#[test]
fn the_readme_names_every_command() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let commands = list.lines().take_while(|line| line.starts_with("  "));
    // Lines that go on are indented further.
    let commands = commands.filter(|line| !line.starts_with("   "));
    let mut commands: Vec<&str> = commands
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    let readme = read("README.md");
    let (_, table) = readme.split_once("| command | what it does |\n").unwrap();
    let rows = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let mut named: Vec<&str> = rows
        .flat_map(|row| row.split('|').nth(1).unwrap().split(','))
        .map(|name| {
            name.trim()
                .trim_matches('`')
                .trim_start_matches("tidegate ")
        })
        .collect();
    commands.sort_unstable();
    named.sort_unstable();
    assert_eq!(named, commands);
}
