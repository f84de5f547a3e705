//! The permits of probes that outlive their half-open period.

use super::half_open::half_open;
use super::*;
use crate::breaker::probes::Lease;

/// Lets one probe fail while the others hang, and the next half-open period begin.
fn with_probes_of_the_last_period() -> (TestCircuit, Vec<ProbePermit>) {
    let mut circuit = half_open();
    let permits = circuit.acquire_all();
    circuit.finish(permits[0], FAILURE);
    assert_eq!(circuit.wait(4_000).map(|t| t.to), Some(State::HalfOpen));
    (circuit, permits)
}

#[test]
fn probe_of_the_last_period_stays_in_flight_until_it_ends() {
    let (mut circuit, old) = with_probes_of_the_last_period();
    let new = circuit.acquire().expect("one of three permits");
    assert_eq!(circuit.acquire(), None, "three probes in flight");
    assert!(!circuit.may_acquire());
    // Its result is not counted, but its permit is returned.
    for (permit, outcome) in [(old[1], FAILURE), (old[2], Outcome::Success)] {
        assert_eq!(circuit.finish(permit, outcome), None);
        assert!(circuit.may_acquire());
        assert!(circuit.acquire().is_some());
        assert_eq!(circuit.acquire(), None);
    }
    assert_eq!(circuit.circuit.state, State::HalfOpen);
    assert_eq!(circuit.finish(new, Outcome::Success), None);
    assert_eq!(circuit.acquire(), None, "one success, two probes in flight");
}

#[test]
fn other_probes_stay_in_flight_when_one_fails() {
    for failed in 0..3 {
        let mut circuit = half_open();
        let permits = circuit.acquire_all();
        circuit.finish(permits[failed], FAILURE);
        circuit.wait(4_000);
        assert_eq!(circuit.acquire_all().len(), 1, "{failed}");
    }
}

#[test]
fn successes_of_the_last_period_are_not_counted() {
    let mut circuit = half_open();
    let permits = circuit.acquire_all();
    circuit.finish(permits[0], Outcome::Success);
    circuit.finish(permits[1], FAILURE);
    circuit.finish(permits[2], FAILURE);
    assert_eq!(circuit.wait(4_000).map(|t| t.to), Some(State::HalfOpen));
    let permits = circuit.acquire_all();
    assert_eq!(permits.len(), 3);
    assert_eq!(circuit.finish(permits[0], Outcome::Success), None);
    assert_eq!(circuit.finish(permits[1], Outcome::Success), None);
    assert_eq!(circuit.circuit.state, State::HalfOpen);
}

#[test]
fn slot_of_a_probe_without_an_answer_is_reused_after_its_deadline() {
    let mut circuit = half_open();
    let lost = circuit.acquire().unwrap();
    assert_ne!(circuit.acquire().unwrap().slot, lost.slot);
    // Before time has changed the circuit.
    circuit.now = circuit.now.saturating_add(millis(10_000));
    assert_eq!(circuit.acquire().unwrap().slot, lost.slot);
    assert_eq!(circuit.advance(), None);
}

#[test]
fn expired_lease_is_removed_before_its_generation_repeats() {
    // A lease has 16 bits of its generation.
    let (mut circuit, old) = with_probes_of_the_last_period();
    let permit = circuit.acquire().unwrap();
    circuit.wait(6_000);
    let transition = circuit.finish(permit, FAILURE).expect("open again");
    assert_eq!(
        circuit.wait(transition.open_ms()).map(|t| t.to),
        Some(State::HalfOpen)
    );
    circuit.circuit.generation = old[1].generation + 0x1_0000;
    assert_eq!(circuit.advance(), None, "no probe of this period is lost");
    assert_eq!(circuit.acquire_all().len(), 3);
}

#[test]
fn probe_of_the_last_period_expires_without_effect() {
    let (mut circuit, old) = with_probes_of_the_last_period();
    assert!(circuit.acquire().is_some());
    assert_eq!(circuit.wait(5_999), None);
    assert_eq!(circuit.acquire(), None);
    // Ten seconds after they were sent, the old probes no longer count; the new one has four more.
    assert_eq!(circuit.wait(1), None);
    assert_eq!(circuit.circuit.state, State::HalfOpen);
    let more = circuit.acquire_all();
    assert_eq!(more.len(), 2);
    // Their results change nothing after that, even if their slots are in use again.
    let before = circuit.circuit.clone();
    for permit in &old[1..] {
        assert_eq!(circuit.finish(*permit, FAILURE), None);
    }
    assert_eq!(circuit.circuit, before);
}

#[test]
fn ramp_begins_while_probes_of_the_last_period_hang() {
    let mut circuit = TestCircuit::new(|s| s.probe.permits = 2);
    circuit.half_open();
    let old = circuit.acquire_all();
    circuit.finish(old[0], FAILURE);
    circuit.wait(4_000);
    for _ in 0..2 {
        let permit = circuit.acquire().expect("one at a time");
        assert_eq!(circuit.acquire(), None);
        circuit.finish(permit, Outcome::Success);
    }
    assert_eq!(circuit.circuit.state, State::Ramp);
}

#[test]
fn clock_set_back_does_not_extend_a_lease() {
    let mut circuit = half_open();
    circuit.wait(360_000);
    circuit.acquire().unwrap();
    circuit.set_clock_back(180_000);
    circuit.advance();
    circuit.wait(9_999);
    assert_eq!(circuit.acquire_all().len(), 2);
    circuit.wait(1);
    assert_eq!(circuit.acquire_all().len(), 1);
}

#[test]
fn lease_is_shortened_when_the_clock_goes_back_over_a_second() {
    for (back, then_ms) in [(1_000, 11_000), (1_001, 10_000)] {
        let mut circuit = half_open();
        circuit.wait(5_000);
        circuit.acquire().unwrap();
        circuit.set_clock_back(back);
        circuit.advance();
        let lease = circuit.circuit.recovery.probes.leases[0].unwrap();
        let left = lease.deadline.saturating_since(circuit.now);
        assert_eq!(left, millis(then_ms), "{back}");
    }
}

#[test]
fn deadline_of_a_lease_has_48_bits() {
    for generation in [0, 1, 0xFFFF, u32::MAX] {
        let deadline = |at: u64| {
            let lease = Lease::new(generation, Timestamp::from_millis(at));
            lease.deadline.as_millis()
        };
        assert_eq!(deadline(START.as_millis()), START.as_millis());
        assert_eq!(deadline(0), 1, "zero means that the slot is free");
        assert_eq!(deadline(u64::MAX), (1 << 48) - 1);
    }
}
