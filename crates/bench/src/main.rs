//! `make bench`: what a request costs with each filter, on a real Envoy.
//!
//! Every variant is a listener of one and the same Envoy, asked turn about, so that whatever the
//! machine does meanwhile it does to all of them. What counts is the processor time of that Envoy
//! per request, not how long anything took: a load generator beside it cannot falsify that.
//! Figures of one machine say little about another one; ratios of one run do.
#![forbid(unsafe_code)]

mod budget;
mod floor;
mod load;
mod stage;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use load::{Load, Protocol};
use stage::{Stage, Variant};
use tidegate_exports::list::{Export, KEPT, SDK};

/// Rounds of each combination of protocol and workers: many short ones, because what the machine does
/// meanwhile is not the same for a second. The median of an odd number is one of them.
const ROUNDS: usize = 21;
/// Requests of one variant in one round.
const REQUESTS: u32 = 3_000;
/// Requests of a variant before its first round: V8 has compiled it to the end by then.
const WARM_UP: u32 = 3_000;

/// A way to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Setup {
    pub(crate) protocol: Protocol,
    pub(crate) workers: u32,
}

/// Microseconds of processor time per request, by variant, one for each round.
pub(crate) type Costs = BTreeMap<Variant, Vec<f64>>;

fn main() -> ExitCode {
    let noop = std::env::args_os().nth(1);
    let Some(noop) = noop.map(PathBuf::from) else {
        eprintln!("usage: tidegate-bench NOOP.wasm   (make bench does it)");
        return ExitCode::from(2);
    };
    trim(&noop);
    let mut all: BTreeMap<Setup, Costs> = BTreeMap::new();
    let rounds = number("BENCH_ROUNDS").map_or(ROUNDS, |n| n as usize);
    let requests = number("BENCH_REQUESTS").unwrap_or(REQUESTS);
    let workers = number("BENCH_WORKERS");
    for workers in workers.map_or(vec![1, 2], |workers| vec![workers]) {
        let stage = Stage::start(workers, &noop);
        for protocol in [Protocol::H1, Protocol::H2] {
            let setup = Setup { protocol, workers };
            eprintln!("{}, {workers} worker(s)", protocol.name());
            let costs = all.entry(setup).or_default();
            let variants = Variant::chosen();
            for variant in &variants {
                stage.ask(&Load::new(protocol, WARM_UP), *variant);
            }
            for round in 1..=rounds {
                for variant in &variants {
                    let cost = stage.ask(&Load::new(protocol, requests), *variant);
                    costs.entry(*variant).or_default().push(cost);
                }
                eprint!("\r  round {round} of {rounds}");
            }
            eprintln!();
        }
    }
    // Of a part of the variants nothing can be said of the budgets.
    let is_whole = std::env::var_os("BENCH_ONLY").is_none();
    let verdicts = if is_whole {
        budget::judge(&all)
    } else {
        Vec::new()
    };
    print!("{}", table::markdown(&all, &verdicts, rounds, requests));
    match verdicts.iter().all(|verdict| verdict.is_held()) {
        true => ExitCode::SUCCESS,
        false => {
            eprintln!("a budget is not held");
            ExitCode::FAILURE
        }
    }
}

/// Writes the same filter without the callbacks that it does nothing in, beside it.
fn trim(noop: &Path) {
    let bytes = std::fs::read(noop).unwrap_or_else(|error| panic!("{}: {error}", noop.display()));
    let kept: Vec<Export> = KEPT
        .iter()
        .filter(|export| SDK.contains(&export.name))
        .copied()
        .collect();
    let trimmed =
        tidegate_exports::keep_exports(&bytes, &kept).expect("exports of the no-op filter");
    let out = noop.with_extension("trimmed.wasm");
    std::fs::write(&out, trimmed).unwrap_or_else(|error| panic!("{}: {error}", out.display()));
}

fn number(variable: &str) -> Option<u32> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The middle one.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
