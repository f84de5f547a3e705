//! The breaker on a real Envoy, with one, two and four workers.
//!
//! A breaker acts on many requests together, so nearly every test here is a scenario with its own
//! route, and all scenarios run at the same time on one [`Bench`]: a failing route must not affect
//! any other. Requests that reach the upstream are counted at the upstream.

mod back;
pub(crate) mod bench;
mod crowd;
mod cut_off;
mod grpc;
mod innocent;
mod modes;
mod sharing;

use crate::scenarios::{self, Scenario};
use bench::Bench;

const SCENARIOS: &[Scenario<Bench>] = &[
    ("cut off", cut_off::a_dead_upstream_is_cut_off),
    (
        "few get through",
        cut_off::few_requests_reach_a_failing_upstream,
    ),
    ("answers cut", cut_off::truncated_responses_are_failures),
    (
        "low traffic",
        cut_off::low_traffic_on_all_workers_trips_one_breaker,
    ),
    ("way back", back::recovery_sends_probes_then_ramps),
    ("lost probes", back::lost_probes_do_not_block_recovery),
    ("overlap", back::probes_of_all_periods_stay_within_the_limit),
    ("half capacity", back::ramp_finds_half_of_the_capacity),
    ("slow", back::slow_responses_trip_the_breaker),
    ("hammered", back::rejections_do_not_keep_the_circuit_open),
    ("innocent", innocent::ignored_outcomes_change_nothing),
    ("full", innocent::envoys_own_limits_change_nothing),
    (
        "others' replies",
        innocent::replies_of_other_filters_never_trip,
    ),
    ("by routes", modes::modes_are_selected_by_the_configuration),
    ("by metadata", modes::modes_are_selected_by_route_metadata),
    ("group", modes::a_group_has_one_breaker),
    ("gRPC", grpc::grpc_routes_trip_on_grpc_statuses),
    ("names", sharing::plugins_share_state_by_name),
];

/// Tests that run alone (`scripts/lib.sh`).
mod under_load {
    use super::run_all;

    #[test]
    fn scenarios_pass_with_one_worker() {
        run_all(1);
    }

    #[test]
    fn scenarios_pass_with_two_workers() {
        run_all(2);
    }

    #[test]
    fn scenarios_pass_with_four_workers() {
        run_all(4);
    }
}

fn run_all(concurrency: u32) {
    let start = || Bench::start(concurrency);
    scenarios::run_all(start, |bench| &bench.envoy, SCENARIOS);
}
