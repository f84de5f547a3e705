//! Which record belongs to which route, and which bytes are understood.

use super::bank::MAX_ROUTES;
use super::*;

#[test]
fn plugins_and_routes_do_not_run_into_each_other() {
    let names = [
        ("a", "b/c"),
        ("a/b", "c"),
        ("a.b", "c"),
        ("a", "b.c"),
        ("a!", ""),
        ("a", "!"),
    ];
    let mut store = FakeStore::default();
    let at = Moment {
        now_ms: START_MS,
        draw: 0.0,
    };
    for (plugin, route) in names {
        let mut bank = Bank::new(plugin, vec![settings(|_| {})]);
        bank.settle(&mut store, route, 0, Ticket::default(), FAILED.into(), at);
        bank.tick(&mut store, at);
        assert_eq!(
            bank.view(route).unwrap().window.sum().failed,
            1,
            "{plugin} {route}"
        );
    }
    let plugins = 4;
    assert_eq!(store.values.len(), names.len() + plugins);
}

#[test]
fn beyond_the_limit_routes_share_one_breaker() {
    let mut world = World::new(1, settings(|_| {}));
    for n in 0..MAX_ROUTES {
        world.request(0, &format!("{n}/c"), Outcome::Success);
    }
    assert_eq!(world.metric("routes_over_limit"), 0);
    for n in 0..20 {
        world.request(0, &format!("more {n}/c"), FAILED);
    }
    assert_eq!(world.state(0, "*"), State::Open);
    assert!(!world.request(0, "yet another/c", Outcome::Success));
    assert!(
        world.request(0, "7/c", Outcome::Success),
        "those before do not notice"
    );
    assert_eq!(world.metric("routes_over_limit"), 21);
    world.settle(0, "one more/c", Ticket::default(), FAILED);
    assert_eq!(world.metric("routes_over_limit"), 22);
}

#[test]
fn a_window_of_another_shape_starts_anew_and_one_of_the_same_shape_goes_on() {
    for (window_s, state) in [(10, State::Open), (20, State::Closed)] {
        let mut world = World::new(1, settings(|_| {}));
        world.trip("r");
        let new = settings(|s| {
            s.window = std::time::Duration::from_secs(window_s);
            s.min_requests = 5;
        });
        world.workers[0] = Bank::new("t", vec![new]);
        world.request(0, "r", Outcome::Success);
        assert_eq!(world.state(0, "r"), state, "{window_s} s");
    }
}

#[test]
fn a_new_worker_finds_the_shared_record() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.workers[0] = Bank::new("t", vec![settings(|_| {})]);
    world.pass(50);
    assert!(world.workers[0].is_watching());
    assert!(matches!(world.admit(0, "r"), Admission::Reject(_)));
}

#[test]
fn a_record_of_another_version_is_left_alone_and_admits() {
    let mut world = World::new(1, settings(|_| {}));
    let name = "tidegate.1.1.t/1000/r".to_owned();
    world.store.values.insert(name.clone(), (vec![2; 288], 1));
    for _ in 0..100 {
        assert!(world.request(0, "r", FAILED));
        world.pass(50);
    }
    assert_eq!(world.store.values[&name].0, vec![2; 288]);
    assert!(world.metric("store_errors") > 0);
}

#[test]
fn a_word_of_another_version_is_replaced() {
    for garbage in [vec![], vec![1; 15], vec![1; 17], vec![1; 8]] {
        let mut world = World::new(2, settings(|_| {}));
        let name = "tidegate.1.1.t!".to_owned();
        world.store.values.insert(name.clone(), (garbage, 1));
        world.pass(50);
        assert!(!world.workers[1].is_watching());
        world.trip("r");
        world.pass(50);
        assert!(world.workers[1].is_watching());
    }
}

#[test]
fn an_event_is_a_line_of_json_whatever_the_route_is_called() {
    for (route, text) in [
        ("shop/app", "shop/app"),
        (r#"a"b\c"#, r#"a\"b\\c"#),
        ("a\nb\u{7f}\u{1f}", "a\\u000ab\\u007f\\u001f"),
        ("läden/é", "läden/é"),
    ] {
        let mut world = World::new(1, settings(|_| {}));
        world.trip(route);
        let lines: Vec<String> = world.workers[0]
            .take_events()
            .iter()
            .map(|event| event.line(None, 0))
            .collect();
        let want = format!(
            r#"{{"event":"breaker","route":"{text}","from":"closed","to":"open","reason":"connection_refused","total":20,"failed":20,"open_ms":2000}}"#
        );
        assert_eq!(lines, [want]);
    }
}

/// Within one Envoy route, hosts and paths may have policies of their own.
#[test]
fn policies_of_one_route_share_its_breaker_by_the_shape_of_their_windows() {
    let strict = settings(|s| s.min_requests = 5);
    let long = settings(|s| s.window = std::time::Duration::from_secs(60));
    let policies = vec![settings(|_| {}), strict, long];
    let mut store = FakeStore::default();
    let mut bank = Bank::new("t", policies);
    let at = Moment {
        now_ms: START_MS,
        draw: 0.0,
    };
    let mut fail = |bank: &mut Bank, policy: usize, many: usize| {
        for _ in 0..many {
            if let Admission::Admit(ticket) = bank.admit(&mut store, "r", policy, false, at) {
                bank.settle(&mut store, "r", policy, ticket, FAILED.into(), at);
            }
        }
    };
    // Turn about, and each counted where it belongs.
    for _ in 0..2 {
        fail(&mut bank, 0, 1);
        fail(&mut bank, 2, 1);
    }
    assert_eq!(bank.view("r").map(|v| v.state), Some(State::Closed));
    // The thresholds are those of the request that fails.
    fail(&mut bank, 1, 3);
    assert_eq!(bank.view("r").map(|v| v.state), Some(State::Open));
    fail(&mut bank, 2, 17);
    assert_eq!(bank.view("r\x006000").map(|v| v.state), Some(State::Closed));
    let circuits = |bank: &Bank| [0, 1, 2].map(|policy| bank.circuit("r", policy));
    assert_eq!(circuits(&bank), [State::Open, State::Open, State::Closed]);
    fail(&mut bank, 2, 1);
    assert_eq!(bank.view("r\x006000").map(|v| v.state), Some(State::Open));
    assert_eq!(circuits(&bank), [State::Open; 3]);
    let routes: Vec<String> = bank
        .take_events()
        .iter()
        .map(|event| event.line(None, 0))
        .collect();
    assert_eq!(routes.len(), 2);
    assert!(routes.iter().all(|line| line.contains(r#""route":"r""#)));
    let mut records: Vec<&String> = store.values.keys().collect();
    records.sort();
    let want = [
        "tidegate.1.1.t!",
        "tidegate.1.1.t#",
        "tidegate.1.1.t/1000/r",
        "tidegate.1.1.t/6000/r",
    ];
    assert_eq!(records, want);
}

#[test]
fn a_policy_that_is_not_there_is_counted_each_time_and_written_of_once() {
    let mut world = World::new(1, settings(|_| {}));
    for _ in 0..3 {
        world.workers[0].note_unknown_name("shop/app");
    }
    assert_eq!(world.metric("unknown_name"), 3);
    let lines: Vec<String> = world.workers[0]
        .take_events()
        .iter()
        .map(|event| event.line(None, 0))
        .collect();
    assert_eq!(lines, [r#"{"event":"unknown_name","route":"shop/app"}"#]);
}

#[test]
fn of_all_events_a_change_of_state_has_a_transition() {
    let mut world = World::new(1, settings(|_| {}));
    world.workers[0].note_unknown_name("shop/app");
    world.trip("r");
    let events = world.workers[0].take_events();
    let states = events.iter().map(|event| event.transition().map(|t| t.to));
    assert_eq!(states.collect::<Vec<_>>(), [None, Some(State::Open)]);
}

#[test]
fn a_line_names_the_releases_of_its_route() {
    let mut releases = crate::release::Releases::default();
    let line = |releases: &crate::release::Releases| {
        let event = Event::Answered {
            route: "shop/app".to_owned(),
            reason: Reason::UpstreamError,
            is_shadow: false,
            count: 3,
        };
        event.line(Some(releases), START_MS)
    };
    let start = r#"{"event":"intercepted","route":"shop/app","reason":"upstream_error","count":3"#;
    assert_eq!(line(&releases), format!("{start}}}"));
    releases.saw(b"1.0", START_MS - 90_000);
    assert_eq!(line(&releases), format!(r#"{start},"release":"1.0"}}"#));
    releases.saw(b"1.\"1", START_MS - 5_000);
    let both = r#","release":"1.\"1","release_before":"1.0","release_age_ms":5000}"#;
    assert_eq!(line(&releases), format!("{start}{both}"));
}
