//! The access log, and what `tidegate explain` reports about it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{json, Value};
use tidegate_e2e::config::typed;
use tidegate_e2e::{tool, workspace};

use super::{Outage, NAMED, NOWHERE, TRIPS};
use crate::site::Site;

/// Returns the access log of `envoy/access-log.yaml`, and Envoy's default format beside it.
pub(super) fn both(listener: &str) -> Vec<Value> {
    let path = workspace().join("envoy/access-log.yaml");
    let text = fs::read_to_string(path).expect("envoy/access-log.yaml");
    let shipped: Value = serde_yaml_ng::from_str(&text).expect("envoy/access-log.yaml");
    let mut log = shipped["access_log"][0].clone();
    log["typed_config"]["path"] = json!(format!("access-{listener}.log"));
    let default = json!({
        "name": "text",
        "typed_config": typed("extensions.access_loggers.file.v3.FileAccessLog", json!({
            "path": format!("default-{listener}.log"),
        })),
    });
    vec![log, default]
}

/// Checks details and filter state of each line.
pub(super) fn lines(lines: &[Value], outages: &[Outage]) -> Vec<String> {
    let mut findings = Vec::new();
    for outage in outages {
        let begin = format!("/{}/", outage.name);
        let of = |line: &&Value| {
            let path = line["path"].as_str().unwrap_or_default();
            path.starts_with(&begin) && !path.ends_with("/trip")
        };
        let found: Vec<&Value> = lines.iter().filter(of).collect();
        if found.len() != 2 {
            findings.push(format!("{} has {} lines", outage.name, found.len()));
        }
        for line in found {
            let wrong = wrong_with(line, outage);
            findings.extend(wrong.map(|what| format!("{}: {what} in {line}", outage.name)));
        }
    }
    let cut = lines.iter().find(|line| line["path"] == "/200-cut/page");
    if cut.is_none_or(|cut| cut["tidegate_reason"] != "http_response_incomplete") {
        findings.push(format!("200-cut: {cut:?}"));
    }
    let healthy = lines
        .iter()
        .filter(|line| line["response_code"].as_u64() < Some(400));
    for line in healthy.filter(|line| line["path"] != "/200-cut/page") {
        findings.push(format!("{line} is well, and in the log of failures"));
    }
    findings
}

fn wrong_with(line: &Value, outage: &Outage) -> Option<&'static str> {
    let details = line["response_code_details"].as_str().unwrap_or_default();
    // A reply of the filter names the reason and includes Envoy's details.
    let own = details.strip_prefix("tidegate_");
    let own = own.map(|own| own.strip_prefix(outage.reason));
    let envoys = match own {
        None => details,
        Some(None) => return Some("another reason in the details"),
        Some(Some(rest)) => rest.trim_start_matches('{').trim_end_matches('}'),
    };
    let is_made_here = ["circuit_open", "maintenance"].contains(&outage.reason);
    let hint = line["tidegate_hint_ms"].as_str().map(str::parse::<u64>);
    match () {
        () if !envoys.starts_with(outage.details) => Some("other details"),
        () if is_made_here && own.is_none() => Some("no details of the filter"),
        () if line["tidegate_reason"] != outage.reason => Some("another reason"),
        () if line["tidegate_breaker"].as_str() != outage.circuit => Some("another state"),
        () if outage.retryable != matches!(hint, Some(Ok(1000..))) => Some("another hint"),
        () => None,
    }
}

/// Reasons by route.
type Named = BTreeMap<String, Vec<(String, u64)>>;

/// Returns what `tidegate explain` reports about a log, and checks that it read all of it.
fn explain(path: &Path) -> (Named, Value) {
    let output = tool()
        .args(["explain", "--json"])
        .arg(path)
        .output()
        .expect("run tidegate explain");
    let text = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&text).expect("a report");
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    assert_eq!(report["unreadable"]["lines"], 0, "{report:#}");
    let mut named = Named::new();
    for finding in report["findings"].as_array().expect("findings") {
        let text = |key: &str| finding[key].as_str().expect(key).to_owned();
        let count = finding["failures"].as_u64().expect("a number");
        named
            .entry(text("route"))
            .or_default()
            .push((text("reason"), count));
    }
    (named, report)
}

/// Checks reasons by filter state, by details alone for a log without filter state, and in Envoy's
/// default format.
pub(super) fn explained(site: &Site, outages: &[Outage]) -> Vec<String> {
    let folder = site.envoy.folder();
    let log = folder.join(format!("access-{NAMED}.log"));
    let mut findings = Vec::new();
    let (by_filter, report) = explain(&log);
    let total: u64 = 2 * outages.len() as u64 + TRIPS + 1;
    if report["failed"] != total {
        findings.push(format!("{} of {total} failures", report["failed"]));
    }
    let without = folder.join("without-the-filters-word.log");
    let text = fs::read_to_string(&log).expect("the access log");
    let stripped = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).expect("JSON");
        let members = line.as_object_mut().expect("an object");
        members.retain(|name, _| !name.starts_with("tidegate_"));
        format!("{line}\n")
    });
    fs::write(&without, stripped.collect::<String>()).expect("write a log");
    let (by_details, _) = explain(&without);
    for (how, named) in [("filter state", &by_filter), ("details", &by_details)] {
        for outage in outages {
            let route = match outage.name {
                "nowhere" => NOWHERE,
                name => name,
            };
            let mut want = vec![(outage.reason.to_owned(), 2)];
            if outage.name == "circuit" {
                want.insert(0, ("connection_refused".to_owned(), TRIPS));
            }
            let got = named.get(route);
            if got != Some(&want) {
                findings.push(format!(
                    "explained by {how}: {route}: {got:?}, not {want:?}"
                ));
            }
        }
        let cut = [("http_response_incomplete".to_owned(), 1)];
        if named.get("200-cut").is_none_or(|got| *got != cut) {
            findings.push(format!("explained by {how}: {:?}", named.get("200-cut")));
        }
    }
    let default = folder.join(format!("default-{NAMED}.log"));
    findings.extend(by_flags(&default, outages));
    findings
}

/// What Envoy's default format cannot tell: it has flags but neither details nor routes.
fn by_flags(log: &Path, outages: &[Outage]) -> Vec<String> {
    let text = fs::read_to_string(log).expect("the default log");
    let mut findings = Vec::new();
    for outage in outages {
        let begin = format!("\"GET /{}/p", outage.name);
        let lines = text.lines().filter(|line| line.contains(&begin));
        let part = log.with_file_name("one-outage.log");
        fs::write(
            &part,
            lines.map(|line| format!("{line}\n")).collect::<String>(),
        )
        .expect("write a log");
        let (named, _) = explain(&part);
        let want = match (outage.name, outage.reason) {
            // One flag covers everything that fails before there is a connection.
            (_, "connection_timeout" | "tls_protocol_error" | "tls_certificate_error") => {
                "connection_refused"
            }
            // No flag, but a host.
            ("hang-too-long", _) => "upstream_timeout",
            // No flag and no host.
            (_, "circuit_open" | "maintenance") => "proxy_internal_error",
            ("route-503" | "route-500", _) => "proxy_internal_error",
            (_, reason) => reason,
        };
        let want = vec![(want.to_owned(), 2)];
        let got: Vec<_> = named.into_values().collect();
        if got != [want.clone()] {
            findings.push(format!("by flags: {}: {got:?}, not {want:?}", outage.name));
        }
    }
    findings
}
