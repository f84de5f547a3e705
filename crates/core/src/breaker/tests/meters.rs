//! Metrics: what is told of a route, and of none.

use super::bank::MAX_ROUTES;
use super::*;
use crate::breaker::bank::Event;
use crate::breaker::meters::{catalog, Count, Total, CONFIG_ERRORS, FORMATS};

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
    let now_ms = world.now_ms;
    world.workers[1].report(&mut world.sheet, &mut world.store, now_ms);
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

/// What all workers write to the log, as it is due.
fn lines(world: &mut World) -> Vec<(u64, String)> {
    let now_ms = world.now_ms;
    world.metric("");
    let events = world.workers.iter_mut().flat_map(Bank::take_events);
    let answered = events.filter(|event| matches!(event, Event::Answered { .. }));
    answered
        .map(|event| (now_ms - START_MS, event.line(None, now_ms)))
        .collect()
}

fn answered(count: u64) -> String {
    format!(r#"{{"event":"intercepted","route":"shop/app","reason":"dns_error","count":{count}}}"#)
}

#[test]
fn one_line_in_ten_seconds_says_what_all_workers_answered() {
    let mut world = World::new(3, settings(|_| {}));
    let mut log = Vec::new();
    for second in 0..45_u64 {
        for worker in 0..3 {
            // The second worker is idle in the second half.
            let is_busy = worker != 1 || second < 12;
            for _ in 0..u64::from(is_busy && second < 25) * (worker as u64 + 1) {
                world.workers[worker].answered("shop/app", Reason::DnsError, false);
            }
        }
        log.extend(lines(&mut world));
        world.pass(1_000);
    }
    // The first line comes at once, the last when nothing fails any more: none is lost.
    assert_eq!(
        log,
        [
            (0, answered(1)),
            (10_000, answered(60)),
            (20_000, answered(44)),
            (30_000, answered(19))
        ]
    );
}

#[test]
fn reasons_and_routes_have_lines_of_their_own() {
    let mut world = World::new(1, settings(|_| {}));
    let bank = &mut world.workers[0];
    bank.answered("a/c", Reason::DnsError, false);
    bank.answered("a/c", Reason::DnsError, true);
    bank.answered("a/c", Reason::UpstreamTimeout, false);
    bank.answered("b/c", Reason::DnsError, false);
    assert_eq!(lines(&mut world).len(), 4);
    assert_eq!(
        world.store.keys().filter(|key| key.contains('?')).count(),
        4
    );
}

#[test]
fn without_the_shared_data_each_worker_writes_for_itself() {
    let mut world = World::new(2, settings(|_| {}));
    for worker in &mut world.workers {
        worker.answered("shop/app", Reason::DnsError, false);
    }
    world.store.failures = vec![StoreError::Broken; 2];
    assert_eq!(lines(&mut world), [(0, answered(1)), (0, answered(1))]);
    world.now_ms += 9_999;
    world.workers[0].answered("shop/app", Reason::DnsError, false);
    assert_eq!(lines(&mut world), [], "not before ten seconds are over");
}

#[test]
fn the_catalog_has_every_metric() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.pass(2_000);
    world.admit(0, "r");
    let bank = &mut world.workers[0];
    for count in Count::ALL {
        bank.count_of("r", count);
    }
    for total in Total::ALL {
        bank.count_total(total);
    }
    for format in FORMATS {
        bank.replied(format);
    }
    for is_shadow in [false, true] {
        bank.answered("r", Reason::DnsError, is_shadow);
    }
    world.metric("");
    let catalog: Vec<String> = catalog().into_iter().map(|(_, name)| name).collect();
    let mut found: Vec<String> = world
        .sheet
        .values
        .keys()
        .map(|name| {
            let name = name
                .replace(".route.r", ".route.*")
                .replace("dns_error", "*");
            match name.strip_prefix("tidegate.replies.format.") {
                Some(_) => "tidegate.replies.format.*".to_owned(),
                None => name,
            }
        })
        .collect();
    found.push(CONFIG_ERRORS.to_owned());
    for name in &found {
        assert!(catalog.contains(name), "{name}");
    }
    for name in &catalog {
        assert!(found.contains(name), "{name}");
    }
}

/// With a new configuration, or a new module, every worker begins anew.
#[test]
fn a_worker_that_begins_tells_of_circuits_that_were_open_before() {
    let mut world = World::new(2, settings(|_| {}));
    world.trip("a/c");
    world.trip("b/c");
    world.pass(50);
    world.sheet.values.clear();
    world.workers = vec![Bank::new("t", vec![settings(|_| {})])];
    world.pass(50);
    assert_eq!(world.metric("state.route.a/c"), 3);
    assert_eq!(world.metric("state.route.b/c"), 3);
    world.pass(2_000);
    assert_eq!(world.metric("state.route.a/c"), 2, "as time goes by");
    // One that is closed again is forgotten.
    for _ in 0..3 {
        assert!(world.request(0, "a/c", Outcome::Success));
    }
    world.pass(20_000);
    assert_eq!(world.metric("state.route.a/c"), 0);
    world.sheet.values.clear();
    world.workers = vec![Bank::new("t", vec![settings(|_| {})])];
    world.pass(50);
    world.metric("");
    let names: Vec<_> = world.sheet.values.keys().collect();
    assert!(names.iter().all(|name| !name.contains("a/c")), "{names:?}");
    assert_eq!(world.metric("state.route.b/c"), 2);
}
