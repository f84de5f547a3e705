//! `tidegate preview`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use tidegate_core::config::Config;
use tidegate_core::failure::Reason;
use tidegate_core::page::Pages;

use crate::{page, Folder, SOURCE};

/// Every case is written as a file, with the bytes of the filter.
#[test]
fn preview_writes_every_page() {
    let source = "brand: { name: A }\ntemplates: { a: { html: { file: pages/a.html } } }\n\
                  pages: [ { match: { reasons: [circuit_open] }, template: a } ]\n";
    let html = page("", "<p>{{reason}} {{lang}} {{retry_after}}");
    let folder = Folder::new(&[("s.yaml", source), ("pages/a.html", &html)]);
    let (code, stderr) = folder.fails(&["preview", "s.yaml", "--out", "out"]);
    assert_eq!(code, Some(0), "{stderr}");
    let read = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    let reasons = Reason::ALL.len() - 1;
    let languages = Pages::new(&Config::default()).languages().count();
    // What a visitor gets, the rule and the template, in eight forms each; after a POST also the
    // text and the Markdown of each, which are the built-in ones, and the built-in HTML.
    let texts = reasons + 1 + reasons;
    let count = (texts * 8 + texts * 2 + reasons) * languages;
    assert_eq!(
        stderr,
        format!("{count} pages written; open out/index.html\n")
    );
    let own = read("rule-0/circuit_open.de.html");
    assert!(own.ends_with("<p>circuit_open de 2\n"), "{own}");
    assert_eq!(read("page/circuit_open.de.html"), own);
    assert!(read("page/connection_refused.ar.html").contains("<html lang=\"ar\" dir=\"rtl\">"));
    assert!(read("template-a/dns_error.en.html").ends_with("<p>dns_error en 4\n"));
    assert!(read("page/dns_error.en.json").contains("\"reason\":\"dns_error\""));
    assert_eq!(
        read("page/maintenance.en.line.txt"),
        "503 Service Unavailable (maintenance)\n"
    );
    assert!(read("page/maintenance.en.txt").contains("UTC)."));
    let (get, post) = (
        read("page/dns_error.en.html"),
        read("page/dns_error.en.post.html"),
    );
    assert!(get.contains("<script>") && !post.contains("<script>"));
    assert!(read("template-a/dns_error.en.post.txt").contains("may or may not have been"));
    assert!(!folder
        .path()
        .join("out/template-a/dns_error.en.post.html")
        .exists());
    assert!(read("index.html").contains("\"posts\":[\"html\",\"txt\",\"md\"]"));
    assert!(read("index.html").contains("\"slug\":\"rule-0\""));
}

/// A running server that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn preview_follows_changes_of_files() {
    let folder = Folder::new(&[("s.yaml", SOURCE), ("pages/a.html", &page("", "<p>one"))]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(["preview", "s.yaml", "--port", "0"]);
    command.current_dir(folder.path());
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = Running(child.unwrap());
    let mut line = String::new();
    let mut stderr = BufReader::new(child.0.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    let port = line
        .split(['/', ':'])
        .find_map(|part| part.parse::<u16>().ok());
    let port = port.unwrap_or_else(|| panic!("{line}"));
    let get = |host: &str, path: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let shown = |path: &str| get(&format!("localhost:{port}"), path);
    let page_at = |way: &str| shown(&format!("/{way}/template-a/dns_error/en/get/html"));

    let answer = page_at("served");
    assert!(
        answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
        "{answer}"
    );
    assert!(answer.contains("frame-ancestors 'none'\r\n") && answer.ends_with("<p>one\n"));
    let framed = page_at("framed");
    assert!(framed.contains("frame-ancestors 'self'\r\n") && framed.ends_with("<p>one\n"));
    assert!(shown("/").contains("<title>Pages – Tidegate</title>"));
    assert!(shown("/state.json").contains("\"version\":1,\"wrong\":\"\""));

    folder.write("pages/a.html", page("", "<p>the second").as_bytes());
    assert!(page_at("served").ends_with("<p>the second\n"));
    assert!(shown("/state.json").contains("\"version\":2,"));
    folder.write("pages/a.html", page("", "<p>{{third}}").as_bytes());
    assert!(page_at("served").ends_with("<p>the second\n"));
    let state = shown("/state.json");
    assert!(
        state.contains("pages/a.html:6:4: ") && state.contains("\"version\":3,"),
        "{state}"
    );

    for path in [
        "/served/template-a/dns_error/xx/get/html",
        "/served/../s.yaml",
        "/s.yaml",
    ] {
        assert!(shown(path).starts_with("HTTP/1.1 404 "), "{path}");
    }
    assert!(get("evil.example", "/").starts_with("HTTP/1.1 403 "));
}
