//! The permits of probes: how long they are out, over the ends of half-open periods.

use super::half_open::half_open;
use super::probes::Lease;
use super::*;

/// One probe fails at once, the others hang; then the next half-open period begins.
fn with_probes_of_the_last_period_out() -> (Alone, Vec<Permit>) {
    let mut alone = half_open();
    let permits = alone.leases();
    alone.settle(permits[0], FAILED);
    assert_eq!(alone.pass(4_000).map(|t| t.to), Some(State::HalfOpen));
    (alone, permits)
}

#[test]
fn a_probe_of_the_last_period_is_still_out_until_it_ends() {
    let (mut alone, old) = with_probes_of_the_last_period_out();
    let new = alone.lease().expect("one of three is left");
    assert_eq!(alone.lease(), None, "three are out");
    assert!(!alone.record.may_lease(&alone.settings, alone.now_ms));
    // It says nothing any more, but gives its permit back.
    for (permit, outcome) in [(old[1], FAILED), (old[2], Outcome::Success)] {
        assert_eq!(alone.settle(permit, outcome), None);
        assert!(alone.record.may_lease(&alone.settings, alone.now_ms));
        assert!(alone.lease().is_some());
        assert_eq!(alone.lease(), None);
    }
    assert_eq!(alone.record.state, State::HalfOpen);
    assert_eq!(alone.settle(new, Outcome::Success), None);
    assert_eq!(alone.lease(), None, "one came back, two are out");
}

#[test]
fn whichever_probe_failed_the_others_are_still_out() {
    for failed in 0..3 {
        let mut alone = half_open();
        let permits = alone.leases();
        alone.settle(permits[failed], FAILED);
        alone.pass(4_000);
        assert_eq!(alone.leases().len(), 1, "{failed}");
    }
}

#[test]
fn a_success_of_the_last_period_is_none_of_this() {
    let mut alone = half_open();
    let permits = alone.leases();
    alone.settle(permits[0], Outcome::Success);
    alone.settle(permits[1], FAILED);
    alone.settle(permits[2], FAILED);
    assert_eq!(alone.pass(4_000).map(|t| t.to), Some(State::HalfOpen));
    let permits = alone.leases();
    assert_eq!(permits.len(), 3);
    assert_eq!(alone.settle(permits[0], Outcome::Success), None);
    assert_eq!(alone.settle(permits[1], Outcome::Success), None);
    assert_eq!(alone.record.state, State::HalfOpen);
}

#[test]
fn the_place_of_a_lost_probe_is_not_given_again() {
    let mut alone = half_open();
    let lost = alone.lease().unwrap();
    // Before time has moved the breaker.
    alone.now_ms += 10_000;
    assert_ne!(alone.lease().unwrap().slot, lost.slot);
    assert_eq!(alone.advance().map(|t| t.to), Some(State::Open));
}

#[test]
fn a_probe_that_was_given_up_is_forgotten_before_its_generation_comes_again() {
    // A lease knows 16 bits of its generation.
    let (mut alone, old) = with_probes_of_the_last_period_out();
    let permit = alone.lease().unwrap();
    alone.pass(6_000);
    let transition = alone.settle(permit, FAILED).expect("open again");
    assert_eq!(
        alone.pass(transition.open_ms).map(|t| t.to),
        Some(State::HalfOpen)
    );
    alone.record.generation = old[1].generation + 0x1_0000;
    assert_eq!(alone.advance(), None, "nothing of now is lost");
    assert_eq!(alone.leases().len(), 3);
}

#[test]
fn a_probe_of_the_last_period_is_out_until_its_deadline_and_loses_nothing_then() {
    let (mut alone, old) = with_probes_of_the_last_period_out();
    assert!(alone.lease().is_some());
    assert_eq!(alone.pass(5_999), None);
    assert_eq!(alone.lease(), None);
    // Ten seconds after they were sent the old ones are given up; that of now has four more.
    assert_eq!(alone.pass(1), None);
    assert_eq!(alone.record.state, State::HalfOpen);
    let more = alone.leases();
    assert_eq!(more.len(), 2);
    // What they say after that changes nothing, even where their slot was given again.
    let before = alone.record.clone();
    for permit in &old[1..] {
        assert_eq!(alone.settle(*permit, FAILED), None);
    }
    assert_eq!(alone.record, before);
}

#[test]
fn the_ramp_begins_though_probes_of_the_last_period_hang() {
    let mut alone = Alone::new(|s| s.probe.permits = 2);
    alone.half_open();
    let old = alone.leases();
    alone.settle(old[0], FAILED);
    alone.pass(4_000);
    for _ in 0..2 {
        let permit = alone.lease().expect("one at a time");
        assert_eq!(alone.lease(), None);
        alone.settle(permit, Outcome::Success);
    }
    assert_eq!(alone.record.state, State::Ramp);
}

#[test]
fn a_clock_set_back_does_not_lend_a_permit_for_longer() {
    let mut alone = half_open();
    alone.pass(360_000);
    alone.lease().unwrap();
    alone.now_ms -= 180_000;
    alone.advance();
    assert_eq!(alone.pass(9_999), None);
    assert_eq!(alone.pass(1).map(|t| t.to), Some(State::Open));
}

#[test]
fn a_lease_is_cut_short_where_a_second_does_not_explain_it() {
    for (back, then_ms) in [(1_000, 11_000), (1_001, 10_000)] {
        let mut alone = half_open();
        alone.pass(5_000);
        alone.lease().unwrap();
        alone.now_ms -= back;
        alone.advance();
        let deadline_ms = alone.record.probes.leases()[0].deadline_ms().unwrap();
        assert_eq!(deadline_ms - alone.now_ms, then_ms, "{back}");
    }
}

#[test]
fn a_lease_is_a_word() {
    assert_eq!(Lease::default(), Lease::FREE);
    assert_eq!(Lease::FREE.deadline_ms(), None);
    for generation in [0, 1, 0xFFFF, u32::MAX] {
        let deadline_ms = |ms| Lease::out(generation, ms).deadline_ms();
        assert_eq!(deadline_ms(START_MS), Some(START_MS));
        assert_eq!(deadline_ms(0), Some(1));
        assert_eq!(deadline_ms(u64::MAX), Some((1 << 48) - 1));
    }
}
