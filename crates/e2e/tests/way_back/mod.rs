//! The way back after an outage: check-ins at the gate, passes, and the rate that a ramp admits.
//!
//! Each scenario has a host of its own, with an upstream of its own, and most of them run at the same
//! time on one [`Bench`]. What reaches an upstream is counted at the upstream.

pub(crate) mod bench;
mod check_ins;
mod crowd;
mod pages;
mod passes;
mod rate;
mod times;
pub(crate) mod visitor;

use tidegate_e2e::machine;

use crate::scenarios::{names_of_failed, run_at_once};
use bench::{Bench, Site};

fn sites() -> Vec<Site> {
    let all = [check_ins::sites(), pages::sites(), passes::sites()];
    all.into_iter().flatten().collect()
}

/// Tests that run alone (`scripts/lib.sh`).
mod under_load {
    use super::{rate, run_all, sites};

    #[test]
    fn visitors_come_back_with_one_worker() {
        run_all(1, sites());
    }

    #[test]
    fn visitors_come_back_with_two_workers() {
        run_all(2, sites());
    }

    #[test]
    fn visitors_come_back_with_four_workers() {
        run_all(4, sites());
    }

    #[test]
    fn ramps_admit_a_rate_with_one_worker() {
        run_all(1, rate::sites(rate::five_times_as_many_come_back));
    }

    #[test]
    fn ramps_admit_a_rate_with_two_workers() {
        run_all(2, rate::sites(rate::ten_times_as_many_come_back));
    }

    #[test]
    fn ramps_admit_a_rate_with_four_workers() {
        run_all(4, rate::sites(rate::five_times_as_many_come_back));
    }
}

fn run_all(concurrency: u32, sites: Vec<Site>) {
    machine::under_load(|| {
        let bench = Bench::start(concurrency, &sites);
        let stages = bench.stages(&sites);
        let ends = run_at_once(stages.map(|(name, play, stage)| {
            let play = move || play(&stage);
            (name.to_owned(), play)
        }));
        machine::Findings::new(names_of_failed(ends), &bench.envoy)
    });
}
