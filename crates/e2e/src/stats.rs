//! Envoy's metrics, as Prometheus reads them.
//!
//! The reader here is strict, so that a line that breaks the format fails a test.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::envoy::Envoy;

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// One line of `/stats/prometheus`.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The name of the metric.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// The value.
    pub value: f64,
}

impl Envoy {
    /// Returns what Prometheus would scrape now.
    ///
    /// # Panics
    /// If Envoy does not answer in the text format of Prometheus.
    pub fn series(&self) -> Vec<Series> {
        let (status, text) = self
            .admin()
            .get("/stats/prometheus")
            .expect("ask for stats");
        assert_eq!(status, 200, "{text}");
        parse(&text)
    }

    /// Returns the number of bytes that Envoy has allocated, without the memory of the module.
    ///
    /// # Panics
    /// If Envoy does not answer.
    pub fn memory(&self) -> u64 {
        let (_, text) = self.admin().get("/memory").expect("ask for the memory");
        let memory: Value = serde_json::from_str(&text).expect("JSON");
        let allocated = memory["allocated"].as_str().and_then(|n| n.parse().ok());
        allocated.expect("a number of bytes")
    }
}

/// Reads the text format of Prometheus.
///
/// # Panics
/// If a line is not in the format.
pub fn parse(text: &str) -> Vec<Series> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| series(line).unwrap_or_else(|| panic!("no line for Prometheus: {line}")))
        .collect()
}

fn series(line: &str) -> Option<Series> {
    let name_ends = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(name_ends);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Labels::new(), rest),
    };
    let value = value.trim().parse().ok()?;
    let name = name.to_owned();
    Some(Series {
        name,
        labels,
        value,
    })
}

/// Reads `a="b",c="d"}` and returns the labels and the text after them.
fn labels(text: &str) -> Option<(Labels, &str)> {
    let (mut found, mut rest) = (Labels::new(), text);
    while let Some((name, value)) = rest.split_once("=\"") {
        let mut unescaped = String::new();
        let mut chars = value.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => unescaped.push(match chars.next()?.1 {
                    'n' => '\n',
                    same => same,
                }),
                (_, plain) => unescaped.push(plain),
            }
        };
        found.insert(name.to_owned(), unescaped);
        rest = value.get(end + 1..)?;
        if let Some(after) = rest.strip_prefix('}') {
            return Some((found, after));
        }
        rest = rest.strip_prefix(',')?;
    }
    Some((found, rest.strip_prefix('}')?))
}

#[test]
fn text_format_is_read_with_labels_and_escapes() {
    let text = "# TYPE a counter\na{} 1\nb 2.5\n\nc{x=\"1\",y=\"a \\\"b\\\" } , \\\\ \\n\"} 3\n";
    let labels = |pairs: &[(&str, &str)]| {
        let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        pairs.iter().map(owned).collect::<Labels>()
    };
    let series = |name: &str, labels, value| Series {
        name: name.to_owned(),
        labels,
        value,
    };
    let expected = [
        series("a", labels(&[]), 1.0),
        series("b", labels(&[]), 2.5),
        series("c", labels(&[("x", "1"), ("y", "a \"b\" } , \\ \n")]), 3.0),
    ];
    assert_eq!(parse(text), expected);
}
