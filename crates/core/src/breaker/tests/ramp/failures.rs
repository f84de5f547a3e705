//! What failures and slow responses do to the rate of a ramp.

use super::*;
use crate::breaker::unsynced::UnsyncedCounts;

#[test]
fn many_failures_cut_the_rate_to_half_of_what_was_carried() {
    // at 1,000 per second: failures, overloaded responses, successes; then the rate
    for (failed, limited, succeeded, then) in [
        (0, 0, 0, 1_080.0),
        (4, 0, 0, 1_080.0),
        (20, 10, 70, 33.25),
        (30, 0, 70, 33.25),
        (0, 30, 70, 33.25),
        (300, 0, 700, 332.5),
        (900, 0, 2_000, 475.0),
        (800, 0, 200, 95.0),
        // The lowest rate is a hundredth of the usual one.
        (19, 0, 1, 10.0),
        // Fewer.
        (299, 0, 701, 900.0),
    ] {
        let mut circuit = carrying(0);
        admit(&mut circuit, failed + limited + succeeded);
        circuit.record(failed, FAILURE);
        circuit.record(limited, OVERLOADED);
        circuit.record(succeeded, Outcome::Success);
        circuit.record(50, Outcome::Ignored);
        busy_seconds(&mut circuit, 1);
        assert_eq!(rate(&circuit), then, "{failed} {limited} {succeeded}");
    }
}

#[test]
fn carried_rate_is_the_recent_maximum() {
    // The second before had 800 successes, which have faded to 760.
    let mut circuit = carrying(800);
    second(&mut circuit, 400, 600);
    assert_eq!(circuit.circuit.recovery.ramp.target, 760.0 * 0.95);
    assert_eq!(rate(&circuit), 361.0);
    // While the queue drains, failures halve the rate and do not change the target.
    second(&mut circuit, 0, 100);
    assert_eq!(circuit.circuit.recovery.ramp.target, 760.0 * 0.95);
    assert_eq!(rate(&circuit), 180.5);
    // The rate returns to the target quickly, then grows slowly.
    let rates: Vec<f64> = (0..5)
        .map(|_| {
            second(&mut circuit, 100, 0);
            rate(&circuit)
        })
        .collect();
    assert_eq!(rates, [541.5, 722.0, 736.44, 751.169, 766.192]);
    // Failures above the target set a new target.
    second(&mut circuit, 600, 400);
    assert_eq!(rate(&circuit), 600.0 * 0.95 / 2.0);
}

#[test]
fn no_more_was_carried_than_the_rate_admitted() {
    // Of requests that were admitted before, more may end in a second than the rate is.
    let mut circuit = ramp(|_| {});
    second(&mut circuit, 70, 130);
    assert_eq!(circuit.circuit.recovery.ramp.target, 50.0 * 0.95);
}

#[test]
fn target_is_forgotten_when_twice_of_it_does_not_fail() {
    let mut circuit = carrying(0);
    second(&mut circuit, 300, 700);
    assert_eq!(circuit.circuit.recovery.ramp.target, 285.0);
    let mut before = 0.0;
    while circuit.circuit.recovery.ramp.target > 0.0 {
        before = rate(&circuit);
        assert!(before < 570.0);
        busy_seconds(&mut circuit, 1);
    }
    assert!(before > 558.0 && rate(&circuit) >= 570.0);
    let forgotten = circuit.circuit.recovery.ramp.rate;
    busy_seconds(&mut circuit, 1);
    let plain = rounded(forgotten + 950.0 / 2.5);
    assert_eq!(rate(&circuit), plain, "the plain ramp again");
}

#[test]
fn few_failures_lower_the_rate_by_a_tenth() {
    // at 1,000 per second: failures, successes; then the rate, and whether it is a limit
    for (failed, succeeded, then, is_limit) in [
        (40, 960, 1_080.0, false),
        (50, 950, 900.0, true),
        (290, 710, 900.0, true),
        // Of what was admitted. Below the usual rate, failures have other causes.
        (50, 949, 899.1, false),
        (5, 95, 90.0, false),
        (1, 19, 18.0, false),
        // Of fewer than twenty requests, a few say nothing.
        (1, 18, 1_080.0, false),
        (9, 10, 1_080.0, false),
    ] {
        let mut circuit = carrying(0);
        let generation = circuit.circuit.generation;
        second(&mut circuit, succeeded, failed);
        assert_eq!(rate(&circuit), then, "{failed} of {}", failed + succeeded);
        assert_eq!(circuit.circuit.generation, generation, "it is no cut");
        let target = if is_limit { then } else { 0.0 };
        assert_eq!(circuit.circuit.recovery.ramp.target, target);
    }
}

#[test]
fn few_failures_of_a_route_whose_usual_rate_is_not_known_set_no_target() {
    let mut ramp = Ramp {
        rate: 100.0,
        ..Ramp::of_unknown_route()
    };
    ramp.step(ended(90, 10), THRESHOLDS, GROWTH);
    assert_eq!((ramp.rate, ramp.target), (90.0, 0.0));
}

#[test]
fn failures_within_a_calm_second_delay_the_end_of_the_ramp() {
    for failed in [10, 40] {
        let mut circuit = ramp(|_| {});
        circuit.wait(2_000);
        circuit.record(100 - failed, Outcome::Success);
        circuit.record(failed, FAILURE);
        assert_eq!(circuit.wait(3_999), None, "{failed}");
        assert_eq!(circuit.wait(1).map(|t| t.to), Some(State::Closed));
    }
}

#[test]
fn six_seconds_with_few_failures_make_the_ramp_tolerant() {
    let mut circuit = carrying(1_000);
    let mut rates = |seconds: &[u32]| -> Vec<f64> {
        let rate_after = |failed: &u32| {
            second(&mut circuit, 10 * (100 - failed), 10 * failed);
            rate(&circuit)
        };
        seconds.iter().map(rate_after).collect()
    };
    assert_eq!(
        rates(&[10, 10, 10, 10, 10]),
        [900.0, 810.0, 729.0, 656.1, 590.49]
    );
    // A second with fewer takes one of them back.
    assert_eq!(rates(&[0]), [900.0]);
    assert_eq!(rates(&[10]), [810.0]);
    assert_eq!(rates(&[10]), [1_000.0], "they fail whatever the load");
    assert_eq!(rates(&[49]), [1_080.0]);
    // Failures that would trip a closed circuit still cut.
    assert_eq!(rates(&[50]), [540.0]);
}

#[test]
fn failures_unrelated_to_load_are_tolerated_after_three_cuts() {
    let mut circuit = carrying(0);
    let mut rates = |seconds: &[u32]| -> Vec<f64> {
        let rate_after = |percent: &u32| {
            let n = circuit.circuit.recovery.ramp.rate as u32;
            second(&mut circuit, n - n * percent / 100, n * percent / 100);
            rate(&circuit)
        };
        seconds.iter().map(rate_after).collect()
    };
    // 60 % of it less a twentieth, halved; two more cuts, though 600 were served before; then failures
    // are tolerated.
    assert_eq!(rates(&[40, 40, 40, 40]), [285.0, 142.5, 71.25, 451.25]);
    assert_eq!(rates(&[49, 49, 49]), [831.25, 1_000.0, 1_080.0]);
    // Failures that would trip a closed circuit still cut.
    assert_eq!(rates(&[50, 40]), [540.0, 920.0]);
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
        for (doubts, easings) in [(3, 0), (0, 6)] {
            let mut ramp = Ramp {
                rate: 400.0,
                usual: 1_000.0,
                doubts,
                easings,
                ..Ramp::default()
            };
            let step = ramp.step(ended(good, failed), THRESHOLDS, GROWTH);
            assert_eq!(step, want, "{failed} {good}");
        }
    }
}

#[test]
fn failures_above_capacity_raise_no_doubts() {
    let mut circuit = carrying(800);
    for _ in 0..20 {
        second(&mut circuit, 800, 600);
        for _ in 0..4 {
            second(&mut circuit, 600, 0);
        }
    }
    let ramp = circuit.circuit.recovery.ramp;
    assert_eq!((ramp.doubts, ramp.easings), (0, 0));
}

#[test]
fn many_failures_at_the_usual_rate_cut_and_do_not_open() {
    let mut circuit = carrying(1_000);
    circuit.record(600, FAILURE);
    circuit.record(600, Outcome::Success);
    assert_eq!(circuit.wait(1_000), None);
    assert_eq!(circuit.circuit.state, State::Ramp);
    let closed = (1_u64..).find(|_| circuit.wait(1_000).is_some());
    assert_eq!(closed, Some(3), "three seconds without a rejection");
}

#[test]
fn each_step_counts_its_own_outcomes() {
    let mut circuit = carrying(0);
    second(&mut circuit, 700, 300);
    assert_eq!(rate(&circuit), 332.5);
    circuit.record(4, FAILURE);
    busy_seconds(&mut circuit, 1);
    assert_eq!(
        rate(&circuit),
        665.0,
        "the 300 failures are of the second before"
    );
}

#[test]
fn ramp_opens_when_it_fails_at_the_lowest_rate() {
    // The lowest rate is a hundredth of the usual one, and at least one request in two seconds.
    for (usual, rates) in [
        (1_000, [237.5, 118.75, 59.375, 29.688, 14.844, 10.0]),
        (40, [9.5, 4.75, 2.375, 1.188, 0.594, 0.5]),
    ] {
        let mut circuit = ramp_of(f64::from(usual), |_| {});
        while rate(&circuit) < f64::from(usual) {
            busy_seconds(&mut circuit, 1);
        }
        circuit.circuit.recovery.ramp.rate = f64::from(usual);
        assert_eq!(second(&mut circuit, usual / 2, usual / 2), None);
        for (n, then) in rates.into_iter().enumerate() {
            assert_eq!(rate(&circuit), then, "{usual} {n}");
            let transition = second(&mut circuit, 1, 4);
            let is_last = n + 1 == rates.len();
            assert_eq!(transition.is_some(), is_last, "{usual} {n}");
        }
        assert_eq!(circuit.circuit.state, State::Open);
        assert_eq!(circuit.remaining_ms(), 4_000, "doubled once more");
        assert_eq!(circuit.circuit.tripped_by, Reason::ConnectionRefused);
    }
}

#[test]
fn ramp_does_not_open_while_fewer_fail_than_trip_a_closed_circuit() {
    let mut circuit = ramp(|_| {});
    for _ in 0..120 {
        let n = (circuit.circuit.recovery.ramp.rate as u32).max(5);
        assert_eq!(second(&mut circuit, n - n * 40 / 100, n * 40 / 100), None);
    }
    assert!(rate(&circuit) > 1_000.0);
}

#[test]
fn ramp_opens_at_once_without_any_success() {
    let mut circuit = ramp(|_| {});
    busy_seconds(&mut circuit, 9);
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
fn slow_responses_cut_by_slow_ratio_if_configured() {
    // configured, slow of 10, the rate after a second at 1,000
    for (matters, slow, then) in [(true, 8, 10.0), (true, 7, 1_080.0), (false, 10, 1_080.0)] {
        let mut circuit = ramp(|s| s.failures.slow = matters.then(|| Duration::from_secs(1)));
        busy_seconds(&mut circuit, 3);
        circuit.record_slow(slow, Outcome::Success);
        circuit.record(10 - slow, Outcome::Success);
        busy_seconds(&mut circuit, 1);
        assert_eq!(rate(&circuit), then, "{matters} {slow}");
    }
}

#[test]
fn fewer_than_five_outcomes_say_nothing() {
    for (failed, then) in [(4, 430.0), (5, 0.0)] {
        let mut ramp = Ramp::begin(1_000.0, GROWTH);
        let step = ramp.step(ended(0, failed), THRESHOLDS, GROWTH);
        let want = if failed == 4 {
            Step::Continue
        } else {
            Step::Fell
        };
        assert_eq!((step, rounded(ramp.rate)), (want, then));
    }
}

#[test]
fn of_fewer_than_min_requests_four_fifths_must_fail() {
    // failures, successes; the step
    for (failed, good, want) in [
        (4, 1, Step::Cut),
        (3, 2, Step::Continue),
        (15, 4, Step::Continue),
        (16, 3, Step::Cut),
        (19, 0, Step::Fell),
        // Of twenty, three tenths.
        (5, 15, Step::Continue),
        (6, 14, Step::Cut),
    ] {
        let mut ramp = Ramp {
            rate: 400.0,
            usual: 1_000.0,
            ..Ramp::default()
        };
        let step = ramp.step(ended(good, failed), THRESHOLDS, GROWTH);
        assert_eq!(step, want, "{failed} of {}", failed + good);
    }
}

#[test]
fn a_ramp_that_has_become_tolerant_forgets_its_target() {
    for (doubts, easings, failed) in [(2, 0, 40), (0, 5, 10)] {
        let mut ramp = Ramp {
            rate: 50.0,
            usual: 1_000.0,
            target: 49.0,
            best: 100,
            doubts,
            easings,
            ..Ramp::default()
        };
        let step = ramp.step(ended(100 - failed, failed), THRESHOLDS, GROWTH);
        assert_eq!(step, Step::Continue);
        assert_eq!(ramp.target, 0.0, "{failed}");
        assert_eq!(rounded(ramp.rate), rounded(50.0 + 950.0 / 2.5));
    }
}

/// Records outcomes of a client.
fn record_of(circuit: &mut TestCircuit, client: u32, succeeded: u32, failed: u32) {
    let mut counts = UnsyncedCounts {
        generation: circuit.circuit.generation,
        ..UnsyncedCounts::default()
    };
    let (width, now) = (circuit.circuit.bucket_width, circuit.now);
    for n in 0..succeeded + failed {
        let outcome = if n < failed {
            FAILURE
        } else {
            Outcome::Success
        };
        counts.add(outcome, false, ClientId(client), width, now);
    }
    assert_eq!(circuit.absorb(&counts), None);
}

#[test]
fn what_one_of_several_clients_fails_does_not_lower_the_rate() {
    // Of five clients, how many fail all of their requests; then the rate.
    for (failing, then) in [(0, 1_080.0), (1, 1_080.0), (2, 108.0), (4, 14.25)] {
        let mut circuit = carrying(0);
        for client in failing + 1..=5 {
            record_of(&mut circuit, client, 30, 0);
        }
        for client in 1..=failing {
            record_of(&mut circuit, client, 0, 30);
        }
        admit(&mut circuit, 120);
        busy_seconds(&mut circuit, 1);
        assert_eq!(rate(&circuit), then, "{failing}");
    }
    // If all have one address, that of a load balancer, it is the upstream that fails.
    let mut circuit = carrying(0);
    record_of(&mut circuit, ClientId::UNKNOWN.0, 90, 30);
    admit(&mut circuit, 120);
    busy_seconds(&mut circuit, 1);
    assert_eq!(rate(&circuit), 108.0);
}
