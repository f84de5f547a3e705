//! `make bench`: the cost of a request with each filter, on a real Envoy.
//!
//! Every variant is a listener of the same Envoy, and the variants take turns, so that other load
//! on the machine affects all of them. The measure is the processor time of that Envoy per request,
//! not elapsed time, so the load generator does not distort it. Absolute numbers hold for one
//! machine only; ratios within one run are comparable.
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

/// Rounds of each combination of protocol and workers: many short ones, since the load of the
/// machine changes within seconds. An odd number, so that the median is one of them.
const ROUNDS: usize = 21;
/// Requests of one variant in one round.
const REQUESTS: u32 = 3_000;
/// Requests of a variant before its first round, so that V8 has compiled it completely.
const WARM_UP: u32 = 3_000;

/// A protocol and a number of workers.
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
    let verdicts = budget::judge(&all);
    print!("{}", table::markdown(&all, &verdicts, rounds, requests));
    match verdicts.iter().all(|verdict| verdict.is_held()) {
        true => ExitCode::SUCCESS,
        false => {
            eprintln!("a budget is not held");
            ExitCode::FAILURE
        }
    }
}

/// Writes the no-op filter with its exports trimmed to those in use, beside the original.
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

/// Returns the median of an odd number of values.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
