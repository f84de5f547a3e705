//! Circuits as a worker uses them.

use super::*;
use crate::config::RampRate;

impl World {
    /// Trips a route, waits until it is half-open, and records a slow probe.
    fn slow_probe(&mut self, route: &str, outcome: Outcome) {
        self.trip(route);
        self.wait(2_000);
        let Ok(permit) = self.acquire(0, route) else {
            panic!("a probe");
        };
        let result = CallResult {
            is_slow: true,
            ..CallResult::from(outcome)
        };
        self.record(0, route, permit, result);
    }
}

#[test]
fn rejection_without_a_probe_has_the_remaining_time_of_the_shared_record() {
    // Worker 1 missed a second trip: it must not reject with the time of the first one.
    let mut world = World::new(2, settings(|_| {}));
    world.wait(50);
    world.trip("r");
    world.wait(50);
    assert_eq!(world.state(1, "r"), State::Closed, "not met yet");
    assert!(world.acquire(1, "r").is_err());
    world.now = world.now.saturating_add(millis(1_950));
    assert!(world.request(0, "r", FAILURE), "the probe fails");
    assert_eq!(world.state(0, "r"), State::Open);
    let Err(rejection) = world.acquire(1, "r") else {
        panic!("worker 1 sends no probe");
    };
    assert_eq!(rejection.state, State::Open);
    assert_eq!(rejection.remaining, Duration::from_secs(4));
}

#[test]
fn outcomes_of_requests_from_before_a_cut_are_not_counted() {
    let mut world = World::new(1, settings(|s| s.ramp.rate = RampRate::PerSecond(1_000.0)));
    world.trip("r");
    world.wait(2_000);
    world.pass_probes("r");
    world.wait(1_000);
    world.wait(150);
    let early: Vec<Permit> = (0..10).map(|_| world.acquire(0, "r").unwrap()).collect();
    for n in 0..20 {
        let outcome = if n < 8 { FAILURE } else { Outcome::Success };
        assert!(world.request(0, "r", outcome));
    }
    world.wait(1_000);
    let cut = world.view(0, "r").recovery.ramp;
    assert!(cut.target > 0.0);
    for permit in early {
        world.record(0, "r", permit, FAILURE);
    }
    world.wait(1_000);
    let ramp = world.view(0, "r").recovery.ramp;
    assert_eq!(ramp.rate, cut.target, "what is late did not halve it again");
}

#[test]
fn ramp_admits_draws_below_the_rate_by_what_was_offered() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.wait(2_000);
    world.pass_probes("r");
    // A rate of 1 per second; 40 requests come.
    for _ in 0..40 {
        let _ = world.acquire(0, "r");
    }
    world.wait(1_000);
    world.draw = 0.999;
    // Now 2 per second: two of forty, and no more than are due.
    let rejection = world.acquire(0, "r").unwrap_err();
    assert_eq!(rejection.state, State::Ramp);
    assert_eq!(rejection.remaining, Duration::ZERO);
    world.draw = 0.0;
    assert!(world.acquire(0, "r").is_ok());
    assert!(
        (0..5).any(|_| world.acquire(0, "r").is_err()),
        "none is left"
    );
}

#[test]
fn slow_successful_probe_opens() {
    let mut world = World::new(
        1,
        settings(|s| s.failures.slow = Some(Duration::from_secs(1))),
    );
    world.slow_probe("r", Outcome::Success);
    assert_eq!(world.state(0, "r"), State::Open);
    let view = world.view(0, "r");
    assert_eq!(view.tripped_by, Reason::HttpResponseTimeout);
}

#[test]
fn permit_of_a_probe_has_its_generation() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.wait(2_000);
    let Ok(permit) = world.acquire(0, "r") else {
        panic!("a probe");
    };
    let generation = world.view(0, "r").generation;
    assert_eq!(permit.decided_by.map(|by| by.generation), Some(generation));
    let Some(TestPermit::Probe(probe)) = permit.test else {
        panic!("{permit:?}");
    };
    assert_eq!(probe.generation, generation);
    assert!(!permit.is_shadow);
}

#[test]
fn slow_ignored_probe_returns_its_permit() {
    let mut world = World::new(1, settings(|s| s.probe.permits = 1));
    world.slow_probe("r", Outcome::Ignored);
    assert_eq!(world.state(0, "r"), State::HalfOpen);
    assert!(world.request(0, "r", Outcome::Success));
    assert_eq!(world.state(0, "r"), State::Ramp);
}
