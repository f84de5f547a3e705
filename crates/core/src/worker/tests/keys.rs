//! Keys and values in shared data, and events.

use super::*;
use crate::breaker::tests::from_hex;

#[test]
fn keys_of_plugins_and_routes_do_not_collide() {
    let names = [
        ("a", "b/c"),
        ("a/b", "c"),
        ("a.b", "c"),
        ("a", "b.c"),
        ("a!", ""),
        ("a", "!"),
    ];
    let mut host = FakeHost::default();
    for (plugin, route) in names {
        let mut worker = Worker::new(plugin, vec![settings(|_| {})]);
        record_failure(&mut worker, &mut host, route);
        worker.tick(&mut host, START, &mut FixedDraw(0.0));
        assert_eq!(
            worker.view_of(route).unwrap().window.sum().failed,
            1,
            "{plugin} {route}"
        );
    }
    let plugins = 4;
    assert_eq!(host.shared.len(), names.len() + plugins);
}

#[test]
fn new_configuration_keeps_circuits_of_the_same_window_shape() {
    for (window_s, state) in [(10, State::Open), (20, State::Closed)] {
        let mut world = World::new(1, settings(|_| {}));
        world.trip("r");
        let new = settings(|s| {
            s.window = Duration::from_secs(window_s);
            s.min_requests = 5;
        });
        world.workers[0] = Worker::new("t", vec![new]);
        world.request(0, "r", Outcome::Success);
        assert_eq!(world.state(0, "r"), state, "{window_s} s");
    }
}

#[test]
fn new_worker_reads_the_shared_record() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.workers[0] = Worker::new("t", vec![settings(|_| {})]);
    world.wait(50);
    assert!(world.workers[0].must_track());
    assert!(world.acquire(0, "r").is_err());
}

#[test]
fn record_of_a_later_version_is_kept_and_admits() {
    for version in [4, 15] {
        let mut world = World::new(1, settings(|_| {}));
        let name = "tidegate.1.1.t/1000/r".to_owned();
        let record = vec![version; 288];
        world.host.shared.insert(name.clone(), (record.clone(), 1));
        for _ in 0..100 {
            assert!(world.request(0, "r", FAILURE));
            world.wait(50);
        }
        assert_eq!(world.host.shared[&name].0, record);
        assert!(world.metric("store_errors") > 0);
    }
}

#[test]
fn what_is_no_record_is_replaced() {
    let own = RouteCircuits::new(&settings(|_| {})).encode();
    let longer = [&own[..], &[0]].concat();
    for garbage in [
        vec![],
        vec![0; 288],
        vec![1],
        vec![2; 288],
        vec![3; 288],
        vec![16],
        b"garbage".to_vec(),
        own[..own.len() - 1].to_vec(),
        longer,
    ] {
        let mut world = World::new(2, settings(|_| {}));
        let name = "tidegate.1.1.t/1000/r".to_owned();
        world.host.shared.insert(name.clone(), (garbage.clone(), 1));
        assert!(world.request(1, "r", Outcome::Success));
        world.trip("r");
        world.wait(50);
        assert!(world.acquire(1, "r").is_err(), "{garbage:?}");
        assert!(RouteCircuits::decode(&world.host.shared[&name].0).is_some());
        let errors = world.metric("store_errors");
        assert!((1..=3).contains(&errors), "{garbage:?}: {errors}");
    }
}

#[test]
fn heartbeat_of_another_version_is_replaced() {
    for garbage in [vec![], vec![1; 15], vec![1; 17], vec![1; 8]] {
        let mut world = World::new(2, settings(|_| {}));
        let name = "tidegate.1.1.t!".to_owned();
        world.host.shared.insert(name.clone(), (garbage, 1));
        world.wait(50);
        assert!(!world.workers[1].must_track());
        world.trip("r");
        world.wait(50);
        assert!(world.workers[1].must_track());
    }
}

#[test]
fn event_line_escapes_the_route() {
    for (route, text) in [
        ("shop/app", "shop/app"),
        (r#"a"b\c"#, r#"a\"b\\c"#),
        ("a\nb\u{7f}\u{1f}\u{9b}", "a\\nb\\u007f\\u001f\\u009b"),
        ("läden/é", "läden/é"),
    ] {
        let mut world = World::new(1, settings(|_| {}));
        world.trip(route);
        let lines: Vec<String> = world.workers[0]
            .take_events()
            .iter()
            .map(|event| event.line(None, START))
            .collect();
        let want = format!(
            r#"{{"event":"breaker","route":"{text}","from":"closed","to":"open","reason":"connection_refused","total":20,"failed":20,"open_ms":2000}}"#
        );
        assert_eq!(lines, [want]);
    }
}

/// Within one Envoy route, hosts and paths may have policies of their own.
#[test]
fn policies_of_a_route_share_a_circuit_per_window_shape() {
    let strict = settings(|s| s.min_requests = 5);
    let long = settings(|s| s.window = Duration::from_secs(60));
    let policies = vec![settings(|_| {}), strict, long];
    let mut host = FakeHost::default();
    let mut worker = Worker::new("t", policies);
    let route = &RouteKey::from("r");
    let circuits = [0, 1, 2].map(|policy| CircuitId { route, policy });
    let mut fail = |worker: &mut Worker, policy: usize, many: usize| {
        let (rng, caller) = (&mut FixedDraw(0.0), &Caller::default());
        for _ in 0..many {
            let decision =
                worker.try_acquire(&mut host, circuits[policy], caller, false, START, rng);
            if let Ok(permit) = decision {
                let result = FAILURE.into();
                worker.record(
                    &mut host,
                    circuits[policy],
                    caller,
                    permit,
                    result,
                    START,
                    rng,
                );
            }
        }
    };
    let view =
        |worker: &Worker, policy: usize| worker.view(circuits[policy]).map(|v| v.route.state);
    let states = |worker: &Worker| circuits.map(|circuit| worker.state(circuit));
    // In turn, and each counted in its own circuit.
    for _ in 0..2 {
        fail(&mut worker, 0, 1);
        fail(&mut worker, 2, 1);
    }
    assert_eq!(view(&worker, 0), Some(State::Closed));
    // The thresholds are those of the request that fails.
    fail(&mut worker, 1, 3);
    assert_eq!(view(&worker, 0), Some(State::Open));
    fail(&mut worker, 2, 17);
    assert_eq!(view(&worker, 2), Some(State::Closed));
    assert_eq!(states(&worker), [State::Open, State::Open, State::Closed]);
    fail(&mut worker, 2, 1);
    assert_eq!(view(&worker, 2), Some(State::Open));
    assert_eq!(states(&worker), [State::Open; 3]);
    let lines = worker.take_event_lines(START);
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.contains(r#""route":"r""#)));
    let list = String::from_utf8(host.shared["tidegate.1.1.t#"].0.clone());
    assert_eq!(list.unwrap(), "r\nr\x006000\n");
    let records: Vec<&str> = host.shared.keys().map(String::as_str).collect();
    let want = [
        "tidegate.1.1.t!",
        "tidegate.1.1.t#",
        "tidegate.1.1.t/1000/r",
        "tidegate.1.1.t/6000/r",
    ];
    assert_eq!(records, want);
}

#[test]
fn unknown_name_is_counted_each_time_and_logged_once() {
    let mut world = World::new(1, settings(|_| {}));
    for _ in 0..3 {
        world.workers[0].note_unknown_name(&"shop/app".into());
    }
    assert_eq!(world.metric("unknown_name"), 3);
    let lines: Vec<String> = world.workers[0]
        .take_events()
        .iter()
        .map(|event| event.line(None, START))
        .collect();
    assert_eq!(lines, [r#"{"event":"unknown_name","route":"shop/app"}"#]);
}

#[test]
fn only_transition_events_have_a_transition() {
    let mut world = World::new(1, settings(|_| {}));
    world.workers[0].note_unknown_name(&"shop/app".into());
    world.trip("r");
    let events = world.workers[0].take_events();
    let states = events.iter().map(|event| event.transition().map(|t| t.to));
    assert_eq!(states.collect::<Vec<_>>(), [None, Some(State::Open)]);
}

#[test]
fn event_line_has_the_releases_of_its_route() {
    let mut releases = Releases::default();
    let line = |releases: &Releases| {
        let event = Event::Intercepted {
            route: "shop/app".into(),
            reason: Reason::UpstreamError,
            is_shadow: false,
            count: 3,
        };
        event.line(Some(releases), at(90_000))
    };
    let start = r#"{"event":"intercepted","route":"shop/app","reason":"upstream_error","count":3"#;
    assert_eq!(line(&releases), format!("{start}}}"));
    releases.note(b"1.0", START);
    assert_eq!(line(&releases), format!(r#"{start},"release":"1.0"}}"#));
    releases.note(b"1.\"1", at(85_000));
    let both = r#","release":"1.\"1","release_before":"1.0","release_age_ms":5000}"#;
    assert_eq!(line(&releases), format!("{start}{both}"));
}

/// What a worker of version 0.1 left in shared data after twenty failures, two interceptions, a
/// hint and a slot. The values are in hexadecimal.
const SHARED_DATA_OF_0_1: [(&str, &str); 5] = [
    (
        "tidegate.1.4.shop!",
        "9a77fd06a20100007078fe06a20100000300000000000000",
    ),
    ("tidegate.1.4.shop#", "73686f702f6170700a"),
    (
        "tidegate.1.4.shop/1000/shop/app",
        "\
         0101010001000000e8030000000000000000000000000000000000000067fd06a2010000ca6ffd06\
         a2010000e86afd06a201000000000000000000000000000000000000000000000000000000000000\
         00000000000000000000000000000000000000000000000000000000000000000000000000000000\
         00000000000000000000000000000000000000000000000000000000000000000000000000000000\
         00000000000000000000000000000000000000000000000000000000000000000000000000000000\
         00000000000000000000000000000000000000000000000000000000000000000000000000000000\
         00000000000000000000000000000000000000000000000000000000000000000000000000000000\
         0000000000000000000000000000000000000000",
    ),
    (
        "tidegate.1.4.shop?tidegate.intercepted.reason.connection_refused/shop/app",
        "01000000000000000067fd06a2010000",
    ),
    ("tidegate.slots/shop/app", "2075744eeb600600"),
];

#[test]
fn shared_data_has_the_keys_of_the_first_release_and_records_that_begin_as_its_own() {
    let (mut host, rng) = (FakeHost::default(), &mut FixedDraw(0.5));
    let caller = &Caller::default();
    let mut worker = Worker::new("shop", vec![settings(|_| {})]);
    let route = &RouteKey::from("shop/app");
    worker.tick(&mut host, START, rng);
    for _ in 0..20 {
        let decision = worker.try_acquire(&mut host, circuit(route), caller, false, START, rng);
        let (permit, result) = (decision.unwrap(), FAILURE.into());
        worker.record(
            &mut host,
            circuit(route),
            caller,
            permit,
            result,
            START,
            rng,
        );
    }
    worker.count_intercepted(route, Reason::ConnectionRefused, false);
    worker.expect_return(&mut host, at(10_000), START);
    worker.report(&mut host, START);
    worker.count_intercepted(route, Reason::ConnectionRefused, false);
    worker.report(&mut host, at(2_000));
    let config = crate::config::Config::from_json(b"{}").unwrap();
    let failure = crate::retry::FailureInfo {
        status: 503,
        remaining: None,
        spread: Duration::ZERO,
        is_limit: false,
        retry_after: None,
        now: Some(START),
    };
    let mut other = Worker::new("other", Vec::new());
    let client = crate::breaker::ClientId::UNKNOWN;
    other.hint(
        &mut host,
        route,
        &config.policy.retry,
        &failure,
        client,
        rng,
    );
    host.shared.remove("tidegate.1.5.other!");
    let values = host.shared.iter();
    let found: Vec<(&str, Vec<u8>)> = values
        .map(|(key, (value, _))| (key.as_str(), value.clone()))
        .collect();
    let mut expected = SHARED_DATA_OF_0_1.map(|(key, value)| (key, from_hex(value)));
    let (_, record) = &mut expected[2];
    // Of the record, this release shares the beginning; it reads the first one (below).
    let (_, found_record) = &found[2];
    assert_eq!(found_record[1..12], record[1..12]);
    record.clone_from(found_record);
    assert_eq!(record[0], 3);
    // This release gives no slots.
    let expected = &expected[..4];
    assert_eq!(found, expected);
}

#[test]
fn shared_data_of_the_first_release_is_understood() {
    let mut world = World::new(0, settings(|_| {}));
    for (key, value) in SHARED_DATA_OF_0_1 {
        let written = world.host.compare_and_swap(key, &from_hex(value), None);
        assert_eq!(written, Ok(()));
    }
    let worker = Worker::new("shop", vec![settings(|_| {})]);
    world.workers.push(worker);
    world.tick(0);
    assert!(world.workers[0].must_track() && world.workers[0].expects_returns());
    assert_eq!(world.state(0, "shop/app"), State::Open);
    let rejection = world.acquire(0, "shop/app").unwrap_err();
    assert_eq!(rejection.remaining, millis(2_250));
    assert_eq!(world.metric("store_errors"), 0);
}
