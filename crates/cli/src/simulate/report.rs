//! Writes figures as a table for people, as Markdown for the documentation, and as JSON.

use std::fmt::Write;

use serde::Serialize;

use super::control::Kind;
use super::measure::Figures;
use super::scenario::{Comparing, Scenario};

/// The results of all breakers in one scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) scenario: Scenario,
    pub(crate) rows: Vec<Row>,
}

/// The result of one breaker.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) breaker: Kind,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// A column: its head, and its cell in a row.
type Column = (&'static str, fn(&Figures) -> String);

const GOODPUT: [Column; 8] = [
    ("goodput", |f| format!("{:.2}", f.goodput)),
    ("worst", |f| format!("{:.2}", f.goodput_worst)),
    ("failed", |f| format!("{:.0}", f.failed)),
    ("rejected", |f| format!("{:.0}", f.rejected)),
    ("gave up", |f| format!("{:.0}", f.gave_up)),
    ("into the dead", |f| format!("{:.0}", f.into_dead)),
    ("opened", |f| format!("{:.1}", f.trips)),
    ("well after", |f| seconds(f.recovered, 0)),
];
const SERVED: [Column; 5] = [
    ("visitors served", |f| percent(f.served)),
    ("worst", |f| percent(f.served_worst)),
    ("broken path: sent", |f| format!("{:.0}", f.broken_sent)),
    ("rejected", |f| format!("{:.0}", f.broken_rejected)),
    ("opened", |f| format!("{:.1}", f.trips)),
];
const TIMES: [Column; 7] = [
    ("open after", |f| seconds(f.opened, 1)),
    ("into the dead", |f| format!("{:.0}", f.into_dead)),
    ("rejected", |f| format!("{:.0}", f.rejected)),
    ("gave up", |f| format!("{:.0}", f.gave_up)),
    ("opened", |f| format!("{:.1}", f.trips)),
    ("well after", |f| seconds(f.recovered, 0)),
    ("worst", |f| seconds(f.recovered_worst, 0)),
];

fn columns(comparing: Comparing) -> &'static [Column] {
    match comparing {
        Comparing::Goodput => &GOODPUT,
        Comparing::Served => &SERVED,
        Comparing::Times => &TIMES,
    }
}

fn seconds(time: Option<f64>, decimals: usize) -> String {
    time.map_or_else(|| "never".to_owned(), |time| format!("{time:.decimals$} s"))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Returns an aligned table with a title.
pub(crate) fn aligned(title: &str, lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = format!("{title}\n");
    for line in lines {
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = match column {
                0 => write!(out, "  {cell:<width$}"),
                _ => write!(out, "  {cell:>width$}"),
            };
        }
        out.push('\n');
    }
    out.push('\n');
    out
}

/// Returns a Markdown table with a title.
pub(crate) fn in_markdown(title: &str, lines: &[Vec<String>]) -> String {
    let mut out = format!("{title}\n\n");
    for (at, line) in lines.iter().enumerate() {
        let _ = writeln!(out, "| {} |", line.join(" | "));
        if at == 0 {
            let _ = writeln!(
                out,
                "| --- |{}",
                " ---: |".repeat(line.len().saturating_sub(1))
            );
        }
    }
    out.push('\n');
    out
}

fn lines(comparison: &Comparison) -> Vec<Vec<String>> {
    let columns = columns(comparison.scenario.comparing());
    let heads = columns.iter().map(|(head, _)| (*head).to_owned());
    let heads = std::iter::once("breaker".to_owned()).chain(heads).collect();
    let cells = |row: &Row| {
        let cells = columns.iter().map(|(_, cell)| cell(&row.figures));
        let name = row.breaker.title().to_owned();
        std::iter::once(name).chain(cells).collect()
    };
    std::iter::once(heads)
        .chain(comparison.rows.iter().map(cells))
        .collect()
}

/// Returns the tables for a terminal.
pub(crate) fn table(comparisons: &[Comparison]) -> String {
    let of = |comparison: &Comparison| {
        let (name, story) = (comparison.scenario.name(), comparison.scenario.story());
        aligned(&format!("{name}: {story}"), &lines(comparison))
    };
    comparisons.iter().map(of).collect()
}

/// Returns the tables for the documentation.
pub(crate) fn markdown(comparisons: &[Comparison]) -> String {
    let of = |comparison: &Comparison| {
        let (name, story) = (comparison.scenario.name(), comparison.scenario.story());
        in_markdown(&format!("**{name}**: {story}"), &lines(comparison))
    };
    let out: String = comparisons.iter().map(of).collect();
    out.trim_end().to_owned() + "\n"
}
