//! Writes figures as a table for people, as Markdown for the documentation, and as JSON.

use std::fmt::Write;

use serde::Serialize;
use tidegate_simulation::control::Kind;
use tidegate_simulation::measure::Figures;
use tidegate_simulation::scenario::{Comparing, Scenario};

use super::reading;

/// Width of the legend.
const WIDTH: usize = 96;

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

/// A column: its head, its cell in a row, and what it means.
type Column = (&'static str, fn(&Figures) -> String, &'static str);

const REJECTED: &str = "requests that the breaker rejected, with a hint when to come back";
const GAVE_UP: &str = "visitors who were never served";
const OPENED: &str = "how often the breaker opened";
const WELL_AFTER: &str =
    "seconds from the end of the incident until 98 % of the requests are served";
const INTO_DEAD: &str = "requests that were sent while the upstream served nothing";

const GOODPUT: [Column; 8] = [
    (
        "goodput",
        |f| format!("{:.2}", f.goodput),
        "requests served, as a share of what the upstream could have served: during the incident if it \
         is alive in it, otherwise in the minute after",
    ),
    (
        "worst",
        |f| format!("{:.2}", f.goodput_worst),
        "the same, in the worst run",
    ),
    (
        "failed",
        |f| format!("{:.0}", f.failed),
        "requests that were sent to the upstream in vain",
    ),
    ("rejected", |f| format!("{:.0}", f.rejected), REJECTED),
    ("gave up", |f| format!("{:.0}", f.gave_up), GAVE_UP),
    ("into the dead", |f| format!("{:.0}", f.into_dead), INTO_DEAD),
    ("opened", |f| format!("{:.1}", f.trips), OPENED),
    ("well after", |f| seconds(f.recovered, 0), WELL_AFTER),
];
const SERVED: [Column; 5] = [
    (
        "visitors served",
        |f| percent(f.served),
        "share of the visitors' requests that were served",
    ),
    (
        "worst",
        |f| percent(f.served_worst),
        "the same, in the worst run",
    ),
    (
        "broken path: sent",
        |f| format!("{:.0}", f.broken_sent),
        "requests for the broken path that were sent to the upstream",
    ),
    (
        "rejected",
        |f| format!("{:.0}", f.broken_rejected),
        "requests for the broken path that the breaker rejected",
    ),
    ("opened", |f| format!("{:.1}", f.trips), OPENED),
];
const TIMES: [Column; 7] = [
    (
        "open after",
        |f| seconds(f.opened, 1),
        "seconds from the start of the incident until the breaker rejects a visitor",
    ),
    (
        "into the dead",
        |f| format!("{:.0}", f.into_dead),
        INTO_DEAD,
    ),
    ("rejected", |f| format!("{:.0}", f.rejected), REJECTED),
    ("gave up", |f| format!("{:.0}", f.gave_up), GAVE_UP),
    ("opened", |f| format!("{:.1}", f.trips), OPENED),
    ("well after", |f| seconds(f.recovered, 0), WELL_AFTER),
    (
        "worst",
        |f| seconds(f.recovered_worst, 0),
        "the same, in the worst run",
    ),
];

fn columns(comparing: Comparing) -> &'static [Column] {
    match comparing {
        Comparing::Goodput => &GOODPUT,
        Comparing::Served => &SERVED,
        Comparing::Times => &TIMES,
    }
}

pub(super) fn seconds(time: Option<f64>, decimals: usize) -> String {
    time.map_or_else(|| "never".to_owned(), |time| format!("{time:.decimals$} s"))
}

pub(super) fn percent(share: f64) -> String {
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
    let heads = columns.iter().map(|(head, ..)| (*head).to_owned());
    let heads = std::iter::once("breaker".to_owned()).chain(heads).collect();
    let cells = |row: &Row| {
        let cells = columns.iter().map(|(_, cell, _)| cell(&row.figures));
        let name = row.breaker.title().to_owned();
        std::iter::once(name).chain(cells).collect()
    };
    std::iter::once(heads)
        .chain(comparison.rows.iter().map(cells))
        .collect()
}

/// Returns the meanings of columns, one a line.
pub(crate) fn legend<'a>(columns: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> String {
    let heads = columns.clone().map(|(head, _)| head.chars().count());
    let width = heads.max().unwrap_or(0);
    let indent = " ".repeat(width + 4);
    let mut out = String::new();
    for (head, meaning) in columns {
        let first = format!("  {head:<width$}  ");
        let options = textwrap::Options::new(WIDTH)
            .subsequent_indent(&indent)
            .initial_indent(&first);
        let _ = writeln!(out, "{}", textwrap::fill(meaning, options));
    }
    out.push('\n');
    out
}

/// Returns the tables for a terminal, each with what it says. Columns are explained before the first
/// table that has them.
pub(crate) fn table(comparisons: &[Comparison]) -> String {
    let mut out = String::new();
    let mut explained = None;
    for comparison in comparisons {
        let comparing = comparison.scenario.comparing();
        if explained.replace(comparing) != Some(comparing) {
            let columns = columns(comparing).iter();
            out += &legend(columns.map(|(head, _, meaning)| (*head, *meaning)));
        }
        let (name, story) = (comparison.scenario.name(), comparison.scenario.story());
        out += &aligned(&format!("{name}: {story}"), &lines(comparison));
        let said = reading::sentences(comparison);
        if !said.is_empty() {
            out.truncate(out.trim_end().len());
            let _ = writeln!(out, "\n{said}");
        }
    }
    out
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
