//! Open: the open time.

use proptest::prelude::*;

use super::*;

fn jittered(draw: f64) -> TestCircuit {
    let mut circuit = TestCircuit::new(|s| s.open.max = Duration::from_secs(20));
    circuit.draw = draw;
    circuit
}

/// Trips the circuit, then lets probes fail. Returns the open times.
fn times(circuit: &mut TestCircuit, n: usize) -> Vec<u64> {
    let mut times = vec![circuit.trip()];
    while times.len() < n {
        circuit.wait(*times.last().unwrap());
        let permit = circuit.acquire().expect("half-open");
        times.push(
            circuit
                .finish(permit, FAILURE)
                .expect("open again")
                .open_ms(),
        );
    }
    times
}

#[test]
fn open_time_doubles_up_to_max() {
    let mut circuit = jittered(0.0);
    assert_eq!(
        times(&mut circuit, 6),
        [2_000, 4_000, 8_000, 16_000, 16_000, 16_000]
    );
    let mut circuit = TestCircuit::new(|s| {
        s.open.max = Duration::from_secs(15);
        s.open.jitter = 0.0;
    });
    assert_eq!(
        times(&mut circuit, 6),
        [2_000, 4_000, 8_000, 15_000, 15_000, 15_000]
    );
}

#[test]
fn max_includes_jitter() {
    let mut circuit = jittered(1.0);
    assert_eq!(
        times(&mut circuit, 5),
        [2_500, 5_000, 10_000, 20_000, 20_000]
    );
    let mut circuit = jittered(0.5);
    assert_eq!(
        times(&mut circuit, 5),
        [2_250, 4_500, 9_000, 18_000, 18_000]
    );
    let mut circuit = TestCircuit::new(|s| s.open.jitter = 0.0);
    circuit.draw = 1.0;
    assert_eq!(times(&mut circuit, 2), [2_000, 4_000]);
}

#[test]
fn by_default_no_open_time_is_longer_than_five_seconds() {
    for (draw, expected) in [
        (0.0, [2_000, 4_000, 4_000]),
        (0.5, [2_250, 4_500, 4_500]),
        (1.0, [2_500, 5_000, 5_000]),
    ] {
        let mut circuit = TestCircuit::new(|_| {});
        circuit.draw = draw;
        assert_eq!(times(&mut circuit, 3), expected, "{draw}");
    }
}

#[test]
fn jitter_near_max_is_cut_off() {
    // base, max, draw, open time
    for (base, max, draw, open_ms) in [
        (2_000, 2_000, 1.0, 2_000),
        (2_000, 2_100, 0.0, 2_000),
        (2_000, 2_100, 0.1, 2_050),
        (2_000, 2_100, 1.0, 2_100),
        (2_000, 2_500, 1.0, 2_500),
    ] {
        let mut circuit = TestCircuit::new(|s| {
            s.open.base = millis(base);
            s.open.max = millis(max);
        });
        circuit.draw = draw;
        assert_eq!(circuit.trip(), open_ms, "{base} {max} {draw}");
    }
}

#[test]
fn jitter_is_added_to_retry_after() {
    let mut circuit = TestCircuit::new(|_| {});
    circuit.draw = 1.0;
    let transition = circuit.record_with_retry_after(20, OVERLOADED, Some(millis(20_000)));
    assert_eq!(transition.unwrap().open_ms(), 25_000);
}

#[test]
fn open_time_is_constant_if_base_is_max() {
    let mut circuit = TestCircuit::new(|s| s.open.max = s.open.base);
    assert_eq!(times(&mut circuit, 3), [2_000; 3]);
}

#[test]
fn open_ends_to_the_millisecond() {
    let mut circuit = jittered(0.0);
    circuit.trip();
    assert_eq!(circuit.remaining_ms(), 2_000);
    assert_eq!(circuit.wait(1_999), None);
    assert_eq!(circuit.remaining_ms(), 1);
    assert_eq!(circuit.circuit.admitted_share(), 0);
    assert_eq!(circuit.acquire(), None);
    assert_eq!(circuit.wait(1).map(|t| t.to), Some(State::HalfOpen));
    assert_eq!(circuit.remaining_ms(), 0);
}

#[test]
fn each_closed_minute_halves_the_next_open_time() {
    // seconds closed after three doublings, the next open time
    for (seconds, open_ms) in [
        (0, 16_000),
        (59, 16_000),
        (60, 8_000),
        (119, 8_000),
        (120, 4_000),
        (179, 4_000),
        (180, 2_000),
        (100_000, 2_000),
    ] {
        let mut circuit = jittered(0.0);
        let last = *times(&mut circuit, 4).last().unwrap();
        circuit.wait(last);
        circuit.recover();
        circuit.wait(seconds * 1_000);
        assert_eq!(circuit.trip(), open_ms, "{seconds} s");
    }
}

#[test]
fn half_open_time_does_not_shorten_the_next_open_time() {
    let mut circuit = jittered(0.0);
    times(&mut circuit, 2);
    circuit.wait(600_000);
    let permit = circuit.acquire().expect("half-open for long");
    assert_eq!(circuit.finish(permit, FAILURE).unwrap().open_ms(), 8_000);
}

#[test]
fn retry_after_sets_the_open_time_within_bounds() {
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
        let mut circuit = TestCircuit::new(|s| s.open.honor_retry_after = honored);
        let asked = asked_ms.map(millis);
        let transition = circuit.record_with_retry_after(20, OVERLOADED, asked);
        let transition = transition.expect("a trip");
        assert_eq!(transition.open_ms(), open_ms, "{asked_ms:?} {honored}");
        assert_eq!(circuit.remaining_ms(), open_ms);
    }
    let mut circuit = TestCircuit::new(|s| s.open.base = Duration::from_secs(90));
    let asked = Some(Duration::from_secs(30));
    let transition = circuit.record_with_retry_after(20, OVERLOADED, asked);
    let transition = transition.expect("a trip");
    assert_eq!(transition.open_ms(), 90_000, "base is the least");
}

#[test]
fn retry_after_of_a_probe_sets_the_open_time() {
    let mut circuit = jittered(0.0);
    circuit.half_open();
    let permit = circuit.acquire().unwrap();
    let result = ProbeResult {
        permit,
        outcome: OVERLOADED,
        retry_after: Some(Duration::from_secs(20)),
    };
    let (settings, now) = (circuit.settings.clone(), circuit.now);
    let usual = circuit.usual;
    let transition = circuit
        .circuit
        .record_probe(&settings, usual, result, now, 0.0);
    assert_eq!(transition.unwrap().open_ms(), 20_000);
}

#[test]
fn outcomes_of_requests_from_before_the_trip_change_nothing() {
    let mut circuit = jittered(0.0);
    circuit.trip();
    let open = circuit.circuit.clone();
    assert_eq!(circuit.record(100, FAILURE), None);
    assert_eq!(circuit.record(100, Outcome::Success), None);
    assert_eq!(circuit.circuit, open);
}

#[test]
fn clock_set_back_by_a_second_is_ignored() {
    for (back, remaining_ms) in [(0, 2_000), (1_000, 3_000), (1_001, 2_000), (9_000, 2_000)] {
        let mut circuit = jittered(0.0);
        circuit.trip();
        circuit.set_clock_back(back);
        circuit.advance();
        assert_eq!(circuit.remaining_ms(), remaining_ms, "{back}");
    }
}

proptest! {
    /// min(base * 2^k, max / (1 + jitter)) * (1 + U(0, jitter)), within base and max, for any settings
    /// and history.
    #[test]
    fn open_time_is_backoff_plus_jitter_up_to_max(
        base in 100_u64..10_000, factor in 1_u64..100, jitter in 0.0..=1.0_f64,
        draws in prop::collection::vec(0.0..1.0_f64, 1..80),
    ) {
        let max = base * factor;
        let mut circuit = TestCircuit::new(|s| {
            s.open.base = Duration::from_millis(base);
            s.open.max = Duration::from_millis(max);
            s.open.jitter = jitter;
        });
        let mut open_ms = circuit.trip();
        for (k, draw) in (1_u32..).zip(draws) {
            circuit.wait(open_ms);
            circuit.draw = draw;
            let permit = circuit.acquire().unwrap();
            open_ms = circuit.finish(permit, FAILURE).unwrap().open_ms();
            let grown = base.saturating_mul(1 << k.min(40)) as f64;
            let wait = grown.min(max as f64 / (1.0 + jitter)).max(base as f64);
            let want = (wait * (1.0 + jitter * draw)).min(max as f64);
            // The two roundings to milliseconds, the first of which jitter may double.
            prop_assert!((open_ms as f64 - want).abs() < 3.0, "{} {}", open_ms, want);
            prop_assert!((base..=max).contains(&open_ms), "{}", open_ms);
        }
    }

    /// Setting the clock back does not make an open time longer.
    #[test]
    fn clock_set_back_does_not_extend_the_open_time(
        jumps in prop::collection::vec((0_u64..3_000, 0_u64..100_000_000), 1..20),
    ) {
        let mut circuit = jittered(1.0);
        let mut longest = circuit.trip();
        for (forward, back) in jumps {
            circuit.now = circuit.now.saturating_add(millis(forward));
            circuit.set_clock_back(back);
            if let Some(transition) = circuit.advance() {
                if transition.to == State::HalfOpen {
                    let permit = circuit.acquire().unwrap();
                    longest = circuit.finish(permit, FAILURE).unwrap().open_ms();
                }
            }
            // Differences of up to a second are ignored.
            prop_assert!(circuit.remaining_ms() <= longest + 1_000);
        }
    }
}
