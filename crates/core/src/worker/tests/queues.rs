//! A ramp before an upstream that serves its requests in order: it is held when they queue.

use std::collections::VecDeque;

use super::*;
use crate::rng::SplitMix64;

const ROUTE: &str = "shop/app";

/// An upstream that serves requests in the order in which they come.
struct Upstream {
    /// Requests per second; not limited if `None`.
    carries: Option<f64>,
    latency_ms: f64,
    /// When it can begin with the next request, in milliseconds.
    free_at: f64,
    /// The requests that wait or are served: when they are answered, and their workers and permits.
    waiting: VecDeque<(f64, usize, Permit)>,
}

impl Upstream {
    fn send(&mut self, now_ms: f64, worker: usize, permit: Permit) {
        self.free_at = self.free_at.max(now_ms) + self.carries.map_or(0.0, |rate| 1_000.0 / rate);
        let answered_at = self.free_at + self.latency_ms;
        self.waiting.push_back((answered_at, worker, permit));
    }
}

/// What happened in a second.
#[derive(Debug, Clone, Copy)]
struct Second {
    admitted: u32,
    /// The most requests that waited or were served at the same time.
    most_waiting: usize,
    rate: f64,
}

/// Runs a ramp of a route that had 400 requests per second, of 20 ms each. Now 800 per second come.
fn ramp(workers: usize, upstream: &mut Upstream, seconds: usize) -> (Vec<Second>, World) {
    let mut world = World::new(workers, settings(|_| {}));
    for worker in 0..workers {
        let load = world.load(worker, ROUTE);
        load.mean = 400.0 / workers as f32;
        for _ in 0..10 {
            load.add_latency(millis(15));
        }
    }
    // Each of them must have seen a failure to tell what it knows.
    for n in 0..20 {
        world.request(n % workers, ROUTE, FAILURE);
    }
    world.wait(2_050);
    assert_eq!(world.state(0, ROUTE), State::HalfOpen);
    world.pass_probes(ROUTE);
    let mut rng = SplitMix64::new(11);
    let mut log = Vec::new();
    for _ in 0..seconds {
        let mut this = Second {
            admitted: 0,
            most_waiting: 0,
            rate: world.view(0, ROUTE).recovery.ramp.rate,
        };
        for _ in 0..1_000 {
            let now_ms = world.now.as_millis() as f64;
            let is_due = |(at, _, _): &mut (f64, usize, Permit)| *at <= now_ms;
            while let Some((_, worker, permit)) = upstream.waiting.pop_front_if(is_due) {
                world.record(worker, ROUTE, permit, Outcome::Success);
            }
            let mut due = 0.8;
            while rng.unit() < due {
                due -= 1.0;
                let worker = (rng.unit() * workers as f64) as usize;
                world.draw = rng.unit();
                if let Ok(permit) = world.acquire(worker, ROUTE) {
                    upstream.send(now_ms, worker, permit);
                    this.admitted += 1;
                }
            }
            this.most_waiting = this.most_waiting.max(upstream.waiting.len());
            world.now = world.now.saturating_add(millis(1));
            if world.now.as_millis() % 50 == 0 {
                for worker in 0..workers {
                    world.tick(worker);
                }
            }
        }
        log.push(this);
    }
    (log, world)
}

#[test]
fn an_upstream_with_half_of_its_capacity_is_used_and_its_queue_stays_short() {
    for workers in [1, 2, 4] {
        let mut upstream = Upstream {
            carries: Some(200.0),
            latency_ms: 20.0,
            free_at: 0.0,
            waiting: VecDeque::new(),
        };
        let (log, world) = ramp(workers, &mut upstream, 60);
        assert_eq!(world.state(0, ROUTE), State::Ramp, "{workers} workers");
        let served: u32 = log[10..].iter().map(|second| second.admitted).sum();
        assert!(served >= 50 * 170, "{workers} workers: {served}, {log:?}");
        // Nobody waits for a second.
        let longest = log.iter().map(|second| second.most_waiting).max();
        assert!(longest <= Some(200), "{workers} workers: {log:?}");
    }
}

#[test]
fn an_upstream_that_is_slower_for_good_gets_its_usual_rate_within_a_minute() {
    for workers in [1, 2] {
        let mut upstream = Upstream {
            carries: None,
            latency_ms: 150.0,
            free_at: 0.0,
            waiting: VecDeque::new(),
        };
        let (log, _) = ramp(workers, &mut upstream, 70);
        let back = log.iter().position(|second| second.rate >= 400.0);
        assert!(
            back.is_some_and(|second| second <= 60),
            "{workers} workers: {log:?}"
        );
    }
}
