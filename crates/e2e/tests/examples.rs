//! The commands of each example's README print what the README says.
//!
//! In each `examples/*/README.md`, blocks fenced as `console` hold commands (`$ `, continued by `>
//! `), each followed by its output. All commands of a README run in order, in one bash, in a copy
//! of the example. Background commands (`&`) end with that bash. In the output, `...` stands for
//! anything: for any lines if it is alone on a line, otherwise for any text within the line.
//!
//! The copy uses free ports in place of those in the example's `envoy.yaml`, so that the test can
//! run beside others.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;
use tidegate_e2e::process::Program;
use tidegate_e2e::{envoy, free_port, module, tool, workspace};

/// Limit for all commands of one README together.
const LIMIT: Duration = Duration::from_secs(120);
/// Precedes the number of each command in the output.
const MARK: &str = "--8<-- command ";

/// Runs the commands in the file `$1`. Kills all of them when its standard input ends.
const SHELL: &str = "exec 3<&0 </dev/null
{ read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 &
. \"$1\"";

/// One command of a README.
#[derive(Debug, PartialEq)]
pub(crate) struct Step {
    line: usize,
    pub(crate) command: String,
    expected: Vec<String>,
}

/// Returns the commands of a README.
pub(crate) fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(readme.lines()) {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if !inside {
            continue;
        } else if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                line: number,
                command: command.to_owned(),
                expected: vec![],
            });
        } else {
            let step = steps
                .last_mut()
                .unwrap_or_else(|| panic!("line {number}: no command yet"));
            match line.strip_prefix("> ") {
                Some(more) if step.expected.is_empty() => step.command += &format!("\n{more}"),
                _ => step.expected.push(line.to_owned()),
            }
        }
    }
    steps
}

/// Returns one bash script with all commands; each writes its number first.
fn script(steps: &[Step]) -> String {
    let mut script = String::new();
    for (number, Step { command, .. }) in steps.iter().enumerate() {
        // The output of a background command could appear anywhere between the others.
        let to = if command.ends_with('&') {
            ">>\"$BACKGROUND\" 2>&1"
        } else {
            "2>&1"
        };
        script += &format!("printf '\\n{MARK}{number}\\n'\n{{ {command}\n}} {to}\n");
    }
    script
}

/// Returns whether the lines are as expected.
fn matches(expected: &[String], actual: &[&str]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((any, rest)) if any == "..." => {
            (0..=actual.len()).any(|skipped| matches(rest, &actual[skipped..]))
        }
        Some((line, rest)) => actual
            .split_first()
            .is_some_and(|(first, after)| line_matches(line, first) && matches(rest, after)),
    }
}

fn line_matches(expected: &str, actual: &str) -> bool {
    let Some((start, mut rest)) = expected.split_once("...") else {
        return expected == actual;
    };
    let Some(mut actual) = actual.strip_prefix(start) else {
        return false;
    };
    while let Some((part, after)) = rest.split_once("...") {
        let Some(at) = actual.find(part) else {
            return false;
        };
        (actual, rest) = (&actual[at + part.len()..], after);
    }
    actual.ends_with(rest)
}

/// Returns the numbers after `port_value:`.
fn ports(bootstrap: &str) -> Vec<u16> {
    let number = |text: &str| {
        let digits: String = text
            .trim_start()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse().expect("a port")
    };
    bootstrap.split("port_value:").skip(1).map(number).collect()
}

/// Replaces a number that is not part of a longer one.
fn replace_number(text: &str, from: u16, to: u16) -> String {
    let (from, mut out, mut copied) = (from.to_string(), String::new(), 0);
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    for (at, _) in text.match_indices(&from) {
        let end = at + from.len();
        if !digit(text[..at].chars().next_back()) && !digit(text[end..].chars().next()) {
            out += &text[copied..at];
            out += &to.to_string();
            copied = end;
        }
    }
    out + &text[copied..]
}

/// A copy of an example in a folder laid out like the repository. It is removed in the end.
pub(crate) struct Copy {
    root: TempDir,
    pub(crate) folder: PathBuf,
    /// The ports of the original, and those in their place.
    pub(crate) ports: Vec<(u16, u16)>,
}

impl Copy {
    fn of(example: &Path) -> Self {
        let name = example.file_name().expect("the name of an example");
        let root = Self::root();
        let folder = root.path().join("examples").join(name);
        let bootstrap = fs::read_to_string(example.join("envoy.yaml")).expect("envoy.yaml");
        let ports: Vec<_> = ports(&bootstrap)
            .into_iter()
            .map(|p| (p, free_port()))
            .collect();
        copy(example, &folder, &ports);
        Self {
            root,
            folder,
            ports,
        }
    }

    /// Returns a copy of these files and folders of the repository, where commands run at the root. The ports of the
    /// files `with_ports` are replaced.
    pub(crate) fn of_repository(paths: &[&str], with_ports: &[&str]) -> Self {
        let root = Self::root();
        let mut all = BTreeMap::new();
        for path in with_ports {
            let text = fs::read_to_string(workspace().join(path)).expect("a file with ports");
            for port in ports(&text) {
                all.entry(port).or_insert_with(free_port);
            }
        }
        let ports: Vec<_> = all.into_iter().collect();
        for path in paths {
            let (from, to) = (workspace().join(path), root.path().join(path));
            copy(&from, &to, &ports);
        }
        Self {
            folder: root.path().to_owned(),
            root,
            ports,
        }
    }

    /// Creates a folder with the module and the programs.
    fn root() -> TempDir {
        let scratch = TempDir::new().expect("make a folder");
        let root = scratch.path();
        for folder in ["dist", "bin"] {
            fs::create_dir_all(root.join(folder)).expect("make a folder");
        }
        symlink(module(), root.join("dist/tidegate.wasm")).expect("link the module");
        symlink(envoy::binary(), root.join("bin/envoy")).expect("link Envoy");
        symlink(tool().get_program(), root.join("bin/tidegate")).expect("link the command");
        scratch
    }

    /// Adds a program, with arguments that it always gets. Commands find it by its name.
    pub(crate) fn add_program(&self, name: &str, program: &Path, arguments: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.root.path().join("bin").join(name);
        let _ = fs::remove_file(&path);
        let script = format!(
            "#!/bin/sh\nexec '{}' {arguments} \"$@\"\n",
            program.display()
        );
        fs::write(&path, script).expect("write a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("make it a program");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    /// Returns names and contents of all files that Git would notice.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("list the copy") {
                let path = entry.expect("list the copy").path();
                match path.is_dir() {
                    true => folders.push(path),
                    false if path.ends_with("envoy.log") => {}
                    false => drop(files.insert(path.clone(), fs::read(path).expect("a file"))),
                }
            }
        }
        files
    }

    /// Runs a script and returns its output.
    fn run(&self, script: &str) -> String {
        fs::write(self.root.path().join("run.sh"), script).expect("write the script");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = std::iter::once(self.root.path().join("bin"));
        let path = std::env::join_paths(own.chain(std::env::split_paths(&path))).expect("PATH");
        let mut bash = Command::new("bash");
        bash.args(["-c", SHELL, "bash"])
            .arg(self.root.path().join("run.sh"));
        bash.current_dir(&self.folder)
            .env("PATH", path)
            .env("BACKGROUND", self.root.path().join("background.log"))
            .stdin(Stdio::piped());
        let mut bash = Program::start_piped(bash);
        let life = bash.stdin.take();
        let mut stdout = bash.stdout.take().expect("the output of bash");
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            let mut output = Vec::new();
            let _ = stdout.read_to_end(&mut output);
            let _ = send.send(String::from_utf8_lossy(&output).into_owned());
        });
        let output = receive.recv_timeout(LIMIT);
        // Ends background commands, and commands that hang.
        drop(life);
        let output = output
            .or_else(|_| receive.recv_timeout(LIMIT))
            .expect("the output of bash");
        bash.wait().expect("wait for bash");
        output
    }

    /// Runs the commands of a file and asserts that each prints what the file says.
    pub(crate) fn assert_prints(&self, name: &str, steps: &[Step]) {
        let output = self.run(&script(steps)).replace('\r', "");
        for (number, step) in steps.iter().enumerate() {
            let printed = output.split_once(&format!("\n{MARK}{number}\n"));
            let printed = printed.map(|(_, after)| after.split(&format!("\n{MARK}")).next());
            let printed = printed
                .flatten()
                .unwrap_or("(it was not reached)")
                .trim_end();
            let lines: Vec<&str> = printed.lines().collect();
            let mut expected = &step.expected[..];
            while let [before @ .., last] = expected {
                if !last.is_empty() {
                    break;
                }
                expected = before;
            }
            assert!(
                matches(expected, &lines),
                "{name}:{}: $ {}\n--- it says\n{}\n--- it prints\n{printed}\n--- log\n{}",
                step.line,
                step.command,
                step.expected.join("\n"),
                fs::read_to_string(self.root.path().join("background.log")).unwrap_or_default(),
            );
        }
    }
}

/// Copies a file or a folder, and replaces the ports in text files.
fn copy(from: &Path, to: &Path, ports: &[(u16, u16)]) {
    if from.is_dir() {
        for entry in fs::read_dir(from).expect("list the example") {
            let path = entry.expect("list the example").path();
            copy(&path, &to.join(path.file_name().expect("a name")), ports);
        }
        return;
    }
    fs::create_dir_all(to.parent().expect("a folder")).expect("make a folder");
    let bytes = fs::read(from).expect("a file of the example");
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => {
            let replace = |text: String, (from, to): &(u16, u16)| replace_number(&text, *from, *to);
            ports.iter().fold(text, replace).into_bytes()
        }
        Err(picture) => picture.into_bytes(),
    };
    fs::write(to, bytes).expect("copy");
}

#[test]
fn readme_commands_print_what_the_readme_says() {
    let examples = fs::read_dir(workspace().join("examples")).expect("list the examples");
    let mut count = 0;
    for example in examples.map(|entry| entry.expect("list the examples").path()) {
        let copy = Copy::of(&example);
        let before = copy.files();
        let steps = steps(&copy.read("README.md"));
        assert!(
            !steps.is_empty(),
            "{}: a README without a command",
            example.display()
        );
        copy.assert_prints("README.md", &steps);
        for log in ["../../background.log", "envoy.log"] {
            let signs = envoy::signs_of_death(&copy.read(log));
            assert!(signs.is_empty(), "{}: {signs:#?}", example.display());
        }
        assert!(
            copy.files() == before,
            "{}: the commands leave changed or new files",
            example.display()
        );
        count += 1;
    }
    assert!(count > 0, "no examples");
}

#[test]
fn commands_are_read_from_console_blocks() {
    let readme =
        "text\n```sh\n$ no\n```\n```console\n$ one \\\n> two\na\nb\n\n$ three &\n```\n$ no\n";
    let step = |line, command: &str, expected: &[&str]| Step {
        line,
        command: command.to_owned(),
        expected: expected.iter().map(|line| (*line).to_owned()).collect(),
    };
    let expected = [
        step(6, "one \\\ntwo", &["a", "b", ""]),
        step(11, "three &", &[]),
    ];
    assert_eq!(steps(readme), expected);
}

#[test]
fn only_dots_match_any_text() {
    let table: [(&[&str], &[&str], bool); 10] = [
        (&["a", "b"], &["a", "b"], true),
        (&["a", "b"], &["a"], false),
        (&["a"], &["a", "b"], false),
        (&["a", "..."], &["a"], true),
        (&["...", "b", "..."], &["a", "b", "c"], true),
        (&["...", "b"], &["a", "b", "c"], false),
        (&["date: ...", "..."], &["date: today"], true),
        (&["id ... at ... s"], &["id 7 at 3 s"], true),
        (&["id ... at ... s"], &["id 7 at 3"], false),
        (&["x...x"], &["x"], false),
    ];
    for (expected, actual, is) in table {
        let lines: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(matches(&lines, actual), is, "{expected:?} {actual:?}");
    }
}

#[test]
fn only_whole_numbers_are_replaced_as_ports() {
    assert_eq!(ports("{ port_value: 80 }\nport_value:  443\n"), [80, 443]);
    assert_eq!(
        replace_number("80 :80/ 8080 180 80", 80, 9),
        "9 :9/ 8080 180 9"
    );
}
