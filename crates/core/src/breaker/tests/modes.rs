//! Modes: enforce, shadow, forced open, disabled.

use crate::config::BreakerMode;

use super::*;

fn world(mode: BreakerMode) -> World {
    World::new(2, settings(|s| s.mode = mode))
}

#[test]
fn enforced_it_rejects_and_counts_its_rejections() {
    let mut world = world(BreakerMode::Enforce);
    for _ in 0..20 {
        assert!(world.request(0, "r", FAILED));
    }
    for _ in 0..5 {
        assert!(!world.request(0, "r", Outcome::Success));
    }
    assert_eq!(world.metric("rejected.route.r"), 5);
    assert_eq!(world.metric("would_reject.route.r"), 0);
    assert_eq!(world.metric("probes.route.r"), 0);
    world.pass(2_500);
    for _ in 0..3 {
        assert!(world.request(0, "r", Outcome::Success));
    }
    assert_eq!(world.metric("probes.route.r"), 3);
    assert_eq!(world.metric("rejected.route.r"), 5, "told once");
}

#[test]
fn in_the_shadow_everything_passes_and_what_would_be_rejected_is_counted() {
    let mut world = world(BreakerMode::Shadow);
    for _ in 0..20 {
        assert!(world.request(0, "r", FAILED));
    }
    assert_eq!(world.state(0, "r"), State::Open);
    for n in 0..7 {
        let Admission::Admit(ticket) = world.admit(0, "r") else {
            panic!("rejected");
        };
        assert!(ticket.is_shadow);
        let outcome = if n % 2 == 0 { FAILED } else { Outcome::Success };
        world.settle(0, "r", ticket, outcome);
    }
    assert_eq!(world.metric("would_reject.route.r"), 7);
    assert_eq!(world.metric("rejected.route.r"), 0);
    assert_eq!(world.metric("probes.route.r"), 0);
}

#[test]
fn in_the_shadow_it_moves_as_if_it_rejected() {
    // The same requests, with what would have been rejected.
    let run = |mode: BreakerMode| {
        let mut world = world(mode);
        let mut chance = Chance(7);
        let mut states = Vec::new();
        for n in 0..4_000 {
            world.draw = chance.draw();
            let outcome = if n < 1_000 { FAILED } else { Outcome::Success };
            world.request(n % 2, "r", outcome);
            if n % 3 == 0 {
                world.pass(50);
            }
            states.push(world.state(0, "r"));
        }
        let rejected = world.metric("rejected.route.r") + world.metric("would_reject.route.r");
        let probes = world.metric("probes.route.r");
        (states, rejected, probes)
    };
    let (states, rejected, probes) = run(BreakerMode::Enforce);
    assert!(rejected > 100 && probes >= 3);
    assert!(states.contains(&State::Ramp) && states.last() == Some(&State::Closed));
    assert_eq!(run(BreakerMode::Shadow), (states, rejected, probes));
}

#[test]
fn forced_open_it_rejects_everything_and_learns_nothing() {
    let mut world = world(BreakerMode::ForcedOpen);
    for _ in 0..3 {
        let Admission::Reject(rejection) = world.admit(0, "r") else {
            panic!("admitted");
        };
        assert_eq!(rejection.state, State::Open);
        assert_eq!(rejection.reason, None);
        assert_eq!(rejection.remaining_ms, 0);
    }
    for _ in 0..100 {
        world.settle(0, "r", Ticket::default(), FAILED);
    }
    assert_eq!((world.store.reads, world.store.writes), (0, 0));
    assert_eq!(world.metric("rejected.route.r"), 3);
}

#[test]
fn disabled_it_admits_everything_and_learns_nothing() {
    let mut world = world(BreakerMode::Disabled);
    for _ in 0..100 {
        assert_eq!(world.admit(0, "r"), Admission::Admit(Ticket::default()));
        world.settle(0, "r", Ticket::default(), FAILED);
    }
    assert!(world.workers[0].view("r").is_none());
    assert_eq!((world.store.reads, world.store.writes), (0, 0));
}

#[test]
fn a_policy_that_is_not_there_admits() {
    let mut world = world(BreakerMode::ForcedOpen);
    let at = world.at();
    let admission = world.workers[0].admit(&mut world.store, "r", 9, false, at);
    assert_eq!(admission, Admission::Admit(Ticket::default()));
    let ending = Ending::from(FAILED);
    world.workers[0].settle(&mut world.store, "r", 9, Ticket::default(), ending, at);
    assert_eq!((world.store.reads, world.store.writes), (0, 0));
}

#[test]
fn each_policy_has_its_own_settings() {
    let strict = settings(|s| s.min_requests = 5);
    let mut bank = Bank::new("t", vec![settings(|_| {}), strict]);
    let mut store = FakeStore::default();
    let at = Moment {
        now_ms: START_MS,
        draw: 0.0,
    };
    for _ in 0..5 {
        for (route, policy) in [("lax", 0), ("strict", 1)] {
            let ticket = Ticket::default();
            bank.settle(&mut store, route, policy, ticket, Ending::from(FAILED), at);
        }
    }
    assert_eq!(bank.view("lax").unwrap().state, State::Closed);
    assert_eq!(bank.view("strict").unwrap().state, State::Open);
}
