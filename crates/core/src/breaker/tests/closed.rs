//! Closed: what trips a breaker, to the request and to the millisecond.

use std::time::Duration;

use super::*;

/// Only the ratio can trip it.
fn by_ratio() -> Alone {
    Alone::new(|s| s.consecutive.failures = 1_000_000)
}

/// Only a run can trip it.
fn by_run() -> Alone {
    Alone::new(|s| s.min_requests = 1_000_000)
}

/// Only slowness can trip it.
fn by_slowness() -> Alone {
    Alone::new(|s| {
        s.consecutive.failures = 1_000_000;
        s.failures.slow = Some(Duration::from_secs(1));
    })
}

fn slow(outcome: Outcome) -> Ending {
    Ending {
        is_slow: true,
        ..Ending::from(outcome)
    }
}

#[test]
fn the_ratio_counts_from_min_requests_and_trips_at_the_threshold() {
    // failures, limited, successes, trips
    for (failures, limited, successes, trips) in [
        (19, 0, 0, false),
        (20, 0, 0, true),
        (0, 20, 0, true),
        (0, 19, 0, false),
        (10, 0, 10, true),
        (9, 0, 10, false),
        (9, 0, 11, false),
        (5, 5, 10, true),
        (5, 4, 11, false),
        (50, 0, 50, true),
        (50, 0, 51, false),
        (1, 0, 1_000, false),
    ] {
        let mut alone = by_ratio();
        assert_eq!(alone.tell(successes, Outcome::Success), None);
        let one = alone.tell(limited, LIMITED);
        let trip = one.or(alone.tell(failures, FAILED));
        let case = format!("{failures} failed, {limited} limited, {successes} succeeded");
        assert_eq!(trip.is_some(), trips, "{case}");
        let want = if trips { State::Open } else { State::Closed };
        assert_eq!(alone.record.state, want, "{case}");
    }
}

#[test]
fn a_trip_says_what_was_counted_and_why() {
    let mut alone = by_ratio();
    alone.tell(10, Outcome::Success);
    let transition = alone.tell(10, Outcome::Failure(Reason::DnsError)).unwrap();
    let counts = window::Counts {
        total: 20,
        failed: 10,
        slow: 0,
    };
    let want = Transition {
        from: State::Closed,
        to: State::Open,
        reason: Reason::DnsError,
        counts,
        open_ms: 2_000,
    };
    assert_eq!(transition, want);
}

#[test]
fn only_the_window_counts() {
    let mut alone = by_ratio();
    alone.tell(19, FAILED);
    // The last millisecond of the tenth bucket, then the first one of the next.
    alone.pass(9_999);
    assert_eq!(alone.record.window.sum().failed, 19);
    alone.pass(1);
    assert!(alone.record.is_clean());
    assert_eq!(alone.tell(19, FAILED), None);
    assert!(alone.tell(1, FAILED).is_some());
}

#[test]
fn a_run_must_be_long_and_must_last() {
    // failures at which milliseconds; trips
    let even: Vec<u64> = (0..10).map(|n| n * 111).collect();
    for (times, trips) in [
        (vec![0, 111, 222, 333, 444, 555, 666, 777, 1_000], false),
        (vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 999], false),
        (vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 1_000], true),
        (vec![0; 500], false),
        (even, false),
        ((0..11).map(|n| n * 111).collect(), true),
    ] {
        let mut alone = by_run();
        let mut tripped = None;
        for at in &times {
            alone.now_ms = START_MS + at;
            tripped = tripped.or(alone.tell(1, FAILED));
        }
        assert_eq!(tripped.is_some(), trips, "{times:?}");
    }
}

#[test]
fn a_run_of_no_duration_trips_at_once_where_it_may() {
    let mut alone = Alone::new(|s| s.consecutive.duration = Duration::ZERO);
    assert_eq!(alone.tell(9, FAILED), None);
    assert!(alone.tell(1, FAILED).is_some());
}

#[test]
fn a_success_ends_the_run_and_a_limited_answer_is_no_part_of_it() {
    for (between, trips) in [
        (Outcome::Success, false),
        (LIMITED, true),
        (Outcome::Neutral, true),
    ] {
        let mut alone = by_run();
        alone.tell(9, FAILED);
        alone.pass(1_000);
        assert_eq!(alone.tell(1, between), None);
        assert_eq!(alone.tell(1, FAILED).is_some(), trips, "{between:?}");
    }
    let mut alone = by_run();
    alone.tell(9, FAILED);
    alone.pass(1_000);
    assert_eq!(alone.tell(100, LIMITED), None, "limited ones make no run");
}

#[test]
fn a_slow_success_ends_the_run_too() {
    let mut alone = by_run();
    alone.tell(9, FAILED);
    alone.pass(1_000);
    alone.tell_ending(1, slow(Outcome::Success));
    assert_eq!(alone.tell(1, FAILED), None);
}

#[test]
fn in_one_millisecond_what_is_told_later_was_later() {
    let mut alone = by_run();
    alone.tell(1, Outcome::Success);
    alone.tell(9, FAILED);
    alone.pass(1_000);
    assert!(alone.tell(1, FAILED).is_some(), "all ten after the success");

    let mut alone = by_run();
    alone.tell(1, Outcome::Success);
    alone.tell(9, FAILED);
    alone.tell(1, Outcome::Success);
    alone.pass(1_000);
    assert_eq!(alone.tell(9, FAILED), None, "nine since the last success");
}

#[test]
fn a_run_ends_when_the_window_is_clean() {
    let mut alone = by_run();
    alone.tell(9, FAILED);
    alone.pass(10_000);
    assert_eq!(alone.record.run, record::Run::default());
    assert_eq!(alone.tell(1, FAILED), None);
    assert_eq!(alone.record.run.count, 1);
}

#[test]
fn neutral_changes_nothing() {
    let mut alone = by_ratio();
    alone.tell(19, FAILED);
    let before = alone.record.clone();
    assert_eq!(alone.tell(1_000, Outcome::Neutral), None);
    assert_eq!(alone.record, before);
}

#[test]
fn slowness_has_a_ratio_of_its_own_where_it_matters_at_all() {
    // slow, quick, trips
    for (slow_ones, quick, trips) in [(19, 0, false), (16, 4, true), (15, 5, false), (20, 0, true)]
    {
        let mut alone = by_slowness();
        alone.tell(quick, Outcome::Success);
        let trip = alone.tell_ending(slow_ones, slow(Outcome::Success));
        assert_eq!(trip.is_some(), trips, "{slow_ones} slow, {quick} quick");
    }
    let mut careless = by_ratio();
    assert_eq!(careless.tell_ending(100, slow(Outcome::Success)), None);
}

#[test]
fn slowness_is_the_reason_where_nothing_else_is() {
    for (outcome, reason) in [
        (Outcome::Success, Reason::HttpResponseTimeout),
        (Outcome::Failure(Reason::DnsError), Reason::DnsError),
        (Outcome::Limited(Reason::DnsError), Reason::DnsError),
    ] {
        let transition = by_slowness().tell_ending(20, slow(outcome)).unwrap();
        assert_eq!(transition.reason, reason, "{outcome:?}");
    }
}

#[test]
fn a_late_result_of_another_generation_is_dropped() {
    let mut alone = by_ratio();
    alone.half_open();
    alone.recover();
    let fresh = alone.record.clone();
    let mut delta = Delta {
        generation: fresh.generation - 1,
        ..Delta::default()
    };
    for _ in 0..100 {
        delta.count(FAILED, false, fresh.bucket_ms, alone.now_ms);
    }
    let (settings, now_ms) = (alone.settings.clone(), alone.now_ms);
    assert_eq!(alone.record.absorb(&settings, &delta, now_ms, 0.0), None);
    assert_eq!(alone.record, fresh);
}

#[test]
fn a_window_that_the_clock_left_behind_is_forgotten() {
    let mut alone = by_ratio();
    alone.tell(19, FAILED);
    alone.now_ms -= 9_000;
    alone.advance();
    assert_eq!(alone.record.window.sum().failed, 19, "still in the window");
    alone.now_ms -= 1_000;
    alone.advance();
    assert!(alone.record.is_clean());
    assert_eq!(alone.tell(19, FAILED), None);
    assert!(
        alone.tell(1, FAILED).is_some(),
        "and it works again at once"
    );
}

#[test]
fn a_route_is_clean_without_failures_and_slow_answers() {
    let mut alone = by_ratio();
    assert!(alone.record.is_clean());
    alone.tell(5, Outcome::Success);
    assert!(alone.record.is_clean());
    alone.tell_ending(1, slow(Outcome::Success));
    assert!(!alone.record.is_clean());
    alone.pass(10_000);
    assert!(alone.record.is_clean());
    alone.tell(1, LIMITED);
    assert!(!alone.record.is_clean());
    let mut alone = by_ratio();
    alone.half_open();
    assert!(!alone.record.is_clean());
}

/// Runs as two workers tell them: times of failures, and of a success before them; then the run.
#[test]
fn runs_of_several_workers_make_one() {
    type Told<'a> = (Option<u64>, &'a [u64]);
    type Case<'a> = (&'a [Told<'a>], (u32, u64, u64));
    let cases: &[Case<'_>] = &[
        // Told in order, in the other order, or overlapping.
        (&[(None, &[0, 100]), (None, &[200, 300])], (4, 0, 300)),
        (&[(None, &[200, 300]), (None, &[0, 100])], (4, 0, 300)),
        (&[(None, &[0, 300]), (None, &[100, 200])], (4, 0, 300)),
        // A success of one worker ends what began before it, and cuts what goes on after it.
        (&[(None, &[0, 100]), (Some(200), &[])], (0, 0, 0)),
        (&[(None, &[0, 100]), (Some(200), &[300])], (1, 300, 300)),
        (&[(Some(200), &[]), (None, &[0, 100])], (0, 0, 0)),
        (&[(Some(200), &[]), (None, &[100, 300])], (2, 200, 300)),
        (&[(Some(200), &[300]), (None, &[100, 400])], (3, 200, 400)),
        // An older success than the last one known changes nothing.
        (
            &[(Some(200), &[300]), (Some(100), &[150, 250])],
            (3, 200, 300),
        ),
        (&[(Some(200), &[300]), (Some(100), &[])], (1, 300, 300)),
        (&[(None, &[100]), (Some(50), &[])], (1, 100, 100)),
        // In one millisecond, what is told later was later.
        (&[(Some(200), &[]), (None, &[200])], (1, 200, 200)),
        (&[(None, &[200]), (Some(200), &[])], (0, 0, 0)),
    ];
    for (told, (count, since, last)) in cases {
        let mut alone = by_run();
        alone.tell(1, LIMITED);
        alone.now_ms += 500;
        for (success, failures) in *told {
            let mut delta = Delta::default();
            for (outcome, at) in success
                .iter()
                .map(|at| (Outcome::Success, at))
                .chain(failures.iter().map(|at| (FAILED, at)))
            {
                delta.count(outcome, false, alone.record.bucket_ms, START_MS + at);
            }
            let now_ms = alone.now_ms;
            alone.record.absorb(&alone.settings, &delta, now_ms, 0.0);
        }
        let run = alone.record.run;
        let ms = |at: u64| at.saturating_sub(START_MS);
        let got = (run.count, ms(run.since_ms), ms(run.last_ms));
        assert_eq!(got, (*count, *since, *last), "{told:?}");
    }
}
