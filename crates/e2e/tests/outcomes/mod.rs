//! What the breaker counts: what is the upstream's fault, and nothing else.
//!
//! Each scenario has routes of its own, and all run at the same time on one [`Bench`], as those of
//! `breaker` do. `docs/testing.md` names the reports behind them.

mod back;
mod bench;
mod deadlines;
mod hang;
mod hosts;
mod load;
mod meant;
mod uploads;

use crate::scenarios::{self, Scenario};
use bench::Bench;

const SCENARIOS: &[Scenario<Bench>] = &[
    (
        "no fault",
        meant::answers_that_are_no_fault_of_the_upstream_open_nothing,
    ),
    ("skipped", meant::skipped_requests_pass_an_open_circuit),
    (
        "bots",
        meant::a_failure_now_and_then_among_errors_of_clients_opens_nothing,
    ),
    ("back", back::the_first_good_headers_bring_a_route_back),
    (
        "broken streams",
        back::streams_that_break_off_do_not_bring_a_route_back,
    ),
    (
        "hanging",
        hang::a_hanging_upstream_opens_though_all_clients_leave,
    ),
    ("slow page", hang::a_slow_page_that_some_leave_does_not_open),
    ("night", hang::long_polls_that_all_leave_do_not_open),
    (
        "deadlines",
        deadlines::deadlines_of_clients_open_nothing_and_the_routes_own_does,
    ),
    (
        "longest duration",
        deadlines::the_longest_duration_of_a_route_opens_its_circuit,
    ),
    ("uploads", uploads::uploads_that_are_not_read_open_nothing),
    ("hosts", hosts::a_dead_host_does_not_cut_off_the_others),
];

/// Tests that run alone (`scripts/lib.sh`).
mod under_load {
    use super::run_all;

    #[test]
    fn outcomes_are_told_apart_with_one_worker() {
        run_all(1);
    }

    #[test]
    fn outcomes_are_told_apart_with_two_workers() {
        run_all(2);
    }

    #[test]
    fn outcomes_are_told_apart_with_four_workers() {
        run_all(4);
    }
}

fn run_all(concurrency: u32) {
    let start = || Bench::start(concurrency);
    scenarios::run_all(start, |bench| &bench.envoy, SCENARIOS);
}
