//! The metrics and the log of a worker.

use super::*;
use crate::breaker::Neutral;
use crate::host::fake::BROKEN;
use crate::http::format::Format;

const FORMATS: [Format; 6] = [
    Format::Html,
    Format::Problem,
    Format::Text,
    Format::Grpc,
    Format::Empty,
    Format::Line,
];

#[test]
fn healthy_route_has_no_metrics() {
    let mut world = World::new(2, settings(|_| {}));
    for _ in 0..100 {
        world.request(0, "r", Outcome::Success);
    }
    world.request(0, "r", FAILURE);
    world.wait(20_000);
    world.metric("");
    assert!(world.host.metrics.is_empty(), "{:?}", world.host.metrics);
}

#[test]
fn gauges_follow_an_idle_route() {
    let mut world = World::new(2, settings(|_| {}));
    let gauges = |world: &mut World, ms: u64| {
        world.wait(ms);
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
    // What will come is not known yet; then it is what was admitted in the last second.
    assert_eq!(gauges(&mut world, 50), (1, 5));
    assert_eq!(gauges(&mut world, 1_000), (1, 100));
    // One is due.
    for n in 0..10 {
        assert_eq!(world.acquire(0, "shop/app").is_ok(), n < 1);
    }
    assert_eq!(gauges(&mut world, 1_000), (1, 10));
    assert_eq!(gauges(&mut world, 2_000), (1, 100));
    assert_eq!(gauges(&mut world, 1_000), (0, 100));
    assert_eq!(world.metric("trips.route.shop/app"), 1);
    assert_eq!(world.metric("probes.route.shop/app"), 3);
}

#[test]
fn gauges_show_trips_of_other_workers() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(1, "r", FAILURE);
    world.trip("r");
    world.wait(50);
    world.workers[1].report(&mut world.host, world.now);
    assert_eq!(world.host.breaker_metric("state.route.r"), 3);
    assert_eq!(world.host.breaker_metric("trips.route.r"), 0, "not its own");
}

#[test]
fn gauges_show_the_strictest_circuit_of_a_route() {
    let long = settings(|s| s.window = Duration::from_secs(60));
    let mut worker = Worker::new("t", vec![settings(|_| {}), long]);
    let (mut host, rng) = (FakeHost::default(), &mut FixedDraw(0.0));
    let route = &RouteKey::from("r");
    for policy in [0, 1] {
        let circuit = CircuitId { route, policy };
        // The first circuit stays closed, the second one opens.
        for _ in 0..(1 + 19 * policy) {
            let result = FAILURE.into();
            worker.record(
                &mut host,
                circuit,
                &Caller::default(),
                Permit::default(),
                result,
                START,
                rng,
            );
        }
    }
    worker.report(&mut host, START);
    assert_eq!(host.breaker_metric("state.route.r"), 3);
    assert_eq!(host.metric("tidegate.breaker.admitted_percent.route.r"), 0);
}

#[test]
fn number_of_routes_with_metrics_is_bounded() {
    let mut world = World::new(
        1,
        settings(|s| s.mode = crate::config::BreakerMode::ForcedOpen),
    );
    for n in 0..MAX_ROUTES + 50 {
        assert!(world.acquire(0, &format!("{n}/c")).is_err());
    }
    assert_eq!(world.metric("rejected.route.*"), 50);
    assert_eq!(world.host.metrics.len(), MAX_ROUTES + 1);
}

#[test]
fn metrics_that_cannot_be_defined_are_reported_later() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    assert!(world.acquire(0, "r").is_err());
    world.host.refuses_metrics = true;
    assert_eq!(world.metric("rejected.route.r"), 0);
    world.host.refuses_metrics = false;
    assert!(world.acquire(0, "r").is_err());
    assert_eq!(world.metric("rejected.route.r"), 2);
    assert_eq!(world.metric("state.route.r"), 3);
}

/// Returns the lines that all workers log now, with the milliseconds since the start.
fn lines(world: &mut World) -> Vec<(u64, String)> {
    world.metric("");
    let ms = world.now.saturating_since(START).as_millis() as u64;
    let events = world.workers.iter_mut().flat_map(Worker::take_events);
    let intercepted = events.filter(|event| matches!(event, Event::Intercepted { .. }));
    intercepted
        .map(|event| (ms, event.line(None, world.now)))
        .collect()
}

fn intercepted(count: u64) -> String {
    format!(r#"{{"event":"intercepted","route":"shop/app","reason":"dns_error","count":{count}}}"#)
}

#[test]
fn interceptions_of_all_workers_are_logged_every_ten_seconds() {
    let mut world = World::new(3, settings(|_| {}));
    let mut log = Vec::new();
    for second in 0..45_u64 {
        for worker in 0..3 {
            // The second worker is idle in the second half.
            let is_busy = worker != 1 || second < 12;
            for _ in 0..u64::from(is_busy && second < 25) * (worker as u64 + 1) {
                world.workers[worker].count_intercepted(
                    &"shop/app".into(),
                    Reason::DnsError,
                    false,
                );
            }
        }
        log.extend(lines(&mut world));
        world.wait(1_000);
    }
    // The first line is logged at once, the last after the failures ended: no count is lost.
    assert_eq!(
        log,
        [
            (0, intercepted(1)),
            (10_000, intercepted(60)),
            (20_000, intercepted(44)),
            (30_000, intercepted(19))
        ]
    );
}

#[test]
fn each_route_reason_and_mode_has_its_own_line() {
    let mut world = World::new(1, settings(|_| {}));
    let worker = &mut world.workers[0];
    worker.count_intercepted(&"a/c".into(), Reason::DnsError, false);
    worker.count_intercepted(&"a/c".into(), Reason::DnsError, true);
    worker.count_intercepted(&"a/c".into(), Reason::UpstreamTimeout, false);
    worker.count_intercepted(&"b/c".into(), Reason::DnsError, false);
    assert_eq!(lines(&mut world).len(), 4);
    assert_eq!(
        world
            .host
            .shared
            .keys()
            .filter(|key| key.contains('?'))
            .count(),
        4
    );
}

#[test]
fn without_shared_data_each_worker_logs_its_own_count() {
    let mut world = World::new(2, settings(|_| {}));
    for worker in &mut world.workers {
        worker.count_intercepted(&"shop/app".into(), Reason::DnsError, false);
    }
    world.host.shared_errors = vec![BROKEN; 2];
    assert_eq!(
        lines(&mut world),
        [(0, intercepted(1)), (0, intercepted(1))]
    );
    world.now = world.now.saturating_add(millis(9_999));
    world.workers[0].count_intercepted(&"shop/app".into(), Reason::DnsError, false);
    assert_eq!(lines(&mut world), [], "not before ten seconds are over");
}

#[test]
fn lines_per_second_are_limited_and_the_dropped_ones_counted() {
    let mut world = World::new(1, settings(|_| {}));
    let lines = |world: &mut World| {
        world.metric("");
        let now = world.now;
        world.workers[0].take_event_lines(now)
    };
    let fail = |world: &mut World| {
        for n in 0..1_000 {
            let route = format!("{n}/c").as_str().into();
            world.workers[0].count_intercepted(&route, Reason::DnsError, false);
        }
    };
    fail(&mut world);
    world.trip("dead");
    let first = lines(&mut world);
    let is_change = |line: &&String| line.contains(r#""event":"breaker""#);
    assert_eq!(first.iter().filter(is_change).count(), 1);
    assert_eq!(first.len(), 1 + 20);
    // However many circuits change their state, each says so.
    for n in 0..50 {
        world.trip(&format!("dead-{n}"));
    }
    assert_eq!(lines(&mut world).iter().filter(is_change).count(), 50);
    // Of the 1,000 failures, 20 were written.
    world.wait(950);
    assert_eq!(lines(&mut world), [""; 0]);
    world.wait(50);
    assert_eq!(
        lines(&mut world),
        [r#"{"event":"lines_dropped","count":980}"#]
    );
    world.wait(10_000);
    assert!(lines(&mut world)
        .iter()
        .all(|line| !line.contains("dropped")));
    // Nor does a clock that was set back keep anything from the log.
    world.wait(1_000);
    fail(&mut world);
    assert_eq!(lines(&mut world).len(), 20);
    world.now = world.now.saturating_sub(Duration::from_secs(3600));
    assert_eq!(
        lines(&mut world),
        [r#"{"event":"lines_dropped","count":980}"#]
    );
}

#[test]
fn no_more_hints_are_kept_than_were_given() {
    let mut world = World::new(1, settings(|_| {}));
    let route = RouteKey::from("r");
    for n in 0..10 {
        if n < 3 {
            world.workers[0].count(&route, RouteCounter::HintsGiven);
        }
        for _ in 0..2 {
            world.workers[0].count(&route, RouteCounter::HintsKept);
        }
    }
    world.metric("");
    assert_eq!(world.host.metric("tidegate.hints_given.route.r"), 3);
    assert_eq!(world.host.metric("tidegate.hints_kept.route.r"), 3);
}

#[test]
fn catalog_has_every_metric() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.wait(2_000);
    assert!(world.acquire(0, "r").is_ok());
    let worker = &mut world.workers[0];
    for count in RouteCounter::ALL {
        worker.count(&"r".into(), count);
    }
    for total in WorkerCounter::ALL {
        worker.count_total(total);
    }
    for format in FORMATS {
        worker.count_reply(format);
    }
    for is_shadow in [false, true] {
        worker.count_intercepted(&"r".into(), Reason::DnsError, is_shadow);
    }
    worker.count_ignored(&"r".into(), Neutral::Meant);
    world.metric("");
    let catalog: Vec<String> = catalog().into_iter().map(|(_, name)| name).collect();
    let mut found: Vec<String> = world
        .host
        .metrics
        .keys()
        .map(|name| {
            let name = name
                .replace(".route.r", ".route.*")
                .replace("dns_error", "*")
                .replace(".why.meant", ".why.*");
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

/// With a new configuration or a new module, every worker is a new one.
#[test]
fn new_worker_reports_circuits_that_were_open_before() {
    let mut world = World::new(2, settings(|_| {}));
    world.trip("a/c");
    world.trip("b/c");
    world.wait(50);
    world.host.metrics.clear();
    world.workers = vec![Worker::new("t", vec![settings(|_| {})])];
    world.wait(50);
    assert_eq!(world.metric("state.route.a/c"), 3);
    assert_eq!(world.metric("state.route.b/c"), 3);
    world.wait(2_000);
    assert_eq!(world.metric("state.route.a/c"), 2, "as time goes by");
    // A circuit that is closed again is removed from the list.
    for _ in 0..3 {
        assert!(world.request(0, "a/c", Outcome::Success));
    }
    world.wait(20_000);
    assert_eq!(world.metric("state.route.a/c"), 0);
    world.host.metrics.clear();
    world.workers = vec![Worker::new("t", vec![settings(|_| {})])];
    world.wait(50);
    world.metric("");
    let names: Vec<_> = world.host.metrics.keys().collect();
    assert!(names.iter().all(|name| !name.contains("a/c")), "{names:?}");
    assert_eq!(world.metric("state.route.b/c"), 2);
}
