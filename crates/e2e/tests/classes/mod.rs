//! The circuit that opens: that of a path or of a host, or the rejection of a single client.
//!
//! Each scenario has a route `/` for a host of its own, with an upstream of its own, and all run at
//! the same time on one [`Bench`]. Most run twice: with clients whose addresses Envoy knows, and with
//! all clients behind one address. Requests that reach the upstream are counted at the upstream.

mod bench;
mod bursts;
mod load;
mod outage;
mod paths;
mod probes;
mod voices;

use std::time::Duration;

use tidegate_e2e::machine;

use crate::scenarios::run_at_once;
use bench::{Bench, Scenario, Stage};

/// What a scenario has found wrong, in words.
type Findings = Vec<String>;

/// When the second half of the scenarios begins, so that the traffic of all is not sent at once.
const SECOND_HALF: Duration = Duration::from_secs(8);

fn scenarios() -> Vec<Scenario> {
    let all = [
        paths::scenarios(),
        outage::scenarios(),
        voices::scenarios(),
        probes::scenarios(),
        bursts::scenarios(),
    ];
    all.into_iter().flatten().collect()
}

/// Tests that run alone (`scripts/lib.sh`).
mod under_load {
    use super::run_all;

    #[test]
    fn a_circuit_closes_only_what_fails_with_one_worker() {
        run_all(1);
    }

    #[test]
    fn a_circuit_closes_only_what_fails_with_two_workers() {
        run_all(2);
    }

    #[test]
    fn a_circuit_closes_only_what_fails_with_four_workers() {
        run_all(4);
    }
}

fn run_all(concurrency: u32) {
    let scenarios = scenarios();
    machine::under_load(|| {
        let bench = Bench::start(concurrency, &scenarios);
        let play = |(scenario, stage): (&Scenario, Stage<'_>)| {
            stage.wait_for_its_turn();
            scenario.play(&stage)
        };
        let stages = bench.stages(&scenarios);
        let ends = run_at_once(stages.map(|of| (of.1.id().to_owned(), move || play(of))));
        let findings = ends.into_iter().flat_map(|(name, findings)| {
            let findings = findings.unwrap_or_else(|| vec!["see the panic above".to_owned()]);
            let named = move |finding| format!("{name}: {finding}");
            findings.into_iter().map(named)
        });
        machine::Findings::new(findings.collect(), &bench.envoy)
    });
}
