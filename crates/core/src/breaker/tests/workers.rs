//! Several workers are as good as one, up to the time between two ticks.

use std::time::Duration;

use proptest::prelude::*;

use super::chaos::*;
use super::*;

/// Nothing trips: all that ends is counted.
fn patient() -> Settings {
    settings(|s| {
        s.window = Duration::from_secs(600);
        s.min_requests = 1_000_000;
        s.consecutive.failures = 1_000_000;
    })
}

/// Two failures trip, and a probe is soon due: much happens in a short story.
fn nervous(permits: u32) -> Settings {
    settings(|s| {
        s.min_requests = 2;
        s.open.base = Duration::from_millis(100);
        s.open.max = Duration::from_millis(400);
        s.probe.permits = permits;
        s.probe.timeout = Duration::from_secs(1);
        s.ramp.duration = Duration::from_secs(2);
    })
}

fn tick_until_all_is_told(crowd: &Crowd) {
    crowd.surprise(Vec::new());
    crowd.pass(200);
}

/// A crowd that has just tripped at worker 0; all others have met the route.
fn tripped(workers: usize, settings: &Settings) -> Crowd {
    let crowd = Crowd::new(workers, settings);
    for worker in 0..workers {
        crowd.deed(worker, Deed::AdmitsARequest);
        crowd.deed(worker, Deed::SeesARequestEnd(0, How::Well));
    }
    crowd.pass(50);
    for _ in 0..settings.min_requests {
        crowd.deed(0, Deed::AdmitsARequest);
        crowd.deed(0, Deed::SeesARequestEnd(0, How::Badly));
    }
    crowd
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// However compare-and-set fails, whatever breaks, whoever comes between: each outcome is told
    /// exactly once.
    #[test]
    fn what_is_told_is_what_happened(
        workers in 1_usize..5,
        story in prop::collection::vec(step(bad_how()), 0..80),
        surprises in surprises(3, bad_how()),
    ) {
        let crowd = Crowd::new(workers, &patient());
        crowd.surprise(surprises);
        for step in story {
            crowd.step(step);
        }
        tick_until_all_is_told(&crowd);
        let told = crowd.record().map(|record| record.window.sum()).unwrap_or_default();
        let ended = crowd.ended.borrow();
        let of = |name: &str| ended.get(name).copied().unwrap_or(0);
        prop_assert_eq!(told.failed, of("failed"));
        prop_assert_eq!(told.slow, of("slow"));
        prop_assert_eq!(told.total, of("failed") + of("slow"));
    }

    /// Never more probes out than there are permits, over all workers, for any interleaving.
    #[test]
    fn no_more_probes_than_permits(
        workers in 1_usize..5,
        permits in 1_u32..4,
        story in prop::collection::vec(step(how()), 0..120),
        surprises in surprises(1, how()),
    ) {
        let crowd = tripped(workers, &nervous(permits));
        crowd.surprise(surprises);
        for step in story {
            // Checked at each admission.
            crowd.step(step);
        }
    }

    /// At the moment when permits can be had, all workers want them, and get in each other's way.
    #[test]
    fn a_rush_for_permits_gives_out_no_more_than_there_are(
        workers in 1_usize..5,
        permits in 1_u32..4,
        rush in prop::collection::vec(0_usize..4, 1..60),
        surprises in surprises(0, how()),
    ) {
        let crowd = tripped(workers, &nervous(permits));
        crowd.now_ms.set(crowd.now_ms.get() + 100);
        crowd.surprise(surprises);
        for worker in rush {
            crowd.deed(worker, Deed::AdmitsARequest);
        }
    }

    /// Whatever happened: when the surprises end and the upstream answers, all is well again
    /// within a minute, and no probe, lost or not, is in the way.
    #[test]
    fn a_quiet_minute_heals_everything(
        workers in 1_usize..5,
        story in prop::collection::vec(step(how()), 0..80),
        surprises in surprises(3, how()),
    ) {
        let crowd = Crowd::new(workers, &nervous(3));
        crowd.surprise(surprises);
        for step in story {
            crowd.step(step);
        }
        crowd.surprise(Vec::new());
        crowd.under_way.borrow_mut().clear();
        for n in 0..600 {
            crowd.pass(100);
            crowd.deed(n, Deed::AdmitsARequest);
            crowd.deed(n, Deed::SeesARequestEnd(0, How::Well));
        }
        prop_assert_eq!(crowd.state(), State::Closed);
        crowd.draw.set(0.999);
        for worker in 0..workers {
            let before = crowd.under_way.borrow().len();
            crowd.deed(worker, Deed::AdmitsARequest);
            prop_assert_eq!(crowd.under_way.borrow().len(), before + 1);
        }
    }

    /// Two ticks after a trip everybody rejects, however the workers meet at the store meanwhile.
    #[test]
    fn all_reject_within_100_ms_of_a_trip(
        workers in 1_usize..5,
        before in prop::collection::vec((0_usize..4, 1_u64..200), 0..10),
        surprises in surprises(0, how()),
    ) {
        let crowd = Crowd::new(workers, &settings(|_| {}));
        for (worker, ms) in before {
            crowd.deed(worker, Deed::AdmitsARequest);
            crowd.deed(worker, Deed::SeesARequestEnd(0, How::Badly));
            crowd.pass(ms);
        }
        // Five failed writes in a row mean that five others were written: here, four at most.
        let mut failed = 0;
        let few = surprises.into_iter().filter(|surprise| {
            failed += u32::from(*surprise == Surprise::TheWriteFails);
            failed <= 4 || *surprise != Surprise::TheWriteFails
        });
        crowd.surprise(few.collect());
        for _ in 0..20 {
            crowd.deed(0, Deed::AdmitsARequest);
            crowd.deed(0, Deed::SeesARequestEnd(0, How::Badly));
        }
        prop_assert_eq!(crowd.state(), State::Open);
        crowd.pass(100);
        crowd.surprise(Vec::new());
        for worker in 0..workers {
            let mut bank = crowd.workers[worker].borrow_mut();
            let admission = bank.admit(&mut *crowd.store.borrow_mut(), R, 0, false, crowd.at());
            prop_assert!(matches!(admission, Admission::Reject(_)), "worker {worker}");
        }
    }

    /// While the store is broken, everybody is admitted from the next tick on, whatever was before.
    #[test]
    fn a_broken_store_admits_everybody(
        workers in 1_usize..5,
        story in prop::collection::vec(step(how()), 0..60),
        surprises in surprises(2, how()),
    ) {
        let crowd = Crowd::new(workers, &nervous(1));
        crowd.surprise(surprises);
        for step in story {
            crowd.step(step);
        }
        crowd.surprise(vec![Surprise::TheStoreIsBroken; 10_000]);
        crowd.pass(50);
        crowd.draw.set(0.999);
        for worker in (0..workers).chain(0..workers) {
            let before = crowd.under_way.borrow().len();
            crowd.deed(worker, Deed::AdmitsARequest);
            prop_assert_eq!(crowd.under_way.borrow().len(), before + 1, "worker {}", worker);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// A dead upstream, then one that comes back at the n-th half-open period: the same states in
    /// the same order as with one worker, each at most one tick (and what that shifts) later.
    #[test]
    fn many_workers_are_one_worker_up_to_a_tick(
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
            prop_assert!(at_one.abs_diff(*at_many) <= shift, "{state:?}: {one:?} {many:?}");
        }
        // The trip itself: never earlier than with one worker, and one tick later at most.
        let (trip_one, trip_many) = (one[0].0, many[0].0);
        prop_assert!((trip_one..=trip_one + 50).contains(&trip_many), "{trip_one} {trip_many}");
    }
}

/// The states of a route whose upstream dies and comes back, with the times of their beginning.
fn outage(
    workers: usize,
    rate: u64,
    healthy_ms: u64,
    dead_periods: usize,
    seed: u64,
) -> Vec<(u64, State)> {
    let mut world = World::new(workers, settings(|s| s.open.jitter = 0.0));
    let mut chance = Chance(seed);
    let mut states: Vec<(u64, State)> = Vec::new();
    let mut next_us = 0;
    for ms in 0..120_000 {
        world.now_ms = START_MS + ms;
        while next_us < ms * 1_000 {
            next_us += 1_000_000 / rate;
            let worker = (chance.draw() * workers as f64) as usize;
            world.draw = chance.draw();
            let admission = world.admit(worker, R);
            note(&mut world, &mut states, ms);
            let periods = states.iter().filter(|(_, s)| *s == State::HalfOpen).count();
            if let Admission::Admit(ticket) = admission {
                let is_well = ms < healthy_ms || periods > dead_periods;
                let outcome = if is_well { Outcome::Success } else { FAILED };
                world.settle(worker, R, ticket, outcome);
                note(&mut world, &mut states, ms);
            }
        }
        if ms % 50 == 0 {
            for worker in 0..workers {
                let at = world.at();
                world.workers[worker].tick(&mut world.store, at);
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
    let events = world.workers.iter_mut().flat_map(Bank::take_events);
    states.extend(
        events
            .filter_map(|event| event.transition())
            .map(|transition| (ms, transition.to)),
    );
}

/// With a steady share of failures well below or above the threshold, workers agree with one.
#[test]
fn a_steady_share_of_failures_trips_all_or_none() {
    for workers in [1, 2, 4] {
        for rate in [20_u64, 200, 2_000] {
            for (failing, trips) in [(1, false), (4, true)] {
                let mut world = World::new(workers, settings(|_| {}));
                let mut chance = Chance(rate);
                let mut n = 0;
                let mut trip = None;
                for ms in 0..20_000 {
                    world.now_ms = START_MS + ms;
                    while n * 1_000 < ms * rate {
                        n += 1;
                        let worker = (chance.draw() * workers as f64) as usize;
                        let outcome = if n % 5 < failing {
                            FAILED
                        } else {
                            Outcome::Success
                        };
                        world.request(worker, R, outcome);
                    }
                    if ms % 50 == 0 {
                        for worker in 0..workers {
                            let at = world.at();
                            world.workers[worker].tick(&mut world.store, at);
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
