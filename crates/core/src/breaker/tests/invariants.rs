//! What must always hold, by number. Where a property over random stories shows it, it stands in
//! the module of that property, and here stands the shortest story that could break it.

use proptest::prelude::*;

use super::chaos::*;
use super::*;

fn probes_out(crowd: &Crowd) -> usize {
    let under_way = crowd.under_way.borrow();
    under_way
        .iter()
        .filter(|r| r.ticket.permit.is_some())
        .count()
}

fn tripped(workers: usize) -> Crowd {
    let crowd = Crowd::new(workers, &settings(|_| {}));
    for worker in (0..workers).cycle().take(workers * 20) {
        crowd.deed(worker, Deed::AdmitsARequest);
        crowd.deed(worker, Deed::SeesARequestEnd(0, How::Badly));
    }
    assert_eq!(crowd.state(), State::Open);
    crowd
}

#[test]
fn invariant_01_never_more_permits_out_than_there_are_in_any_interleaving() {
    // Worker 0 reads the record, and before it writes, so does worker 1, and so on.
    for depth in 0..12 {
        let crowd = tripped(4);
        crowd.pass(2_500);
        assert_eq!(crowd.state(), State::HalfOpen);
        let rush = (0..depth).map(|n| Surprise::Meanwhile(n % 4, Deed::AdmitsARequest));
        crowd.surprise(rush.collect());
        for worker in (0..4).cycle().take(16) {
            crowd.deed(worker, Deed::AdmitsARequest);
        }
        assert_eq!(probes_out(&crowd), 3, "{depth}");
    }
}

#[test]
fn invariant_02_no_state_outlives_its_deadline_without_traffic() {
    let crowd = tripped(2);
    crowd.pass(2_550);
    assert_eq!(crowd.state(), State::HalfOpen);
    crowd.deed(0, Deed::AdmitsARequest);
    crowd.under_way.borrow_mut().clear();
    crowd.pass(9_900);
    assert_eq!(crowd.state(), State::HalfOpen);
    crowd.pass(150);
    assert_eq!(crowd.state(), State::Open, "the probe was lost");
    crowd.pass(5_050);
    assert_eq!(crowd.state(), State::HalfOpen);
    for _ in 0..3 {
        crowd.deed(1, Deed::AdmitsARequest);
        crowd.deed(1, Deed::SeesARequestEnd(0, How::Well));
    }
    assert_eq!(crowd.state(), State::Ramp);
    crowd.pass(15_050);
    assert_eq!(crowd.state(), State::Closed);
    let views = crowd
        .workers
        .iter()
        .map(|bank| bank.borrow().view(R).unwrap().state);
    assert!(
        views.into_iter().all(|state| state == State::Closed),
        "all gauges are right"
    );
}

#[test]
fn invariant_03_a_result_of_one_generation_changes_no_other() {
    let mut world = World::new(2, settings(|_| {}));
    let mut tickets = Vec::new();
    let mut admit = |world: &mut World| {
        if let Admission::Admit(ticket) = world.admit(0, R) {
            tickets.push((ticket, world.workers[0].view(R).unwrap().generation));
        }
    };
    for _ in 0..40 {
        admit(&mut world);
    }
    for _ in 0..20 {
        world.request(1, R, FAILED);
    }
    world.pass(2_000);
    for _ in 0..3 {
        assert!(world.request(1, R, Outcome::Success));
    }
    world.pass(50);
    for _ in 0..20 {
        admit(&mut world);
    }
    world.pass(15_000);
    assert_eq!(world.state(0, R), State::Closed);
    let before = world.workers[0].view(R).unwrap().clone();
    assert_eq!(tickets.len(), 60, "40 while closed, 20 in the ramp");
    for (ticket, generation) in tickets {
        assert_eq!(ticket.generation, Some(generation));
        world.settle(0, R, ticket, FAILED);
    }
    world.pass(50);
    assert_eq!(world.workers[0].view(R), Some(&before));
}

#[test]
fn invariant_04_neutral_outcomes_never_change_a_state() {
    // In each state, with as many as one likes; nor do they reset a run or give it more.
    let mut world = World::new(1, settings(|_| {}));
    let neutral = |world: &mut World| {
        let before = world.state(0, R);
        for n in 0..200 {
            world.draw = f64::from(n) / 200.0;
            world.request(0, R, Outcome::Neutral);
        }
        assert_eq!(world.state(0, R), before);
        world.draw = 0.0;
        before
    };
    assert_eq!(neutral(&mut world), State::Closed);
    for _ in 0..19 {
        world.request(0, R, FAILED);
    }
    assert_eq!(neutral(&mut world), State::Closed);
    world.request(0, R, FAILED);
    assert_eq!(neutral(&mut world), State::Open);
    world.pass(2_000);
    assert_eq!(neutral(&mut world), State::HalfOpen);
    for _ in 0..3 {
        assert!(
            world.request(0, R, Outcome::Success),
            "all permits came back"
        );
    }
    assert_eq!(neutral(&mut world), State::Ramp);
    world.pass(1_000);
    assert_eq!(neutral(&mut world), State::Ramp);
    assert_eq!(world.workers[0].view(R).unwrap().ramp.level, 100_000);
}

#[test]
fn invariant_05_what_is_flushed_is_what_happened_however_writes_fail() {
    for failing in 0..40 {
        let crowd = Crowd::new(2, &settings(|s| s.min_requests = 1_000));
        crowd.surprise(vec![Surprise::TheWriteFails; failing]);
        for worker in [0, 1, 0, 0, 1] {
            crowd.deed(worker, Deed::AdmitsARequest);
            crowd.deed(worker, Deed::SeesARequestEnd(0, How::Badly));
            crowd.pass(50);
        }
        crowd.pass(500);
        assert_eq!(crowd.record().unwrap().window.sum().failed, 5, "{failing}");
    }
}

proptest! {
    #[test]
    fn invariant_06_an_open_time_is_between_base_and_the_longest_with_jitter(
        story in prop::collection::vec(step(how()), 0..150),
        draw in 0.0..1.0_f64,
    ) {
        let settings = settings(|s| s.min_requests = 2);
        let crowd = Crowd::new(3, &settings);
        crowd.draw.set(draw);
        for step in story {
            crowd.step(step);
            for event in crowd.workers.iter().flat_map(|bank| bank.borrow_mut().take_events()) {
                let transition = event.transition().unwrap();
                let open_ms = transition.open_ms;
                if transition.to == State::Open {
                    prop_assert!((2_000..=18_750).contains(&open_ms), "{}", open_ms);
                } else {
                    prop_assert_eq!(open_ms, 0);
                }
            }
        }
    }

    #[test]
    fn invariant_07_a_rejection_tells_at_least_the_remaining_open_time(
        story in prop::collection::vec(step(how()), 0..150),
        surprises in surprises(1, how()),
    ) {
        let crowd = Crowd::new(3, &settings(|s| s.min_requests = 2));
        crowd.surprise(surprises);
        for step in story {
            crowd.step(step);
            for worker in &crowd.workers {
                let saved = std::mem::take(&mut *crowd.surprises.borrow_mut());
                let mut bank = worker.borrow_mut();
                let admission = bank.admit(&mut *crowd.store.borrow_mut(), R, 0, false, crowd.at());
                *crowd.surprises.borrow_mut() = saved;
                let Admission::Reject(rejection) = admission else { continue };
                let view = bank.view(R).unwrap();
                let remaining_ms = view.remaining_ms(crowd.now_ms.get());
                prop_assert_eq!(rejection.remaining_ms, remaining_ms);
                // What another worker did since its last tick it need not know.
                let until_ms = crowd.now_ms.get() + remaining_ms;
                if let (Some(record), true) = (crowd.record(), rejection.state == State::Open) {
                    if record.generation == view.generation {
                        prop_assert_eq!(until_ms, record.until_ms);
                    }
                }
            }
        }
    }

    #[test]
    fn invariant_08_many_workers_are_one_worker_up_to_a_tick(
        workers in 2_usize..5, n in 1_u64..40, gap_ms in 1_u64..400,
    ) {
        // n failures of a dead upstream, on one worker or spread: tripped or not, a tick later.
        let run = |workers: usize| {
            let mut world = World::new(workers, settings(|_| {}));
            for k in 0..n {
                world.request((k as usize) % workers, R, FAILED);
                world.pass(gap_ms);
            }
            world.pass(50);
            world.state(0, R)
        };
        prop_assert_eq!(run(workers), run(1));
    }

    #[test]
    fn invariant_09_a_clock_going_back_extends_no_open_time_by_more_than_its_length(
        forward in 0_u64..2_000, back in 0_u64..10_000_000,
    ) {
        let crowd = tripped(2);
        crowd.pass(forward);
        crowd.now_ms.set(crowd.now_ms.get() - back);
        // It was open for at most 2,250 ms; from here on it is for no longer, ticks and slack aside.
        crowd.pass(2_250 + 1_000 + 50);
        prop_assert_eq!(crowd.state(), State::HalfOpen);
    }
}

#[test]
fn invariant_10_an_error_of_the_shared_data_admits() {
    let crowd = tripped(2);
    crowd.pass(2_500);
    for calls in 0..3 {
        // The n-th call of an admission fails: reading the record, or writing the permit.
        let mut surprises = vec![Surprise::NothingHappens; calls];
        surprises.push(Surprise::TheStoreIsBroken);
        crowd.surprise(surprises);
        let before = crowd.under_way.borrow().len();
        crowd.deed(0, Deed::AdmitsARequest);
        assert_eq!(crowd.under_way.borrow().len(), before + 1, "{calls}");
    }
}

/// Requests that the upstream served, as a share of what it could have served.
fn goodput(workers: usize, demand: u32, share: f64, seed: u64) -> f64 {
    let mut world = World::new(workers, settings(|_| {}));
    let mut chance = Chance(seed);
    let capacity = (f64::from(demand) * share / 10.0) as u32;
    let (mut served, mut could) = (0, 0);
    let seconds = 300_u32;
    // A tenth of a second at a time: the upstream serves what it can of it, and fails the rest.
    for tenth in 0..seconds * 10 {
        let mut left = capacity;
        could += capacity;
        for n in 0..demand / 10 {
            world.draw = chance.draw();
            let worker = (chance.draw() * workers as f64) as usize;
            if let Admission::Admit(ticket) = world.admit(worker, R) {
                let is_served = left > 0;
                left = left.saturating_sub(1);
                served += u32::from(is_served);
                let outcome = if is_served { Outcome::Success } else { FAILED };
                world.settle(worker, R, ticket, outcome);
            }
            if n == demand / 20 {
                world.pass(50);
            }
        }
        world.pass(50);
        assert_eq!(world.now_ms, START_MS + 100 * (u64::from(tenth) + 1));
    }
    f64::from(served) / f64::from(could)
}

#[test]
fn invariant_11_in_a_brown_out_most_of_what_is_left_is_used() {
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

/// How many seconds after a total outage of 10 s everything is admitted again, of a route that
/// otherwise fails a share of its requests, whatever its load.
fn back_after(demand: u32, failing: f64, seed: u64) -> u32 {
    let mut world = World::new(2, settings(|_| {}));
    let mut chance = Chance(seed);
    for tenth in 0_u32..20_000 {
        for _ in 0..demand / 10 {
            world.draw = chance.draw();
            let worker = (chance.draw() * 2.0) as usize;
            let outcome = match tenth < 100 || chance.draw() < failing {
                true => FAILED,
                false => Outcome::Success,
            };
            world.request(worker, R, outcome);
        }
        world.pass(100);
        if tenth > 100 && world.state(0, R) == State::Closed {
            return (tenth - 100) / 10;
        }
    }
    u32::MAX
}

#[test]
fn a_route_that_always_fails_a_part_comes_back_if_a_closed_breaker_bears_it() {
    // requests/s, share that fails; seconds of half of the runs, of all
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
fn a_probe_that_hangs_longer_than_its_lease_does_not_count_twice() {
    let crowd = tripped(1);
    crowd.pass(2_500);
    crowd.deed(0, Deed::AdmitsARequest);
    crowd.pass(10_050);
    assert_eq!(crowd.state(), State::Open);
    let exponent = crowd.record().unwrap().exponent;
    crowd.deed(0, Deed::SeesARequestEnd(0, How::Badly));
    assert_eq!(crowd.record().unwrap().exponent, exponent);
    assert_eq!(crowd.state(), State::Open);
}
