//! Modes: enforce, shadow, forced open, disabled.

use super::*;
use crate::config::BreakerMode;
use crate::rng::{Rng, SplitMix64};

fn world(mode: BreakerMode) -> World {
    World::new(2, settings(|s| s.mode = mode))
}

#[test]
fn enforce_rejects_and_counts() {
    let mut world = world(BreakerMode::Enforce);
    for _ in 0..20 {
        assert!(world.request(0, "r", FAILURE));
    }
    for _ in 0..5 {
        assert!(!world.request(0, "r", Outcome::Success));
    }
    assert_eq!(world.metric("rejected.route.r"), 5);
    assert_eq!(world.metric("would_reject.route.r"), 0);
    assert_eq!(world.metric("probes.route.r"), 0);
    world.wait(2_500);
    for _ in 0..3 {
        assert!(world.request(0, "r", Outcome::Success));
    }
    assert_eq!(world.metric("probes.route.r"), 3);
    assert_eq!(world.metric("rejected.route.r"), 5, "reported once");
}

#[test]
fn shadow_admits_and_counts_would_be_rejections() {
    let mut world = world(BreakerMode::Shadow);
    for _ in 0..20 {
        assert!(world.request(0, "r", FAILURE));
    }
    assert_eq!(world.state(0, "r"), State::Open);
    for n in 0..7 {
        let permit = world.acquire(0, "r").expect("admitted");
        assert!(permit.is_shadow);
        let outcome = if n % 2 == 0 {
            FAILURE
        } else {
            Outcome::Success
        };
        world.record(0, "r", permit, outcome);
    }
    assert_eq!(world.metric("would_reject.route.r"), 7);
    assert_eq!(world.metric("rejected.route.r"), 0);
    assert_eq!(world.metric("probes.route.r"), 0);
}

#[test]
fn shadow_changes_states_as_enforce() {
    // Runs the same requests in a mode.
    let run = |mode: BreakerMode| {
        let mut world = world(mode);
        let mut rng = SplitMix64::new(7);
        let mut states = Vec::new();
        for n in 0..4_000 {
            world.draw = rng.unit();
            let outcome = if n < 1_000 { FAILURE } else { Outcome::Success };
            world.request(n % 2, "r", outcome);
            if n % 3 == 0 {
                world.wait(50);
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
fn forced_open_rejects_and_counts_no_outcomes() {
    let mut world = world(BreakerMode::ForcedOpen);
    for _ in 0..3 {
        let rejection = world.acquire(0, "r").expect_err("rejected");
        assert_eq!(rejection.state, State::Open);
        assert_eq!(rejection.reason, None);
        assert_eq!(rejection.remaining, Duration::ZERO);
    }
    for _ in 0..100 {
        world.record(0, "r", Permit::default(), FAILURE);
    }
    assert_eq!((world.host.shared_reads, world.host.shared_writes), (0, 0));
    assert_eq!(world.metric("rejected.route.r"), 3);
}

#[test]
fn disabled_admits_and_counts_no_outcomes() {
    let mut world = world(BreakerMode::Disabled);
    for _ in 0..100 {
        assert_eq!(world.acquire(0, "r"), Ok(Permit::default()));
        world.record(0, "r", Permit::default(), FAILURE);
    }
    assert!(world.workers[0].view_of("r").is_none());
    assert_eq!((world.host.shared_reads, world.host.shared_writes), (0, 0));
}

#[test]
fn unknown_policy_admits() {
    let mut world = world(BreakerMode::ForcedOpen);
    let (worker, host, rng) = (&mut world.workers[0], &mut world.host, &mut FixedDraw(0.0));
    let route = &"r".into();
    let unknown = CircuitId { route, policy: 9 };
    let decision = worker.try_acquire(host, unknown, &Caller::default(), false, START, rng);
    assert_eq!(decision, Ok(Permit::default()));
    worker.record(
        host,
        unknown,
        &Caller::default(),
        Permit::default(),
        FAILURE.into(),
        START,
        rng,
    );
    assert_eq!((world.host.shared_reads, world.host.shared_writes), (0, 0));
}

#[test]
fn each_policy_has_its_own_thresholds() {
    let strict = settings(|s| s.min_requests = 5);
    let mut worker = Worker::new("t", vec![settings(|_| {}), strict]);
    let (mut host, rng) = (FakeHost::default(), &mut FixedDraw(0.0));
    for _ in 0..5 {
        for (route, policy) in [("lax", 0), ("strict", 1)] {
            let (route, permit) = (&route.into(), Permit::default());
            let circuit = CircuitId { route, policy };
            worker.record(
                &mut host,
                circuit,
                &Caller::default(),
                permit,
                FAILURE.into(),
                START,
                rng,
            );
        }
    }
    assert_eq!(worker.view_of("lax").unwrap().state, State::Closed);
    assert_eq!(worker.view_of("strict").unwrap().state, State::Open);
}
