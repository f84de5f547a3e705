//! Output and exit codes of `tidegate explain`.

mod connections;
mod wrapped;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{json, Value};
use snapbox::Data;
use tempfile::TempDir;
use tidegate_core::failure::Reason;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the command in a folder with these files: exit code, standard output, standard error.
fn run(files: &[(&str, String)], args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .arg("explain")
        .args(args)
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command may end without reading its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code();
    (code, text(output.stdout), text(output.stderr))
}

/// Returns half an hour of a shop's log: checkout fails after a release, one of three hosts of the
/// search hangs, reviews fail while the rest of their route does not, and one line belongs to another
/// log.
fn morning() -> String {
    let mut log = String::new();
    for second in 0..1800_u64 {
        let at = format!("2026-11-23T09:{:02}:{:02}", second / 60, second % 60);
        let host = second % 3 + 5;
        let is_new = second >= 900;
        let is_broken = (905..1080).contains(&second);
        let release = if is_new { "v42" } else { "v41" };
        let mut line = |part: u64, route: &str, more: Value| {
            let mut line = json!({
                "start_time": format!("{at}.{part}00Z"), "duration": 20, "method": "GET",
                "path": format!("/{route}"), "authority": "shop.example",
                "request_id": format!("{part}f1c-{second}"),
                "response_code": 200, "response_code_details": "via_upstream", "response_flags": "-",
                "bytes_sent": 1534, "route_name": route, "upstream_cluster": route,
                "upstream_host": format!("10.0.0.{host}:8080"),
                "upstream_transport_failure_reason": null, "tidegate_reason": null,
                "tidegate_breaker": null, "tidegate_hint_ms": null, "release": release,
            });
            let (members, more) = (line.as_object_mut().unwrap(), more.as_object().unwrap());
            members.extend(more.clone());
            writeln!(log, "{line}").unwrap();
        };
        line(1, "shop", json!({}));
        if second >= 1500 && second % 5 == 0 {
            line(
                1,
                "shop",
                json!({
                    "path": format!("/reviews/{second}?sort=new"), "response_code": 502,
                    "tidegate_reason": "upstream_bad_gateway", "release": null,
                }),
            );
        }
        line(
            2,
            "checkout",
            match is_broken {
                true if second > 915 => json!({
                    "response_code": 503, "release": null, "upstream_host": null,
                    "response_code_details": "tidegate_circuit_open{connection_refused}",
                    "tidegate_reason": "circuit_open", "tidegate_breaker": "open",
                    "tidegate_hint_ms": "2400",
                }),
                true => json!({
                    "response_code": 502, "response_flags": "UF", "release": null,
                    "response_code_details": "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
                    "upstream_transport_failure_reason": "delayed connect error: Connection refused",
                    "tidegate_reason": "connection_refused",
                }),
                false => json!({}),
            },
        );
        line(
            3,
            "search",
            match second > 1200 && second < 1500 && host == 6 {
                true => json!({
                    "response_code": 504, "response_flags": "UT", "release": null, "duration": 15000,
                    "response_code_details": "response_timeout",
                }),
                false => json!({}),
            },
        );
        if second == 1200 {
            log.push_str(
                "[2026-11-23 09:20:00.000][1][warning][main] not a line of the access log\n",
            );
        }
    }
    log
}

/// The session in docs/explain.md is the actual output.
#[test]
fn the_documented_session_is_what_is_printed() {
    let (code, printed, errors) = run(&[("access.log", morning())], &["access.log"], "");
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let path = root().join("docs/explain.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("$ tidegate explain access.log\n").unwrap();
    let (_, after) = rest.split_once("```\n").unwrap();
    let expected = format!("{before}$ tidegate explain access.log\n{printed}```\n{after}");
    snapbox::assert_data_eq!(expected, Data::read_from(&path, None).raw());
}

/// Collects every key of the JSON in the notation of docs/explain.md.
fn keys(value: &Value, path: &str, found: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let path = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                found.insert(path.clone());
                keys(value, &path, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                keys(item, &format!("{path}[]"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_field_of_the_json_is_documented() {
    let (code, printed, _) = run(&[("access.log", morning())], &["access.log", "--json"], "");
    assert_eq!(code, Some(0));
    let report: Value = serde_json::from_str(&printed).unwrap();
    let mut found = std::collections::BTreeSet::new();
    keys(&report, "", &mut found);
    let page = fs::read_to_string(root().join("docs/explain.md")).unwrap();
    for key in &found {
        assert!(
            page.contains(&format!("| `{key}` |")),
            "{key} is not in docs/explain.md"
        );
    }
    assert_eq!(report["version"], 1);
    assert_eq!(report["requests"], 5460);
    assert_eq!(report["unreadable"]["first"]["line"], 3604);
    let findings = report["findings"].as_array().unwrap();
    let named: Vec<_> = findings
        .iter()
        .map(|f| (&f["route"], &f["reason"], &f["failures"]))
        .collect();
    assert_eq!(
        named,
        [
            (&json!("checkout"), &json!("circuit_open"), &json!(164)),
            (
                &json!("search"),
                &json!("http_response_timeout"),
                &json!(100)
            ),
            (&json!("shop"), &json!("upstream_bad_gateway"), &json!(60)),
            (&json!("checkout"), &json!("connection_refused"), &json!(11)),
        ]
    );
    assert_eq!(
        findings[0]["opened_by"],
        json!([{ "reason": "connection_refused", "rejected": 164 }])
    );
    assert_eq!(
        findings[3]["known_from"],
        json!({
            "filter_state": 11, "details": 0, "transport": 0, "unexplained": 0, "flags": 0, "status": 0
        })
    );
    let reviews = findings[2]["episodes"][0]["changes"].as_array().unwrap();
    let is_one_path = |change: &&Value| change["kind"] == "one_path";
    assert_eq!(
        reviews.iter().find(is_one_path).unwrap(),
        &json!({ "kind": "one_path", "class": "shop.example/reviews" })
    );
    let changes = &findings[3]["episodes"][0]["changes"];
    assert_eq!(changes[0]["kind"], "release");
    assert_eq!(
        (&changes[0]["from"], &changes[0]["to"]),
        (&json!("v41"), &json!("v42"))
    );
}

/// Returns a line in one of the formats: second, method and path, status, flags, details.
fn one_line(format: &str, second: u64, request: &str, status: u16, more: (&str, &str)) -> String {
    let (flags, details) = more;
    let (method, path) = request.split_once(' ').unwrap();
    let at = format!("2026-11-23T09:{:02}:{:02}.000Z", second / 60, second % 60);
    let end = r#""-" "curl" "f1c" "shop.example" "10.0.0.5:80""#;
    let received = if method == "POST" { 70_000 } else { 0 };
    match format {
        "text" => format!(
            "[{at}] \"{method} {path} HTTP/1.1\" {status} {flags} {received} 40 5 1 {end}\n"
        ),
        "istio" => format!(
            "[{at}] \"{method} {path} HTTP/2\" {status} {flags} {details} - \"-\" {received} 40 5 1 {end} \
             outbound|80||shop 10.0.0.1:33 10.0.0.2:80 10.0.0.3:4 - default\n"
        ),
        _ => {
            let (authority, name) = match format {
                "gateway" => (":authority", "x-envoy-origin-path"),
                _ => ("authority", "path"),
            };
            let line = json!({
                "start_time": at, "method": method, name: path, authority: "shop.example",
                "response_code": status, "response_flags": flags, "response_code_details": details,
                "bytes_received": received, "bytes_sent": 40, "upstream_host": "10.0.0.5:80",
            });
            format!("{line}\n")
        }
    }
}

/// The path is read in all formats.
#[test]
fn failures_of_one_path_are_reported_as_such() {
    for format in ["text", "istio", "json", "gateway"] {
        let mut log = String::new();
        for second in 0..60 {
            let bad = format!("GET /bad/{second}?q=/x");
            let ok = ("-", "via_upstream");
            log += &one_line(format, second, &bad, 502, ok);
            log += &one_line(format, second, "GET /", 200, ok);
        }
        let (code, printed, errors) = run(&[], &["-"], &log);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        let sentence =
            "\n     nearly all of them are of /bad on shop.example: other paths are served\n";
        assert!(printed.contains(sentence), "{format}: {printed}");
    }
}

/// Requests that the circuit of a path rejects, and what opened it.
#[test]
fn rejections_of_one_path_are_reported_as_such() {
    let mut log = String::new();
    for second in 0..60 {
        let bad = match second {
            0..5 => (502, ("-", "via_upstream")),
            _ => (503, ("-", "tidegate_circuit_open{upstream_bad_gateway}")),
        };
        log += &one_line("json", second, "GET /bad", bad.0, bad.1);
        log += &one_line("json", second, "GET /", 200, ("-", "via_upstream"));
    }
    let (_, printed, _) = run(&[], &["-", "--top", "0"], &log);
    let findings = printed.lines().filter(|line| !line.starts_with("   *"));
    let findings = findings.filter(|line| !line.starts_with("       "));
    let findings: Vec<_> = findings.collect();
    snapbox::assert_data_eq!(
        findings.join("\n"),
        snapbox::str![[r#"
120 requests from 2026-11-23T09:00:00Z to 2026-11-23T09:00:59Z; 60 failed (50 %)
Requests without a route in the log are grouped by the host of the request.

1. shop.example: circuit_open, 55 failures, 46 % of the 120 requests
   The circuit was opened by upstream_bad_gateway: 55 rejected
   paths: /bad (55)
   methods: GET (55)
   2026-11-23T09:00:05Z to 09:00:59Z (54 s): 55 failures, 51 % of requests in that period
     nearly all of them are of /bad on shop.example: other paths are served
     first failure: stdin:11, host 10.0.0.5:80, details tidegate_circuit_open{upstream_bad_gateway}
   Check first:
   More: tidegate explain --reason circuit_open

2. shop.example: upstream_bad_gateway, 5 failures, 4.2 % of the 120 requests
   paths: /bad (5)
   methods: GET (5)
   2026-11-23T09:00:00Z to 09:00:04Z (4 s): 5 failures, 62 % of requests in that period
     nearly all of them are of /bad on shop.example: other paths are served
     first failure: stdin:1, host 10.0.0.5:80, details via_upstream
   Check first:
   More: tidegate explain --reason upstream_bad_gateway
"#]]
    );
}

/// An upstream need not read a body that it refuses. What it answered is what counts.
#[test]
fn an_answer_before_the_body_was_read_is_not_called_incomplete() {
    let cut = "upstream_reset_after_response_started{connection_termination}";
    let reset = "upstream_reset_after_response_started{remote_reset}";
    for format in ["text", "istio", "json"] {
        let mut log = String::new();
        for second in 0..10 {
            log += &one_line(format, second, "POST /upload", 413, ("UC", cut));
            log += &one_line(format, second, "POST /upload", 415, ("UR", reset));
        }
        let (_, printed, _) = run(&[], &["-"], &log);
        assert_eq!(
            printed,
            "20 requests from 2026-11-23T09:00:00Z to 2026-11-23T09:00:09Z; 0 failed (0 %)\n",
            "{format}"
        );
        // A response that was accepted, and cut off.
        log += &one_line(format, 10, "POST /upload", 200, ("UC", cut));
        let (_, printed, _) = run(&[], &["-"], &log);
        let of_incomplete = ": http_response_incomplete, 1 failure, 4.8 % of the 21 requests\n";
        assert!(printed.contains(of_incomplete), "{format}: {printed}");
    }
}

#[test]
fn explain_reads_standard_input() {
    let line = r#"[2026-11-23T09:00:00.000Z] "GET / HTTP/1.1" 200 - 0 5 1 1 "-" "-" "-" "shop.example" "10.0.0.5:80""#;
    let (code, printed, errors) = run(&[], &["-"], line);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_eq!(
        printed,
        "1 request from 2026-11-23T09:00:00Z to 2026-11-23T09:00:00Z; 0 failed (0 %)\n"
    );
    let (code, printed, _) = run(&[], &["-"], "");
    assert_eq!(
        (code, printed.as_str()),
        (Some(0), "0 requests; 0 failed (0 %)\n")
    );
}

#[test]
fn unreadable_lines_are_reported_with_their_place() {
    let wrong = "not a log\nnor this\n".to_owned();
    let (code, printed, errors) = run(&[("a.log", wrong.clone())], &["a.log"], "");
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert_eq!(
        errors,
        "a.log:1: neither a JSON object nor a line in Envoy's or Istio's text format: no \"[\" at its start\n\
         no line could be read (of 2)\n"
    );
    let (code, printed, errors) = run(&[], &["none.log"], "");
    assert_eq!((code, printed.as_str()), (Some(2), ""));
    assert_eq!(
        errors,
        "none.log: cannot be read: No such file or directory (os error 2)\n"
    );
    // The readable files are still explained.
    let (code, printed, errors) = run(&[("a.log", morning())], &["none.log", "a.log"], "");
    assert_eq!(code, Some(2));
    assert!(
        printed.contains("\n1. checkout/checkout: circuit_open, "),
        "{printed}"
    );
    assert!(errors.starts_with("none.log: cannot be read"), "{errors}");
    let (code, printed, _) = run(&[("a.log", wrong)], &["a.log", "--json"], "");
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((code, &report["unreadable"]["lines"]), (Some(1), &json!(2)));
}

#[test]
fn every_reason_is_explained() {
    let (code, list, _) = run(&[], &["--reason", "list"], "");
    assert_eq!(code, Some(0));
    assert_eq!(list.lines().count(), Reason::ALL.len());
    let summaries: BTreeSet<&str> = list
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(_, summary)| summary.trim())
        .collect();
    assert_eq!(summaries.len(), Reason::ALL.len(), "{list}");
    for (line, reason) in list.lines().zip(Reason::ALL) {
        assert!(line.starts_with(reason.as_str()), "{line}");
        let (code, text, errors) = run(&[], &["--reason", reason.as_str()], "");
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(text.starts_with(reason.as_str()), "{text}");
        assert!(text.contains("\nCheck first\n  1. "), "{text}");
    }
    let (code, printed, errors) = run(&[], &["--reason", "dns_eror"], "");
    assert_eq!((code, printed.as_str()), (Some(2), ""));
    assert_eq!(
        errors,
        "--reason: found \"dns_eror\"; `tidegate explain --reason list` lists all reasons; did you mean `dns_error`?\n"
    );
}

#[test]
fn explain_without_input_is_wrong_usage() {
    for args in [&[][..], &["--json"], &["a.log", "--reason", "dns_error"]] {
        let (code, printed, errors) = run(&[], args, "");
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{args:?}");
        assert!(errors.contains("Usage: tidegate"), "{errors}");
    }
    let (code, _, errors) = run(&[], &["a.log", "--gap", "soon"], "");
    assert_eq!(code, Some(2));
    assert!(
        errors.contains("invalid value 'soon' for '--gap <TIME>'"),
        "{errors}"
    );
}
