//! What a browser blocks on operators' own pages is what `tidegate check` warned of, and nothing else.
//!
//! The sources are in `fixtures/pages`. So that a violation has a line, each line has one thing that can be blocked:
//! an address that no other line has, or an element with an `id`. A line with `<!-- unseen: … -->` has something that
//! browsers do not load in a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{json, Value};
use tidegate_core::config::Config;
use tidegate_core::failure::Reason;
use tidegate_core::page::{PageInfo, Pages};
use tidegate_e2e::client::browser;
use tidegate_e2e::tool;
use tidegate_e2e::upstream::{Answer, Behaviour, Upstream};

use super::page_of;

/// A file of the sources and a line of it.
type Place = (String, usize);

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/pages")
}

/// Runs the command in the folder of the sources, and returns what it prints.
fn run(args: &[&str]) -> Vec<u8> {
    let output = tool().args(args).current_dir(folder()).output();
    let output = output.expect("run the command");
    assert!(output.status.success(), "{args:?}: {output:?}");
    output.stdout
}

/// Returns the lines of a file, as a browser and an editor count them.
fn lines(file: &str) -> Vec<String> {
    let bytes = fs::read(folder().join(file)).unwrap_or_default();
    let text = String::from_utf8(bytes).expect("UTF-8");
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.split('\n').map(str::to_owned).collect()
}

/// Returns the places of the warnings about something that the policy blocks.
fn warned() -> BTreeSet<Place> {
    let report = run(&["check", "--format", "json", "tidegate.yaml"]);
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    let findings = report["findings"].as_array().expect("a list");
    let of_policy = findings.iter().filter(|finding| {
        let message = finding["message"].as_str().expect("a message");
        message.contains("policy")
    });
    let places = of_policy.map(|finding| {
        let file = finding["file"].as_str().expect("a file");
        let line = finding["line"].as_u64().expect("a line");
        (file.to_owned(), usize::try_from(line).expect("a line"))
    });
    places.filter(|place| !is_unseen(place)).collect()
}

fn is_unseen((file, line): &Place) -> bool {
    lines(file)
        .get(line - 1)
        .is_some_and(|line| line.contains("<!-- unseen:"))
}

/// Returns the place of what was blocked on a page.
fn place(page: &str, violation: &Value) -> Place {
    let (id, blocked) = (
        violation["id"].as_str().unwrap_or_default(),
        violation["blocked"].as_str().unwrap_or_default(),
    );
    let path = blocked.split('?').next().unwrap_or_default();
    let address = path.rsplit('/').find(|part| !part.is_empty());
    let address = address.unwrap_or_default();
    let is_here = |line: &str| match blocked.contains("://") {
        true => line.contains(address),
        false => {
            let line = line.to_lowercase();
            line.contains(&format!("id=\"{id}\"")) || line.contains(&format!("id={id} "))
        }
    };
    let mut files: Vec<String> = fs::read_dir(folder())
        .expect("the sources")
        .map(|entry| {
            entry
                .expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.ends_with(".css") || name.ends_with(".js"))
        .collect();
    files.insert(0, format!("{page}.html"));
    let mut places = files.into_iter().filter_map(|file| {
        let line = lines(&file).iter().position(|line| is_here(line))?;
        Some((file, line + 1))
    });
    places
        .next()
        .unwrap_or_else(|| panic!("{page}: no line has what was blocked: {violation}"))
}

/// Returns a configuration that the command has not made, whose pages have other line ends.
fn with_line_ends() -> Config {
    let names = ["carriage-return-line-feed", "carriage-return"];
    let pages = names.map(|name| {
        let html = fs::read_to_string(folder().join(format!("{name}.html"))).expect("UTF-8");
        assert!(html.contains('\r'));
        (name.to_owned(), json!({ "html": html }))
    });
    let rules = names
        .map(|name| json!({ "match": { "path_prefix": format!("/{name}/") }, "template": name }));
    let configuration =
        json!({ "templates": Value::Object(pages.into_iter().collect()), "pages": rules });
    Config::from_json(configuration.to_string().as_bytes()).expect("a configuration")
}

#[test]
fn a_browser_blocks_what_check_warned_of() {
    let warned = warned();
    let upstream = Upstream::start::<String, Behaviour>([]);
    let retry = Config::default().policy.retry.page;
    let mut facts = Vec::new();
    let mut serve = |config: &Config, folder: &str| {
        let pages = Pages::new(config);
        for (name, _) in &config.templates {
            let path = format!("/{name}/");
            let page = pages.render(&PageInfo {
                path: path.as_bytes(),
                ..page_of(502, Reason::ConnectionRefused, &retry)
            });
            let csp = page.csp.expect("a policy");
            let answer = Answer::status(502).header("content-security-policy", csp);
            let answer = answer.body("text/html; charset=utf-8", page.body);
            upstream.set(&format!("{folder}{name}"), answer);
            let file = format!("{name}.html");
            facts.push(json!({
                "name": name,
                "url": format!("http://{}/{folder}{name}/", upstream.address()),
                "warnings": warned.iter().filter(|(of, _)| *of == file).count(),
            }));
        }
    };
    let bundle = run(&["bundle", "tidegate.yaml"]);
    serve(&Config::from_json(&bundle).expect("a configuration"), "");
    serve(&with_line_ends(), "line-ends-");
    assert!(facts.len() > 30, "{}", facts.len());
    let mut blocked = BTreeSet::new();
    let passed = browser::run("violations.mjs", &json!({ "pages": facts }), |said| {
        let page = said["page"].as_str().expect("a page");
        for violation in said["violations"].as_array().expect("a list") {
            println!("{page}: {violation}");
            blocked.insert(place(page, violation));
        }
        Value::Null
    });
    assert_eq!(passed.len(), facts.len(), "{passed:#?}");
    let blocked: BTreeSet<Place> = blocked
        .into_iter()
        .filter(|place| !is_unseen(place))
        .collect();
    let only = |these: &BTreeSet<Place>, those: &BTreeSet<Place>| {
        let only = these.difference(those).map(|(file, line)| {
            let text = lines(file).get(line - 1).cloned();
            format!("{file}:{line}: {}", text.unwrap_or_default())
        });
        only.collect::<Vec<_>>()
    };
    let (silent, vain) = (only(&blocked, &warned), only(&warned, &blocked));
    assert!(
        silent.is_empty() && vain.is_empty(),
        "blocked without a warning: {silent:#?}\nwarned of, and not blocked: {vain:#?}"
    );
    assert!(blocked.len() > 60, "{}", blocked.len());
}
