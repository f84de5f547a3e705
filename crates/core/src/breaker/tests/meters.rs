//! Metrics: what is told of a route, and of none.

use super::bank::MAX_ROUTES;
use super::*;

#[test]
fn a_healthy_route_has_no_metrics() {
    let mut world = World::new(2, settings(|_| {}));
    for _ in 0..100 {
        world.request(0, "r", Outcome::Success);
    }
    world.request(0, "r", FAILED);
    world.pass(20_000);
    world.metric("");
    assert!(world.sheet.values.is_empty(), "{:?}", world.sheet.values);
}

#[test]
fn gauges_follow_an_idle_route() {
    let mut world = World::new(2, settings(|_| {}));
    let gauges = |world: &mut World, ms: u64| {
        world.pass(ms);
        let state = world.metric("state.route.shop/app");
        (state, world.metric("admitted_percent.route.shop/app"))
    };
    world.trip("shop/app");
    assert_eq!(gauges(&mut world, 0), (3, 0));
    assert_eq!(world.metric("trips.route.shop/app"), 1);
    assert_eq!(gauges(&mut world, 2_050), (2, 0));
    for _ in 0..3 {
        assert!(world.request(1, "shop/app", Outcome::Success));
    }
    assert_eq!(gauges(&mut world, 50), (1, 5));
    assert_eq!(gauges(&mut world, 3_000), (1, 30));
    assert_eq!(gauges(&mut world, 9_000), (1, 100));
    assert_eq!(gauges(&mut world, 4_000), (0, 100));
    assert_eq!(world.metric("trips.route.shop/app"), 1);
    assert_eq!(world.metric("probes.route.shop/app"), 3);
}

#[test]
fn a_worker_that_only_heard_of_a_trip_tells_of_it_too() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(1, "r", FAILED);
    world.trip("r");
    world.pass(50);
    world.workers[1].report(&mut world.sheet);
    assert_eq!(world.sheet.get("state.route.r"), 3);
    assert_eq!(world.sheet.get("trips.route.r"), 0, "not its own");
}

#[test]
fn the_number_of_routes_is_bounded_even_where_no_record_is() {
    let mut world = World::new(
        1,
        settings(|s| s.mode = crate::config::BreakerMode::ForcedOpen),
    );
    for n in 0..MAX_ROUTES + 50 {
        world.admit(0, &format!("{n}/c"));
    }
    assert_eq!(world.metric("rejected.route.*"), 50);
    assert_eq!(world.sheet.values.len(), MAX_ROUTES + 1);
}

#[test]
fn what_could_not_be_told_is_told_later() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.admit(0, "r");
    world.sheet.is_broken = true;
    assert_eq!(world.metric("rejected.route.r"), 0);
    world.sheet.is_broken = false;
    world.admit(0, "r");
    assert_eq!(world.metric("rejected.route.r"), 2);
    assert_eq!(world.metric("state.route.r"), 3);
}
