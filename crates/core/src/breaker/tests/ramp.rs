//! Ramp: the rate that is admitted, how it grows, and when the ramp ends.

mod failures;
mod queues;

use super::*;
use crate::breaker::circuit::gate::Arrivals;
use crate::breaker::ramp::{Growth, Ramp, Step, StepInfo, Thresholds};
use crate::breaker::window::Counts;
use crate::config::RampRate;

/// Returns a circuit at the beginning of its ramp, of a route that usually has 1,000 requests per second.
fn ramp(change: impl FnOnce(&mut Settings)) -> TestCircuit {
    ramp_of(1_000.0, change)
}

fn ramp_of(usual: f64, change: impl FnOnce(&mut Settings)) -> TestCircuit {
    let mut circuit = TestCircuit::new(change);
    circuit.usual.rate = usual;
    circuit.ramp();
    circuit
}

/// Returns the rate in requests per second, to a thousandth.
fn rate(circuit: &TestCircuit) -> f64 {
    rounded(circuit.circuit.recovery.ramp.rate)
}

fn rounded(rate: f64) -> f64 {
    (rate * 1_000.0).round() / 1_000.0
}

/// Lets a second pass in which a request is rejected.
fn busy_second(circuit: &mut TestCircuit) -> Option<Transition> {
    reject(circuit, 1);
    circuit.wait(1_000)
}

fn busy_seconds(circuit: &mut TestCircuit, seconds: u64) {
    for _ in 0..seconds {
        assert_eq!(busy_second(circuit), None);
    }
}

fn reject(circuit: &mut TestCircuit, rejected: u32) {
    let arrivals = Arrivals {
        rejected,
        ..Arrivals::default()
    };
    circuit.circuit.count_arrivals(&arrivals, circuit.now);
}

fn admit(circuit: &mut TestCircuit, admitted: u32) {
    let arrivals = Arrivals {
        admitted: vec![(ClientId::UNKNOWN, admitted)],
        answered: admitted,
        ..Arrivals::default()
    };
    circuit.circuit.count_arrivals(&arrivals, circuit.now);
}

/// Lets a second pass in which requests end like this, and one is rejected.
fn second(circuit: &mut TestCircuit, succeeded: u32, failed: u32) -> Option<Transition> {
    admit(circuit, succeeded + failed);
    circuit.record(succeeded, Outcome::Success);
    circuit.record(failed, FAILURE);
    busy_second(circuit)
}

/// Returns a circuit in the ramp at its usual rate of 1,000 requests per second. In the second before, so many
/// requests succeeded.
fn carrying(succeeded: u32) -> TestCircuit {
    let mut circuit = ramp(|_| {});
    busy_seconds(&mut circuit, 2);
    assert_eq!(second(&mut circuit, succeeded, 0), None);
    assert_eq!(rate(&circuit), 1_000.0);
    circuit
}

const THRESHOLDS: Thresholds = Thresholds {
    cut: 0.3,
    trip: 0.5,
    min_requests: 20,
};

const GROWTH: Growth = Growth {
    duration: Duration::from_secs(10),
    rate: RampRate::Auto,
};

/// Returns a second in which requests ended like this, and some were rejected.
fn ended(succeeded: u32, failed: u32) -> StepInfo {
    StepInfo {
        admitted: succeeded + failed,
        outcomes: Counts {
            total: succeeded + failed,
            failed,
            slow: 0,
        },
        failed_of_one: 0,
        is_slow: false,
        rejected: 1,
        answered: succeeded + failed,
        least_in_flight: 0,
        usual_latency: Duration::ZERO,
        usual_rate: 0.0,
    }
}

#[test]
fn ramp_begins_with_a_small_part_of_the_usual_rate_and_small_routes_with_all_of_it() {
    // the usual rate, 0 if it is not known; the first rate
    for (usual, first) in [
        (0.0, 1.0),
        (0.1, 1.0),
        (1.0, 5.0),
        (2.0, 10.0),
        (10.0, 10.0),
        (200.0, 10.0),
        (400.0, 20.0),
        (10_000.0, 500.0),
    ] {
        let ramp = Ramp::begin(usual, GROWTH);
        assert_eq!((ramp.rate, ramp.usual), (first, usual));
    }
}

#[test]
fn configured_rate_is_the_usual_one_and_never_exceeded() {
    // the configured rate, the first rate
    for (configured, first) in [
        (0.2, 0.2),
        (1.0, 1.0),
        (5.0, 5.0),
        (100.0, 10.0),
        (400.0, 20.0),
    ] {
        let growth = Growth {
            rate: RampRate::PerSecond(configured),
            ..GROWTH
        };
        let mut ramp = Ramp::begin(5_000.0, growth);
        assert_eq!((ramp.rate, ramp.usual), (first, configured));
        for _ in 0..30 {
            assert_eq!(ramp.step(ended(0, 0), THRESHOLDS, growth), Step::Continue);
            assert!(ramp.rate <= configured, "{configured}: {}", ramp.rate);
        }
        assert_eq!(ramp.rate, configured);
    }
}

#[test]
fn ramp_climbs_each_second_and_closes_after_three_without_a_rejection() {
    let mut circuit = ramp(|_| {});
    for rates in [
        [50.0, 430.0],
        [430.0, 810.0],
        [810.0, 1_000.0],
        // More than the usual rate wants in.
        [1_000.0, 1_080.0],
        [1_080.0, 1_166.4],
    ] {
        reject(&mut circuit, 1);
        assert_eq!(circuit.wait(999), None);
        assert_eq!(rate(&circuit), rates[0], "not before the second is over");
        assert_eq!(circuit.wait(1), None);
        assert_eq!(rate(&circuit), rates[1]);
    }
    assert_eq!(circuit.wait(1_000), None);
    assert_eq!(circuit.wait(1_000), None);
    let transition = circuit.wait(1_000).unwrap();
    assert_eq!(
        (transition.from, transition.to),
        (State::Ramp, State::Closed)
    );
    assert!(circuit.circuit.is_clean());
}

#[test]
fn each_rejection_delays_the_end_of_the_ramp() {
    let mut circuit = ramp(|_| {});
    for seconds in [1, 2, 1, 2, 2] {
        busy_seconds(&mut circuit, 1);
        for _ in 0..seconds {
            assert_eq!(circuit.wait(1_000), None);
        }
    }
    assert_eq!(circuit.wait(1_000).map(|t| t.to), Some(State::Closed));
}

#[test]
fn three_calm_seconds_close_also_below_the_usual_rate() {
    let mut circuit = ramp(|s| s.ramp.duration = Duration::from_secs(3_600));
    assert_eq!(circuit.wait(2_999), None);
    assert!(rate(&circuit) < 1_000.0);
    assert_eq!(circuit.wait(1).map(|t| t.to), Some(State::Closed));
}

#[test]
fn a_ramp_goes_on_for_a_minute_while_more_requests_come_than_usual() {
    // the usual rate, 0 if it is not known; the requests per second, and the seconds until it closes
    for (usual, offered, seconds) in [
        (1_000.0, 1_250, 3),
        (1_000.0, 1_251, 60),
        (2.0, 10, 3),
        (2.0, 11, 60),
        (0.0, 5_000, 3),
    ] {
        let mut circuit = ramp_of(usual, |_| {});
        for _ in 1..seconds {
            admit(&mut circuit, offered);
            assert_eq!(circuit.wait(1_000), None, "{usual} {offered}");
        }
        admit(&mut circuit, offered);
        assert_eq!(circuit.wait(1_000).map(|t| t.to), Some(State::Closed));
    }
    // It closes when the crowd is over.
    let mut circuit = ramp(|_| {});
    for _ in 0..10 {
        admit(&mut circuit, 2_000);
        assert_eq!(circuit.wait(1_000), None);
    }
    admit(&mut circuit, 1_000);
    assert_eq!(circuit.wait(1_000).map(|t| t.to), Some(State::Closed));
}

#[test]
fn twenty_requests_are_many_whatever_opens_a_closed_circuit() {
    // `min_requests`; the requests of a second, of which half fail; whether that cuts the rate
    for (min_requests, requests, is_cut) in [
        (20, 18, false),
        (20, 20, true),
        (1_000, 18, false),
        (1_000, 20, true),
        (10, 10, true),
        (10, 8, false),
    ] {
        let mut ramp = Ramp::begin(1_000.0, GROWTH);
        let thresholds = Thresholds {
            min_requests,
            ..THRESHOLDS
        };
        let step = ramp.step(ended(requests / 2, requests / 2), thresholds, GROWTH);
        assert_eq!(step == Step::Cut, is_cut, "{min_requests} {requests}");
    }
}

#[test]
fn above_the_usual_rate_a_ramp_grows_only_while_requests_are_rejected() {
    let mut ramp = Ramp::begin(1_000.0, GROWTH);
    let calm = StepInfo {
        rejected: 0,
        ..ended(50, 0)
    };
    for _ in 0..20 {
        ramp.step(calm, THRESHOLDS, GROWTH);
    }
    assert_eq!(ramp.rate, 1_000.0);
    ramp.step(ended(50, 0), THRESHOLDS, GROWTH);
    assert_eq!(rounded(ramp.rate), 1_080.0);
    // Near a rate that was too much, too.
    ramp.target = 1_000.0;
    ramp.step(calm, THRESHOLDS, GROWTH);
    assert_eq!(rounded(ramp.rate), 1_080.0);
}

#[test]
fn usual_rate_is_reached_within_the_configured_duration() {
    // the duration, and the seconds until the usual rate is reached
    for (seconds, reached) in [
        (1, 1),
        (2, 1),
        (4, 1),
        (5, 2),
        (10, 3),
        (60, 15),
        (1_000, 250),
        (1_004, 251),
        (3_600, 900),
    ] {
        let mut circuit = ramp(|s| s.ramp.duration = Duration::from_secs(seconds));
        let full = (1_u64..).find(|_| {
            busy_seconds(&mut circuit, 1);
            rate(&circuit) == 1_000.0
        });
        assert_eq!(full, Some(reached), "{seconds} s");
    }
}

#[test]
fn rates_below_fifty_per_second_at_least_double() {
    // the usual rate; the rates
    for (usual, rates) in [
        (0.0, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]),
        (0.1, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 50.0]),
        (3.0, [10.0, 20.0, 40.0, 50.0, 54.0, 58.32, 62.986]),
        (200.0, [10.0, 86.0, 162.0, 200.0, 216.0, 233.28, 251.942]),
    ] {
        let mut circuit = ramp_of(usual, |_| {});
        for rate_of_second in rates {
            assert_eq!(rate(&circuit), rate_of_second, "{usual}");
            busy_seconds(&mut circuit, 1);
        }
    }
}

#[test]
fn a_ramp_of_more_than_ten_seconds_grows_more_slowly_everywhere() {
    // the usual rate; the first rates of a ramp of 40 s
    for (usual, rates) in [
        (0.0, [1.0, 1.189, 1.414]),
        (2.0, [2.5, 2.973, 3.536]),
        (1_000.0, [50.0, 145.0, 240.0]),
    ] {
        let mut circuit = ramp_of(usual, |s| s.ramp.duration = Duration::from_secs(40));
        for rate_of_second in rates {
            assert_eq!(rate(&circuit), rate_of_second, "{usual}");
            busy_seconds(&mut circuit, 1);
        }
    }
    // the rate and the target; the rates in ramps of 10 s and of 40 s
    for (now, target, then) in [
        (1_000.0, 0.0, [1_080.0, 1_020.0]),
        (1_000.0, 900.0, [1_020.0, 1_005.0]),
        // Above the target, at least two more per second.
        (50.0, 45.0, [52.0, 50.5]),
    ] {
        for (seconds, then) in [10, 40].into_iter().zip(then) {
            let mut circuit = ramp(|s| s.ramp.duration = Duration::from_secs(seconds));
            circuit.circuit.recovery.ramp.rate = now;
            circuit.circuit.recovery.ramp.target = target;
            busy_seconds(&mut circuit, 1);
            assert_eq!(rate(&circuit), then, "{now} {target}, {seconds} s");
        }
    }
}

#[test]
fn rate_does_not_grow_with_the_number_of_rejections() {
    let mut ramp = Ramp::begin(1_000.0, GROWTH);
    for rejected in [1, u32::MAX] {
        let info = StepInfo {
            rejected,
            ..ended(50, 0)
        };
        ramp.step(info, THRESHOLDS, GROWTH);
    }
    assert_eq!(rounded(ramp.rate), 810.0);
}

#[test]
fn idle_ramp_closes_by_time_alone() {
    let mut circuit = ramp(|_| {});
    let transition = circuit.wait(3_600_000).unwrap();
    assert_eq!(transition.to, State::Closed);
}

#[test]
fn skipped_steps_have_neither_failures_nor_rejections() {
    let mut circuit = carrying(0);
    circuit.record(500, FAILURE);
    circuit.record(500, Outcome::Success);
    reject(&mut circuit, 1);
    assert_eq!(circuit.wait(3_999), None);
    // 500 less a twentieth; halved once, and back. No more, since nobody is rejected.
    assert_eq!(rate(&circuit), 475.0);
    assert_eq!(circuit.wait(1).map(|t| t.to), Some(State::Closed));
}

#[test]
fn clock_set_back_delays_a_step_by_at_most_a_step() {
    let mut circuit = ramp(|_| {});
    busy_seconds(&mut circuit, 1);
    circuit.set_clock_back(4_000);
    circuit.advance();
    assert_eq!(rate(&circuit), 430.0);
    busy_seconds(&mut circuit, 1);
    assert_eq!(rate(&circuit), 810.0);
}
