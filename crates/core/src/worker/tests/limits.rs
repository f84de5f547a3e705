//! More routes than a worker has places for: strangers share no decision, and clean routes make room.

use super::*;

/// A world with one worker, all of whose places have a circuit with a failure.
fn full_world() -> World {
    let mut world = World::new(1, settings(|_| {}));
    for n in 0..MAX_ROUTES {
        world.request(0, &format!("{n}/c"), FAILURE);
    }
    assert_eq!(world.metric("routes_over_limit"), 0);
    world
}

#[test]
fn a_route_beyond_the_limit_has_no_circuit_and_is_admitted_and_counted() {
    let mut world = full_world();
    for n in 0..100 {
        assert!(world.request(0, &format!("more {}/c", n % 2), FAILURE));
    }
    assert_eq!(world.metric("routes_over_limit"), 100);
    assert!(world.request(0, "yet another/c", Outcome::Success));
    assert_eq!(world.metric("routes_over_limit"), 101);
    // A request that began while nothing failed anywhere.
    let permit = world.workers[0].untracked_permit();
    world.record(0, "one more/c", permit, FAILURE);
    assert_eq!(world.metric("routes_over_limit"), 102);
    let circuits = world.workers[0].routes.iter();
    assert_eq!(
        circuits.map(|(_, r)| r.circuits.len()).sum::<usize>(),
        MAX_ROUTES
    );
    // Those that have a circuit keep it.
    world.trip("7/c");
    assert!(!world.request(0, "7/c", Outcome::Success));
    assert!(world.request(0, "8/c", Outcome::Success));
}

#[test]
fn a_clean_route_gives_its_place_to_one_that_fails() {
    let mut world = full_world();
    world.trip("7/c");
    assert!(world.request(0, "late/c", FAILURE));
    assert_eq!(world.metric("routes_over_limit"), 1);
    // The single failures leave the windows.
    world.wait(11_000);
    world.trip("late/c");
    assert!(!world.request(0, "late/c", Outcome::Success));
    assert!(world.request(0, "stranger/c", Outcome::Success));
    assert_eq!(world.metric("routes_over_limit"), 1);
    assert_eq!(world.state(0, "7/c"), State::HalfOpen, "not clean");
}

#[test]
fn a_place_is_found_for_a_circuit_that_another_worker_opened() {
    let mut world = World::new(2, settings(|_| {}));
    for n in 0..2 * MAX_ROUTES {
        assert!(world.request(1, &format!("{n}/c"), Outcome::Success));
    }
    assert_eq!(world.metric("routes_over_limit"), 0);
    world.trip("dead/c");
    world.wait(50);
    assert!(!world.request(1, "dead/c", Outcome::Success));
    // Also if it was clean and gave its place back before.
    assert_eq!(world.state(1, "0/c"), State::Closed);
    world.trip("0/c");
    world.wait(50);
    assert!(!world.request(1, "0/c", Outcome::Success));
}

/// In order, its key is the first one: its place is given back first.
#[test]
fn a_circuit_that_gave_its_place_back_goes_on_as_its_record_says() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("!r/c");
    world.wait(2_050);
    world.pass_probes("!r/c");
    world.wait(60_000);
    let closed = world.view(0, "!r/c").clone();
    assert_eq!(closed.state, State::Closed);
    for n in 0..MAX_ROUTES {
        world.request(0, &format!("{n}/c"), Outcome::Success);
    }
    assert!(world.workers[0].view_of("!r/c").is_none());
    world.request(0, "!r/c", Outcome::Success);
    let back = world.view(0, "!r/c");
    assert_eq!(back.generation, closed.generation);
    assert_eq!(back.exponent, closed.exponent);
}

#[test]
fn the_gauge_of_a_circuit_that_gave_its_place_back_shows_closed() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("!r/c");
    assert_eq!(world.metric("state.route.!r/c"), 3);
    world.wait(2_050);
    world.pass_probes("!r/c");
    // Nothing is reported until its place is given back.
    for _ in 0..1_200 {
        world.now = world.now.saturating_add(millis(50));
        world.tick(0);
    }
    for n in 0..MAX_ROUTES {
        world.request(0, &format!("{n}/c"), Outcome::Success);
    }
    assert!(world.workers[0].view_of("!r/c").is_none());
    assert_eq!(world.metric("state.route.!r/c"), 0);
    assert_eq!(world.metric("admitted_percent.route.!r/c"), 100);
}

#[test]
fn the_gauges_of_the_rest_show_the_strictest_circuit_without_metrics_of_its_own() {
    let mut world = World::new(1, settings(|_| {}));
    for n in 0..MAX_ROUTES {
        world.workers[0].count_ignored(
            &format!("{n}/c").as_str().into(),
            crate::breaker::Neutral::Meant,
        );
    }
    world.trip("a/c");
    world.trip("b/c");
    assert_eq!(world.metric("state.route.*"), 3);
    assert_eq!(world.metric("trips.route.*"), 2);
    world.wait(2_050);
    world.pass_probes("a/c");
    assert_eq!(world.metric("state.route.*"), 2);
    world.wait(60_000);
    world.pass_probes("b/c");
    world.wait(60_000);
    assert_eq!(world.metric("state.route.*"), 0);
}

/// What is not known of a route is no reason to admit more, or less, of another.
#[test]
fn a_route_beyond_the_limit_has_no_load_and_a_forgotten_one_makes_room() {
    let mut world = World::new(1, settings(|_| {}));
    for n in 0..MAX_ROUTES {
        world.load(0, &format!("{n}/c")).add_sample(100);
    }
    let late = RouteKey::from("late/c");
    assert!(world.workers[0].routes.sampled_mut(&late).is_none());
    assert!(world.workers[0].usual_latency(&late).is_none());
    // Seconds are counted from the first tick on.
    for _ in 0..6 {
        world.wait(60_000);
        world.load(0, "0/c").add_sample(100);
    }
    assert!(world.workers[0].routes.sampled_mut(&late).is_some());
    assert!(
        world.workers[0].routes.sampled(&"0/c".into()).is_some(),
        "in use"
    );
    assert!(world.workers[0].routes.sampled(&"1/c".into()).is_none());
}
