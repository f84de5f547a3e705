//! Half-open: probes, their permits, and what becomes of both.

use std::time::Duration;

use proptest::prelude::*;

use super::machine::IDLE_MS;
use super::probes::MAX_PERMITS;
use super::*;

pub(super) fn half_open() -> Alone {
    let mut alone = Alone::new(|_| {});
    alone.half_open();
    alone
}

#[test]
fn so_many_permits_and_no_more() {
    for permits in [1, 2, 3, 10] {
        let mut alone = Alone::new(|s| s.probe.permits = permits);
        alone.half_open();
        let given: Vec<Permit> = alone.leases();
        assert_eq!(given.len(), permits as usize);
        let slots: std::collections::HashSet<u8> = given.iter().map(|p| p.slot).collect();
        assert_eq!(slots.len(), given.len(), "each its own");
        assert!(given
            .iter()
            .all(|p| p.generation == alone.record.generation));
        assert!(!alone.record.may_lease(&alone.settings, alone.now_ms));
    }
}

#[test]
fn the_record_has_room_for_every_permit_that_may_be_configured() {
    let most = crate::config::limits::PROBES;
    assert_eq!(usize::try_from(most).unwrap(), MAX_PERMITS);
}

#[test]
fn no_permit_in_any_other_state() {
    let mut alone = Alone::new(|_| {});
    assert_eq!(alone.lease(), None);
    assert!(!alone.record.may_lease(&alone.settings, alone.now_ms));
    alone.trip();
    assert_eq!(alone.lease(), None);
    assert!(!alone.record.may_lease(&alone.settings, alone.now_ms));
    let mut alone = Alone::new(|_| {});
    alone.ramp();
    assert_eq!(alone.lease(), None);
    assert!(!alone.record.may_lease(&alone.settings, alone.now_ms));
}

#[test]
fn all_must_succeed() {
    let mut alone = half_open();
    let permits: Vec<Permit> = alone.leases();
    assert_eq!(alone.settle(permits[1], Outcome::Success), None);
    assert_eq!(alone.settle(permits[0], Outcome::Success), None);
    assert_eq!(alone.lease(), None, "a success gives no permit back");
    let transition = alone.settle(permits[2], Outcome::Success).unwrap();
    assert_eq!(
        (transition.from, transition.to),
        (State::HalfOpen, State::Ramp)
    );
    assert_eq!(transition.open_ms, 0);
}

#[test]
fn one_failure_opens_and_a_limited_answer_is_one() {
    for outcome in [
        Outcome::Failure(Reason::DnsError),
        Outcome::Limited(Reason::DnsError),
    ] {
        let mut alone = half_open();
        let permits: Vec<Permit> = alone.leases();
        alone.settle(permits[0], Outcome::Success);
        let transition = alone.settle(permits[1], outcome).unwrap();
        assert_eq!(transition.to, State::Open);
        assert_eq!(transition.open_ms, 4_000);
        assert_eq!(transition.reason, Reason::DnsError);
        let counts = window::Counts {
            total: 1,
            failed: 1,
            slow: 0,
        };
        assert_eq!(transition.counts, counts);
        // The third comes back late, and finds its half-open period gone.
        assert_eq!(alone.settle(permits[2], Outcome::Success), None);
        assert_eq!(alone.record.state, State::Open);
    }
}

#[test]
fn neutral_gives_the_permit_back() {
    let mut alone = half_open();
    let permits: Vec<Permit> = alone.leases();
    let before = alone.record.state;
    assert_eq!(alone.settle(permits[1], Outcome::Neutral), None);
    assert_eq!(alone.record.state, before);
    assert!(alone.record.may_lease(&alone.settings, alone.now_ms));
    assert_eq!(alone.lease().map(|p| p.slot), Some(permits[1].slot));
    assert_eq!(alone.lease(), None);
}

#[test]
fn a_permit_is_settled_once() {
    let mut alone = half_open();
    let permit = alone.lease().unwrap();
    alone.settle(permit, Outcome::Success);
    let once = alone.record.clone();
    assert_eq!(alone.settle(permit, FAILED), None);
    assert_eq!(alone.settle(permit, Outcome::Neutral), None);
    assert_eq!(alone.record, once);
    let never = Permit { slot: 2, ..permit };
    assert_eq!(alone.settle(never, FAILED), None, "not given out");
    let nowhere = Permit { slot: 99, ..permit };
    assert_eq!(alone.settle(nowhere, FAILED), None);
    assert_eq!(alone.record, once);
}

#[test]
fn a_permit_of_another_half_open_period_is_dropped() {
    let mut alone = half_open();
    let old = alone.lease().unwrap();
    alone.pass(10_000);
    assert_eq!(alone.record.state, State::Open, "lost");
    alone.pass(4_000);
    assert_eq!(alone.record.state, State::HalfOpen);
    let new = alone.lease().unwrap();
    assert_eq!(new.slot, old.slot);
    for outcome in [FAILED, Outcome::Success, Outcome::Neutral] {
        let before = alone.record.clone();
        assert_eq!(alone.settle(old, outcome), None);
        assert_eq!(alone.record, before);
    }
}

#[test]
fn a_lost_probe_is_a_failure_at_its_deadline() {
    let mut alone = half_open();
    alone.lease().unwrap();
    assert_eq!(alone.pass(9_999), None);
    assert_eq!(alone.record.state, State::HalfOpen);
    let transition = alone.pass(1).unwrap();
    assert_eq!(transition.to, State::Open);
    assert_eq!(transition.open_ms, 4_000);
}

#[test]
fn a_lost_permit_shows_as_one_that_may_be_had() {
    let mut alone = half_open();
    alone.leases();
    alone.now_ms += 9_999;
    assert!(!alone.record.may_lease(&alone.settings, alone.now_ms));
    alone.now_ms += 1;
    assert!(alone.record.may_lease(&alone.settings, alone.now_ms));
}

#[test]
fn without_requests_it_waits_for_ten_minutes_and_then_goes_on() {
    let mut alone = half_open();
    assert_eq!(alone.pass(IDLE_MS - 1), None);
    let permit = alone.lease().expect("it waits");
    alone.settle(permit, Outcome::Neutral);
    // It was asked for: the time begins anew.
    assert_eq!(alone.pass(IDLE_MS - 1), None);
    assert_eq!(alone.record.state, State::HalfOpen);
    let transition = alone.pass(1).unwrap();
    assert_eq!(
        (transition.from, transition.to),
        (State::HalfOpen, State::Ramp)
    );
    alone.pass(15_000);
    assert!(alone.record.is_clean(), "nobody needs to watch it");
}

#[test]
fn a_probe_that_is_out_is_waited_for_even_after_ten_minutes() {
    let mut alone = Alone::new(|s| s.probe.timeout = Duration::from_secs(3_600));
    alone.half_open();
    let permit = alone.lease().unwrap();
    assert_eq!(alone.pass(IDLE_MS * 2), None);
    assert_eq!(alone.record.state, State::HalfOpen);
    alone.settle(permit, FAILED);
    assert_eq!(alone.record.state, State::Open);
}

#[test]
fn with_fewer_permits_by_a_new_configuration_the_successes_may_be_enough() {
    let mut alone = half_open();
    let permits: Vec<Permit> = alone.leases();
    alone.settle(permits[0], Outcome::Success);
    alone.settle(permits[1], Outcome::Success);
    alone.settle(permits[2], Outcome::Neutral);
    alone.settings.probe.permits = 2;
    assert_eq!(alone.lease(), None);
    assert_eq!(alone.pass(50).map(|t| t.to), Some(State::Ramp));
}

impl World {
    /// Trips a route, waits until it is half-open, and lets a slow probe end so.
    fn slow_probe(&mut self, route: &str, outcome: Outcome) {
        self.trip(route);
        self.pass(2_000);
        let Admission::Admit(ticket) = self.admit(0, route) else {
            panic!("a probe");
        };
        let ending = Ending {
            is_slow: true,
            ..Ending::from(outcome)
        };
        let at = self.at();
        self.workers[0].settle(&mut self.store, route, 0, ticket, ending, at);
    }
}

#[test]
fn a_slow_probe_is_no_sign_of_health() {
    let mut world = World::new(
        1,
        settings(|s| s.failures.slow = Some(Duration::from_secs(1))),
    );
    world.slow_probe("r", Outcome::Success);
    assert_eq!(world.state(0, "r"), State::Open);
    let view = world.workers[0].view("r").unwrap();
    assert_eq!(view.tripped_by, Reason::HttpResponseTimeout);
}

#[test]
fn the_ticket_of_a_probe_knows_its_period() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.pass(2_000);
    let Admission::Admit(ticket) = world.admit(0, "r") else {
        panic!("a probe");
    };
    let generation = world.workers[0].view("r").unwrap().generation;
    assert_eq!(ticket.generation, Some(generation));
    assert_eq!(
        ticket.permit.map(|permit| permit.generation),
        Some(generation)
    );
    assert!(!ticket.is_shadow);
}

#[test]
fn a_slow_neutral_probe_still_gives_its_permit_back() {
    let mut world = World::new(1, settings(|s| s.probe.permits = 1));
    world.slow_probe("r", Outcome::Neutral);
    assert_eq!(world.state(0, "r"), State::HalfOpen);
    assert!(world.request(0, "r", Outcome::Success));
    assert_eq!(world.state(0, "r"), State::Ramp);
}

#[derive(Debug, Clone)]
enum Step {
    AProbeIsWanted,
    AProbeEnds(usize, End),
    TimePasses(u64),
}

#[derive(Debug, Clone, Copy)]
enum End {
    Well,
    Badly,
    WithItsClient,
    Never,
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        4 => Just(End::Well),
        1 => Just(End::Badly),
        2 => Just(End::WithItsClient),
        1 => Just(End::Never),
    ];
    prop_oneof![
        3 => Just(Step::AProbeIsWanted),
        3 => (0_usize..5, end).prop_map(|(n, end)| Step::AProbeEnds(n, end)),
        1 => (0_u64..6_000).prop_map(Step::TimePasses),
    ]
}

proptest! {
    /// Whatever happens to probes, their clients, and their results: once the upstream answers
    /// again, a minute later the breaker is closed.
    #[test]
    fn nothing_wedges_it(steps in prop::collection::vec(step(), 0..60)) {
        let mut alone = half_open();
        let mut out: Vec<Permit> = Vec::new();
        // Until when each that hangs is believed to be out.
        let mut since: std::collections::HashMap<(u32, u8), u64> = Default::default();
        let mut hang: Vec<u64> = Vec::new();
        for step in steps {
            match step {
                Step::AProbeIsWanted => {
                    if let Some(permit) = alone.lease() {
                        since.insert((permit.generation, permit.slot), alone.now_ms);
                        out.push(permit);
                    }
                }
                Step::AProbeEnds(n, end) if n < out.len() => {
                    let permit = out.remove(n);
                    match end {
                        End::Well => { alone.settle(permit, Outcome::Success); }
                        End::Badly => { alone.settle(permit, FAILED); }
                        End::WithItsClient => { alone.settle(permit, Outcome::Neutral); }
                        End::Never => hang.push(since[&(permit.generation, permit.slot)]),
                    }
                }
                Step::AProbeEnds(..) => {}
                Step::TimePasses(ms) => { alone.pass(ms); }
            }
            let is_believed = |ms: &u64| alone.now_ms < ms + 10_000;
            let live = out.iter().map(|p| since[&(p.generation, p.slot)]).chain(hang.iter().copied());
            prop_assert!(live.filter(is_believed).count() <= 3);
        }
        for _ in 0..600 {
            alone.pass(100);
            alone.probe_well();
        }
        prop_assert_eq!(alone.record.state, State::Closed);
    }
}
