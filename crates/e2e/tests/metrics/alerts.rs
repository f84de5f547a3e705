//! `envoy/alerts.yaml`, as Prometheus understands it.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use tidegate_core::reason::Reason;
use tidegate_e2e::prometheus::promtool;
use tidegate_e2e::{workspace, yaml};

const RULES: &str = "envoy/alerts.yaml";
const TESTS: &str = "crates/e2e/fixtures/alerts_test.yaml";
/// The same for the Prometheus Operator, made of it.
const RESOURCE: &str = "envoy/prometheusrule.yaml";

/// The rules that have that key: `alert` or `record`.
pub(crate) fn rules(kind: &str) -> Vec<Value> {
    let groups = yaml(RULES)["groups"].take();
    let groups = groups.as_array().expect("groups").iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().expect("rules").clone());
    rules.filter(|rule| rule[kind].is_string()).collect()
}

pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} of {value}"))
}

#[test]
fn promtool_finds_nothing_wrong() {
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", RULES]);
    promtool(&["test", "rules", TESTS]);
}

/// That those tests pass says nothing of an alert that they forget.
#[test]
fn every_alert_is_seen_to_fire_and_not_to_fire() {
    let tests = yaml(TESTS);
    let tests = tests["tests"].as_array().expect("tests").iter();
    let cases: Vec<&Value> = tests
        .flat_map(|test| test["alert_rule_test"].as_array().expect("tests of alerts"))
        .collect();
    for alert in rules("alert") {
        let name = text(&alert, "alert");
        let fires = |fires: bool| {
            let is_so = |case: &&Value| case["exp_alerts"].is_array() == fires;
            let mut of_alert = cases.iter().filter(|case| case["alertname"] == name);
            of_alert.any(is_so)
        };
        // Merge keys of YAML are not resolved here: what has one repeats what fires.
        assert!(fires(true), "{name}: no test in which it fires");
        assert!(fires(false), "{name}: no test in which it does not");
    }
}

#[test]
fn every_alert_says_what_is_wrong_and_where_to_read_on() {
    let docs = fs::read_to_string(workspace().join("docs/observability.md")).expect("the docs");
    let anchors: BTreeSet<String> = docs
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_matches(['#', ' ', '`']).to_lowercase())
        .collect();
    for alert in rules("alert") {
        let name = text(&alert, "alert");
        let annotations = &alert["annotations"];
        for key in ["summary", "description", "runbook_url"] {
            assert!(!text(annotations, key).is_empty(), "{name}: {key}");
        }
        let severity = text(&alert["labels"], "severity");
        assert!(["warning", "critical"].contains(&severity), "{name}");
        let url = text(annotations, "runbook_url");
        match url.split_once('#').expect("an anchor") {
            // One heading for each reason.
            ("docs/runbooks.md", "{{ $labels.tidegate_reason }}") => {}
            ("docs/runbooks.md", token) => {
                let is_reason = Reason::ALL.iter().any(|reason| reason.as_str() == token);
                assert!(is_reason, "{name}: {token} is no reason");
            }
            ("docs/observability.md", anchor) => {
                assert!(anchors.contains(anchor), "{name}: there is no {url}");
            }
            other => panic!("{name}: {other:?}"),
        }
        assert!(
            docs.contains(&format!("`{name}`")),
            "{name} is not in the docs"
        );
    }
}

#[test]
fn the_operators_form_is_made_of_the_same_rules() {
    let source = fs::read_to_string(workspace().join(RULES)).expect("the rules");
    let (_, groups) = source.split_once("groups:\n").expect("groups");
    let mut made = "# The rules of alerts.yaml for the Prometheus Operator. Made of it by a test: \
                    UPDATE_GOLDENS=1.\n\
                    apiVersion: monitoring.coreos.com/v1\n\
                    kind: PrometheusRule\n\
                    metadata:\n  name: tidegate\n\
                    spec:\n  groups:\n"
        .to_owned();
    for line in groups.lines() {
        let indent = if line.is_empty() { "" } else { "  " };
        made += &format!("{indent}{line}\n");
    }
    super::golden(RESOURCE, &made);
    assert_eq!(yaml(RESOURCE)["spec"], yaml(RULES));
}
