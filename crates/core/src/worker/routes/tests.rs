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
        let load_key = routes.load_key(&key(10_000 - n));
        routes.load(load_key);
    }
    let parts = |has: fn(&Route) -> bool| routes.iter().filter(|(_, route)| has(route)).count();
    assert_eq!(parts(|route| route.metrics.is_some()), MAX_ROUTES + 1);
    assert_eq!(parts(|route| route.load.is_some()), MAX_ROUTES + 1);
    let shared = routes.get(&RouteKey::overflow()).unwrap();
    assert!(shared.metrics.is_some() && shared.load.is_some());
    assert_eq!(routes.iter().count(), 2 * MAX_ROUTES + 1);
    assert_eq!(routes.load_key(&key(10_000)), key(10_000));
    assert!(routes.load_key(&key(0)).is_overflow());
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
fn loads_and_releases_move_to_the_routes_of_another_worker() {
    let (mut old, mut new) = (Routes::default(), Routes::default());
    let (_, releases) = old.load("a/c".into());
    releases.note(b"v1", crate::time::Timestamp::EPOCH);
    old.load("b/c".into());
    old.metrics(&"a/c".into());
    new.take_loads(&mut old);
    let moved = |key: &str| new.get(&key.into()).unwrap();
    assert!(moved("a/c").load.is_some() && moved("b/c").load.is_some());
    assert_eq!(moved("a/c").releases.current.as_deref(), Some("v1"));
    assert!(moved("a/c").metrics.is_none());
    assert!(old.iter().all(|(_, route)| route.load.is_none()));
}

/// Circuits have leases and windows inline; this is the bound of the memory of a worker.
#[test]
fn a_route_takes_less_than_two_kibibytes() {
    let circuit = std::mem::size_of::<SharedCircuit>()
        + std::mem::size_of::<crate::breaker::UnsyncedCounts>();
    let bytes = std::mem::size_of::<(RouteKey, Route)>() + circuit;
    assert!(bytes < 2048, "{bytes}");
}
