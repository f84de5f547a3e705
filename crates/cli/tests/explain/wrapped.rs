//! Logs as collectors and tools pass them on: each is explained like the log that Envoy wrote.

use std::fs;

use serde_json::json;

use crate::{one_line, root, run};

/// Returns twenty requests in a format, of which four fail.
fn log(format: &str) -> Vec<String> {
    let line = |second| {
        let (status, more) = match second % 5 {
            0 => (503, ("UH", "no_healthy_upstream")),
            _ => (200, ("-", "via_upstream")),
        };
        let line = one_line(format, second, "GET /cart", status, more);
        line.trim_end().to_owned()
    };
    (0..20).map(line).collect()
}

/// Puts each line into a collector's clothes: a name, and what the collector makes of a line.
type Wrapper = (&'static str, fn(&str) -> String);

const AROUND_ANY: &[Wrapper] = &[
    ("none", |line| line.to_owned()),
    ("CR LF", |line| format!("{line}\r")),
    ("kubectl logs --prefix", |line| {
        format!("[pod/gw-1/istio-proxy] {line}")
    }),
    ("kubectl logs --timestamps", |line| {
        format!("2026-11-23T09:30:00.123456789Z {line}")
    }),
    ("kubectl logs --prefix --timestamps", |line| {
        format!("[pod/gw-1/istio-proxy] 2026-11-23T09:30:00.123456789Z {line}")
    }),
    ("stern", |line| format!("gw-1 istio-proxy {line}")),
    ("stern --timestamps", |line| {
        format!("gw-1 istio-proxy 2026-11-23T10:30:00.123456789+01:00 {line}")
    }),
    ("containerd, CRI-O", |line| {
        format!("2026-11-23T09:30:00.123456789Z stdout F {line}")
    }),
    ("docker compose logs", |line| format!("envoy-1  | {line}")),
    ("syslog", |line| {
        format!("Nov 23 09:30:00 edge-1 envoy[811]: {line}")
    }),
    ("gcloud, stackdriver text", |line| {
        format!(
            "INFO 2026-11-23T09:30:00.123456Z [resource.labels.containerName: istio-proxy] {line}"
        )
    }),
    ("Emissary", |line| format!("ACCESS {line}")),
    ("Docker", |line| {
        let time = "2026-11-23T09:30:00.123456789Z";
        json!({ "log": format!("{line}\n"), "stream": "stdout", "time": time }).to_string()
    }),
    ("Docker behind Fluent Bit", |line| {
        json!({ "date": 1795426200.1, "log": line, "kubernetes": { "pod_name": "gw-1" } })
            .to_string()
    }),
    ("Filebeat", |line| {
        json!({ "@timestamp": "2026-11-23T09:30:00Z", "log": { "offset": 1 }, "message": line })
            .to_string()
    }),
    ("Datadog", |line| {
        json!({ "status": "info", "timestamp": 1795426200123_u64, "message": line }).to_string()
    }),
    ("journald", |line| {
        json!({ "_PID": "811", "MESSAGE": line }).to_string()
    }),
    ("Google Cloud Logging", |line| {
        json!({
            "insertId": "x", "logName": "projects/shop/logs/stdout", "severity": "INFO",
            "resource": { "type": "k8s_container", "labels": { "container_name": "istio-proxy" } },
            "textPayload": line, "timestamp": "2026-11-23T09:30:00.123Z",
        })
        .to_string()
    }),
    ("kubectl logs --prefix of Docker", |line| {
        format!(
            "[pod/gw-1/istio-proxy] {}",
            json!({ "log": format!("{line}\n") })
        )
    }),
];

const AROUND_JSON: &[Wrapper] = &[
    ("Google Cloud Logging", |line| {
        format!(r#"{{"insertId":"x","jsonPayload":{line},"timestamp":"2026-11-23T09:30:00Z"}}"#)
    }),
    ("Contour", |line| line.replace("start_time", "@timestamp")),
    ("other names", |line| {
        line.replace("start_time", "timestamp")
            .replace("response_code\"", "status\"")
    }),
    ("Istio of 2019", |line| {
        let numbers = line
            .replace(":200", ":\"200\"")
            .replace(":503", ":\"503\"")
            .replace(":40,", ":\"40\",");
        numbers.replace(
            '{',
            r#"{"istio_policy_status":"-","upstream_local_address":"-","#,
        )
    }),
    ("two ids", |line| {
        line.replace('{', r#"{"request_id":"f1c","x-request-id":"-","#)
    }),
];

/// Returns the report on a log, without the runbooks.
fn report(log: &[u8], name: &str) -> String {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("stdin");
    fs::write(&path, log).unwrap();
    let (code, printed, errors) = run(&[], &["--json", path.to_str().unwrap()], "");
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{name}");
    let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let findings: Vec<String> = findings
        .iter()
        .map(|finding| {
            let first = &finding["episodes"][0]["first"];
            format!(
                "{} {} of {} {}: {} {} {}",
                finding["route"],
                finding["failures"],
                finding["requests"],
                finding["reason"],
                finding["paths"],
                finding["episodes"][0]["from"],
                first["upstream_host"],
            )
        })
        .collect();
    format!(
        "{} requests, {} unreadable, {} to {}\n{}\n",
        report["requests"],
        report["unreadable"]["lines"],
        report["from"],
        report["to"],
        findings.join("\n")
    )
}

const WANT: &str = r#"20 requests, 0 unreadable, "2026-11-23T09:00:00.005Z" to "2026-11-23T09:00:19.005Z"
ROUTE 4 of 20 "destination_unavailable": [{"class":"shop.example/cart","failures":4}] "2026-11-23T09:00:00.005Z" "10.0.0.5:80"
"#;

/// The lines in JSON have no duration.
fn want(format: &str) -> String {
    let route = if format == "istio" {
        "\"default\""
    } else {
        "\"shop.example\""
    };
    let want = WANT.replace("ROUTE", route);
    match format {
        "json" | "gateway" => want.replace(".005Z", ".000Z"),
        _ => want,
    }
}

#[test]
fn a_log_that_a_collector_passes_on_is_read_like_the_one_that_envoy_wrote() {
    for format in ["text", "istio", "json", "gateway"] {
        let of_json = if format == "json" { AROUND_JSON } else { &[] };
        for (name, wrapper) in AROUND_ANY.iter().chain(of_json) {
            let name = format!("{name}, {format}");
            let lines: Vec<String> = log(format).iter().map(|line| wrapper(line)).collect();
            let found = report(lines.join("\n").as_bytes(), &name);
            assert_eq!(found, want(format), "{name}\n{}", lines[0]);
        }
    }
}

#[test]
fn times_are_read_as_they_are_written() {
    for (name, from, to) in [
        ("offset without a colon", ".000Z", ".000+0000"),
        ("offset", "T09:", "T11:"),
        ("no zone", ".000Z", ".000"),
    ] {
        let rewrite = |line: &String| match name {
            "offset" => line.replace(from, to).replace(".000Z", ".000+02:00"),
            _ => line.replace(from, to),
        };
        for format in ["text", "istio", "json"] {
            let lines: Vec<String> = log(format).iter().map(rewrite).collect();
            assert_eq!(
                report(lines.join("\n").as_bytes(), name),
                want(format),
                "{name}, {format}"
            );
        }
    }
    for (name, unit) in [("seconds", 1), ("milliseconds", 1000)] {
        let rewrite = |(second, line): (usize, &String)| {
            let (before, rest) = line.split_once("2026-").unwrap();
            let (_, after) = rest.split_once("Z").unwrap();
            format!("{before}{}{after}", (1_795_424_400 + second) * unit)
        };
        for format in ["text", "istio", "json"] {
            let lines: Vec<String> = log(format).iter().enumerate().map(rewrite).collect();
            assert_eq!(
                report(lines.join("\n").as_bytes(), name),
                want(format),
                "{name}, {format}"
            );
        }
    }
}

#[test]
fn bytes_that_are_not_text_are_read() {
    for format in ["text", "istio", "json"] {
        let log = log(format).join("\n");
        let agent = match format {
            "json" => log.replace("{", "{\"user_agent\":\"AGENT\","),
            _ => log.replace("\"curl\"", "\"AGENT\""),
        };
        let mut bytes = b"\xef\xbb\xbf".to_vec();
        for part in agent.split_inclusive("AGENT") {
            bytes.extend(part.strip_suffix("AGENT").unwrap_or(part).bytes());
            if part.ends_with("AGENT") {
                bytes.extend(b"a\xff\xfe\xc3");
            }
        }
        assert_eq!(report(&bytes, format), want(format), "{format}");
    }
    // Bytes in a field that is read.
    let log = log("json").join("\n").replace("/cart", "/cart?AGENT");
    let mut bytes = log.into_bytes();
    while let Some(at) = memchr::memmem::find(&bytes, b"AGENT") {
        bytes.splice(at..at + 5, *b"\xff\xc3");
    }
    assert_eq!(report(&bytes, "path"), want("json"));
}

/// docs/explain.md lists what is read.
#[test]
fn every_wrapper_is_documented() {
    let page = fs::read_to_string(root().join("docs/explain.md")).unwrap();
    for word in [
        "--prefix",
        "--timestamps",
        "stern",
        "CRI",
        "Docker",
        "Filebeat",
        "journald",
        "Google Cloud Logging",
        "syslog",
        "Emissary",
        "Contour",
    ] {
        assert!(page.contains(word), "{word}");
    }
}
