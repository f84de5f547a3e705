//! Writes figures as a table for people, as Markdown for the documentation, and as JSON.

use std::fmt::Write;

use serde::Serialize;

use super::control::Kind;
use super::measure::Figures;
use super::scenario::Scenario;

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

/// The heads of the columns.
const HEADS: [&str; 9] = [
    "breaker",
    "goodput",
    "worst",
    "failed",
    "rejected",
    "gave up",
    "into the dead",
    "opened",
    "well after",
];

fn cells(row: &Row) -> [String; 9] {
    let figures = &row.figures;
    let well = figures
        .recovered
        .map_or_else(|| "never".to_owned(), |seconds| format!("{seconds:.0} s"));
    [
        row.breaker.title().to_owned(),
        format!("{:.2}", figures.goodput),
        format!("{:.2}", figures.goodput_worst),
        format!("{:.0}", figures.failed),
        format!("{:.0}", figures.rejected),
        format!("{:.0}", figures.gave_up),
        format!("{:.0}", figures.into_dead),
        format!("{:.1}", figures.trips),
        well,
    ]
}

/// Returns an aligned table with a title.
pub(crate) fn aligned<const N: usize>(title: &str, lines: &[[String; N]]) -> String {
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = format!("{title}\n");
    for line in lines {
        // Writing to a string cannot fail.
        let _ = write!(out, "  {:<1$}", line[0], widths[0]);
        for (cell, width) in line.iter().zip(widths).skip(1) {
            let _ = write!(out, "  {cell:>width$}");
        }
        out.push('\n');
    }
    out.push('\n');
    out
}

/// Returns a Markdown table with a title.
pub(crate) fn in_markdown<const N: usize>(title: &str, lines: &[[String; N]]) -> String {
    let mut out = format!("{title}\n\n");
    for (at, line) in lines.iter().enumerate() {
        let _ = writeln!(out, "| {} |", line.join(" | "));
        if at == 0 {
            let _ = writeln!(out, "| --- |{}", " ---: |".repeat(N - 1));
        }
    }
    out.push('\n');
    out
}

fn lines(comparison: &Comparison) -> Vec<[String; 9]> {
    let heads = std::iter::once(HEADS.map(str::to_owned));
    heads.chain(comparison.rows.iter().map(cells)).collect()
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
