use super::*;

#[test]
fn keys_of_routes_and_groups_differ() {
    let key = |name: &[u8], cluster: &[u8]| RouteKey::of_route(name, cluster);
    assert_eq!(key(b"shop", b"app").as_str(), "shop/app");
    assert_eq!(key(b"", b"").as_str(), "/");
    assert_eq!(key(b"\xff", b"a").as_str(), "\u{fffd}/a");
    assert_eq!(RouteKey::of_group("shop").to_string(), "group shop");
    assert!(RouteKey::overflow().is_overflow());
    assert!(!key(b"*", b"").is_overflow());
}

#[test]
fn each_part_has_a_limit_of_its_own() {
    let mut routes = Routes::default();
    let key = |n: usize| RouteKey::from(format!("{n}/c").as_str());
    for n in 0..2 * MAX_ROUTES {
        routes.metrics(&key(n));
        routes.sampled_mut(&key(10_000 - n));
    }
    let parts = |has: fn(&Route) -> bool| routes.iter().filter(|(_, route)| has(route)).count();
    assert_eq!(parts(|route| route.metrics.is_some()), MAX_ROUTES + 1);
    assert_eq!(parts(|route| route.sampled.is_some()), MAX_ROUTES);
    let shared = routes.get(&RouteKey::overflow()).unwrap();
    assert!(shared.metrics.is_some() && shared.sampled.is_none());
    assert_eq!(routes.iter().count(), 2 * MAX_ROUTES + 1);
    assert!(routes.sampled_mut(&key(10_000)).is_some());
    assert!(routes.sampled_mut(&key(0)).is_none());
}

#[test]
fn routes_are_ordered_by_key() {
    let mut routes = Routes::default();
    for key in ["b/c", "a/c", "group x", "*", "c/a"] {
        routes.metrics(&key.into());
    }
    let keys: Vec<&str> = routes.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["*", "a/c", "b/c", "c/a", "group x"]);
}

#[test]
fn what_samples_say_moves_to_the_routes_of_another_worker() {
    let (mut old, mut new) = (Routes::default(), Routes::default());
    let sampled = old.sampled_mut(&"a/c".into()).unwrap();
    sampled.releases.note(b"v1", crate::time::Timestamp::EPOCH);
    old.sampled_mut(&"b/c".into());
    old.metrics(&"a/c".into());
    new.take_sampled(&mut old);
    let moved = |key: &str| new.sampled(&key.into()).unwrap();
    assert_eq!(moved("a/c").releases.current.as_deref(), Some("v1"));
    assert_eq!(moved("b/c").releases.current, None);
    assert!(new.get(&"a/c".into()).unwrap().metrics.is_none());
    assert!(old.iter().all(|(_, route)| route.sampled.is_none()));
}

/// Circuits have windows inline; this bounds the memory of a worker. What it takes in all is measured in the
/// module itself (`crates/wasmhost/tests/module/memory.rs`).
#[test]
fn a_route_takes_less_than_one_kibibyte_with_a_circuit_that_never_opened() {
    let circuit = std::mem::size_of::<SharedCircuit>()
        + std::mem::size_of::<crate::breaker::UnsyncedCounts>();
    let bytes = std::mem::size_of::<(RouteKey, Route)>() + circuit;
    assert!(bytes < 1024, "{bytes}");
}
