//! Ramp: the share that is admitted, and what it takes to grow.

use std::time::Duration;

use super::*;
use crate::breaker::ramp::{Bounds, Ramp, Step};

fn ramp(change: impl FnOnce(&mut Settings)) -> Alone {
    let mut alone = Alone::new(change);
    alone.ramp();
    alone
}

/// In thousandths.
fn level(alone: &Alone) -> u32 {
    alone.record.ramp.level / 1_000
}

#[test]
fn it_climbs_by_a_step_each_second_and_closes_at_the_top() {
    let mut alone = ramp(|_| {});
    assert_eq!(level(&alone), 0);
    for step in 1..10 {
        assert_eq!(alone.pass(999), None);
        assert_eq!(
            level(&alone),
            (step - 1) * 100,
            "not before its second is over"
        );
        assert_eq!(alone.pass(1), None);
        assert_eq!(level(&alone), step * 100);
    }
    // Everything is admitted for half as long again before it closes.
    for _ in 10..15 {
        assert_eq!(alone.pass(1_000), None);
        assert_eq!(alone.record.admitted(), 1_000_000);
    }
    let transition = alone.pass(1_000).unwrap();
    assert_eq!(
        (transition.from, transition.to),
        (State::Ramp, State::Closed)
    );
    assert!(alone.record.is_clean());
}

#[test]
fn it_takes_as_long_as_configured() {
    for seconds in [1, 2, 3, 7, 10, 60, 999, 1_001, 3_600] {
        let mut alone = ramp(|s| s.ramp.duration = Duration::from_secs(seconds));
        let full = |alone: &Alone| alone.record.admitted() == 1_000_000;
        let all = (1_u64..).find(|_| alone.pass(1_000).is_some() || full(&alone));
        let all = all.unwrap();
        let least = seconds - seconds / 100;
        assert!((least..=seconds).contains(&all), "{seconds} s took {all}");
        let closed = (1_u64..).find(|_| alone.pass(1_000).is_some()).unwrap();
        assert_eq!(closed, seconds.div_ceil(2), "{seconds}");
    }
}

#[test]
fn a_trickle_passes_from_the_beginning() {
    let mut alone = ramp(|_| {});
    assert_eq!(alone.record.admitted(), 50_000);
    alone.pass(1_000);
    assert_eq!(alone.record.admitted(), 100_000);
    alone.pass(5_000);
    assert_eq!(alone.record.admitted(), 600_000);
    alone.pass(4_000);
    assert_eq!(alone.record.admitted(), 1_000_000);
}

#[test]
fn it_goes_to_half_of_what_was_carried_where_too_many_fail_and_enough_were_seen() {
    // at 0.8: failed, limited, succeeded; then the level, in thousandths
    for (failed, limited, succeeded, then) in [
        (0, 0, 0, 900),
        (4, 0, 0, 900),
        (2, 1, 7, 266),
        (3, 0, 7, 266),
        (0, 3, 7, 266),
        (30, 0, 70, 266),
        (3, 0, 2, 152),
        (80, 0, 20, 76),
        (29, 0, 71, 900),
    ] {
        let mut alone = ramp(|_| {});
        alone.pass(8_000);
        assert_eq!(level(&alone), 800);
        alone.tell(failed, FAILED);
        alone.tell(limited, LIMITED);
        alone.tell(succeeded, Outcome::Success);
        alone.tell(50, Outcome::Neutral);
        alone.pass(1_000);
        assert_eq!(level(&alone), then, "{failed} {limited} {succeeded}");
    }
}

/// At 0.8, with 100 successes a second.
fn carrying() -> Alone {
    let mut alone = ramp(|_| {});
    alone.pass(7_000);
    alone.tell(100, Outcome::Success);
    alone.pass(1_000);
    assert_eq!(level(&alone), 800);
    alone
}

#[test]
fn what_was_carried_is_the_most_of_late() {
    // 160 came, of whom 100 (a twentieth less) were served in the second before.
    let mut alone = carrying();
    alone.tell(110, FAILED);
    alone.tell(50, Outcome::Success);
    alone.pass(1_000);
    // 0.8 * 95 / 160, less a twentieth.
    assert_eq!(alone.record.ramp.target, 451_250);
    assert_eq!(level(&alone), 225);
    // While it drains, failures halve, and say nothing new.
    alone.tell(20, FAILED);
    alone.pass(1_000);
    assert_eq!(alone.record.ramp.target, 451_250);
    assert_eq!(level(&alone), 112);
    // It comes back quickly, then grows slowly.
    let levels: Vec<u32> = (0..6)
        .map(|_| {
            alone.tell(20, Outcome::Success);
            alone.pass(1_000);
            level(&alone)
        })
        .collect();
    assert_eq!(levels, [338, 451, 465, 479, 494, 510]);
    // Where it fails again it learns again.
    alone.tell(40, FAILED);
    alone.tell(60, Outcome::Success);
    alone.pass(1_000);
    assert_eq!(level(&alone), 510 * 60 * 19 / 20 / 100 / 2);
}

#[test]
fn it_never_grows_faster_than_a_ramp_that_nothing_failed_in() {
    let mut alone = ramp(|s| s.ramp.duration = Duration::from_secs(1_000));
    alone.pass(800_000);
    alone.tell(30, FAILED);
    alone.tell(70, Outcome::Success);
    alone.pass(1_000);
    alone.pass(1_000);
    let target = alone.record.ramp.target;
    assert_eq!(alone.record.ramp.level, target);
    alone.pass(1_000);
    assert_eq!(alone.record.ramp.level, target + 1_000);
}

#[test]
fn a_cut_forgets_what_was_admitted_before_it() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.pass(2_000);
    world.probes("r");
    world.pass(5_000);
    let admit = |world: &mut World| match world.admit(0, "r") {
        Admission::Admit(ticket) => ticket,
        Admission::Reject(_) => panic!("draws of 0 are always admitted"),
    };
    let early: Vec<Ticket> = (0..10).map(|_| admit(&mut world)).collect();
    for n in 0..10 {
        let outcome = if n < 4 { FAILED } else { Outcome::Success };
        world.request(0, "r", outcome);
    }
    world.pass(1_000);
    let cut = world.workers[0].view("r").unwrap().ramp;
    assert!(cut.target > 0);
    for ticket in early {
        world.settle(0, "r", ticket, FAILED);
    }
    world.pass(1_000);
    let ramp = world.workers[0].view("r").unwrap().ramp;
    assert_eq!(
        ramp.level, cut.target,
        "what is late did not halve it again"
    );
}

#[test]
fn a_failure_that_comes_late_cuts_the_level_and_does_not_open() {
    let mut alone = carrying();
    alone.pass(5_000);
    assert_eq!(alone.record.admitted(), 1_000_000);
    alone.tell(60, FAILED);
    alone.tell(60, Outcome::Success);
    assert_eq!(alone.pass(1_000), None);
    assert_eq!(alone.record.state, State::Ramp);
    // Then all is admitted anew before it closes.
    while alone.record.admitted() < 1_000_000 {
        assert_eq!(alone.pass(1_000), None);
    }
    let held = (1_u64..).find(|_| alone.pass(1_000).is_some());
    assert_eq!(held, Some(5));
}

#[test]
fn each_second_counts_for_itself() {
    let mut alone = carrying();
    alone.tell(30, FAILED);
    alone.tell(70, Outcome::Success);
    alone.pass(1_000);
    // 0.8 * 0.95, less a twentieth; half.
    assert_eq!(level(&alone), 361);
    alone.tell(4, FAILED);
    alone.pass(1_000);
    assert_eq!(level(&alone), 722, "the thirty are of the second before");
}

#[test]
fn it_opens_again_where_it_would_fall_under_one_in_a_hundred() {
    // The target after good seconds and one that served half, halved so often before it opens.
    for (good, halvings) in [(0_u64, 2), (1, 3), (2, 4), (4, 5), (8, 6), (9, 6)] {
        let mut alone = ramp(|_| {});
        alone.pass(good * 1_000);
        alone.tell(50, FAILED);
        alone.tell(50, Outcome::Success);
        let mut transition = alone.pass(1_000);
        for n in 0..halvings {
            assert_eq!(transition, None, "{good} {n}");
            alone.tell(3, FAILED);
            alone.tell(2, Outcome::Success);
            transition = alone.pass(1_000);
        }
        let transition = transition.expect("open");
        assert_eq!((transition.from, transition.to), (State::Ramp, State::Open));
        assert_eq!(transition.open_ms, 4_000, "one doubling more");
        assert_eq!(transition.reason, Reason::ConnectionRefused);
    }
}

#[test]
fn it_opens_at_once_where_nothing_succeeded() {
    let mut alone = ramp(|_| {});
    alone.pass(9_000);
    alone.tell(5, FAILED);
    let transition = alone.pass(1_000).expect("open");
    assert_eq!((transition.counts.total, transition.counts.failed), (5, 5));
}

#[test]
fn it_keeps_the_reason_of_the_last_failure() {
    let mut alone = ramp(|_| {});
    alone.tell(5, Outcome::Failure(Reason::DnsError));
    let transition = alone.pass(1_000).expect("open");
    assert_eq!(transition.reason, Reason::DnsError);
}

#[test]
fn an_idle_route_comes_back_by_time_alone_even_if_nobody_looks() {
    let mut alone = ramp(|_| {});
    let transition = alone.pass(3_600_000).unwrap();
    assert_eq!(transition.to, State::Closed);
}

#[test]
fn seconds_that_nobody_looked_at_had_no_failures() {
    let mut alone = ramp(|_| {});
    alone.pass(8_000);
    alone.tell(5, FAILED);
    alone.tell(5, Outcome::Success);
    alone.pass(3_000);
    // 0.8 / 2, less a twentieth; halved once, back, and one step up.
    assert_eq!(level(&alone), 391);
}

#[test]
fn slow_answers_count_by_their_own_ratio_where_slowness_matters() {
    // configured, slow of 10, level after 0.8
    for (matters, slow, then) in [(true, 8, 380), (true, 7, 900), (false, 10, 900)] {
        let mut alone = ramp(|s| s.failures.slow = matters.then(|| Duration::from_secs(1)));
        alone.pass(8_000);
        let ending = Ending {
            is_slow: true,
            ..Ending::from(Outcome::Success)
        };
        alone.tell_ending(slow, ending);
        alone.tell(10 - slow, Outcome::Success);
        alone.pass(1_000);
        assert_eq!(level(&alone), then, "{matters} {slow}");
    }
}

#[test]
fn a_clock_set_back_delays_a_step_by_no_more_than_a_step() {
    let mut alone = ramp(|_| {});
    alone.pass(5_000);
    alone.now_ms -= 4_000;
    alone.advance();
    assert_eq!(level(&alone), 500);
    alone.pass(1_000);
    assert_eq!(level(&alone), 600);
}

#[test]
fn a_worker_admits_by_the_draw_of_chance() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.pass(2_000);
    world.probes("r");
    for (seconds, share) in [(0, 0.05), (3, 0.3), (6, 0.9)] {
        world.pass(seconds * 1_000);
        world.draw = share - 0.001;
        assert!(
            matches!(world.admit(0, "r"), Admission::Admit(_)),
            "{share}"
        );
        world.draw = share;
        let Admission::Reject(rejection) = world.admit(0, "r") else {
            panic!("{share}");
        };
        assert_eq!(rejection.state, State::Ramp);
        assert_eq!(rejection.remaining_ms, 0);
    }
}

const BOUNDS: Bounds = Bounds {
    cut: 0.3,
    trip: 0.5,
    min_requests: 20,
};

#[test]
fn a_level_of_just_one_percent_is_still_a_ramp() {
    let failed = window::Counts {
        total: 10,
        failed: 10,
        slow: 0,
    };
    for (level, want) in [(20_000, Step::Cut), (19_999, Step::Fell)] {
        let mut ramp = Ramp {
            level,
            target: 30_000,
            best: 10,
            held: 0,
            doubts: 0,
        };
        assert_eq!(ramp.step(failed, BOUNDS, false, 10_000), want, "{level}");
    }
}

/// One second of 1,000 requests, of which the ramp admits its share; then the level.
fn second_of_a_thousand(alone: &mut Alone, failing_percent: u32) -> u32 {
    let n = alone.record.admitted() / 1_000;
    let failed = (n * failing_percent).div_ceil(100);
    alone.tell(n - failed, Outcome::Success);
    alone.tell(failed, FAILED);
    alone.pass(1_000);
    level(alone)
}

#[test]
fn what_fails_where_as_many_were_served_is_borne_as_a_closed_breaker_would() {
    let mut alone = ramp(|_| {});
    alone.pass(8_000);
    let mut levels = |shares: &[u32]| -> Vec<u32> {
        let level_after = |share: &u32| second_of_a_thousand(&mut alone, *share);
        shares.iter().map(level_after).collect()
    };
    // 0.8 * 0.6 * 0.95, halved. Fewer than were served came then, twice more; then it is borne.
    assert_eq!(levels(&[40, 40, 40, 40]), [228, 114, 57, 157]);
    assert_eq!(levels(&[49, 49]), [257, 357], "it was not the load");
    // What would trip a closed breaker still cuts.
    assert_eq!(levels(&[50, 40]), [178, 278]);
}

#[test]
fn what_is_borne_cuts_where_enough_came_to_trip_or_nothing_is_good() {
    for (failed, good, want) in [
        (10, 9, Step::On),
        (10, 10, Step::Cut),
        (10, 11, Step::On),
        (18, 1, Step::On),
        (19, 0, Step::Cut),
        (5, 0, Step::Cut),
        (4, 0, Step::On),
    ] {
        let mut ramp = Ramp {
            level: 400_000,
            doubts: 3,
            ..Ramp::default()
        };
        let outcomes = window::Counts {
            total: failed + good,
            failed,
            slow: 0,
        };
        let step = ramp.step(outcomes, BOUNDS, false, 10_000);
        assert_eq!(step, want, "{failed} {good}");
    }
}

#[test]
fn what_fails_where_more_came_than_were_served_is_the_load() {
    let mut alone = carrying();
    for _ in 0..20 {
        alone.tell(60, FAILED);
        alone.tell(100, Outcome::Success);
        alone.pass(1_000);
        for _ in 0..4 {
            alone.tell(60, Outcome::Success);
            alone.pass(1_000);
        }
    }
    assert_eq!(alone.record.ramp.doubts, 0);
}

#[test]
fn where_twice_the_target_does_not_fail_it_is_forgotten() {
    let mut alone = ramp(|_| {});
    alone.pass(8_000);
    alone.tell(70, FAILED);
    alone.tell(30, Outcome::Success);
    alone.pass(1_000);
    let target = alone.record.ramp.target;
    let mut before = 0;
    while alone.record.ramp.target > 0 {
        assert!(alone.record.ramp.level < 2 * target);
        before = alone.record.ramp.level;
        alone.pass(1_000);
    }
    assert!(alone.record.ramp.level >= 2 * target);
    alone.pass(1_000);
    assert_eq!(
        alone.record.admitted(),
        1_000_000.min(before + before.div_ceil(32) + 100_000)
    );
}

#[test]
fn it_does_not_open_again_for_less_than_trips_a_closed_breaker() {
    // The first seconds of the ramp, at 5 %: the level has nowhere to go.
    let mut alone = ramp(|_| {});
    while alone.record.state != State::Closed {
        second_of_a_thousand(&mut alone, 40);
        assert_ne!(alone.record.state, State::Open);
        assert!(alone.now_ms < START_MS + 120_000);
    }
}
