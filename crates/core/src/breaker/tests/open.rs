//! Open: for how long.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn jittered(draw: f64) -> Alone {
    let mut alone = Alone::new(|_| {});
    alone.draw = draw;
    alone
}

/// Trips, fails a probe, and so on: all open times.
fn times(alone: &mut Alone, n: usize) -> Vec<u64> {
    let mut times = vec![alone.trip()];
    while times.len() < n {
        alone.pass(*times.last().unwrap());
        let permit = alone.lease().expect("half-open");
        times.push(alone.settle(permit, FAILED).expect("open again").open_ms);
    }
    times
}

#[test]
fn the_open_time_doubles_up_to_its_longest() {
    let mut alone = jittered(0.0);
    assert_eq!(
        times(&mut alone, 6),
        [2_000, 4_000, 8_000, 15_000, 15_000, 15_000]
    );
}

#[test]
fn jitter_comes_after_the_longest_time() {
    let mut alone = jittered(1.0);
    assert_eq!(times(&mut alone, 5), [2_500, 5_000, 10_000, 18_750, 18_750]);
    let mut alone = jittered(0.5);
    assert_eq!(times(&mut alone, 2), [2_250, 4_500]);
    let mut alone = Alone::new(|s| s.open.jitter = 0.0);
    alone.draw = 1.0;
    assert_eq!(times(&mut alone, 2), [2_000, 4_000]);
}

#[test]
fn one_open_time_where_base_is_the_longest() {
    let mut alone = Alone::new(|s| s.open.max = s.open.base);
    assert_eq!(times(&mut alone, 3), [2_000; 3]);
}

#[test]
fn it_stays_open_to_the_millisecond() {
    let mut alone = jittered(0.0);
    alone.trip();
    assert_eq!(alone.record.remaining_ms(alone.now_ms), 2_000);
    assert_eq!(alone.pass(1_999), None);
    assert_eq!(alone.record.remaining_ms(alone.now_ms), 1);
    assert_eq!(alone.record.admitted(), 0);
    assert_eq!(alone.lease(), None);
    assert_eq!(alone.pass(1).map(|t| t.to), Some(State::HalfOpen));
    assert_eq!(alone.record.remaining_ms(alone.now_ms), 0);
}

#[test]
fn a_healthy_minute_takes_back_one_doubling() {
    // healthy for so many seconds after three doublings: the next open time
    for (seconds, open_ms) in [
        (0, 15_000),
        (59, 15_000),
        (60, 8_000),
        (119, 8_000),
        (120, 4_000),
        (179, 4_000),
        (180, 2_000),
        (100_000, 2_000),
    ] {
        let mut alone = jittered(0.0);
        let last = *times(&mut alone, 4).last().unwrap();
        alone.pass(last);
        alone.recover();
        alone.pass(seconds * 1_000);
        assert_eq!(alone.trip(), open_ms, "{seconds} s");
    }
}

#[test]
fn time_that_is_not_healthy_takes_back_nothing() {
    let mut alone = jittered(0.0);
    times(&mut alone, 2);
    alone.pass(600_000);
    let permit = alone.lease().expect("half-open for long");
    assert_eq!(alone.settle(permit, FAILED).unwrap().open_ms, 8_000);
}

#[test]
fn an_upstream_may_ask_for_its_own_open_time() {
    // asked, honoured, open time
    for (asked_ms, honored, open_ms) in [
        (Some(30_000), true, 30_000),
        (Some(30_000), false, 2_000),
        (Some(1_999), true, 2_000),
        (Some(0), true, 2_000),
        (Some(59_999), true, 59_999),
        (Some(60_001), true, 60_000),
        (Some(86_400_000), true, 60_000),
        (None, true, 2_000),
    ] {
        let mut alone = Alone::new(|s| s.open.honor_retry_after = honored);
        let ending = Ending {
            retry_after_ms: asked_ms,
            ..Ending::from(LIMITED)
        };
        let transition = alone.tell_ending(20, ending).expect("a trip");
        assert_eq!(transition.open_ms, open_ms, "{asked_ms:?} {honored}");
        assert_eq!(alone.record.remaining_ms(alone.now_ms), open_ms);
    }
    let mut alone = Alone::new(|s| s.open.base = Duration::from_secs(90));
    let ending = Ending {
        retry_after_ms: Some(30_000),
        ..Ending::from(LIMITED)
    };
    let transition = alone.tell_ending(20, ending).expect("a trip");
    assert_eq!(transition.open_ms, 90_000, "base is the least");
}

#[test]
fn a_probe_may_bring_an_open_time_too() {
    let mut alone = jittered(0.0);
    alone.half_open();
    let permit = alone.lease().unwrap();
    let (settings, now_ms) = (alone.settings.clone(), alone.now_ms);
    let asked = Some(20_000);
    let transition = alone
        .record
        .settle(&settings, permit, LIMITED, asked, now_ms, 0.0);
    assert_eq!(transition.unwrap().open_ms, 20_000);
}

#[test]
fn what_was_admitted_before_the_trip_changes_nothing() {
    let mut alone = jittered(0.0);
    alone.trip();
    let open = alone.record.clone();
    assert_eq!(alone.tell(100, FAILED), None);
    assert_eq!(alone.tell(100, Outcome::Success), None);
    assert_eq!(alone.record, open);
}

#[test]
fn the_shared_record_knows_for_how_long_after_a_race() {
    // Worker 1 has slept through a second trip: it must not answer with the first one's time.
    let mut world = World::new(2, settings(|_| {}));
    world.pass(50);
    world.trip("r");
    world.pass(50);
    assert_eq!(world.state(1, "r"), State::Closed, "not met yet");
    assert!(matches!(world.admit(1, "r"), Admission::Reject(_)));
    world.now_ms += 1_950;
    assert!(world.request(0, "r", FAILED), "the probe fails");
    assert_eq!(world.state(0, "r"), State::Open);
    let Admission::Reject(rejection) = world.admit(1, "r") else {
        panic!("worker 1 sends no probe");
    };
    assert_eq!(rejection.state, State::Open);
    assert_eq!(rejection.remaining_ms, 4_000);
}

#[test]
fn a_second_is_taken_for_the_difference_between_two_clocks() {
    for (back, remaining_ms) in [(0, 2_000), (1_000, 3_000), (1_001, 2_000), (9_000, 2_000)] {
        let mut alone = jittered(0.0);
        alone.trip();
        alone.now_ms -= back;
        alone.advance();
        assert_eq!(
            alone.record.remaining_ms(alone.now_ms),
            remaining_ms,
            "{back}"
        );
    }
}

proptest! {
    /// min(max, base * 2^k) * (1 + U(0, jitter)), whatever the settings and the history.
    #[test]
    fn the_open_time_is_within_its_bounds(
        base in 100_u64..10_000, factor in 1_u64..100, jitter in 0.0..=1.0_f64,
        draws in prop::collection::vec(0.0..1.0_f64, 1..80),
    ) {
        let max = base * factor;
        let mut alone = Alone::new(|s| {
            s.open.base = Duration::from_millis(base);
            s.open.max = Duration::from_millis(max);
            s.open.jitter = jitter;
        });
        let mut open_ms = alone.trip();
        for (k, draw) in (1_u32..).zip(draws) {
            alone.pass(open_ms);
            alone.draw = draw;
            let permit = alone.lease().unwrap();
            open_ms = alone.settle(permit, FAILED).unwrap().open_ms;
            let grown = base.saturating_mul(1 << k.min(40)).min(max);
            let want = grown as f64 * (1.0 + jitter * draw);
            prop_assert!((open_ms as f64 - want).abs() < 1.0 + want / 1e9, "{} {}", open_ms, want);
        }
    }

    /// A clock that is set back makes no open time longer than it was.
    #[test]
    fn a_clock_set_back_extends_no_open_time(
        jumps in prop::collection::vec((0_u64..3_000, 0_u64..100_000_000), 1..20),
    ) {
        let mut alone = jittered(1.0);
        let mut longest = alone.trip();
        for (forward, back) in jumps {
            alone.now_ms += forward;
            alone.now_ms -= back;
            if let Some(transition) = alone.advance() {
                if transition.to == State::HalfOpen {
                    let permit = alone.lease().unwrap();
                    longest = alone.settle(permit, FAILED).unwrap().open_ms;
                }
            }
            // Differences of up to a second are taken for differences between two readings.
            prop_assert!(alone.record.remaining_ms(alone.now_ms) <= longest + 1_000);
        }
    }
}
