//! Slots, and what a route is known to carry.

use proptest::prelude::*;

use super::*;
use crate::breaker::bank::MAX_ROUTES;
use crate::breaker::tests::FakeStore;
use crate::config::Config;

const START_MS: u64 = 1_795_413_600_000;
const ROUTE: &str = "shop/app";

/// One worker, its clock, and chance that is always the same.
struct World {
    pacer: Pacer,
    keys: Keys,
    store: FakeStore,
    retry: Retry,
    now_ms: u64,
    chance: u64,
    /// Requests whose route was asked for.
    asked: u32,
}

impl World {
    fn new(retry: &str) -> Self {
        let json = format!(r#"{{"retry": {retry}}}"#);
        let retry = Config::from_json(json.as_bytes()).unwrap().policy.retry;
        let mut world = Self {
            pacer: Pacer::default(),
            keys: Keys::default(),
            store: FakeStore::default(),
            retry,
            now_ms: START_MS,
            chance: 1,
            asked: 0,
        };
        world.tick();
        world
    }

    /// A number in [0, 1).
    fn draw(&mut self) -> f64 {
        self.chance += 1;
        Moment::new(self.chance, 7).draw
    }

    fn tick(&mut self) {
        let draw = self.draw();
        let now_ms = self.now_ms;
        self.pacer.tick(Moment { now_ms, draw });
    }

    fn pass(&mut self, route: &str) {
        if self.pacer.passed() {
            self.asked += 1;
            self.pacer.sample(&mut self.keys, route, b"");
        }
    }

    /// A second in which so many requests of each of these routes pass, in an order drawn by chance.
    fn second(&mut self, routes: &[(&str, u32)]) {
        let mut order: Vec<(u64, &str)> = Vec::new();
        for (route, count) in routes {
            for _ in 0..*count {
                let at = (self.draw() * 1000.0) as u64;
                order.push((at, route));
            }
        }
        order.sort_by_key(|(at, _)| *at);
        let mut order = order.into_iter().peekable();
        for at in (50..=1000).step_by(50) {
            while let Some((_, route)) = order.next_if(|(due, _)| *due < at) {
                self.pass(route);
            }
            self.now_ms += 50;
            self.tick();
        }
    }

    fn healthy(&mut self, seconds: u32, per_second: u32) {
        for _ in 0..seconds {
            self.second(&[(ROUTE, per_second)]);
        }
    }

    /// Tells a client that the route comes back in `remaining_ms`.
    fn told(&mut self, route: &str, remaining_ms: u64) -> u64 {
        self.chance += 1;
        let facts = Facts {
            status: 503,
            remaining_ms: Some(remaining_ms),
            upstream: None,
            now_ms: Some(self.now_ms),
            seed: hint::seed(&self.chance.to_le_bytes(), 0),
        };
        self.pacer
            .hint(&mut self.store, &mut self.keys, route, &self.retry, &facts)
            .ms
    }

    fn lane(&self, route: &str) -> Option<&Lane> {
        self.pacer.lanes.get(&self.keys, route)
    }

    fn spare(&self, route: &str) -> f64 {
        self.lane(route).map_or(FLOOR, Lane::spare)
    }

    fn mean(&self, route: &str) -> f64 {
        self.lane(route).map_or(0.0, |lane| lane.mean.into())
    }
}

#[test]
fn slots_are_as_far_apart_as_the_spare_part_of_the_route_allows() {
    let mut world = World::new("{}");
    world.healthy(60, 100);
    let told: Vec<u64> = (0..6).map(|_| world.told(ROUTE, 5_000)).collect();
    // 0.3 of 100 a second: one in 33.3 ms.
    assert_eq!(told, [5_000, 5_034, 5_067, 5_101, 5_134, 5_167]);
    // Whoever comes later stands behind those who came first.
    world.now_ms += 1_000;
    assert_eq!(world.told(ROUTE, 2_000), 4_201);
    // Once they are through, there is no queue.
    world.now_ms += 10_000;
    assert_eq!(world.told(ROUTE, 2_000), 2_000);
    // Another route has slots of its own.
    assert_eq!(world.told("other/app", 2_000), 2_000);
}

#[test]
fn a_route_that_was_never_seen_in_good_health_gets_one_request_a_second() {
    let mut world = World::new("{}");
    let told: Vec<u64> = (0..4).map(|_| world.told(ROUTE, 1_500)).collect();
    assert_eq!(told, [1_500, 2_500, 3_500, 4_500]);
}

#[test]
fn the_peak_is_remembered_for_an_hour() {
    let mut world = World::new("{}");
    world.healthy(60, 100);
    world.healthy(1, 260);
    world.healthy(119, 100);
    assert!(
        (world.spare(ROUTE) - 107.0).abs() < 10.0,
        "{}",
        world.spare(ROUTE)
    );
    for _ in 0..3_500 / 50 {
        world.now_ms += 49_000;
        world.healthy(1, 100);
    }
    assert!(world.spare(ROUTE) > 100.0, "{}", world.spare(ROUTE));
    for _ in 0..30 {
        world.now_ms += 49_000;
        world.healthy(1, 100);
    }
    assert!(world.spare(ROUTE) < 60.0, "{}", world.spare(ROUTE));
}

#[test]
fn routes_are_known_by_one_request_in_some() {
    let mut world = World::new("{}");
    for _ in 0..120 {
        world.second(&[(ROUTE, 300), ("b/app", 150), ("c/app", 30)]);
    }
    // At most one for each tick.
    assert!((2_000..=2_400).contains(&world.asked), "{}", world.asked);
    for (route, rate) in [(ROUTE, 300.0), ("b/app", 150.0), ("c/app", 30.0)] {
        let mean = world.mean(route);
        assert!((mean / rate - 1.0).abs() < 0.25, "{route}: {mean}");
        // What is not known for sure is no peak.
        let spare = world.spare(route);
        assert!(spare < 0.7 * rate, "{route}: {spare}");
        assert!(spare >= 0.3 * mean, "{route}: {spare}");
    }
}

#[test]
fn an_outage_and_the_crowd_after_it_do_not_count() {
    let mut world = World::new("{}");
    world.healthy(60, 100);
    let before = (world.mean(ROUTE), world.spare(ROUTE));
    // Nothing passes for two minutes.
    for _ in 0..120 {
        for _ in 0..100 {
            world.told(ROUTE, 5_000);
        }
        world.second(&[]);
    }
    assert_eq!((world.mean(ROUTE), world.spare(ROUTE)), before);
    // The crowd comes back, on top of the visitors.
    for _ in 0..250 {
        world.second(&[(ROUTE, 130)]);
    }
    assert_eq!((world.mean(ROUTE), world.spare(ROUTE)), before);
    // And when it is through, the visitors are what they are.
    world.healthy(400, 200);
    assert!(world.mean(ROUTE) > 190.0, "{}", world.mean(ROUTE));
}

#[test]
fn a_few_failures_do_not_hide_what_passes() {
    let mut world = World::new("{}");
    world.healthy(10, 50);
    for _ in 0..120 {
        world.told(ROUTE, 10_000);
        world.second(&[(ROUTE, 200)]);
    }
    assert!(world.mean(ROUTE) > 170.0, "{}", world.mean(ROUTE));
}

#[test]
fn more_clients_than_slots_are_told_any_time_up_to_the_longest() {
    let mut world = World::new(r#"{"max": "1m", "after": {"default": "5s", "504": "5s"}}"#);
    world.healthy(60, 100);
    let told: Vec<u64> = (0..10_000).map(|_| world.told(ROUTE, 10_000)).collect();
    let (slots, rest) = told.split_at(1_499);
    assert!(
        slots.is_sorted() && slots[1_498] > 59_900,
        "{:?}",
        slots.last()
    );
    assert!(rest.iter().all(|ms| (10_000..=60_000).contains(ms)));
    let mean = rest.iter().sum::<u64>() / rest.len() as u64;
    assert!((34_000..36_000).contains(&mean), "{mean}");
    // They have not pushed the queue any further.
    world.now_ms += 60_000;
    assert_eq!(world.told(ROUTE, 10_000), 10_000);
}

#[test]
fn a_given_rate_is_that_of_all_workers() {
    let mut one = World::new(r#"{"pace": 10}"#);
    let mut other = Pacer::default();
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(one.told(ROUTE, 1_000));
        core::mem::swap(&mut one.pacer, &mut other);
    }
    assert_eq!(told, [1_000, 1_100, 1_200]);
    // Without the shared data each does what it can.
    one.store.failures = vec![StoreError::Broken; 9];
    told = (0..3).map(|_| one.told(ROUTE, 1_000)).collect();
    assert_eq!(told, [1_000, 1_100, 1_200]);
}

#[test]
fn without_a_pace_hints_are_scattered() {
    let mut world = World::new(r#"{"pace": "off"}"#);
    world.healthy(60, 100);
    let told: Vec<u64> = (0..1_000).map(|_| world.told(ROUTE, 10_000)).collect();
    assert!(told.iter().all(|ms| (10_000..=12_000).contains(ms)));
    assert!(!told.is_sorted());
}

#[test]
fn the_number_of_routes_is_bounded() {
    let mut world = World::new(r#"{"pace": 1}"#);
    for n in 0..5_000 {
        world.told(&format!("{n}/c"), 1_000);
    }
    assert_eq!(world.pacer.lanes.iter_mut().count(), MAX_ROUTES + 1);
    assert_eq!(world.store.keys().count(), MAX_ROUTES + 1);
}

#[test]
fn a_request_that_was_not_asked_for_its_route_stands_for_nothing() {
    let mut world = World::new("{}");
    assert!(!world.pacer.passed());
    world.pacer.sample(&mut world.keys, ROUTE, b"v1");
    assert!(world.pacer.releases(&world.keys, ROUTE).is_none());
}

#[test]
fn requests_that_there_were_for_sure() {
    let sampled = |requests, samples| Sampled { requests, samples };
    for (part, all, least) in [
        // All were asked, or all are of the route.
        (sampled(7, 7), sampled(20, 20), 1),
        (sampled(900, 20), sampled(900, 20), 810),
        // 450 +- 100, and less what the workers may have got by chance.
        (sampled(450, 10), sampled(900, 20), 188),
        (sampled(45, 1), sampled(900, 20), 0),
        (sampled(0, 0), sampled(0, 0), 0),
        (sampled(u32::MAX, 10), sampled(u32::MAX, 20), 2_374_002_927),
    ] {
        let found = part.at_least(all);
        assert!(found.abs_diff(least) <= 2, "{part:?}: {found}");
    }
}

#[test]
fn roots_of_the_greatest_numbers() {
    for number in [0, 1, 2, 3, 4, u64::MAX - 1, u64::MAX] {
        assert_eq!(root(number), number.isqrt(), "{number}");
    }
}

proptest! {
    #[test]
    fn roots_are_those_of_the_standard_library(root_of in any::<u64>(), shift in 0_u32..64) {
        prop_assert_eq!(root(root_of >> shift), (root_of >> shift).isqrt());
    }

    /// However clients come, and whatever they are told about the upstream: in no time more slots
    /// than the rate allows.
    #[test]
    fn no_wave_is_ever_promised(
        rate in 1_u32..400,
        clients in prop::collection::vec((0_u64..500, 0_u64..30_000), 1..400),
    ) {
        let mut world = World::new("{}");
        world.healthy(3, rate);
        let spare = world.spare(ROUTE);
        let mut slots = Vec::new();
        for (gap_ms, remaining_ms) in clients {
            world.now_ms += gap_ms;
            let before_us = world.lane(ROUTE).map_or(0, |lane| lane.next_us);
            let ms = world.told(ROUTE, remaining_ms);
            prop_assert!((remaining_ms.max(hint::MIN_MS)..=900_000).contains(&ms));
            let after_us = world.lane(ROUTE).unwrap().next_us;
            if after_us != before_us {
                slots.push(world.now_ms + ms);
            }
        }
        let gap_ms = 1000.0 / spare;
        for pair in slots.windows(2) {
            prop_assert!((pair[1] - pair[0]) as f64 >= gap_ms.floor() - 1.0, "{:?} {gap_ms}", pair);
        }
    }
}
