//! Several workers behave as one, up to the time between two ticks.

use proptest::prelude::*;

use super::chaos::*;
use super::*;
use crate::rng::{Rng, SplitMix64};

/// Settings that never trip, so that each outcome is counted.
fn never_tripping() -> Settings {
    settings(|s| {
        s.window = Duration::from_secs(600);
        s.min_requests = 1_000_000;
        s.consecutive.failures = 1_000_000;
    })
}

/// Settings that trip after two failures and soon send a probe: much happens in a short story.
fn quickly_tripping(permits: u32) -> Settings {
    settings(|s| {
        s.min_requests = 2;
        s.open.base = Duration::from_millis(100);
        s.open.max = Duration::from_millis(400);
        s.probe.permits = permits;
        s.probe.timeout = Duration::from_secs(1);
        s.ramp.duration = Duration::from_secs(2);
    })
}

fn push_everything(cluster: &Cluster) {
    cluster.set_faults(Vec::new());
    cluster.wait(200);
}

/// Returns workers that all know the route. The first one has just tripped it.
fn tripped(workers: usize, settings: &Settings) -> Cluster {
    let cluster = Cluster::new(workers, settings);
    for worker in 0..workers {
        cluster.act(worker, Action::Acquire);
        cluster.act(worker, Action::Record(0, TestOutcome::Success));
    }
    cluster.wait(50);
    for _ in 0..settings.min_requests {
        cluster.act(0, Action::Acquire);
        cluster.act(0, Action::Record(0, TestOutcome::Failure));
    }
    cluster
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Each outcome reaches the shared record exactly once, for any conflicts, errors and
    /// interleavings.
    #[test]
    fn each_outcome_is_pushed_exactly_once(
        workers in 1_usize..5,
        story in prop::collection::vec(step(bad_outcome()), 0..80),
        faults in faults(3, bad_outcome()),
    ) {
        let cluster = Cluster::new(workers, &never_tripping());
        cluster.set_faults(faults);
        for step in story {
            cluster.step(step);
        }
        push_everything(&cluster);
        let shared = cluster.shared().map(|shared| shared.window.sum());
        prop_assert_eq!(shared.unwrap_or_default(), cluster.ended.get());
    }

    /// All workers together never have more probes in flight than permits, for any interleaving.
    #[test]
    fn never_more_probes_than_permits(
        workers in 1_usize..5,
        permits in 1_u32..4,
        story in prop::collection::vec(step(outcome()), 0..120),
        faults in faults(1, outcome()),
    ) {
        let cluster = tripped(workers, &quickly_tripping(permits));
        cluster.set_faults(faults);
        for step in story {
            // The cluster checks it at each admission.
            cluster.step(step);
        }
    }

    /// All workers ask for permits at the moment when they become available.
    #[test]
    fn concurrent_acquisition_never_exceeds_permits(
        workers in 1_usize..5,
        permits in 1_u32..4,
        rush in prop::collection::vec(0_usize..4, 1..60),
        faults in faults(0, outcome()),
    ) {
        let cluster = tripped(workers, &quickly_tripping(permits));
        cluster.now.set(cluster.now.get().saturating_add(millis(100)));
        cluster.set_faults(faults);
        for worker in rush {
            cluster.act(worker, Action::Acquire);
        }
    }

    /// When the faults end and the upstream responds, the circuit closes within a minute, and no
    /// probe, lost or not, prevents it.
    #[test]
    fn everything_recovers_within_a_quiet_minute(
        workers in 1_usize..5,
        story in prop::collection::vec(step(outcome()), 0..80),
        faults in faults(3, outcome()),
    ) {
        let cluster = Cluster::new(workers, &quickly_tripping(3));
        cluster.set_faults(faults);
        for step in story {
            cluster.step(step);
        }
        cluster.set_faults(Vec::new());
        cluster.in_flight.borrow_mut().clear();
        for n in 0..600 {
            cluster.wait(100);
            cluster.act(n, Action::Acquire);
            cluster.act(n, Action::Record(0, TestOutcome::Success));
        }
        prop_assert_eq!(cluster.state(), State::Closed);
        cluster.draw.set(0.999);
        for worker in 0..workers {
            prop_assert!(cluster.acquire(worker));
        }
    }

    /// Two ticks after a trip all workers reject, for any interleaving in the meantime.
    #[test]
    fn all_workers_reject_within_100_ms_of_a_trip(
        workers in 1_usize..5,
        before in prop::collection::vec((0_usize..4, 1_u64..200), 0..10),
        faults in faults(0, outcome()),
    ) {
        let cluster = Cluster::new(workers, &settings(|_| {}));
        for (worker, ms) in before {
            cluster.act(worker, Action::Acquire);
            cluster.act(worker, Action::Record(0, TestOutcome::Failure));
            cluster.wait(ms);
        }
        // Five conflicts in a row mean that five other writes succeeded: here, four at most.
        let mut failed = 0;
        let few = faults.into_iter().filter(|fault| {
            failed += u32::from(*fault == Fault::Conflict);
            failed <= 4 || *fault != Fault::Conflict
        });
        cluster.set_faults(few.collect());
        for _ in 0..20 {
            cluster.act(0, Action::Acquire);
            cluster.act(0, Action::Record(0, TestOutcome::Failure));
        }
        prop_assert_eq!(cluster.state(), State::Open);
        cluster.wait(100);
        cluster.set_faults(Vec::new());
        for worker in 0..workers {
            prop_assert!(cluster.decide(worker).is_err(), "worker {worker}");
        }
    }

    /// While shared data fails, all requests are admitted from the next tick on.
    #[test]
    fn broken_shared_data_admits_everything_from_the_next_tick(
        workers in 1_usize..5,
        story in prop::collection::vec(step(outcome()), 0..60),
        faults in faults(2, outcome()),
    ) {
        let cluster = Cluster::new(workers, &quickly_tripping(1));
        cluster.set_faults(faults);
        for step in story {
            cluster.step(step);
        }
        cluster.set_faults(vec![Fault::Broken; 10_000]);
        cluster.wait(50);
        cluster.draw.set(0.999);
        for worker in (0..workers).chain(0..workers) {
            prop_assert!(cluster.acquire(worker), "worker {}", worker);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// When an upstream dies and recovers at the n-th half-open period, several workers have the
    /// same states in the same order as one, each at most one tick (and the resulting shift) later.
    #[test]
    fn many_workers_behave_as_one_up_to_a_tick(
        workers in 2_usize..5,
        rate in 2_u64..200,
        healthy_ms in 0_u64..3_000,
        dead_periods in 0_usize..3,
        seed in any::<u64>(),
    ) {
        let one = outage(1, rate, healthy_ms, dead_periods, seed);
        let many = outage(workers, rate, healthy_ms, dead_periods, seed);
        let states = |of: &[(u64, State)]| of.iter().map(|(_, state)| *state).collect::<Vec<_>>();
        prop_assert_eq!(states(&one), states(&many));
        prop_assert_eq!(one.len(), 4 + 2 * dead_periods, "{:?}", one);
        let mut shift = 0;
        for ((at_one, state), (at_many, _)) in one.iter().zip(&many) {
            // A later trip may miss the request that was to be a probe.
            shift += 100 + 1_000 / rate;
            // What a ramp draws differs: a rejection more delays its end by three steps at most.
            let shift = shift + if *state == State::Closed { 3_000 } else { 0 };
            prop_assert!(at_one.abs_diff(*at_many) <= shift, "{state:?}: {one:?} {many:?}");
        }
        // The trip is never earlier than with one worker, and at most one tick later.
        let (trip_one, trip_many) = (one[0].0, many[0].0);
        prop_assert!((trip_one..=trip_one + 50).contains(&trip_many), "{trip_one} {trip_many}");
    }
}

/// Returns the states of a route whose upstream dies and recovers, with the times when they begin.
fn outage(
    workers: usize,
    rate: u64,
    healthy_ms: u64,
    dead_periods: usize,
    seed: u64,
) -> Vec<(u64, State)> {
    let mut world = World::new(workers, settings(|s| s.open.jitter = 0.0));
    let mut rng = SplitMix64::new(seed);
    let mut states: Vec<(u64, State)> = Vec::new();
    let mut next_us = 0;
    for ms in 0..120_000 {
        world.now = at(ms);
        while next_us < ms * 1_000 {
            next_us += 1_000_000 / rate;
            let worker = (rng.unit() * workers as f64) as usize;
            world.draw = rng.unit();
            let admission = world.acquire(worker, R);
            note(&mut world, &mut states, ms);
            let periods = states.iter().filter(|(_, s)| *s == State::HalfOpen).count();
            if let Ok(permit) = admission {
                let is_well = ms < healthy_ms || periods > dead_periods;
                let outcome = if is_well { Outcome::Success } else { FAILURE };
                world.record(worker, R, permit, outcome);
                note(&mut world, &mut states, ms);
            }
        }
        if ms % 50 == 0 {
            for worker in 0..workers {
                world.tick(worker);
            }
            note(&mut world, &mut states, ms);
        }
        if ms > 20
            && states
                .last()
                .is_some_and(|(_, state)| *state == State::Closed)
        {
            break;
        }
    }
    states
}

fn note(world: &mut World, states: &mut Vec<(u64, State)>, ms: u64) {
    let events = world.workers.iter_mut().flat_map(Worker::take_events);
    states.extend(
        events
            .filter_map(|event| event.transition())
            .map(|transition| (ms, transition.to)),
    );
}

/// With a steady failure ratio well below or above the threshold, workers agree with one.
#[test]
fn steady_failure_ratio_trips_for_any_number_of_workers_or_none() {
    for workers in [1, 2, 4] {
        for rate in [20_u64, 200, 2_000] {
            for (failing, trips) in [(1, false), (4, true)] {
                let mut world = World::new(workers, settings(|_| {}));
                let mut rng = SplitMix64::new(rate);
                let mut n = 0;
                let mut trip = None;
                for ms in 0..20_000 {
                    world.now = at(ms);
                    while n * 1_000 < ms * rate {
                        n += 1;
                        let worker = (rng.unit() * workers as f64) as usize;
                        let outcome = if n % 5 < failing {
                            FAILURE
                        } else {
                            Outcome::Success
                        };
                        world.request(worker, R, outcome);
                    }
                    if ms % 50 == 0 {
                        for worker in 0..workers {
                            world.tick(worker);
                        }
                    }
                    if trip.is_none() && (0..workers).any(|w| world.state(w, R) == State::Open) {
                        trip = Some(ms);
                    }
                }
                let case = format!("{workers} workers, {rate}/s, {failing} of 5: {trip:?}");
                assert_eq!(trip.is_some(), trips, "{case}");
                // Twenty requests, and a tick; nothing is counted before the first failure.
                let latest = 20_000 / rate + 2 * 1_000 / rate + 51;
                assert!(trip.is_none_or(|ms| ms <= latest), "{case}");
            }
        }
    }
}
