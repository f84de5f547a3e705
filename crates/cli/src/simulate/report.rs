//! The figures as a table for people, as Markdown for the documentation, as JSON for programs.

use std::fmt::Write;

use serde::Serialize;

use super::control::Kind;
use super::measure::Figures;
use super::scenario::Scenario;

/// What all breakers came to in one scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) scenario: Scenario,
    pub(crate) rows: Vec<Row>,
}

/// What one of them came to.
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

/// Aligned columns.
pub(crate) fn table(comparisons: &[Comparison]) -> String {
    let mut out = String::new();
    for comparison in comparisons {
        let (name, story) = (comparison.scenario.name(), comparison.scenario.story());
        let mut lines = vec![HEADS.map(str::to_owned)];
        lines.extend(comparison.rows.iter().map(cells));
        let width = |column: usize| {
            let widths = lines.iter().map(|line| line[column].chars().count());
            widths.max().unwrap_or(0)
        };
        let widths: [usize; 9] = std::array::from_fn(width);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name}: {story}");
        for line in &lines {
            let _ = write!(out, "  {:<1$}", line[0], widths[0]);
            for (cell, width) in line.iter().zip(widths).skip(1) {
                let _ = write!(out, "  {cell:>width$}");
            }
            out.push('\n');
        }
        out.push('\n');
    }
    out
}

/// Tables for the documentation.
pub(crate) fn markdown(comparisons: &[Comparison]) -> String {
    let mut out = String::new();
    for comparison in comparisons {
        let (name, story) = (comparison.scenario.name(), comparison.scenario.story());
        let _ = writeln!(out, "**{name}**: {story}\n");
        let _ = writeln!(out, "| {} |", HEADS.join(" | "));
        let _ = writeln!(out, "| --- |{}", " ---: |".repeat(HEADS.len() - 1));
        for row in &comparison.rows {
            let _ = writeln!(out, "| {} |", cells(row).join(" | "));
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
