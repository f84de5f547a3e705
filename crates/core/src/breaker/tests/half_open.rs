//! Half-open: probes and their permits.

use proptest::prelude::*;

use super::*;
use crate::breaker::circuit::IDLE;
use crate::breaker::probes::MAX_PERMITS;
use crate::breaker::window::Counts;

const IDLE_MS: u64 = IDLE.as_secs() * 1_000;

pub(super) fn half_open() -> TestCircuit {
    let mut circuit = TestCircuit::new(|_| {});
    circuit.half_open();
    circuit
}

#[test]
fn permits_are_limited_to_probe_permits() {
    for permits in [1, 2, 3, 10] {
        let mut circuit = TestCircuit::new(|s| s.probe.permits = permits);
        circuit.half_open();
        let given: Vec<ProbePermit> = circuit.acquire_all();
        assert_eq!(given.len(), permits as usize);
        let slots: std::collections::HashSet<u8> = given.iter().map(|p| p.slot).collect();
        assert_eq!(slots.len(), given.len(), "slots are distinct");
        assert!(given
            .iter()
            .all(|p| p.generation == circuit.circuit.generation));
        assert!(!circuit.may_acquire());
    }
}

#[test]
fn record_has_a_slot_for_every_configurable_permit() {
    let most = crate::config::limits::PROBES;
    assert_eq!(usize::try_from(most).unwrap(), MAX_PERMITS);
}

#[test]
fn permits_exist_only_while_half_open() {
    let mut circuit = TestCircuit::new(|_| {});
    assert_eq!(circuit.acquire(), None);
    assert!(!circuit.may_acquire());
    circuit.trip();
    assert_eq!(circuit.acquire(), None);
    assert!(!circuit.may_acquire());
    let mut circuit = TestCircuit::new(|_| {});
    circuit.ramp();
    assert_eq!(circuit.acquire(), None);
    assert!(!circuit.may_acquire());
}

#[test]
fn ramp_begins_when_all_probes_succeeded() {
    let mut circuit = half_open();
    let permits: Vec<ProbePermit> = circuit.acquire_all();
    assert_eq!(circuit.finish(permits[1], Outcome::Success), None);
    assert_eq!(circuit.finish(permits[0], Outcome::Success), None);
    assert_eq!(circuit.acquire(), None, "a success gives no permit back");
    let transition = circuit.finish(permits[2], Outcome::Success).unwrap();
    assert_eq!(
        (transition.from, transition.to),
        (State::HalfOpen, State::Ramp)
    );
    assert_eq!(transition.open_ms(), 0);
}

#[test]
fn failed_or_overloaded_probe_opens() {
    for outcome in [
        Outcome::Failure(Reason::DnsError),
        Outcome::Overloaded(Reason::DnsError),
    ] {
        let mut circuit = half_open();
        let permits: Vec<ProbePermit> = circuit.acquire_all();
        circuit.finish(permits[0], Outcome::Success);
        let transition = circuit.finish(permits[1], outcome).unwrap();
        assert_eq!(transition.to, State::Open);
        assert_eq!(transition.open_ms(), 4_000);
        assert_eq!(transition.reason, Reason::DnsError);
        let counts = Counts {
            total: 1,
            failed: 1,
            slow: 0,
        };
        assert_eq!(transition.counts, counts);
        // The third probe ends after its half-open period.
        assert_eq!(circuit.finish(permits[2], Outcome::Success), None);
        assert_eq!(circuit.circuit.state, State::Open);
    }
}

#[test]
fn ignored_probe_returns_its_permit() {
    let mut circuit = half_open();
    let permits: Vec<ProbePermit> = circuit.acquire_all();
    let before = circuit.circuit.state;
    assert_eq!(circuit.finish(permits[1], Outcome::Ignored), None);
    assert_eq!(circuit.circuit.state, before);
    assert!(circuit.may_acquire());
    assert_eq!(circuit.acquire().map(|p| p.slot), Some(permits[1].slot));
    assert_eq!(circuit.acquire(), None);
}

#[test]
fn permit_is_recorded_once() {
    let mut circuit = half_open();
    let permit = circuit.acquire().unwrap();
    circuit.finish(permit, Outcome::Success);
    let once = circuit.circuit.clone();
    assert_eq!(circuit.finish(permit, FAILURE), None);
    assert_eq!(circuit.finish(permit, Outcome::Ignored), None);
    assert_eq!(circuit.circuit, once);
    let never = ProbePermit { slot: 2, ..permit };
    assert_eq!(circuit.finish(never, FAILURE), None, "not given out");
    let nowhere = ProbePermit { slot: 99, ..permit };
    assert_eq!(circuit.finish(nowhere, FAILURE), None);
    assert_eq!(circuit.circuit, once);
}

#[test]
fn permit_of_another_period_is_dropped() {
    let mut circuit = half_open();
    let permits = circuit.acquire_all();
    let old = permits[0];
    circuit.finish(permits[1], FAILURE);
    assert_eq!(circuit.circuit.state, State::Open);
    circuit.wait(10_000);
    assert_eq!(circuit.circuit.state, State::HalfOpen);
    let new = circuit.acquire().unwrap();
    assert_eq!(new.slot, old.slot);
    for outcome in [FAILURE, Outcome::Success, Outcome::Ignored] {
        let before = circuit.circuit.clone();
        assert_eq!(circuit.finish(old, outcome), None);
        assert_eq!(circuit.circuit, before);
    }
}

#[test]
fn probe_without_an_answer_is_undecided_at_its_deadline() {
    let mut circuit = half_open();
    circuit.acquire_all();
    assert_eq!(circuit.wait(9_999), None);
    assert!(!circuit.may_acquire());
    assert_eq!(circuit.acquire(), None);
    for _ in 0..10 {
        assert_eq!(circuit.wait(10_000), None);
        assert_eq!(circuit.circuit.state, State::HalfOpen);
        assert!(circuit.may_acquire());
        assert_eq!(circuit.acquire_all().len(), 3, "at once, never more");
    }
}

#[test]
fn late_answers_count_in_their_own_half_open_period() {
    let mut circuit = half_open();
    let late = circuit.acquire_all();
    circuit.wait(10_000);
    let next = circuit.acquire().expect("their permits went back");
    assert_eq!(next.slot, late[0].slot);
    assert_eq!(circuit.finish(late[0], Outcome::Success), None);
    assert!(
        circuit.circuit.recovery.probes.leases[usize::from(next.slot)].is_some(),
        "the lease of another probe"
    );
    assert_eq!(circuit.finish(late[1], Outcome::Ignored), None);
    assert_eq!(circuit.finish(next, Outcome::Success), None);
    let transition = circuit.finish(late[2], Outcome::Success).unwrap();
    assert_eq!(transition.to, State::Ramp);
    let mut circuit = half_open();
    let late = circuit.acquire().unwrap();
    circuit.wait(15_000);
    let transition = circuit.finish(late, FAILURE).unwrap();
    assert_eq!(transition.to, State::Open);
}

/// Records that the response of a probe was cut off after its beginning was a success.
fn cut_off(circuit: &mut TestCircuit, permit: ProbePermit) -> Option<Transition> {
    let result = ProbeResult {
        permit,
        outcome: FAILURE,
        retry_after: None,
    };
    circuit
        .circuit
        .record_probe_cut_off(&circuit.settings, result, circuit.now, 0.0)
}

#[test]
fn probe_that_is_cut_off_soon_after_its_headers_is_a_failure_after_all() {
    let mut circuit = half_open();
    let permits = circuit.acquire_all();
    circuit.finish(permits[0], Outcome::Success);
    let transition = cut_off(&mut circuit, permits[0]).unwrap();
    assert_eq!(transition.to, State::Open);
    assert_eq!(cut_off(&mut circuit, permits[0]), None, "only once");
    // In the ramp that it began it is one failure of many.
    let mut circuit = half_open();
    let permits = circuit.acquire_all();
    for permit in &permits {
        circuit.finish(*permit, Outcome::Success);
    }
    assert_eq!(circuit.circuit.state, State::Ramp);
    assert_eq!(cut_off(&mut circuit, permits[1]), None);
    let step = circuit.circuit.recovery.step;
    assert_eq!((step.total, step.failed), (1, 1));
    // After that it is out of date.
    circuit.circuit.generation += 1;
    assert_eq!(cut_off(&mut circuit, permits[2]), None);
    assert_eq!(circuit.circuit.recovery.step, step);
}

#[test]
fn half_open_without_requests_becomes_ramp_after_ten_minutes() {
    let mut circuit = half_open();
    assert_eq!(circuit.wait(IDLE_MS - 1), None);
    let permit = circuit.acquire().expect("it waits");
    circuit.finish(permit, Outcome::Ignored);
    // The request has restarted the wait.
    assert_eq!(circuit.wait(IDLE_MS - 1), None);
    assert_eq!(circuit.circuit.state, State::HalfOpen);
    let transition = circuit.wait(1).unwrap();
    assert_eq!(
        (transition.from, transition.to),
        (State::HalfOpen, State::Ramp)
    );
    circuit.wait(15_000);
    assert!(circuit.circuit.is_clean(), "requests need not be tracked");
}

#[test]
fn half_open_waits_for_a_probe_in_flight() {
    let mut circuit = TestCircuit::new(|s| s.probe.timeout = Duration::from_secs(3_600));
    circuit.half_open();
    let permit = circuit.acquire().unwrap();
    assert_eq!(circuit.wait(IDLE_MS * 2), None);
    assert_eq!(circuit.circuit.state, State::HalfOpen);
    circuit.finish(permit, FAILURE);
    assert_eq!(circuit.circuit.state, State::Open);
}

#[test]
fn fewer_configured_permits_may_end_the_half_open_state() {
    let mut circuit = half_open();
    let permits: Vec<ProbePermit> = circuit.acquire_all();
    circuit.finish(permits[0], Outcome::Success);
    circuit.finish(permits[1], Outcome::Success);
    circuit.finish(permits[2], Outcome::Ignored);
    circuit.settings.probe.permits = 2;
    assert_eq!(circuit.acquire(), None);
    assert_eq!(circuit.wait(50).map(|t| t.to), Some(State::Ramp));
}

#[derive(Debug, Clone)]
enum Step {
    Acquire,
    Finish(usize, End),
    Wait(u64),
}

#[derive(Debug, Clone, Copy)]
enum End {
    Success,
    Failure,
    Cancelled,
    Never,
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        4 => Just(End::Success),
        1 => Just(End::Failure),
        2 => Just(End::Cancelled),
        1 => Just(End::Never),
    ];
    prop_oneof![
        3 => Just(Step::Acquire),
        3 => (0_usize..5, end).prop_map(|(n, end)| Step::Finish(n, end)),
        1 => (0_u64..6_000).prop_map(Step::Wait),
    ]
}

proptest! {
    /// In any story of probes, clients and results, the circuit closes within a minute after the
    /// upstream works again.
    #[test]
    fn half_open_always_recovers(steps in prop::collection::vec(step(), 0..60)) {
        let mut circuit = half_open();
        let mut out: Vec<ProbePermit> = Vec::new();
        // The deadlines of the probes that hang.
        let mut hang: Vec<Timestamp> = Vec::new();
        for step in steps {
            match step {
                Step::Acquire => {
                    out.extend(circuit.acquire());
                }
                Step::Finish(n, end) if n < out.len() => {
                    let permit = out.remove(n);
                    match end {
                        End::Success => { circuit.finish(permit, Outcome::Success); }
                        End::Failure => { circuit.finish(permit, FAILURE); }
                        End::Cancelled => { circuit.finish(permit, Outcome::Ignored); }
                        End::Never => hang.push(permit.deadline),
                    }
                }
                Step::Finish(..) => {}
                Step::Wait(ms) => { circuit.wait(ms); }
            }
            let is_believed = |deadline: &Timestamp| circuit.now < *deadline;
            let live = out.iter().map(|permit| permit.deadline).chain(hang.iter().copied());
            prop_assert!(live.filter(is_believed).count() <= 3);
        }
        for _ in 0..600 {
            circuit.wait(100);
            circuit.pass_probes();
        }
        prop_assert_eq!(circuit.circuit.state, State::Closed);
    }
}
