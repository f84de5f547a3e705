use std::time::Duration;

use super::*;

const R: &str = "shop/app";

#[test]
fn a_dead_upstream_trips_and_all_workers_reject() {
    let mut world = World::new(4, settings(|_| {}));
    let mut sent = 0;
    'trip: for _ in 0..100 {
        for worker in 0..4 {
            if !world.request(worker, R, FAILED) {
                break 'trip;
            }
            sent += 1;
        }
        world.pass(50);
    }
    assert!(sent <= 20 + 4, "{sent} requests reached the dead upstream");
    world.pass(50);
    for worker in 0..4 {
        assert!(
            matches!(world.admit(worker, R), Admission::Reject(_)),
            "worker {worker}"
        );
        assert!(
            world.request(worker, "other/app", Outcome::Success),
            "other routes do not notice"
        );
    }
}

#[test]
fn the_way_back_is_half_open_then_a_ramp_then_closed() {
    let mut world = World::new(2, settings(|s| s.open.jitter = 0.0));
    for _ in 0..20 {
        world.request(0, R, FAILED);
    }
    assert_eq!(world.state(0, R), State::Open);
    world.pass(1_900);
    assert!(matches!(
        world.admit(1, R),
        Admission::Reject(Rejection {
            remaining_ms: 100,
            ..
        })
    ));
    world.pass(200);
    let tickets: Vec<Ticket> = (0..8)
        .filter_map(|n| match world.admit(n % 2, R) {
            Admission::Admit(ticket) => Some(ticket),
            Admission::Reject(_) => None,
        })
        .collect();
    assert_eq!(tickets.len(), 3, "three permits over all workers");
    for (n, ticket) in tickets.into_iter().enumerate() {
        world.settle(n % 2, R, ticket, Outcome::Success);
    }
    world.pass(50);
    assert_eq!(world.state(0, R), State::Ramp);
    assert_eq!(world.state(1, R), State::Ramp);
    world.draw = 0.2;
    assert!(!world.request(1, R, Outcome::Success));
    world.pass(3_000);
    assert!(
        world.request(1, R, Outcome::Success),
        "0.3 of the traffic by now"
    );
    world.pass(8_000);
    assert_eq!(world.state(0, R), State::Ramp, "all is admitted");
    world.pass(5_000);
    assert_eq!(world.state(0, R), State::Closed);
}

#[test]
fn a_healthy_route_costs_nothing() {
    let mut world = World::new(1, settings(|_| {}));
    world.pass(1_000);
    let reads = world.store.reads;
    assert!(!world.workers[0].is_watching());
    world.request(0, R, Outcome::Success);
    assert_eq!(world.store.reads, reads + 1, "the first look at a route");
    for _ in 0..1000 {
        world.request(0, R, Outcome::Success);
    }
    assert_eq!(world.store.reads, reads + 1);
    assert_eq!(world.store.writes, 0);
}

#[test]
fn that_others_have_trouble_costs_a_healthy_route_nothing_at_its_ends() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(1, R, Outcome::Success);
    world.request(0, "other/app", FAILED);
    world.pass(50);
    let reads = world.store.reads;
    world.settle(1, R, Ticket::default(), Outcome::Success);
    assert_eq!(world.store.reads, reads);
}

#[test]
fn slowness_trips_a_route_that_was_in_good_health() {
    let mut world = World::new(
        1,
        settings(|s| s.failures.slow = Some(Duration::from_secs(1))),
    );
    assert!(world.request(0, R, Outcome::Success));
    let ending = Ending {
        is_slow: true,
        ..Ending::from(Outcome::Success)
    };
    let at = world.at();
    for _ in 0..20 {
        let ticket = world.workers[0].ticket();
        world.workers[0].settle(&mut world.store, R, 0, ticket, ending, at);
    }
    assert_eq!(world.state(0, R), State::Open);
}

#[test]
fn low_traffic_over_four_workers_trips_as_one_breaker_would() {
    let mut world = World::new(4, settings(|s| s.open.jitter = 0.0));
    let mut sent = 0;
    for n in 0..100 {
        if !world.request(n % 4, R, FAILED) {
            break;
        }
        sent += 1;
        world.pass(500);
    }
    assert_eq!(sent, 10, "ten in a row, over more than a second");
}

#[test]
fn a_broken_store_admits() {
    let mut world = World::new(1, settings(|_| {}));
    for _ in 0..200 {
        world.store.failures = vec![StoreError::Broken; 50];
        assert!(world.request(0, R, FAILED));
    }
}
