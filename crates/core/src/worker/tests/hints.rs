//! When clients come back, and the load of routes.

use super::*;
use crate::breaker::ClientId;
use crate::config::{Config, Retry};
use crate::host::HostError;
use crate::retry::{FailureInfo, Hint, RouteLoad};
use crate::rng::{Rng, SplitMix64};

const ROUTE: &str = "shop/app";

/// One worker, its clock, and a generator.
struct HintWorld {
    worker: Worker,
    host: FakeHost,
    retry: Retry,
    now: Timestamp,
    rng: SplitMix64,
    /// Requests whose route was looked up.
    samples: u32,
}

impl HintWorld {
    /// Returns a worker with this section `retry` of the configuration.
    fn new(retry: &str) -> Self {
        let json = format!(r#"{{"retry": {retry}}}"#);
        let retry = Config::from_json(json.as_bytes()).unwrap().policy.retry;
        let mut world = Self {
            worker: Worker::new("t", Vec::new()),
            host: FakeHost::default(),
            retry,
            now: START,
            rng: SplitMix64::new(1),
            samples: 0,
        };
        world.tick();
        world
    }

    fn tick(&mut self) {
        self.worker.tick(&mut self.host, self.now, &mut self.rng);
    }

    fn wait(&mut self, ms: u64) {
        self.now = self.now.saturating_add(millis(ms));
    }

    /// Lets a request of a route succeed.
    fn succeed(&mut self, route: &str) {
        if self.worker.should_sample() {
            self.samples += 1;
            self.worker.sample(&route.into(), b"", None);
        }
    }

    /// Lets requests of several routes succeed within a second, in random order.
    fn second(&mut self, routes: &[(&str, u32)]) {
        let mut order: Vec<(u64, &str)> = Vec::new();
        for (route, count) in routes {
            for _ in 0..*count {
                let at = (self.rng.unit() * 1000.0) as u64;
                order.push((at, route));
            }
        }
        order.sort_by_key(|(at, _)| *at);
        let mut order = order.into_iter().peekable();
        for at in (50..=1000).step_by(50) {
            while let Some((_, route)) = order.next_if(|(due, _)| *due < at) {
                self.succeed(route);
            }
            self.wait(50);
            self.tick();
        }
    }

    fn healthy(&mut self, seconds: u32, per_second: u32) {
        for _ in 0..seconds {
            self.second(&[(ROUTE, per_second)]);
        }
    }

    /// Returns the hint of a client whose request has failed.
    fn hint(&mut self, route: &str, client: u32) -> Hint {
        let failure = FailureInfo {
            status: 503,
            remaining: None,
            spread: Duration::ZERO,
            is_limit: false,
            retry_after: None,
            now: Some(self.now),
        };
        let client = ClientId(client.wrapping_mul(0x9e37_79b9));
        let (route, host, rng) = (&route.into(), &mut self.host, &mut self.rng);
        let retry = &self.retry;
        self.worker.hint(host, route, retry, &failure, client, rng)
    }

    fn load(&self, route: &str) -> Option<&RouteLoad> {
        let sampled = self.worker.routes.sampled(&route.into());
        sampled.map(|sampled| &sampled.load)
    }

    fn mean(&self, route: &str) -> f64 {
        self.load(route).map_or(0.0, |load| load.mean.into())
    }
}

#[test]
fn a_visitor_alone_is_told_the_configured_interval() {
    for (json, least, most) in [
        ("{}", 3_000, 5_000),
        (r#"{"after": {"default": "20s"}}"#, 12_000, 20_000),
    ] {
        let mut world = HintWorld::new(json);
        for n in 0..200 {
            world.wait(5_000);
            world.tick();
            let hint = world.hint(ROUTE, n % 3);
            let ms = hint.delay().as_millis() as u64;
            assert!((least..=most).contains(&ms), "{json}: {ms}");
            assert!(!hint.is_crowded());
        }
    }
}

#[test]
fn a_thousand_requests_of_one_client_move_nobody_elses_hint() {
    let mut world = HintWorld::new("{}");
    for n in 0..10_000_u64 {
        if n % 10 == 0 {
            world.wait(10);
        }
        world.hint(ROUTE, 1);
    }
    for other in 2..100 {
        let ms = world.hint(ROUTE, other).delay().as_millis() as u64;
        assert!((3_000..=5_000).contains(&ms), "{ms}");
    }
}

#[test]
fn the_more_clients_wait_the_longer_is_the_interval_up_to_max() {
    let mut world = HintWorld::new("{}");
    let hints: Vec<Hint> = (0..60_000)
        .map(|client| world.hint(ROUTE, client))
        .collect();
    assert!(hints[..1_500].iter().all(|hint| !hint.is_crowded()));
    assert!(hints[3_000..].iter().all(|hint| hint.is_crowded()));
    let longest = hints.iter().map(|hint| hint.delay()).max();
    assert!(longest > Some(millis(55_000)) && longest <= Some(millis(60_000)));
    let mut few = HintWorld::new(r#"{"check_ins": 100000}"#);
    let hints = (0..60_000).map(|client| few.hint(ROUTE, client));
    assert!(hints.into_iter().all(|hint| !hint.is_crowded()));
}

#[test]
fn workers_share_the_number_of_waiting_clients_at_their_tick() {
    let mut world = HintWorld::new("{}");
    for client in 0..20_000 {
        world.hint(ROUTE, client);
    }
    world.tick();
    let mut other = Worker::new("t", Vec::new());
    std::mem::swap(&mut world.worker, &mut other);
    // The first hint brings nothing; the exchange after it does.
    world.hint(ROUTE, 1);
    world.tick();
    world.wait(50);
    assert!(world.hint(ROUTE, 2).is_crowded());
    // Without shared data a worker knows its own clients.
    let mut alone = HintWorld::new("{}");
    for client in 0..20_000 {
        alone.hint(ROUTE, client);
    }
    alone.host.shared_errors = vec![HostError::Status(10); 8];
    alone.tick();
    alone.wait(50);
    assert!(alone.hint(ROUTE, 2).is_crowded());
}

#[test]
fn loads_are_estimated_from_samples() {
    let mut world = HintWorld::new("{}");
    for _ in 0..120 {
        world.second(&[(ROUTE, 300), ("b/app", 150), ("c/app", 30)]);
    }
    // At most one for each tick.
    let samples = world.samples;
    assert!((2_000..=2_400).contains(&samples), "{samples}");
    for (route, rate) in [(ROUTE, 300.0), ("b/app", 150.0), ("c/app", 30.0)] {
        let mean = world.mean(route);
        assert!((mean / rate - 1.0).abs() < 0.25, "{route}: {mean}");
    }
}

#[test]
fn an_outage_does_not_change_the_load() {
    let mut world = HintWorld::new("{}");
    world.healthy(60, 100);
    let before = world.mean(ROUTE);
    // Nothing passes for two minutes.
    for _ in 0..120 {
        for client in 0..100 {
            world.hint(ROUTE, client);
        }
        world.second(&[]);
    }
    assert_eq!(world.mean(ROUTE), before);
    // After it, the load is measured again.
    world.healthy(400, 200);
    assert!(world.mean(ROUTE) > 190.0, "{}", world.mean(ROUTE));
}

#[test]
fn few_failures_do_not_hide_the_load() {
    let mut world = HintWorld::new("{}");
    world.healthy(10, 50);
    for _ in 0..120 {
        world.hint(ROUTE, 1);
        world.second(&[(ROUTE, 200)]);
    }
    assert!(world.mean(ROUTE) > 170.0, "{}", world.mean(ROUTE));
}

#[test]
fn number_of_loads_is_bounded() {
    let mut world = HintWorld::new("{}");
    let loads = |world: &HintWorld| {
        let routes = world.worker.routes.iter();
        routes.filter(|(_, route)| route.sampled.is_some()).count()
    };
    for n in 0..5_000 {
        world.hint(&format!("{n}/c"), 1);
    }
    assert_eq!(loads(&world), 0, "nothing is known of them");
    for n in 0..5_000 {
        let route = RouteKey::from(format!("{n}/c").as_str());
        world.worker.note_release(&route, b"v1");
    }
    assert_eq!(loads(&world), MAX_ROUTES);
}

#[test]
fn request_without_a_due_sample_is_ignored() {
    let mut world = HintWorld::new("{}");
    assert!(!world.worker.should_sample());
    world.worker.sample(&ROUTE.into(), b"v1", None);
    assert!(world.worker.releases(&ROUTE.into()).is_none());
}

#[test]
fn a_new_configuration_keeps_loads_and_releases() {
    let mut world = HintWorld::new("{}");
    world.healthy(60, 100);
    world.worker.note_release(&ROUTE.into(), b"v1");
    let before = world.mean(ROUTE);
    let mut worker = Worker::new("t", Vec::new());
    worker.inherit_load(&mut world.worker);
    world.worker = worker;
    assert_eq!(world.mean(ROUTE), before);
    let releases = world.worker.releases(&ROUTE.into()).unwrap();
    assert_eq!(releases.current.as_deref(), Some("v1"));
}
