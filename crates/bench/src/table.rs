//! The results in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::budget::{Limit, Verdict};
use crate::stage::Variant;
use crate::{median, Costs, Setup};

/// Returns the tables of a run.
pub(crate) fn markdown(
    all: &BTreeMap<Setup, Costs>,
    verdicts: &[Verdict],
    rounds: usize,
    requests: u32,
) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "Median (minimum to maximum) of {rounds} rounds of {requests} requests each: processor time of\n\
         Envoy per request in µs. In brackets: the difference to the same without a filter.\n"
    );
    let heads: Vec<String> = all.keys().map(setup_name).collect();
    let _ = writeln!(out, "| | {} |", heads.join(" | "));
    let _ = writeln!(out, "| --- |{}", " ---: |".repeat(heads.len()));
    for variant in Variant::chosen() {
        let cells: Vec<String> = all.values().map(|costs| cell(costs, variant)).collect();
        let _ = writeln!(out, "| {} | {} |", variant.name(), cells.join(" | "));
    }
    if verdicts.is_empty() {
        return out;
    }
    let _ = writeln!(
        out,
        "\nRatios. In brackets: the interval of nine of ten bootstrap samples.\n"
    );
    let _ = writeln!(out, "| ratio | budget | {} |", heads.join(" | "));
    let _ = writeln!(out, "| --- | --- |{}", " ---: |".repeat(heads.len()));
    for row in verdicts.chunks(heads.len()) {
        let limit = match row[0].limit {
            None => String::new(),
            Some(Limit::AtMost(most)) => format!("≤ {most}"),
            Some(Limit::AtLeast(least)) => format!("≥ {least}"),
        };
        let cells: Vec<String> = row.iter().map(verdict).collect();
        let _ = writeln!(out, "| {} | {limit} | {} |", row[0].what, cells.join(" | "));
    }
    out
}

fn verdict(verdict: &Verdict) -> String {
    let (low, high) = verdict.between;
    let mark = if verdict.is_held() {
        ""
    } else {
        " **not held**"
    };
    format!("{:.2} ({low:.2}–{high:.2}){mark}", verdict.ratio)
}

fn setup_name(setup: &Setup) -> String {
    let plural = if setup.workers == 1 { "" } else { "s" };
    format!(
        "{}, {} worker{plural}",
        setup.protocol.name(),
        setup.workers
    )
}

fn cell(costs: &Costs, variant: Variant) -> String {
    let base = match variant {
        Variant::SdkNoop
        | Variant::TrimmedNoop
        | Variant::Lua
        | Variant::AdmissionControl
        | Variant::Floor
        | Variant::Beside
        | Variant::Tidegate => Some(Variant::None),
        Variant::LuaFailing
        | Variant::FloorFailing
        | Variant::TidegateFailing
        | Variant::BesideFailing => Some(Variant::NoneFailing),
        Variant::None
        | Variant::NoneFailing
        | Variant::DirectResponse
        | Variant::FloorOpen
        | Variant::BesideOpen
        | Variant::TidegateOpen => None,
    };
    let own = &costs[&variant];
    let over = base.filter(|base| costs.contains_key(base)).map(|base| {
        let pairs = own.iter().zip(&costs[&base]);
        let over: Vec<f64> = pairs.map(|(own, base)| own - base).collect();
        format!(" [{:+.1}]", median(&over))
    });
    format!("{}{}", spread(own, 1), over.unwrap_or_default())
}

fn spread(values: &[f64], digits: usize) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!(
        "{:.digits$} ({least:.digits$}–{most:.digits$})",
        median(values)
    )
}
