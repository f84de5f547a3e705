//! What must always hold, by number. If another module has a property over random stories for it,
//! this module has the shortest story that could break it.

use proptest::prelude::*;

use super::chaos::*;
use super::*;
use crate::rng::{Rng, SplitMix64};

fn probes_in_flight(cluster: &Cluster) -> usize {
    let in_flight = cluster.in_flight.borrow();
    in_flight
        .iter()
        .filter(|request| request.permit.is_probe())
        .count()
}

fn tripped(workers: usize) -> Cluster {
    let cluster = Cluster::new(workers, &settings(|s| s.open.max = Duration::from_secs(15)));
    for worker in (0..workers).cycle().take(workers * 20) {
        cluster.act(worker, Action::Acquire);
        cluster.act(worker, Action::Record(0, TestOutcome::Failure));
    }
    assert_eq!(cluster.state(), State::Open);
    cluster
}

#[test]
fn invariant_01_permits_are_limited_in_any_interleaving() {
    // Worker 0 reads the record, and before it writes, so does worker 1, and so on.
    for depth in 0..12 {
        let cluster = tripped(4);
        cluster.wait(2_500);
        assert_eq!(cluster.state(), State::HalfOpen);
        let rush = (0..depth).map(|n| Fault::Interleave(n % 4, Action::Acquire));
        cluster.set_faults(rush.collect());
        for worker in (0..4).cycle().take(16) {
            cluster.act(worker, Action::Acquire);
        }
        assert_eq!(probes_in_flight(&cluster), 3, "{depth}");
    }
}

#[test]
fn invariant_02_no_state_outlives_its_deadline_without_traffic() {
    let cluster = tripped(2);
    cluster.wait(2_550);
    assert_eq!(cluster.state(), State::HalfOpen);
    cluster.act(0, Action::Acquire);
    cluster.in_flight.borrow_mut().clear();
    cluster.wait(9_900);
    assert_eq!(cluster.state(), State::HalfOpen);
    cluster.act(1, Action::Acquire);
    cluster.act(1, Action::Acquire);
    cluster.act(1, Action::Acquire);
    assert_eq!(probes_in_flight(&cluster), 2, "and the one that is lost");
    cluster.in_flight.borrow_mut().clear();
    cluster.wait(10_000);
    assert_eq!(cluster.state(), State::HalfOpen, "none was decided");
    for _ in 0..3 {
        cluster.act(1, Action::Acquire);
        cluster.act(1, Action::Record(0, TestOutcome::Success));
    }
    assert_eq!(cluster.state(), State::Ramp);
    cluster.wait(15_050);
    assert_eq!(cluster.state(), State::Closed);
    let views = cluster
        .workers
        .iter()
        .map(|worker| worker.borrow().view_of(R).unwrap().state);
    assert!(
        views.into_iter().all(|state| state == State::Closed),
        "all gauges are right"
    );
}

#[test]
fn invariant_03_a_result_changes_only_its_own_generation() {
    let mut world = World::new(2, settings(|_| {}));
    let mut permits = Vec::new();
    let mut admit = |world: &mut World| {
        if let Ok(permit) = world.acquire(0, R) {
            permits.push((permit, world.view(0, R).generation));
        }
    };
    for _ in 0..40 {
        admit(&mut world);
    }
    for _ in 0..20 {
        world.request(1, R, FAILURE);
    }
    world.wait(2_000);
    for _ in 0..3 {
        assert!(world.request(1, R, Outcome::Success));
    }
    world.wait(50);
    // The rate of a route that is not known is small at first.
    world.wait(1_000);
    for _ in 0..20 {
        admit(&mut world);
    }
    world.wait(15_000);
    assert_eq!(world.state(0, R), State::Closed);
    let before = world.view(0, R).clone();
    assert_eq!(permits.len(), 41, "40 while closed, one in the ramp");
    for (permit, generation) in permits {
        assert_eq!(permit.decided_by.map(|by| by.generation), Some(generation));
        world.record(0, R, permit, FAILURE);
    }
    world.wait(50);
    assert_eq!(world.workers[0].view_of(R), Some(&before));
}

#[test]
fn invariant_04_ignored_outcomes_change_no_state() {
    // In each state, for any number of them; nor do they change the consecutive failures.
    let mut world = World::new(1, settings(|_| {}));
    let ignored = |world: &mut World| {
        let before = world.state(0, R);
        for n in 0..200 {
            world.draw = f64::from(n) / 200.0;
            world.request(0, R, Outcome::Ignored);
        }
        assert_eq!(world.state(0, R), before);
        world.draw = 0.0;
        before
    };
    assert_eq!(ignored(&mut world), State::Closed);
    for _ in 0..19 {
        world.request(0, R, FAILURE);
    }
    assert_eq!(ignored(&mut world), State::Closed);
    world.request(0, R, FAILURE);
    assert_eq!(ignored(&mut world), State::Open);
    world.wait(2_000);
    assert_eq!(ignored(&mut world), State::HalfOpen);
    for _ in 0..3 {
        assert!(
            world.request(0, R, Outcome::Success),
            "all permits came back"
        );
    }
    assert_eq!(ignored(&mut world), State::Ramp);
    world.wait(1_000);
    assert_eq!(ignored(&mut world), State::Ramp);
    assert_eq!(world.view(0, R).recovery.ramp.rate, 2.0);
}

#[test]
fn invariant_05_each_outcome_is_pushed_once_however_writes_fail() {
    for failing in 0..40 {
        let cluster = Cluster::new(2, &settings(|s| s.min_requests = 1_000));
        cluster.set_faults(vec![Fault::Conflict; failing]);
        for worker in [0, 1, 0, 0, 1] {
            cluster.act(worker, Action::Acquire);
            cluster.act(worker, Action::Record(0, TestOutcome::Failure));
            cluster.wait(50);
        }
        cluster.wait(500);
        assert_eq!(
            cluster.shared().unwrap().window.sum().failed,
            5,
            "{failing}"
        );
    }
}

proptest! {
    #[test]
    fn invariant_06_open_time_is_between_base_and_max(
        story in prop::collection::vec(step(outcome()), 0..150),
        draw in 0.0..1.0_f64,
    ) {
        let settings = settings(|s| s.min_requests = 2);
        let cluster = Cluster::new(3, &settings);
        cluster.draw.set(draw);
        for step in story {
            cluster.step(step);
            for event in cluster.workers.iter().flat_map(|worker| worker.borrow_mut().take_events()) {
                let transition = event.transition().unwrap();
                let open_ms = transition.open_ms();
                if transition.to == State::Open {
                    prop_assert!((2_000..=5_000).contains(&open_ms), "{}", open_ms);
                } else {
                    prop_assert_eq!(open_ms, 0);
                }
            }
        }
    }

    #[test]
    fn invariant_07_rejection_has_the_remaining_open_time(
        story in prop::collection::vec(step(outcome()), 0..150),
        faults in faults(1, outcome()),
    ) {
        let cluster = Cluster::new(3, &settings(|s| s.min_requests = 2));
        cluster.set_faults(faults);
        for step in story {
            cluster.step(step);
            for worker in 0..3 {
                let saved = std::mem::take(&mut *cluster.faults.borrow_mut());
                let decision = cluster.decide(worker);
                *cluster.faults.borrow_mut() = saved;
                let Err(rejection) = decision else { continue };
                let worker = cluster.workers[worker].borrow();
                let view = worker.view_of(R).unwrap();
                let now = cluster.now.get();
                prop_assert_eq!(rejection.remaining, view.remaining(now));
                // A worker need not know what other workers did since its last tick.
                if let (Some(shared), true) = (cluster.shared(), rejection.state == State::Open) {
                    if shared.generation == view.generation {
                        prop_assert_eq!(now.saturating_add(rejection.remaining), shared.until);
                    }
                }
            }
        }
    }

    #[test]
    fn invariant_08_many_workers_behave_as_one_up_to_a_tick(
        workers in 2_usize..5, n in 1_u64..40, gap_ms in 1_u64..400,
    ) {
        // Failures of a dead upstream on one worker or on several lead to the same state a tick later.
        let run = |workers: usize| {
            let mut world = World::new(workers, settings(|_| {}));
            for k in 0..n {
                world.request((k as usize) % workers, R, FAILURE);
                world.wait(gap_ms);
            }
            world.wait(50);
            world.state(0, R)
        };
        prop_assert_eq!(run(workers), run(1));
    }

    #[test]
    fn invariant_09_clock_set_back_extends_no_open_time_beyond_its_length(
        forward in 0_u64..2_000, back in 0_u64..10_000_000,
    ) {
        let cluster = tripped(2);
        cluster.wait(forward);
        cluster.now.set(cluster.now.get().saturating_sub(millis(back)));
        // The open time is at most 2,250 ms, and no longer from here on, apart from a tick and the slack.
        cluster.wait(2_250 + 1_000 + 50);
        prop_assert_eq!(cluster.state(), State::HalfOpen);
    }
}

#[test]
fn invariant_10_errors_of_shared_data_admit() {
    let cluster = tripped(2);
    cluster.wait(2_500);
    for calls in 0..3 {
        // The n-th call of an admission fails: reading the record, or writing the permit.
        let mut faults = vec![Fault::None; calls];
        faults.push(Fault::Broken);
        cluster.set_faults(faults);
        assert!(cluster.acquire(0), "{calls}");
    }
}

/// Returns the share of its capacity that an overloaded upstream serves.
fn goodput(workers: usize, demand: u32, share: f64, seed: u64) -> f64 {
    let mut world = World::new(workers, settings(|_| {}));
    let mut rng = SplitMix64::new(seed);
    let capacity = (f64::from(demand) * share / 10.0) as u32;
    let (mut served, mut could) = (0, 0);
    let seconds = 300_u32;
    // In each tenth of a second the upstream serves what it can, and fails the rest.
    for tenth in 0..seconds * 10 {
        let mut left = capacity;
        could += capacity;
        for n in 0..demand / 10 {
            world.draw = rng.unit();
            let worker = (rng.unit() * workers as f64) as usize;
            if let Ok(permit) = world.acquire(worker, R) {
                let is_served = left > 0;
                left = left.saturating_sub(1);
                served += u32::from(is_served);
                let outcome = if is_served { Outcome::Success } else { FAILURE };
                world.record(worker, R, permit, outcome);
            }
            if n == demand / 20 {
                world.wait(50);
            }
        }
        world.wait(50);
        assert_eq!(world.now, at(100 * (u64::from(tenth) + 1)));
    }
    f64::from(served) / f64::from(could)
}

#[test]
fn invariant_11_brown_out_uses_most_of_the_capacity() {
    for workers in [1, 2, 4] {
        for share in [0.3, 0.5] {
            for seed in 0..2 {
                let used = goodput(workers, 200, share, seed);
                assert!(
                    used >= 0.8,
                    "{workers} workers, {share} of the demand: {used:.3}"
                );
            }
        }
    }
}

/// Returns the seconds after a total outage of 10 s until the circuit is closed, for a route that
/// otherwise fails a share of its requests whatever its load.
fn back_after(demand: u32, failing: f64, seed: u64) -> u32 {
    let mut world = World::new(2, settings(|_| {}));
    let mut rng = SplitMix64::new(seed);
    for tenth in 0_u32..20_000 {
        for _ in 0..demand / 10 {
            world.draw = rng.unit();
            let worker = (rng.unit() * 2.0) as usize;
            let outcome = match tenth < 100 || rng.unit() < failing {
                true => FAILURE,
                false => Outcome::Success,
            };
            world.request(worker, R, outcome);
        }
        world.wait(100);
        if tenth > 100 && world.state(0, R) == State::Closed {
            return (tenth - 100) / 10;
        }
    }
    u32::MAX
}

#[test]
fn route_with_a_tolerated_failure_ratio_recovers() {
    // requests per second, failure ratio; seconds within which half of the runs and all recover
    for (demand, failing, half, all) in [
        (100, 0.0, 25, 25),
        (100, 0.2, 60, 360),
        (100, 0.29, 180, 360),
        (100, 0.35, 240, 1_200),
        (100, 0.4, 600, 1_200),
        (20, 0.2, 240, 600),
        (1_000, 0.4, 300, 900),
    ] {
        let mut runs: Vec<u32> = (0..20)
            .map(|seed| back_after(demand, failing, seed))
            .collect();
        runs.sort_unstable();
        assert!(
            runs[10] <= half && runs[19] <= all,
            "{demand}/s, {failing} fail: {runs:?}"
        );
    }
}

#[test]
fn failure_of_a_probe_that_outlives_its_lease_counts_once() {
    let cluster = tripped(1);
    cluster.wait(2_500);
    cluster.act(0, Action::Acquire);
    cluster.wait(10_050);
    assert_eq!(cluster.state(), State::HalfOpen, "undecided");
    cluster.act(0, Action::Acquire);
    let exponent = cluster.shared().unwrap().exponent;
    cluster.act(0, Action::Record(0, TestOutcome::Failure));
    assert_eq!(cluster.state(), State::Open);
    let opened = cluster.shared();
    assert_eq!(opened.as_ref().unwrap().exponent, exponent + 1);
    // The other one is of a period that is over.
    cluster.act(0, Action::Record(0, TestOutcome::Failure));
    assert_eq!(cluster.shared().unwrap().exponent, exponent + 1);
    assert_eq!(cluster.state(), State::Open);
}
