//! Ramp: the share that is admitted, and how it grows.

use super::*;
use crate::breaker::ramp::{Ramp, Step, Thresholds};
use crate::breaker::window::Counts;

fn ramp(change: impl FnOnce(&mut Settings)) -> TestCircuit {
    let mut circuit = TestCircuit::new(change);
    circuit.ramp();
    circuit
}

/// Returns the level in thousandths.
fn level(circuit: &TestCircuit) -> u32 {
    circuit.circuit.ramp.level / 1_000
}

#[test]
fn ramp_climbs_each_second_and_closes_after_holding_full() {
    let mut circuit = ramp(|_| {});
    assert_eq!(level(&circuit), 0);
    for step in 1..10 {
        assert_eq!(circuit.wait(999), None);
        assert_eq!(
            level(&circuit),
            (step - 1) * 100,
            "not before the second is over"
        );
        assert_eq!(circuit.wait(1), None);
        assert_eq!(level(&circuit), step * 100);
    }
    // All requests are admitted for half as long again before the circuit closes.
    for _ in 10..15 {
        assert_eq!(circuit.wait(1_000), None);
        assert_eq!(circuit.circuit.admitted_share(), 1_000_000);
    }
    let transition = circuit.wait(1_000).unwrap();
    assert_eq!(
        (transition.from, transition.to),
        (State::Ramp, State::Closed)
    );
    assert!(circuit.circuit.is_clean());
}

#[test]
fn ramp_takes_the_configured_duration() {
    for seconds in [1, 2, 3, 7, 10, 60, 999, 1_001, 3_600] {
        let mut circuit = ramp(|s| s.ramp.duration = Duration::from_secs(seconds));
        let full = |circuit: &TestCircuit| circuit.circuit.admitted_share() == 1_000_000;
        let all = (1_u64..).find(|_| circuit.wait(1_000).is_some() || full(&circuit));
        let all = all.unwrap();
        let least = seconds - seconds / 100;
        assert!((least..=seconds).contains(&all), "{seconds} s took {all}");
        let closed = (1_u64..).find(|_| circuit.wait(1_000).is_some()).unwrap();
        assert_eq!(closed, seconds.div_ceil(2), "{seconds}");
    }
}

#[test]
fn ramp_admits_five_percent_at_the_beginning() {
    let mut circuit = ramp(|_| {});
    assert_eq!(circuit.circuit.admitted_share(), 50_000);
    circuit.wait(1_000);
    assert_eq!(circuit.circuit.admitted_share(), 100_000);
    circuit.wait(5_000);
    assert_eq!(circuit.circuit.admitted_share(), 600_000);
    circuit.wait(4_000);
    assert_eq!(circuit.circuit.admitted_share(), 1_000_000);
}

#[test]
fn failures_cut_the_level_to_half_of_the_carried_share() {
    // at level 0.8: failures, overloaded responses, successes; then the level, in thousandths
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
        let mut circuit = ramp(|_| {});
        circuit.wait(8_000);
        assert_eq!(level(&circuit), 800);
        circuit.record(failed, FAILURE);
        circuit.record(limited, OVERLOADED);
        circuit.record(succeeded, Outcome::Success);
        circuit.record(50, Outcome::Ignored);
        circuit.wait(1_000);
        assert_eq!(level(&circuit), then, "{failed} {limited} {succeeded}");
    }
}

/// Returns a circuit in the ramp at level 0.8, with 100 successes per second.
fn carrying() -> TestCircuit {
    let mut circuit = ramp(|_| {});
    circuit.wait(7_000);
    circuit.record(100, Outcome::Success);
    circuit.wait(1_000);
    assert_eq!(level(&circuit), 800);
    circuit
}

#[test]
fn carried_share_is_the_recent_maximum() {
    // 160 requests; the second before had 100 successes, which have faded to 95.
    let mut circuit = carrying();
    circuit.record(110, FAILURE);
    circuit.record(50, Outcome::Success);
    circuit.wait(1_000);
    // 0.8 * 95 / 160, less a twentieth.
    assert_eq!(circuit.circuit.ramp.target, 451_250);
    assert_eq!(level(&circuit), 225);
    // While the queue drains, failures halve the level and do not change the target.
    circuit.record(20, FAILURE);
    circuit.wait(1_000);
    assert_eq!(circuit.circuit.ramp.target, 451_250);
    assert_eq!(level(&circuit), 112);
    // The level returns to the target quickly, then grows slowly.
    let levels: Vec<u32> = (0..6)
        .map(|_| {
            circuit.record(20, Outcome::Success);
            circuit.wait(1_000);
            level(&circuit)
        })
        .collect();
    assert_eq!(levels, [338, 451, 465, 479, 494, 510]);
    // Failures above the target set a new target.
    circuit.record(40, FAILURE);
    circuit.record(60, Outcome::Success);
    circuit.wait(1_000);
    assert_eq!(level(&circuit), 510 * 60 * 19 / 20 / 100 / 2);
}

#[test]
fn growth_above_target_is_limited_to_the_plain_ramp() {
    let mut circuit = ramp(|s| s.ramp.duration = Duration::from_secs(1_000));
    circuit.wait(800_000);
    circuit.record(30, FAILURE);
    circuit.record(70, Outcome::Success);
    circuit.wait(1_000);
    circuit.wait(1_000);
    let target = circuit.circuit.ramp.target;
    assert_eq!(circuit.circuit.ramp.level, target);
    circuit.wait(1_000);
    assert_eq!(circuit.circuit.ramp.level, target + 1_000);
}

#[test]
fn failure_at_full_level_cuts_and_does_not_open() {
    let mut circuit = carrying();
    circuit.wait(5_000);
    assert_eq!(circuit.circuit.admitted_share(), 1_000_000);
    circuit.record(60, FAILURE);
    circuit.record(60, Outcome::Success);
    assert_eq!(circuit.wait(1_000), None);
    assert_eq!(circuit.circuit.state, State::Ramp);
    // Then all requests are admitted again before the circuit closes.
    while circuit.circuit.admitted_share() < 1_000_000 {
        assert_eq!(circuit.wait(1_000), None);
    }
    let held = (1_u64..).find(|_| circuit.wait(1_000).is_some());
    assert_eq!(held, Some(5));
}

#[test]
fn each_step_counts_its_own_outcomes() {
    let mut circuit = carrying();
    circuit.record(30, FAILURE);
    circuit.record(70, Outcome::Success);
    circuit.wait(1_000);
    // 0.8 * 0.95, less a twentieth; half.
    assert_eq!(level(&circuit), 361);
    circuit.record(4, FAILURE);
    circuit.wait(1_000);
    assert_eq!(
        level(&circuit),
        722,
        "the thirty failures are of the second before"
    );
}

#[test]
fn ramp_opens_when_the_level_falls_below_one_percent() {
    // Good seconds before one with half of the requests failing; cuts before the circuit opens.
    for (good, halvings) in [(0_u64, 2), (1, 3), (2, 4), (4, 5), (8, 6), (9, 6)] {
        let mut circuit = ramp(|_| {});
        circuit.wait(good * 1_000);
        circuit.record(50, FAILURE);
        circuit.record(50, Outcome::Success);
        let mut transition = circuit.wait(1_000);
        for n in 0..halvings {
            assert_eq!(transition, None, "{good} {n}");
            circuit.record(3, FAILURE);
            circuit.record(2, Outcome::Success);
            transition = circuit.wait(1_000);
        }
        let transition = transition.expect("open");
        assert_eq!((transition.from, transition.to), (State::Ramp, State::Open));
        assert_eq!(transition.open_ms(), 4_000, "doubled once more");
        assert_eq!(transition.reason, Reason::ConnectionRefused);
    }
}

#[test]
fn ramp_opens_at_once_without_any_success() {
    let mut circuit = ramp(|_| {});
    circuit.wait(9_000);
    circuit.record(5, FAILURE);
    let transition = circuit.wait(1_000).expect("open");
    assert_eq!((transition.counts.total, transition.counts.failed), (5, 5));
}

#[test]
fn ramp_opens_with_the_reason_of_the_last_failure() {
    let mut circuit = ramp(|_| {});
    circuit.record(5, Outcome::Failure(Reason::DnsError));
    let transition = circuit.wait(1_000).expect("open");
    assert_eq!(transition.reason, Reason::DnsError);
}

#[test]
fn idle_ramp_closes_by_time_circuit() {
    let mut circuit = ramp(|_| {});
    let transition = circuit.wait(3_600_000).unwrap();
    assert_eq!(transition.to, State::Closed);
}

#[test]
fn skipped_steps_have_no_failures() {
    let mut circuit = ramp(|_| {});
    circuit.wait(8_000);
    circuit.record(5, FAILURE);
    circuit.record(5, Outcome::Success);
    circuit.wait(3_000);
    // 0.8 / 2, less a twentieth; halved once, back, and one step up.
    assert_eq!(level(&circuit), 391);
}

#[test]
fn slow_responses_cut_by_slow_ratio_if_configured() {
    // configured, slow of 10, level after a second at 0.8
    for (matters, slow, then) in [(true, 8, 380), (true, 7, 900), (false, 10, 900)] {
        let mut circuit = ramp(|s| s.failures.slow = matters.then(|| Duration::from_secs(1)));
        circuit.wait(8_000);
        circuit.record_slow(slow, Outcome::Success);
        circuit.record(10 - slow, Outcome::Success);
        circuit.wait(1_000);
        assert_eq!(level(&circuit), then, "{matters} {slow}");
    }
}

#[test]
fn clock_set_back_delays_a_step_by_at_most_a_step() {
    let mut circuit = ramp(|_| {});
    circuit.wait(5_000);
    circuit.set_clock_back(4_000);
    circuit.advance();
    assert_eq!(level(&circuit), 500);
    circuit.wait(1_000);
    assert_eq!(level(&circuit), 600);
}

const THRESHOLDS: Thresholds = Thresholds {
    cut: 0.3,
    trip: 0.5,
    min_requests: 20,
};

#[test]
fn level_of_one_percent_does_not_fall() {
    let failed = Counts {
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
        assert_eq!(
            ramp.step(failed, THRESHOLDS, false, Duration::from_secs(10)),
            want,
            "{level}"
        );
    }
}

/// Runs a second in which 1,000 requests arrive and the ramp admits its share. Returns the level.
fn second_of_a_thousand(circuit: &mut TestCircuit, failing_percent: u32) -> u32 {
    let n = circuit.circuit.admitted_share() / 1_000;
    let failed = (n * failing_percent).div_ceil(100);
    circuit.record(n - failed, Outcome::Success);
    circuit.record(failed, FAILURE);
    circuit.wait(1_000);
    level(circuit)
}

#[test]
fn failures_unrelated_to_load_are_tolerated_after_three_cuts() {
    let mut circuit = ramp(|_| {});
    circuit.wait(8_000);
    let mut levels = |shares: &[u32]| -> Vec<u32> {
        let level_after = |share: &u32| second_of_a_thousand(&mut circuit, *share);
        shares.iter().map(level_after).collect()
    };
    // 0.8 * 0.6 * 0.95, halved; two more cuts; then failures are tolerated.
    assert_eq!(levels(&[40, 40, 40, 40]), [228, 114, 57, 157]);
    assert_eq!(levels(&[49, 49]), [257, 357], "the load is not the cause");
    // Failures that would trip a closed circuit still cut.
    assert_eq!(levels(&[50, 40]), [178, 278]);
}

#[test]
fn tolerant_ramp_cuts_only_for_what_trips_a_closed_circuit() {
    for (failed, good, want) in [
        (10, 9, Step::Continue),
        (10, 10, Step::Cut),
        (10, 11, Step::Continue),
        (18, 1, Step::Continue),
        (19, 0, Step::Cut),
        (5, 0, Step::Cut),
        (4, 0, Step::Continue),
    ] {
        let mut ramp = Ramp {
            level: 400_000,
            doubts: 3,
            ..Ramp::default()
        };
        let outcomes = Counts {
            total: failed + good,
            failed,
            slow: 0,
        };
        let step = ramp.step(outcomes, THRESHOLDS, false, Duration::from_secs(10));
        assert_eq!(step, want, "{failed} {good}");
    }
}

#[test]
fn failures_above_capacity_raise_no_doubts() {
    let mut circuit = carrying();
    for _ in 0..20 {
        circuit.record(60, FAILURE);
        circuit.record(100, Outcome::Success);
        circuit.wait(1_000);
        for _ in 0..4 {
            circuit.record(60, Outcome::Success);
            circuit.wait(1_000);
        }
    }
    assert_eq!(circuit.circuit.ramp.doubts, 0);
}

#[test]
fn target_is_forgotten_when_twice_of_it_does_not_fail() {
    let mut circuit = ramp(|_| {});
    circuit.wait(8_000);
    circuit.record(70, FAILURE);
    circuit.record(30, Outcome::Success);
    circuit.wait(1_000);
    let target = circuit.circuit.ramp.target;
    let mut before = 0;
    while circuit.circuit.ramp.target > 0 {
        assert!(circuit.circuit.ramp.level < 2 * target);
        before = circuit.circuit.ramp.level;
        circuit.wait(1_000);
    }
    assert!(circuit.circuit.ramp.level >= 2 * target);
    circuit.wait(1_000);
    assert_eq!(
        circuit.circuit.admitted_share(),
        1_000_000.min(before + before.div_ceil(32) + 100_000)
    );
}

#[test]
fn ramp_does_not_open_below_the_trip_threshold() {
    // In the first seconds of the ramp, the level cannot fall.
    let mut circuit = ramp(|_| {});
    while circuit.circuit.state != State::Closed {
        second_of_a_thousand(&mut circuit, 40);
        assert_ne!(circuit.circuit.state, State::Open);
        assert!(circuit.now < at(120_000));
    }
}
