//! Writes the figures as tables.

use tidegate_simulation::hints::{Figure, Figures};

use super::{reading, Comparison, Row};
use crate::simulate::report;

/// A column: its head, its figure, and how its value is written.
type Column = (&'static str, fn(&Figures) -> Figure, fn(f64) -> String);

const COLUMNS: [Column; 9] = [
    ("peak load", |f| f.peak_load, |value| format!("{value:.2}")),
    ("over capacity", |f| f.overloaded_s, seconds),
    ("half back", |f| f.half_back_s, seconds),
    ("95 % back", |f| f.back_95_s, seconds),
    ("lost", |f| f.lost_ratio, |value| format!("{value:.1} x")),
    (
        "check-ins/s",
        |f| f.check_ins,
        |value| format!("{value:.0}"),
    ),
    ("longest wait", |f| f.longest_wait_s, seconds),
    (
        "re-trips",
        |f| f.trips_after,
        |value| {
            let is_whole = value.fract() == 0.0;
            format!("{value:.*}", usize::from(!is_whole))
        },
    ),
    (
        "never served",
        |f| f.never_served,
        |value| format!("{value:.0}"),
    ),
];

fn seconds(value: f64) -> String {
    format!("{value:.0} s")
}

/// Returns the mean, and the worst in parentheses where it reads differently.
fn cell(figure: Figure, write: fn(f64) -> String) -> String {
    let written = |value: Option<f64>| value.map_or_else(|| "never".to_owned(), write);
    let (mean, worst) = (written(figure.mean), written(figure.worst));
    if mean == worst {
        return mean;
    }
    format!("{mean} ({worst})")
}

fn lines(comparison: &Comparison) -> Vec<Vec<String>> {
    let heads = COLUMNS.iter().map(|(head, ..)| (*head).to_owned());
    let heads = std::iter::once("hint".to_owned()).chain(heads).collect();
    let cells = |row: &Row| {
        let figures = &row.figures;
        let cells = COLUMNS
            .iter()
            .map(|(_, of, write)| cell(of(figures), *write));
        let name = row.hints.title().to_owned();
        std::iter::once(name).chain(cells).collect()
    };
    std::iter::once(heads)
        .chain(comparison.rows.iter().map(cells))
        .collect()
}

/// Returns the figures of the worst runs of this filter's hints, with their seeds, if there were
/// several.
fn worst(comparison: &Comparison) -> Option<String> {
    if comparison.runs < 2 {
        return None;
    }
    let figures = &comparison
        .rows
        .iter()
        .find(|row| row.hints.is_own())?
        .figures;
    let names = COLUMNS.get(..5)?.iter().map(|(head, of, write)| {
        let figure = of(figures);
        let value = figure.worst.map_or_else(|| "never".to_owned(), write);
        format!("{head} {value} (seed {})", figure.worst_seed)
    });
    let names: Vec<String> = names.collect();
    Some(format!("Worst runs of Tidegate: {}", names.join(", ")))
}

/// What the columns mean, in their order.
const MEANINGS: [&str; COLUMNS.len()] = [
    "most requests sent to the upstream in a second after the outage, relative to what it can serve",
    "seconds with more requests than the upstream can serve",
    "seconds after the outage until half of those who were turned away were served",
    "the same for 95 %",
    "time that all visitors waited after the outage, relative to the oracle, which knows all",
    "most requests that the filter rejected in a second",
    "longest time from a visitor's first request until it was served, outage included",
    "how often the circuit opened after the outage",
    "visitors who were never served",
];

/// Returns the tables for a terminal, after what their columns mean.
pub(super) fn table(comparisons: &[Comparison]) -> String {
    let of = |comparison: &Comparison| {
        let table = report::aligned(&comparison.title(), &lines(comparison));
        let said = reading::sentences(&comparison.rows);
        let said = said.into_iter().chain(worst(comparison));
        let said: String = said.map(|line| format!("  {line}\n")).collect();
        format!("{}\n{said}\n", table.trim_end_matches('\n'))
    };
    let heads = COLUMNS.iter().map(|(head, ..)| *head);
    let tables = comparisons.iter().map(of);
    report::legend(heads.zip(MEANINGS)) + &tables.collect::<String>()
}

/// Returns the tables for the documentation.
pub(super) fn markdown(comparisons: &[Comparison]) -> String {
    let of = |comparison: &Comparison| {
        let title = format!("**{}**", comparison.title());
        let table = report::in_markdown(&title, &lines(comparison));
        match worst(comparison) {
            None => table,
            Some(worst) => format!("{table}{worst}.\n\n"),
        }
    };
    let out: String = comparisons.iter().map(of).collect();
    out.trim_end().to_owned() + "\n"
}
