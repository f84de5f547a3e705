//! Output and exit codes of the command.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Exit code, standard output, standard error.
type Outcome = (Option<i32>, String, String);

/// Runs the command in a folder with these files.
fn run(files: &[(&str, &str)], args: &[&str], input: &str) -> Outcome {
    let directory = TempDir::new().unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(args)
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn outcome(code: i32, stderr: &str) -> Outcome {
    (Some(code), String::new(), stderr.to_owned())
}

#[test]
fn check_accepts_what_the_filter_accepts() {
    let files = [("a.json", "{}"), ("b.json", r#"{"mode": "shadow"}"#)];
    assert_eq!(
        run(&files, &["check", "a.json", "b.json"], ""),
        outcome(0, "2 files checked: 0 errors\n")
    );
}

#[test]
fn check_lists_every_error_of_every_file() {
    let files = [
        ("a.json", r#"{"mod": "off", "breaker": {"window": 10}}"#),
        ("b.json", "{}"),
        ("c.json", "{\n\"mode\": off}"),
    ];
    assert_eq!(
        run(&files, &["check", "a.json", "b.json", "c.json"], ""),
        outcome(
            1,
            "a.json:1:2: error: mod: found an unknown key; allowed: version, mode, brand, brands, \
             intercept, retry, breaker, formats, routes, templates, vars, pages, delimiters, locales, headers, \
             security, proxy_status, route_metadata, release_header; did you mean `mode`?\n\
             a.json:1:28: error: breaker.window: found 10; allowed: a duration from \"1s\" to \"10m\" (units: ms, \
             s, m, h)\n\
             c.json:2:9: error: not JSON: expected value\n\
             3 files checked: 3 errors\n"
        )
    );
}

#[test]
fn check_reads_standard_input() {
    assert_eq!(
        run(&[], &["check", "-"], r#"{"version": 2}"#),
        outcome(
            1,
            "stdin:1:2: error: version: found 2; allowed: 1\n1 file checked: 1 error\n"
        )
    );
}

#[test]
fn check_counts_errors_beyond_the_ones_it_lists() {
    let keys: Vec<_> = (0..103).map(|at| format!("\"k{at}\": 1")).collect();
    let files = [("a.json", format!("{{{}}}", keys.join(",")))];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let (code, _, stderr) = run(&files, &["check", "a.json"], "");
    assert_eq!(code, Some(1));
    assert!(
        stderr.ends_with("a.json: and 3 more errors\n1 file checked: 103 errors\n"),
        "{stderr}"
    );
}

#[test]
fn an_unreadable_file_exits_with_2() {
    let files = [("a.json", "[]")];
    assert_eq!(
        run(&files, &["check", "none.json", "a.json"], ""),
        outcome(
            2,
            "none.json: error: cannot be read: No such file or directory (os error 2)\n\
             a.json:1:1: error: found an empty list; allowed: an object\n\
             1 file checked: 1 error; 1 file cannot be read\n"
        )
    );
}

#[test]
fn a_file_above_the_limit_is_refused() {
    let files = [("a.json", " ".repeat(3 << 20))];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    assert_eq!(
        run(&files, &["check", "a.json"], ""),
        outcome(
            1,
            "a.json: error: found more than 1048576 bytes; allowed: at most 1048576 for the whole \
             configuration\n1 file checked: 1 error\n"
        )
    );
}

#[test]
fn wrong_usage_exits_with_2() {
    for args in [
        &["check"][..],
        &["chekc", "a.json"],
        &[],
        &["check", "--no-such-option", "a"],
    ] {
        let (code, stdout, stderr) = run(&[], args, "");
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(stderr.contains("Usage: tidegate"), "{stderr}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    // The schema is larger than the buffer of a pipe, so the write meets the closed end.
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .arg("schema")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

/// Returns the commands that `--help` lists.
fn commands() -> Vec<String> {
    let (_, help, _) = run(&[], &["--help"], "");
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let lines = list.lines().take_while(|line| line.starts_with("  "));
    // Lines that go on are indented further.
    let lines = lines.filter(|line| !line.starts_with("   "));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_help_of_every_command_has_examples() {
    let commands = commands();
    assert!(commands.len() > 10);
    for command in commands {
        let (code, help, _) = run(&[], &[&command, "--help"], "");
        assert_eq!(code, Some(0));
        let (_, examples) = help.split_once("\nExample").unwrap_or_default();
        assert!(
            examples.contains(&format!("  tidegate {command}"))
                || examples.contains(&format!("| tidegate {command}")),
            "{help}"
        );
    }
}

/// The line about the commit, if the sources are in a repository.
fn commit() -> String {
    let git = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output();
    let git = git.ok().filter(|output| output.status.success());
    let hash = git.and_then(|output| String::from_utf8(output.stdout).ok());
    hash.map_or_else(String::new, |hash| format!("commit: {hash}"))
}

#[test]
fn the_version_names_the_commit_the_module_and_the_envoys_of_the_tests() {
    let (code, version, _) = run(&[], &["version"], "");
    assert_eq!(code, Some(0));
    assert_eq!(run(&[], &["--version"], "").1, version);
    let tested = include_str!("../../../scripts/envoy-versions");
    let tested = tested.lines().filter(|line| !line.starts_with('#'));
    let tested: Vec<&str> = tested.filter(|line| !line.is_empty()).collect();
    let number = env!("CARGO_PKG_VERSION");
    assert_eq!(
        version,
        format!(
            "tidegate {number}\n{}module: tidegate.wasm {number}\ntested on Envoy: {}\n",
            commit(),
            tested.join(", ")
        )
    );
}

#[test]
fn every_command_has_a_man_page() {
    for command in commands() {
        let (code, page, _) = run(&[], &["man", &command], "");
        assert_eq!(code, Some(0));
        assert!(
            page.contains(&format!(".TH tidegate-{command} 1 ")),
            "{page}"
        );
    }
    let (_, page, _) = run(&[], &["man"], "");
    assert!(page.contains(".TH tidegate 1 ") && page.contains("tidegate\\-check(1)"));
    let (code, _, stderr) = run(&[], &["man", "chekc"], "");
    assert_eq!(code, Some(2));
    assert!(
        stderr.starts_with("COMMAND: found \"chekc\"; allowed: init, "),
        "{stderr}"
    );
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, script, _) = run(&[], &["completions", shell], "");
        assert_eq!(code, Some(0));
        let option = if shell == "fish" {
            "-l strict"
        } else {
            "--strict"
        };
        assert!(script.contains(option), "{shell}");
    }
}

#[test]
fn simulate_reads_what_check_reads() {
    let files = [("s.yaml", "retry:\n  after: { default: 5 }\n")];
    let (code, _, stderr) = run(&files, &["simulate", "--config", "s.yaml"], "");
    assert_eq!(code, Some(1));
    let expected = "s.yaml:2:12: error: retry.after.default: found 5; ";
    assert!(stderr.starts_with(expected), "{stderr}");
}
