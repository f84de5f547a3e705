//! `tidegate preview` shows what the filter serves, byte for byte except for the time and the hint,
//! which differ from request to request, and for the line breaks in JSON.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use serde_json::{json, Value};
use tempfile::TempDir;
use tidegate_e2e::client::{browser, Protocol};
use tidegate_e2e::config::merge;
use tidegate_e2e::message::Request;
use tidegate_e2e::process::Program;
use tidegate_e2e::tool;

use crate::site::Site;

/// The request id on every page of a preview.
const ID: &str = "6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11";
/// The built-in page with a brand and texts that need escaping.
const BUILT_IN: &str = "{ brand: { name: \"A & <B>\", color: \"#d97706\", home_url: /, \
                        status_url: \"https://status.example/?a&b\" }, \
                        retry: { after: { default: 20s } } }\n";

/// Texts before a number that is the hint or follows from it.
const HINTS: [&str; 5] = [
    "data-retry-after-ms=\"",
    "\"retry_after\":",
    "\"retry_after_ms\":",
    "in about ",
    "in etwa ",
];

/// Returns the length of a date and time at the beginning of a text: `2026-08-23T10:15:30`.
fn date(text: &str) -> Option<usize> {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let head = text.as_bytes().get(..FORM.len())?;
    let fits = head.iter().zip(FORM).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b' '),
        form => byte == form,
    });
    fits.then_some(FORM.len())
}

/// Masks what differs from request to request.
fn masked(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some(first) = rest.chars().next() {
        let before_a_hint = HINTS.iter().any(|hint| out.ends_with(hint));
        let length = date(rest).or_else(|| {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            (before_a_hint && digits > 0).then_some(digits)
        });
        match length {
            Some(length) => {
                out.push('#');
                rest = &rest[length..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

fn run(folder: &Path, args: &[&str]) -> String {
    let output = tool().args(args).current_dir(folder).output();
    let output = output.expect("run the command");
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn preview_equals_what_the_filter_serves() {
    let scratch = TempDir::new().expect("make a folder");
    let folder = scratch.path();
    run(folder, &["init", "own"]);
    // Shorter times are "a few seconds" or a number of them.
    let own = folder.join("own/tidegate.yaml");
    let source = fs::read_to_string(&own).expect("read the source");
    let longer = source.replace("default: 5s", "default: 20s");
    assert_ne!(longer, source);
    fs::write(own, longer).expect("write the source");
    fs::write(folder.join("built-in.yaml"), BUILT_IN).expect("write a source");
    let sources = [("own", "own/tidegate.yaml"), ("built-in", "built-in.yaml")];
    let bundles = sources.map(|(name, source)| {
        let languages = ["--lang", "en", "--lang", "de"];
        run(
            folder,
            &[&["preview", source, "--out", name], &languages[..]].concat(),
        );
        let bundle = run(folder, &["bundle", source]);
        let bundle = serde_json::from_str(&bundle).expect("JSON");
        // An open circuit would be another page.
        merge(bundle, json!({ "breaker": { "mode": "disabled" } })).to_string()
    });
    let [own, built_in] = &bundles;
    let site = Site::start(&[("own", Some(own)), ("built-in", Some(built_in))]);
    let mut count = 0;
    for (listener, _) in sources {
        let client = site.client(listener, Protocol::H1);
        for (path, reason) in [
            ("/refused/", "connection_refused"),
            ("/502/", "upstream_bad_gateway"),
            ("/overflow/", "connection_limit_reached"),
            ("/tls-to-plain/", "tls_protocol_error"),
        ] {
            for (method, infix) in [("GET", ""), ("POST", "post.")] {
                for (accept, extension) in [
                    ("text/html", "html"),
                    ("application/json", "json"),
                    ("text/plain", "txt"),
                ] {
                    for lang in ["en", "de"] {
                        let request = Request::new(method, path)
                            .header("accept", accept)
                            .header("accept-language", lang)
                            .header("x-request-id", ID);
                        let served = client.get(&request);
                        let name =
                            |infix| format!("{listener}/page/{reason}.{lang}.{infix}{extension}");
                        // A page that is the same after a POST is written once.
                        let shown = fs::read_to_string(folder.join(name(infix)))
                            .or_else(|_| fs::read_to_string(folder.join(name(""))));
                        let shown = shown.unwrap_or_else(|error| panic!("{}: {error}", name("")));
                        let plain = |page: &str| match extension {
                            "json" => serde_json::from_str::<Value>(page)
                                .expect("JSON")
                                .to_string(),
                            _ => page.to_owned(),
                        };
                        assert_eq!(
                            masked(&plain(served.text())),
                            masked(&plain(&shown)),
                            "{} {method}",
                            name("")
                        );
                        count += 1;
                    }
                }
            }
        }
    }
    assert_eq!(count, 2 * 4 * 2 * 3 * 2);
}

#[test]
fn the_gallery_shows_what_its_address_says() {
    let scratch = TempDir::new().expect("make a folder");
    let folder = scratch.path();
    fs::write(folder.join("s.yaml"), BUILT_IN).expect("write a source");
    let mut command = tool();
    command.args(["preview", "s.yaml", "--port", "0"]);
    command.current_dir(folder).stdin(Stdio::null());
    let mut preview = Program::start_piped(command);
    let stderr = preview.stderr.take().expect("a pipe");
    let mut said = String::new();
    let mut stderr = BufReader::new(stderr);
    stderr.read_line(&mut said).expect("a line of the command");
    let gallery = said
        .split_whitespace()
        .find(|word| word.starts_with("http://"));
    let gallery = gallery.unwrap_or_else(|| panic!("no address in {said:?}"));
    let passed = browser::run("preview.mjs", &json!({ "gallery": gallery }), |_| {
        json!(null)
    });
    assert_eq!(passed.len(), 2);
}

#[test]
fn only_time_and_hint_are_masked() {
    for (page, expected) in [
        ("2026-08-23T10:15:30Z 502", "#Z 502"),
        ("2026-08-23 10:15:30 UTC", "# UTC"),
        (
            "again in about 15 seconds. 15",
            "again in about # seconds. 15",
        ),
        (
            "\"retry_after\":12,\"status\":503",
            "\"retry_after\":#,\"status\":503",
        ),
        ("2026-08-23", "2026-08-23"),
    ] {
        assert_eq!(masked(page), expected);
    }
}
