//! The breaker on a real Envoy, with one, two and four workers.
//!
//! A breaker is about what *many* requests do together, so nearly every test here is a scenario on
//! a route of its own, and all scenarios run at the same time on one [`Bench`]: what one route
//! suffers must not show on any other. What reaches the upstream is counted at the upstream.

mod back;
pub(crate) mod bench;
mod crowd;
mod cut_off;
mod grpc;
mod innocent;
mod modes;
mod sharing;

use bench::Bench;

/// A story on routes of its own.
type Scenario = (&'static str, fn(&Bench));

const SCENARIOS: &[Scenario] = &[
    ("cut off", cut_off::a_dead_upstream_is_cut_off),
    (
        "few get through",
        cut_off::few_requests_reach_a_failing_upstream,
    ),
    (
        "answers cut",
        cut_off::answers_cut_off_in_the_middle_are_failures,
    ),
    (
        "low traffic",
        cut_off::low_traffic_trips_as_one_breaker_would,
    ),
    ("way back", back::probes_then_a_ramp_then_all),
    ("lost probes", back::lost_probes_wedge_nothing),
    (
        "overlap",
        back::probes_of_several_periods_are_never_too_many,
    ),
    (
        "half capacity",
        back::half_of_the_capacity_is_found_and_used,
    ),
    ("slow", back::slowness_alone_trips_it),
    ("hammered", back::rejections_do_not_keep_it_open),
    (
        "innocent",
        innocent::what_says_nothing_about_the_upstream_changes_nothing,
    ),
    ("full", innocent::envoys_own_limits_change_nothing),
    ("others' replies", innocent::replies_of_others_never_trip_it),
    ("by routes", modes::by_the_filter_configuration),
    ("by metadata", modes::by_the_metadata_of_the_route),
    ("group", modes::a_group_has_one_breaker),
    ("gRPC", grpc::a_grpc_route_trips_on_grpc_statuses),
    (
        "names",
        sharing::plugins_of_one_name_share_and_others_do_not,
    ),
];

#[test]
fn with_one_worker() {
    run_all(1);
}

#[test]
fn with_two_workers() {
    run_all(2);
}

#[test]
fn with_four_workers() {
    run_all(4);
}

fn run_all(concurrency: u32) {
    let bench = Bench::start(concurrency);
    let failed: Vec<&str> = std::thread::scope(|scope| {
        let start = |(name, scenario): &Scenario| {
            let (scenario, bench) = (*scenario, &bench);
            let thread = std::thread::Builder::new().name((*name).to_owned());
            let thread = thread.spawn_scoped(scope, move || scenario(bench));
            (*name, thread.expect("start a thread"))
        };
        let threads: Vec<_> = SCENARIOS.iter().map(start).collect();
        let ends = threads
            .into_iter()
            .map(|(name, thread)| (name, thread.join()));
        ends.filter_map(|(name, end)| end.is_err().then_some(name))
            .collect()
    });
    assert!(failed.is_empty(), "with {concurrency} workers: {failed:?}");
}
