//! `docs/observability.md` has every metric that the module can define, with the labels that the
//! rules make.

use std::collections::BTreeSet;
use std::fs;

use tidegate_core::host::MetricKind;
use tidegate_core::worker::catalog;
use tidegate_e2e::workspace;

/// A line of the table of metrics: name, type, labels.
type Row = (String, String, BTreeSet<String>);

/// Reads the table in the docs.
fn documented() -> BTreeSet<Row> {
    let docs = workspace().join("docs/observability.md");
    let docs = fs::read_to_string(docs).expect("the docs");
    let lines = docs.lines().filter(|line| line.starts_with("| `tidegate_"));
    let quoted = |cell: &str| -> BTreeSet<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            (
                cells[1].trim_matches('`').to_owned(),
                cells[2].to_owned(),
                quoted(cells[3]),
            )
        })
        .collect()
}

/// Returns the metrics of the core as the rules present them to Prometheus.
fn defined() -> BTreeSet<Row> {
    let metrics = catalog().into_iter().map(|(kind, name)| {
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
        };
        let mut labels = BTreeSet::new();
        let mut short = name.clone();
        for label in ["route", "reason", "why", "format"] {
            let part = format!(".{label}.*");
            if short.contains(&part) {
                short = short.replacen(&part, "", 1);
                labels.insert(format!("tidegate_{label}"));
            }
        }
        assert!(!short.contains('*'), "{name}: a part that no rule knows");
        (short.replace('.', "_"), kind.to_owned(), labels)
    });
    metrics.collect()
}

#[test]
fn docs_list_exactly_the_metrics() {
    assert_eq!(documented(), defined());
}

/// Every metric in a query exists.
#[test]
fn alerts_and_dashboard_query_existing_metrics() {
    let defined: BTreeSet<String> = defined().into_iter().map(|(name, ..)| name).collect();
    let read = |path: &str| fs::read_to_string(workspace().join(path)).expect(path);
    for path in ["envoy/alerts.yaml", "envoy/dashboard.json"] {
        let text = read(path);
        // Metric names followed by a blank, a brace or a bracket. Other names are parts of names or
        // labels.
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
        let recorded = ["tidegate_requests:rate5m", "tidegate_failures:rate5m"];
        for word in words.filter(|word| word.starts_with("tidegate_")) {
            let labels = ["route", "reason", "why", "format"];
            let label = word.strip_prefix("tidegate_");
            let is_label = label.is_some_and(|label| labels.contains(&label));
            let is_known = is_label || recorded.contains(&word) || defined.contains(word);
            assert!(is_known || word == "tidegate_", "{path}: {word}");
        }
    }
    // The dashboard uses each metric.
    let dashboard = read("envoy/dashboard.json");
    for name in defined {
        assert!(dashboard.contains(&name), "{name} is not in the dashboard");
    }
}
