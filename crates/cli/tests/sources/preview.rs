//! `tidegate preview`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use tidegate_core::failure::Reason;

use crate::{page, Folder, SOURCE};

/// Every case is written as a file, in one language.
#[test]
fn preview_writes_every_page() {
    let source = "brand: { name: A }\nlocales: { default: de }\n\
                  templates: { a: { html: { file: pages/a.html } } }\n\
                  pages: [ { match: { reasons: [circuit_open] }, template: a } ]\n";
    let html = page("", "<p>{{reason}} {{lang}} {{retry_after}}");
    let folder = Folder::new(&[("s.yaml", source), ("pages/a.html", &html)]);
    let (code, stderr) = folder.fails(&["preview", "s.yaml", "--out", "out"]);
    assert_eq!(code, Some(0), "{stderr}");
    let read = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    let reasons = Reason::ALL.len() - 1;
    // What a visitor gets, the rule and the template, in eight forms each; after a POST also the
    // text and the Markdown of each, which are the built-in ones, and the built-in HTML.
    let texts = reasons + 1 + reasons;
    let count = texts * 8 + texts * 2 + reasons;
    let expected = format!("{count} pages written (de); open out/index.html\n");
    assert!(stderr.ends_with(&expected), "{stderr}");
    let own = read("rule-0/circuit_open.de.html");
    assert!(own.ends_with("<p>circuit_open de 2\n"), "{own}");
    assert_eq!(read("page/circuit_open.de.html"), own);
    assert!(read("template-a/dns_error.de.html").ends_with("<p>dns_error de 4\n"));
    // JSON is for people here.
    assert!(read("page/dns_error.de.json").contains("\n  \"reason\": \"dns_error\",\n"));
    assert_eq!(
        read("page/maintenance.de.line.txt"),
        "503 Service Unavailable (maintenance)\n"
    );
    let (get, post) = (
        read("page/dns_error.de.html"),
        read("page/dns_error.de.post.html"),
    );
    assert!(get.contains("<script>") && !post.contains("<script>"));
    assert!(!folder
        .path()
        .join("out/template-a/dns_error.de.post.html")
        .exists());
    let index = read("index.html");
    assert!(index.contains("\"posts\":[\"html\",\"txt\",\"md\"]"));
    assert!(index.contains("\"slug\":\"rule-0\""));
    // The headers of the filter.
    let head = ":status: 502\\ncontent-type: text/html; charset=utf-8\\ncontent-language: de\\n\
                cache-control: no-store\\nretry-after: 4\\n";
    assert!(
        index.contains(&format!("\"page/dns_error.de.html\":\"{head}")),
        "{index}"
    );
}

#[test]
fn preview_writes_the_languages_that_it_is_asked_for() {
    let folder = Folder::new(&[("s.yaml", "brand: { name: A }\n")]);
    let (code, stderr) = folder.fails(&[
        "preview", "s.yaml", "--out", "x", "--lang", "ar", "--lang", "ja",
    ]);
    assert!(stderr.contains(" pages written (ar, ja); "), "{stderr}");
    assert_eq!(code, Some(0));
    let page = folder.path().join("x/page/connection_refused.ar.html");
    assert!(fs::read_to_string(page)
        .unwrap()
        .contains("<html lang=\"ar\" dir=\"rtl\">"));
    assert!(!folder
        .path()
        .join("x/page/connection_refused.en.html")
        .exists());
    let (code, stderr) = folder.fails(&["preview", "s.yaml", "--out", "x", "--lang", "tlh"]);
    assert!(
        stderr.starts_with("--lang: found \"tlh\"; allowed: all, "),
        "{stderr}"
    );
    assert_eq!(code, Some(2));
}

/// The hint of a maintenance is the time until its end and up to a hundredth more, as the filter's.
#[test]
fn a_preview_is_about_now() {
    let end = SystemTime::now() + Duration::from_secs(3600);
    let end = humantime::format_rfc3339_seconds(end);
    let source = format!("routes: [{{ name: a, maintenance: {{ until: \"{end}\" }} }}]\n");
    let folder = Folder::new(&[("s.yaml", &source)]);
    assert_eq!(
        folder.fails(&["preview", "s.yaml", "--out", "x"]).0,
        Some(0)
    );
    let json = fs::read_to_string(folder.path().join("x/page/maintenance.en.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let seconds = json["retry_after"].as_u64().unwrap();
    assert!((3300..=3637).contains(&seconds), "{seconds}");
}

#[test]
fn preview_has_every_page_with_every_brand() {
    let source = "brand: { name: Usual }\n\
                  brands: [ { match: { hosts: ['*.fern.example'] }, name: Fern } ]\n\
                  templates: { a: { html: { file: pages/a.html } } }\n";
    let html = page("", "<p>{{brand.name}}");
    let folder = Folder::new(&[("s.yaml", source), ("pages/a.html", &html)]);
    let (code, stderr) = folder.fails(&["preview", "s.yaml", "--out", "out"]);
    assert_eq!(code, Some(0), "{stderr}");
    let read = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    assert!(read("page/dns_error.en.html").contains("– Usual</title>"));
    assert!(read("template-a/dns_error.en.html").ends_with("<p>Usual\n"));
    assert!(read("brand-0/dns_error.en.html").contains("– Fern</title>"));
    assert!(read("brand-0-template-a/dns_error.en.html").ends_with("<p>Fern\n"));
    let index = read("index.html");
    for label in [
        "brands[0]: what a visitor of shop.fern.example gets",
        "brands[0]: templates.a",
    ] {
        assert!(index.contains(label), "{label}");
    }
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
    let mut told = || {
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        line
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
    let state = shown("/state.json");
    assert!(state.contains("\"version\":1,") && state.contains("\"wrong\":\"\""));
    assert!(told().starts_with("s.yaml: build 1: "));
    let head = shown("/head/template-a/dns_error/en/get/html");
    assert!(
        head.contains("\n:status: 502\ncontent-type: text/html; charset=utf-8\n"),
        "{head}"
    );
    let json = |way: &str| shown(&format!("/{way}/page/dns_error/en/get/json"));
    assert!(json("served").contains(",\"reason\":\"dns_error\","));
    assert!(json("framed").contains("\n  \"reason\": \"dns_error\",\n"));

    // In one step, as the preview checks the files at any time.
    let save = |body: &str| {
        folder.write("pages/new.html", page("", body).as_bytes());
        let pages = folder.path().join("pages");
        fs::rename(pages.join("new.html"), pages.join("a.html")).unwrap();
    };
    save("<img src=/x alt><p>the second");
    assert!(page_at("served").ends_with("<p>the second\n"));
    let state = shown("/state.json");
    assert!(state.contains("\"version\":2,"));
    assert!(
        state.contains("\"warnings\":\"pages/a.html:6:10: warning: \\u003cimg src="),
        "{state}"
    );
    assert!(told().starts_with("pages/a.html:6:10: warning: <img src="));
    assert!(told().starts_with("s.yaml: build 2: "));
    save("<p>{{third}}");
    assert!(page_at("served").ends_with("<p>the second\n"));
    let state = shown("/state.json");
    assert!(
        state.contains("pages/a.html:6:4: error: ") && state.contains("\"version\":3,"),
        "{state}"
    );
    assert!(told().starts_with("pages/a.html:6:4: error: "));
    let line = told();
    assert!(
        line.starts_with("s.yaml: build 3: 1 error, 0 warnings; "),
        "{line}"
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
