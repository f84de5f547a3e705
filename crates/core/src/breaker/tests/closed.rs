//! Closed: what trips a circuit, to the request and to the millisecond.

use super::*;
use crate::breaker::unsynced::ConsecutiveFailures;
use crate::breaker::window::Counts;

/// Returns a circuit that only the failure ratio can trip.
fn by_ratio() -> TestCircuit {
    TestCircuit::new(|s| s.consecutive.failures = 1_000_000)
}

/// Returns a circuit that only consecutive failures can trip.
fn by_consecutive_failures() -> TestCircuit {
    TestCircuit::new(|s| {
        s.min_requests = 1_000_000;
        s.consecutive.failures = 10;
        s.consecutive.duration = Duration::from_secs(1);
    })
}

/// Returns a circuit that only the slow ratio can trip, besides the failure ratio.
fn by_slowness() -> TestCircuit {
    TestCircuit::new(|s| {
        s.consecutive.failures = 1_000_000;
        s.failures.slow = Some(Duration::from_secs(1));
    })
}

#[test]
fn failure_ratio_trips_at_threshold_from_min_requests() {
    // failures, overloaded responses, successes, trips
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
        let mut circuit = by_ratio();
        assert_eq!(circuit.record(successes, Outcome::Success), None);
        let one = circuit.record(limited, OVERLOADED);
        let trip = one.or(circuit.record(failures, FAILURE));
        let case = format!("{failures} failed, {limited} limited, {successes} succeeded");
        assert_eq!(trip.is_some(), trips, "{case}");
        let want = if trips { State::Open } else { State::Closed };
        assert_eq!(circuit.circuit.state, want, "{case}");
    }
}

#[test]
fn trip_reports_counts_and_reason() {
    let mut circuit = by_ratio();
    circuit.record(10, Outcome::Success);
    let transition = circuit
        .record(10, Outcome::Failure(Reason::DnsError))
        .unwrap();
    let counts = Counts {
        total: 20,
        failed: 10,
        slow: 0,
    };
    let want = Transition {
        from: State::Closed,
        to: State::Open,
        reason: Reason::DnsError,
        counts,
        open_for: Duration::from_secs(2),
    };
    assert_eq!(transition, want);
}

#[test]
fn outcomes_outside_the_window_are_not_counted() {
    let mut circuit = by_ratio();
    circuit.record(19, FAILURE);
    // The last millisecond of the tenth bucket, then the first one of the next.
    circuit.wait(9_999);
    assert_eq!(circuit.circuit.window.sum().failed, 19);
    circuit.wait(1);
    assert!(circuit.circuit.is_clean());
    assert_eq!(circuit.record(19, FAILURE), None);
    assert!(circuit.record(1, FAILURE).is_some());
}

#[test]
fn consecutive_failures_trip_by_number_and_duration() {
    // milliseconds of the failures, trips
    let even: Vec<u64> = (0..10).map(|n| n * 111).collect();
    for (times, trips) in [
        (vec![0, 111, 222, 333, 444, 555, 666, 777, 1_000], false),
        (vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 999], false),
        (vec![0, 1, 2, 3, 4, 5, 6, 7, 8, 1_000], true),
        (vec![0; 500], false),
        (even, false),
        ((0..11).map(|n| n * 111).collect(), true),
    ] {
        let mut circuit = by_consecutive_failures();
        let mut tripped = None;
        for at in &times {
            circuit.now = super::at(*at);
            tripped = tripped.or(circuit.record(1, FAILURE));
        }
        assert_eq!(tripped.is_some(), trips, "{times:?}");
    }
}

#[test]
fn consecutive_failures_without_duration_trip_at_once() {
    let mut circuit = by_consecutive_failures();
    circuit.settings.consecutive.duration = Duration::ZERO;
    assert_eq!(circuit.record(9, FAILURE), None);
    assert!(circuit.record(1, FAILURE).is_some());
}

#[test]
fn success_resets_consecutive_failures_and_overload_does_not_count() {
    for (between, trips) in [
        (Outcome::Success, false),
        (OVERLOADED, true),
        (Outcome::Ignored, true),
    ] {
        let mut circuit = by_consecutive_failures();
        circuit.record(9, FAILURE);
        circuit.wait(1_000);
        assert_eq!(circuit.record(1, between), None);
        assert_eq!(circuit.record(1, FAILURE).is_some(), trips, "{between:?}");
    }
    let mut circuit = by_consecutive_failures();
    circuit.record(9, FAILURE);
    circuit.wait(1_000);
    assert_eq!(
        circuit.record(100, OVERLOADED),
        None,
        "overload is no consecutive failure"
    );
}

#[test]
fn slow_success_resets_consecutive_failures() {
    let mut circuit = by_consecutive_failures();
    circuit.record(9, FAILURE);
    circuit.wait(1_000);
    circuit.record_slow(1, Outcome::Success);
    assert_eq!(circuit.record(1, FAILURE), None);
}

#[test]
fn within_a_millisecond_later_counts_are_of_later_requests() {
    let mut circuit = by_consecutive_failures();
    circuit.record(1, Outcome::Success);
    circuit.record(9, FAILURE);
    circuit.wait(1_000);
    assert!(
        circuit.record(1, FAILURE).is_some(),
        "all ten after the success"
    );

    let mut circuit = by_consecutive_failures();
    circuit.record(1, Outcome::Success);
    circuit.record(9, FAILURE);
    circuit.record(1, Outcome::Success);
    circuit.wait(1_000);
    assert_eq!(
        circuit.record(9, FAILURE),
        None,
        "nine since the last success"
    );
}

#[test]
fn clean_window_resets_consecutive_failures() {
    let mut circuit = by_consecutive_failures();
    circuit.record(9, FAILURE);
    circuit.wait(10_000);
    assert_eq!(circuit.circuit.consecutive, ConsecutiveFailures::default());
    assert_eq!(circuit.record(1, FAILURE), None);
    assert_eq!(circuit.circuit.consecutive.count, 1);
}

#[test]
fn ignored_outcomes_change_nothing() {
    let mut circuit = by_ratio();
    circuit.record(19, FAILURE);
    let before = circuit.circuit.clone();
    assert_eq!(circuit.record(1_000, Outcome::Ignored), None);
    assert_eq!(circuit.circuit, before);
}

#[test]
fn slow_ratio_trips_only_if_slow_is_configured() {
    // slow, quick, trips
    for (slow_ones, quick, trips) in [(19, 0, false), (16, 4, true), (15, 5, false), (20, 0, true)]
    {
        let mut circuit = by_slowness();
        circuit.record(quick, Outcome::Success);
        let trip = circuit.record_slow(slow_ones, Outcome::Success);
        assert_eq!(trip.is_some(), trips, "{slow_ones} slow, {quick} quick");
    }
    let mut careless = by_ratio();
    assert_eq!(careless.record_slow(100, Outcome::Success), None);
}

#[test]
fn slow_successes_trip_with_reason_timeout() {
    for (outcome, reason) in [
        (Outcome::Success, Reason::HttpResponseTimeout),
        (Outcome::Failure(Reason::DnsError), Reason::DnsError),
        (Outcome::Overloaded(Reason::DnsError), Reason::DnsError),
    ] {
        let transition = by_slowness().record_slow(20, outcome).unwrap();
        assert_eq!(transition.reason, reason, "{outcome:?}");
    }
}

#[test]
fn counts_of_another_generation_are_dropped() {
    let mut circuit = by_ratio();
    circuit.half_open();
    circuit.recover();
    let fresh = circuit.circuit.clone();
    let mut counts = UnsyncedCounts {
        generation: fresh.generation - 1,
        ..UnsyncedCounts::default()
    };
    for _ in 0..100 {
        let (client, width) = (ClientId::UNKNOWN, fresh.bucket_width);
        counts.add(FAILURE, false, client, width, circuit.now);
    }
    assert_eq!(circuit.absorb(&counts), None);
    assert_eq!(circuit.circuit, fresh);
}

#[test]
fn window_is_cleared_when_the_clock_leaves_it() {
    let mut circuit = by_ratio();
    circuit.record(19, FAILURE);
    circuit.set_clock_back(9_000);
    circuit.advance();
    assert_eq!(
        circuit.circuit.window.sum().failed,
        19,
        "still in the window"
    );
    circuit.set_clock_back(1_000);
    circuit.advance();
    assert!(circuit.circuit.is_clean());
    assert_eq!(circuit.record(19, FAILURE), None);
    assert!(
        circuit.record(1, FAILURE).is_some(),
        "and it works again at once"
    );
}

#[test]
fn clean_means_closed_without_failures_and_slow_responses() {
    let mut circuit = by_ratio();
    assert!(circuit.circuit.is_clean());
    circuit.record(5, Outcome::Success);
    assert!(circuit.circuit.is_clean());
    circuit.record_slow(1, Outcome::Success);
    assert!(!circuit.circuit.is_clean());
    circuit.wait(10_000);
    assert!(circuit.circuit.is_clean());
    circuit.record(1, OVERLOADED);
    assert!(!circuit.circuit.is_clean());
    let mut circuit = by_ratio();
    circuit.half_open();
    assert!(!circuit.circuit.is_clean());
}

/// Each case has the counts of several workers (the time of a success, the times of failures after
/// it), then the merged number of failures, and the times of the first and the last one.
#[test]
fn consecutive_failures_of_several_workers_are_merged() {
    type Counted<'a> = (Option<u64>, &'a [u64]);
    type Case<'a> = (&'a [Counted<'a>], (u32, u64, u64));
    let cases: &[Case<'_>] = &[
        // In order, in reverse order, overlapping.
        (&[(None, &[0, 100]), (None, &[200, 300])], (4, 0, 300)),
        (&[(None, &[200, 300]), (None, &[0, 100])], (4, 0, 300)),
        (&[(None, &[0, 300]), (None, &[100, 200])], (4, 0, 300)),
        // A success of one worker ends a sequence that began before it, and shortens one that continues.
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
        // Within one millisecond, counts that arrive later are of later requests.
        (&[(Some(200), &[]), (None, &[200])], (1, 200, 200)),
        (&[(None, &[200]), (Some(200), &[])], (0, 0, 0)),
    ];
    for (counted, (count, since, last)) in cases {
        let mut circuit = by_consecutive_failures();
        circuit.record(1, OVERLOADED);
        circuit.now = circuit.now.saturating_add(millis(500));
        for (success, failures) in *counted {
            let mut counts = UnsyncedCounts::default();
            for (outcome, at) in success
                .iter()
                .map(|at| (Outcome::Success, at))
                .chain(failures.iter().map(|at| (FAILURE, at)))
            {
                let (client, width) = (ClientId::UNKNOWN, circuit.circuit.bucket_width);
                counts.add(outcome, false, client, width, super::at(*at));
            }
            circuit.absorb(&counts);
        }
        let found = circuit.circuit.consecutive;
        let ms = |at: Timestamp| at.saturating_since(START).as_millis() as u64;
        let got = (found.count, ms(found.since), ms(found.last));
        assert_eq!(got, (*count, *since, *last), "{counted:?}");
    }
}

#[test]
fn a_circuit_that_never_opened_has_no_state_of_a_recovery() {
    let mut circuit = TestCircuit::new(|_| {});
    circuit.advance();
    assert_eq!(circuit.circuit.recovery.changed_mut(), None);
    let record = RouteCircuits::of_route(circuit.circuit.clone()).encode();
    let mut read = RouteCircuits::decode(&record).unwrap();
    assert_eq!(read.route.recovery.changed_mut(), None);
    circuit.trip();
    assert!(circuit.circuit.recovery.changed_mut().is_some());
}
