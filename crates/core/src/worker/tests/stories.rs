//! Whole stories of a route.

use super::*;
use crate::host::fake::BROKEN;

const R: &str = "shop/app";

#[test]
fn dead_upstream_trips_and_all_workers_reject() {
    let mut world = World::new(4, settings(|_| {}));
    let mut sent = 0;
    'trip: for _ in 0..100 {
        for worker in 0..4 {
            if !world.request(worker, R, FAILURE) {
                break 'trip;
            }
            sent += 1;
        }
        world.wait(50);
    }
    assert!(sent <= 20 + 4, "{sent} requests reached the dead upstream");
    world.wait(50);
    for worker in 0..4 {
        assert!(world.acquire(worker, R).is_err(), "worker {worker}");
        assert!(
            world.request(worker, "other/app", Outcome::Success),
            "other routes do not notice"
        );
    }
}

#[test]
fn recovery_is_half_open_then_ramp_then_closed() {
    let mut world = World::new(2, settings(|s| s.open.jitter = 0.0));
    for _ in 0..20 {
        world.request(0, R, FAILURE);
    }
    assert_eq!(world.state(0, R), State::Open);
    world.wait(1_900);
    let rejection = world.acquire(1, R).unwrap_err();
    assert_eq!(rejection.remaining, millis(100));
    world.wait(200);
    let permits: Vec<Permit> = (0..8)
        .filter_map(|n| world.acquire(n % 2, R).ok())
        .collect();
    assert_eq!(permits.len(), 3, "three permits over all workers");
    for (n, permit) in permits.into_iter().enumerate() {
        world.record(n % 2, R, permit, Outcome::Success);
    }
    world.wait(50);
    assert_eq!(world.state(0, R), State::Ramp);
    assert_eq!(world.state(1, R), State::Ramp);
    assert!(!world.request(1, R, Outcome::Success), "nothing is due yet");
    world.wait(1_000);
    assert!(world.request(1, R, Outcome::Success), "one per second");
    world.wait(1_000);
    assert!(world.request(0, R, Outcome::Success), "two per second");
    assert_eq!(world.state(0, R), State::Ramp);
    // Nobody has to be rejected for three seconds.
    world.wait(3_000);
    assert_eq!(world.state(0, R), State::Closed);
}

#[test]
fn healthy_route_needs_one_read() {
    let mut world = World::new(1, settings(|_| {}));
    world.wait(1_000);
    let reads = world.host.shared_reads;
    assert!(!world.workers[0].must_track());
    world.request(0, R, Outcome::Success);
    assert_eq!(
        world.host.shared_reads,
        reads + 1,
        "the first look at a route"
    );
    for _ in 0..1000 {
        world.request(0, R, Outcome::Success);
    }
    assert_eq!(world.host.shared_reads, reads + 1);
    assert_eq!(world.host.shared_writes, 0);
}

#[test]
fn healthy_route_needs_no_read_while_others_fail() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(1, R, Outcome::Success);
    world.request(0, "other/app", FAILURE);
    world.wait(50);
    let reads = world.host.shared_reads;
    world.record(1, R, Permit::default(), Outcome::Success);
    assert_eq!(world.host.shared_reads, reads);
}

#[test]
fn slow_responses_trip_a_healthy_route() {
    let mut world = World::new(
        1,
        settings(|s| s.failures.slow = Some(Duration::from_secs(1))),
    );
    assert!(world.request(0, R, Outcome::Success));
    let result = CallResult {
        is_slow: true,
        ..CallResult::from(Outcome::Success)
    };
    for _ in 0..20 {
        let permit = world.workers[0].untracked_permit();
        world.record(0, R, permit, result);
    }
    assert_eq!(world.state(0, R), State::Open);
}

#[test]
fn four_workers_with_low_traffic_trip_as_one() {
    let settings = settings(|s| {
        s.open.jitter = 0.0;
        s.consecutive.failures = 10;
        s.consecutive.duration = Duration::from_secs(1);
    });
    let mut world = World::new(4, settings);
    let mut sent = 0;
    for n in 0..100 {
        if !world.request(n % 4, R, FAILURE) {
            break;
        }
        sent += 1;
        world.wait(500);
    }
    assert_eq!(sent, 10, "ten in a row, over more than a second");
}

#[test]
fn broken_shared_data_admits() {
    let mut world = World::new(1, settings(|_| {}));
    for _ in 0..200 {
        world.host.shared_errors = vec![BROKEN; 50];
        assert!(world.request(0, R, FAILURE));
    }
}
