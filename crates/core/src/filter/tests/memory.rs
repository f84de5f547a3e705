//! Requests in flight keep too much of their headers.

use super::*;
use crate::worker::MAX_KEPT_BYTES;

const QUICK: &str = r#"{"breaker":{
    "min_requests": 1, "consecutive": {"failures": 1, "for": "0s"},
    "open": {"base": "1s", "max": "1s", "jitter": 0}, "probe": {"permits": 1}
}}"#;

/// Begins a request, and lets its response be a failure. Returns whether it got a page.
fn gets_page(world: &mut World) -> bool {
    let (mut filter, action) = world.begin_with(request("GET", &[]));
    if action != RequestAction::Continue {
        return true;
    }
    let action = world.respond_with(&mut filter, response(503, &[]), true, REFUSED);
    world.end(&mut filter, REFUSED);
    action != ResponseAction::Continue
}

#[test]
fn requests_pass_without_a_page_until_others_end() {
    let mut world = World::new(r#"{"breaker":{"mode":"disabled"}}"#);
    assert!(gets_page(&mut world));
    let others = world.worker.keep(MAX_KEPT_BYTES - 10);
    assert!(others.is_some());
    assert!(!gets_page(&mut world));
    assert!(!gets_page(&mut world));
    assert_eq!(world.metric("tidegate.requests_over_memory"), 2);
    drop(others);
    assert!(gets_page(&mut world));
    assert_eq!(world.metric("tidegate.requests_over_memory"), 2);
}

#[test]
fn an_open_circuit_rejects_as_ever_and_gets_its_permits_back() {
    let mut world = World::new(QUICK);
    assert!(gets_page(&mut world));
    let others = world.worker.keep(MAX_KEPT_BYTES - 10);
    let (_, action) = world.begin_with(request("GET", &[]));
    assert!(matches!(action, RequestAction::SendLocalReply(_)), "open");
    world.tick(1_000);
    // The only probe passes without a result.
    assert!(!gets_page(&mut world));
    drop(others);
    let (mut probe, action) = world.begin_with(request("GET", &[]));
    assert_eq!(action, RequestAction::Continue, "the permit is back");
    world.respond_with(&mut probe, response(200, &[]), true, VIA);
    world.end(&mut probe, VIA);
    assert_eq!(world.metric("tidegate.breaker.probes.route.shop/app"), 2);
    assert_eq!(world.metric("tidegate.breaker.state.route.shop/app"), 1);
}

#[test]
fn requests_in_flight_count_under_a_new_configuration() {
    let mut world = World::new("{}");
    let others = world.worker.keep(MAX_KEPT_BYTES - 10);
    let mut previous = std::mem::replace(&mut world.worker, world.config.worker("t"));
    world.worker.inherit_load(&mut previous);
    drop(previous);
    assert!(!gets_page(&mut world));
    drop(others);
    assert!(gets_page(&mut world));
}
