//! Runs every command of the README's part "Your own pages" in order, from nothing to an own page
//! on a running Envoy.
//!
//! Three things differ: what is built already is not built again, ports are free ones, and Envoy
//! runs without hot restart, since others run beside it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::faults::Refused;
use tidegate_e2e::message::Request;
use tidegate_e2e::process::Program;
use tidegate_e2e::{envoy, free_port, module, tool, workspace};

/// Limit for a program to answer.
const LIMIT: Duration = Duration::from_secs(60);

/// Returns the commands of a part of the README, without their comments.
fn commands(part: &str) -> Vec<String> {
    let readme = fs::read_to_string(workspace().join("README.md")).expect("README.md");
    let (_, rest) = readme
        .split_once(&format!("\n## {part}\n"))
        .expect("the part");
    let rest = rest.split("\n## ").next().unwrap_or_default();
    let mut commands = Vec::new();
    let mut inside = false;
    for line in rest.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => {
                let command = line
                    .split("  #")
                    .next()
                    .and_then(|line| line.split(" # ").next());
                commands.push(command.unwrap_or_default().trim().to_owned());
            }
            _ => {}
        }
    }
    commands
}

/// A folder laid out like the repository, in which the command is installed.
struct Root(TempDir);

impl Root {
    fn new() -> Self {
        let scratch = TempDir::new().expect("make a folder");
        let root = scratch.path();
        for folder in ["dist", "bin"] {
            fs::create_dir_all(root.join(folder)).expect("make a folder");
        }
        symlink(workspace().join("scripts"), root.join("scripts")).expect("link the scripts");
        symlink(module(), root.join("dist/tidegate.wasm")).expect("link the module");
        symlink(tool().get_program(), root.join("bin/tidegate")).expect("link the command");
        Self(scratch)
    }

    fn bash(&self, command: &str) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = std::iter::once(self.0.path().join("bin"));
        let path = std::env::join_paths(own.chain(std::env::split_paths(&path))).expect("PATH");
        let mut bash = Command::new("bash");
        bash.args(["-c", command]).current_dir(&self.0);
        bash.env("PATH", path).env("ENVOY", envoy::binary());
        bash.stdin(Stdio::null());
        bash
    }

    fn run(&self, command: &str) -> Output {
        let output = self.bash(command).output().expect("run bash");
        assert!(output.status.success(), "$ {command}\n{output:?}");
        output
    }

    /// Starts a program that runs until Ctrl-C.
    fn start(&self, command: &str) -> Program {
        Program::start_piped(self.bash(&format!("exec {command}")))
    }
}

/// Ends a program as Ctrl-C does.
fn end(program: &mut Program) {
    program.interrupt();
    program.wait().expect("wait for its end");
}

/// Replaces a port in a file by a free one.
fn move_port(file: &Path, from: u16, to: u16) {
    let text = fs::read_to_string(file).expect("the file");
    let (from, to) = (format!("port_value: {from} "), format!("port_value: {to} "));
    assert_eq!(text.matches(&from).count(), 1, "{from}in {text}");
    fs::write(file, text.replace(&from, &to)).expect("write the file");
}

/// Waits until there is a response at an address, and returns it.
fn html_at(address: SocketAddr) -> tidegate_e2e::message::Response {
    let end = Instant::now() + LIMIT;
    loop {
        let client = Client::new(Protocol::H1, address);
        let mut request = Request::get("/").header("accept", "text/html");
        request.authority = address.to_string();
        match tidegate_e2e::runtime().block_on(client.send(&request)) {
            Ok(response) => return response,
            Err(error) => assert!(Instant::now() < end, "nobody answers: {error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn readme_commands_lead_to_an_own_page_on_envoy() {
    let root = Root::new();
    let refused = Refused::default();
    let port = free_port();
    let mut running: Option<Program> = None;
    let mut seen = Vec::new();
    for command in commands("Your own pages") {
        let word = command.split(' ').take(2).collect::<Vec<_>>().join(" ");
        match word.as_str() {
            // The test run has built it; it is linked.
            "make wasm" => assert!(root.0.path().join("dist/tidegate.wasm").exists()),
            "cargo install" => {
                assert_eq!(command, "cargo install --locked --path crates/cli");
                root.run("tidegate --version");
            }
            "tidegate preview" => {
                let mut preview = root.start(&format!("{command} --port 0"));
                let stderr = preview.stderr.take().expect("a pipe");
                let mut line = String::new();
                let mut lines = BufReader::new(stderr);
                lines.read_line(&mut line).expect("a line");
                let address = line.split('/').nth(2).and_then(|at| at.parse().ok());
                let gallery = html_at(address.unwrap_or_else(|| panic!("{line}")));
                assert!(gallery.text().contains("templates.shop"), "{gallery:?}");
                end(&mut preview);
            }
            "\"$(scripts/envoy.sh)\" -c" => {
                let file = root.0.path().join("my-pages/envoy.yaml");
                move_port(&file, 8080, port);
                move_port(&file, 3000, refused.address().port());
                move_port(&file, 9901, free_port());
                let envoy =
                    root.start(&format!("{command} --disable-hot-restart --log-level warn"));
                running = Some(envoy);
                html_at(SocketAddr::from(([127, 0, 0, 1], port)));
            }
            "curl -i" => {
                let output = root.run(&command.replace(":8080/", &format!(":{port}/")));
                let page = String::from_utf8(output.stdout).expect("UTF-8");
                let page = page.replace('\r', "");
                let (head, html) = page.split_once("\n\n").expect("head and body");
                assert!(head.starts_with("HTTP/1.1 502 Bad Gateway\n"), "{head}");
                assert!(head
                    .contains("content-security-policy: default-src 'none'; style-src 'sha256-"));
                // Text that only the source contains.
                for part in [
                    "<html lang=\"en\" dir=\"ltr\">",
                    "– Harbour Coffee</title>",
                    "Perhaps a good moment to put the kettle on.",
                    "src=\"data:image/svg+xml;base64,",
                    "<code dir=\"ltr\">connection_refused</code>",
                ] {
                    assert!(html.contains(part), "{part} in {html}");
                }
            }
            _ => {
                root.run(&command);
            }
        }
        seen.push(word);
    }
    let expected = [
        "make wasm",
        "cargo install",
        "tidegate init",
        "tidegate preview",
        "tidegate check",
        "tidegate bundle",
        "\"$(scripts/envoy.sh)\" -c",
        "curl -i",
    ];
    assert_eq!(seen, expected);
    let mut envoy = running.expect("an Envoy");
    end(&mut envoy);
    let mut log = String::new();
    let stderr = envoy.stderr.as_mut().expect("a pipe");
    stderr.read_to_string(&mut log).expect("the log of Envoy");
    let signs = envoy::signs_of_death(&log);
    assert!(signs.is_empty(), "{signs:#?}");
}
