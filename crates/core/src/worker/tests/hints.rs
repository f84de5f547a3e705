//! When clients come back: slots, and the load of routes.

use proptest::prelude::*;

use super::*;
use crate::config::{Config, Retry};
use crate::host::fake::BROKEN;
use crate::retry::{FailureInfo, RouteLoad};
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

    /// Returns the hint of a client of a route whose circuit is open, in milliseconds.
    fn hint(&mut self, route: &str, remaining_ms: u64) -> u64 {
        let failure = FailureInfo {
            status: 503,
            remaining: Some(millis(remaining_ms)),
            retry_after: None,
            now: Some(self.now),
        };
        let (route, host, rng) = (&route.into(), &mut self.host, &mut self.rng);
        let hint = self.worker.hint(host, route, &self.retry, &failure, rng);
        hint.delay().as_millis() as u64
    }

    fn load(&self, route: &str) -> Option<&RouteLoad> {
        self.worker.routes.get(&route.into())?.load.as_ref()
    }

    fn spare(&self, route: &str) -> f64 {
        self.load(route).map_or(1.0, RouteLoad::spare)
    }

    fn mean(&self, route: &str) -> f64 {
        self.load(route).map_or(0.0, |load| load.mean.into())
    }

    fn next_slot(&self, route: &str) -> Duration {
        let load = self.load(route);
        load.map_or(Duration::ZERO, |load| load.next_slot)
    }
}

#[test]
fn distance_of_slots_follows_the_spare_capacity() {
    let mut world = HintWorld::new("{}");
    world.healthy(60, 100);
    let hints: Vec<u64> = (0..6).map(|_| world.hint(ROUTE, 5_000)).collect();
    // 0.3 of 100 per second: one in 33.3 ms.
    assert_eq!(hints, [5_000, 5_034, 5_067, 5_101, 5_134, 5_167]);
    // Later clients get later slots.
    world.wait(1_000);
    assert_eq!(world.hint(ROUTE, 2_000), 4_201);
    // When all slots have passed, there is no queue.
    world.wait(10_000);
    assert_eq!(world.hint(ROUTE, 2_000), 2_000);
    // Another route has its own slots.
    assert_eq!(world.hint("other/app", 2_000), 2_000);
}

#[test]
fn unknown_route_has_one_slot_per_second() {
    let mut world = HintWorld::new("{}");
    let hints: Vec<u64> = (0..4).map(|_| world.hint(ROUTE, 1_500)).collect();
    assert_eq!(hints, [1_500, 2_500, 3_500, 4_500]);
}

#[test]
fn peak_is_remembered_for_an_hour() {
    let mut world = HintWorld::new("{}");
    world.healthy(60, 100);
    world.healthy(1, 260);
    world.healthy(119, 100);
    let spare = world.spare(ROUTE);
    assert!((spare - 107.0).abs() < 10.0, "{spare}");
    for _ in 0..3_500 / 50 {
        world.wait(49_000);
        world.healthy(1, 100);
    }
    assert!(world.spare(ROUTE) > 100.0, "{}", world.spare(ROUTE));
    for _ in 0..30 {
        world.wait(49_000);
        world.healthy(1, 100);
    }
    assert!(world.spare(ROUTE) < 60.0, "{}", world.spare(ROUTE));
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
        // What random variation explains is no peak.
        let spare = world.spare(route);
        assert!(spare < 0.7 * rate, "{route}: {spare}");
        assert!(spare >= 0.3 * mean, "{route}: {spare}");
    }
}

#[test]
fn outage_and_returning_crowd_do_not_change_the_load() {
    let mut world = HintWorld::new("{}");
    world.healthy(60, 100);
    let before = (world.mean(ROUTE), world.spare(ROUTE));
    // Nothing passes for two minutes.
    for _ in 0..120 {
        for _ in 0..100 {
            world.hint(ROUTE, 5_000);
        }
        world.second(&[]);
    }
    assert_eq!((world.mean(ROUTE), world.spare(ROUTE)), before);
    // The crowd comes back, in addition to the usual visitors.
    for _ in 0..250 {
        world.second(&[(ROUTE, 130)]);
    }
    assert_eq!((world.mean(ROUTE), world.spare(ROUTE)), before);
    // After the crowd, the load is measured again.
    world.healthy(400, 200);
    assert!(world.mean(ROUTE) > 190.0, "{}", world.mean(ROUTE));
}

#[test]
fn few_failures_do_not_hide_the_load() {
    let mut world = HintWorld::new("{}");
    world.healthy(10, 50);
    for _ in 0..120 {
        world.hint(ROUTE, 10_000);
        world.second(&[(ROUTE, 200)]);
    }
    assert!(world.mean(ROUTE) > 170.0, "{}", world.mean(ROUTE));
}

#[test]
fn clients_without_a_slot_get_a_random_delay_up_to_max() {
    let mut world = HintWorld::new(r#"{"max": "1m", "after": {"default": "5s", "504": "5s"}}"#);
    world.healthy(60, 100);
    let hints: Vec<u64> = (0..10_000).map(|_| world.hint(ROUTE, 10_000)).collect();
    let (slots, rest) = hints.split_at(1_499);
    let last = slots[1_498];
    assert!(slots.is_sorted() && last > 59_900, "{last}");
    assert!(rest.iter().all(|ms| (10_000..=60_000).contains(ms)));
    let mean = rest.iter().sum::<u64>() / rest.len() as u64;
    assert!((34_000..36_000).contains(&mean), "{mean}");
    // They have not moved the next slot.
    world.wait(60_000);
    assert_eq!(world.hint(ROUTE, 10_000), 10_000);
}

#[test]
fn configured_rate_is_shared_by_all_workers() {
    let mut world = HintWorld::new(r#"{"pace": 10}"#);
    let mut other = Worker::new("t", Vec::new());
    let mut hints = Vec::new();
    for _ in 0..3 {
        hints.push(world.hint(ROUTE, 1_000));
        std::mem::swap(&mut world.worker, &mut other);
    }
    assert_eq!(hints, [1_000, 1_100, 1_200]);
    // Without shared data each worker has its own slots.
    world.host.shared_errors = vec![BROKEN; 9];
    hints = (0..3).map(|_| world.hint(ROUTE, 1_000)).collect();
    assert_eq!(hints, [1_000, 1_100, 1_200]);
}

#[test]
fn without_pace_hints_are_scattered() {
    let mut world = HintWorld::new(r#"{"pace": "off"}"#);
    world.healthy(60, 100);
    let hints: Vec<u64> = (0..1_000).map(|_| world.hint(ROUTE, 10_000)).collect();
    assert!(hints.iter().all(|ms| (10_000..=12_000).contains(ms)));
    assert!(!hints.is_sorted());
}

#[test]
fn number_of_loads_is_bounded() {
    let mut world = HintWorld::new(r#"{"pace": 1}"#);
    for n in 0..5_000 {
        world.hint(&format!("{n}/c"), 1_000);
    }
    let routes = world.worker.routes.iter();
    let loads = routes.filter(|(_, route)| route.load.is_some());
    assert_eq!(loads.count(), MAX_ROUTES + 1);
    let keys = world.host.shared.keys();
    let slots = keys.filter(|key| key.starts_with("tidegate.slots/"));
    assert_eq!(slots.count(), MAX_ROUTES + 1);
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
    let before = (world.mean(ROUTE), world.spare(ROUTE));
    let mut worker = Worker::new("t", Vec::new());
    worker.inherit_load(&mut world.worker);
    world.worker = worker;
    assert_eq!((world.mean(ROUTE), world.spare(ROUTE)), before);
    let releases = world.worker.releases(&ROUTE.into()).unwrap();
    assert_eq!(releases.current.as_deref(), Some("v1"));
}

proptest! {
    /// However clients arrive, and however long the circuit stays open: in no time there are more
    /// slots than the spare capacity.
    #[test]
    fn slots_never_exceed_the_spare_capacity(
        rate in 1_u32..400,
        clients in prop::collection::vec((0_u64..500, 0_u64..30_000), 1..400),
    ) {
        let mut world = HintWorld::new("{}");
        world.healthy(3, rate);
        let spare = world.spare(ROUTE);
        let mut slots = Vec::new();
        for (gap_ms, remaining_ms) in clients {
            world.wait(gap_ms);
            let before = world.next_slot(ROUTE);
            let ms = world.hint(ROUTE, remaining_ms);
            prop_assert!((remaining_ms.max(1_000)..=900_000).contains(&ms));
            if world.next_slot(ROUTE) != before {
                slots.push(world.now.as_millis() + ms);
            }
        }
        let gap_ms = 1000.0 / spare;
        for pair in slots.windows(2) {
            prop_assert!((pair[1] - pair[0]) as f64 >= gap_ms.floor() - 1.0, "{:?} {gap_ms}", pair);
        }
    }
}
