//! The documentation is correct.

use std::fs;
use std::path::{Path, PathBuf};

use snapbox::Data;
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

/// Returns the pages of the documentation, relative to the root.
fn pages() -> Vec<String> {
    let mut pages = Vec::new();
    let examples = fs::read_dir(root().join("examples")).unwrap();
    let examples = examples.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let folders = examples.map(|name| format!("examples/{name}/"));
    for folder in folders.chain([String::new(), "docs/".into()]) {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") {
                pages.push(format!("{folder}{name}"));
            }
        }
    }
    pages.sort();
    pages
}

/// Returns the lines of a page that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// Returns the anchors of the headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    let headings = prose(text).filter(|line| line.starts_with('#'));
    for heading in headings.map(|line| line.trim_start_matches('#').trim()) {
        let kept = heading.to_lowercase();
        let kept = kept
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let name: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let same = anchors.iter().filter(|anchor| **anchor == name).count();
        anchors.push(match same {
            0 => name,
            _ => format!("{name}-{same}"),
        });
    }
    anchors
}

/// Each link of a page to a file of the repository names one, and a heading of it if it has an anchor.
#[test]
fn every_link_holds() {
    let pages = pages();
    assert!(pages.len() > 20);
    for document in &pages {
        let text = read(document);
        let folder = root().join(document);
        let folder = folder.parent().expect("a file is in a folder");
        let text: String = prose(&text).map(|line| format!("{line}\n")).collect();
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|part| part.split(')').next())
            .filter(|target| !target.contains("://"))
        {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = match path {
                "" => root().join(document),
                _ => folder.join(path),
            };
            assert!(file.exists(), "{document} links to {path}");
            if !anchor.is_empty() && file.extension().is_some_and(|its| its == "md") {
                let page = fs::read_to_string(&file).unwrap();
                assert!(
                    anchors(&page).iter().any(|found| found == anchor),
                    "{document} links to {target}"
                );
            }
        }
    }
}

#[test]
fn the_readme_and_the_site_list_every_page() {
    let readme = read("README.md");
    let (_, list) = readme.split_once("\n## Documentation\n").unwrap();
    let site = read("docs/site/SUMMARY.md");
    for page in pages() {
        assert!(
            site.contains(&format!("({page})")),
            "{page}: not on the site"
        );
        // The command's help is that of the program; the README is the list itself.
        if !["README.md", "docs/command.md"].contains(&page.as_str()) {
            assert!(
                list.contains(&format!("({page})")),
                "{page}: not in the README"
            );
        }
    }
}

/// The table of docs/compatibility.md has the versions of scripts/envoy-versions.
#[test]
fn the_compatibility_table_has_the_tested_versions_of_envoy() {
    let page = read("docs/compatibility.md");
    let versions = read("scripts/envoy-versions");
    let versions = versions
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    let mut table = "<!-- envoys -->\n| Envoy | end-to-end tests |\n| --- | --- |\n".to_owned();
    for version in versions {
        table.push_str(&format!("| {version} | all of them run |\n"));
    }
    let (before, rest) = page.split_once("<!-- envoys -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of envoys -->").unwrap();
    let expected = format!("{before}{table}<!-- end of envoys -->{after}");
    let golden = Data::read_from(&root().join("docs/compatibility.md"), None).raw();
    snapbox::assert_data_eq!(expected, golden);
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
