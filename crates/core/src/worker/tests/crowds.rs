//! Crowds of clients with addresses and paths, which ask several workers again and again.

use super::*;
use crate::breaker::{ClientId, PathClass};
use crate::rng::SplitMix64;

pub(super) const ROUTE: &str = "shop/app";
pub(super) const BAD_GATEWAY: Outcome = Outcome::Failure(Reason::UpstreamBadGateway);

/// Clients that ask again and again.
#[derive(Clone)]
pub(super) struct Crowd {
    /// Requests per second of all of them together.
    pub(super) rate: f64,
    /// The numbers of their addresses.
    pub(super) addresses: std::ops::Range<u32>,
    pub(super) host: &'static str,
    /// The paths; each `#` becomes the number of the request.
    pub(super) paths: &'static [&'static str],
    /// Whether they ask from this time to that, in milliseconds.
    pub(super) between: std::ops::Range<u64>,
}

impl Crowd {
    pub(super) fn new(
        rate: f64,
        addresses: std::ops::Range<u32>,
        paths: &'static [&'static str],
    ) -> Self {
        Self {
            rate,
            addresses,
            host: "shop.example",
            paths,
            between: 0..u64::MAX,
        }
    }
}

/// What happened to the requests of a crowd.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Seen {
    pub(super) asked: u32,
    pub(super) sent: u32,
    pub(super) good: u32,
    /// Requests that the circuit of the route, or of a host, rejected as a whole.
    pub(super) rejected_with_all: u32,
}

impl Seen {
    pub(super) fn share(self) -> f64 {
        f64::from(self.good) / f64::from(self.asked.max(1))
    }
}

/// A request, as the upstream sees it.
pub(super) struct Asked {
    pub(super) crowd: usize,
    pub(super) ms: u64,
    pub(super) draw: f64,
}

/// Runs crowds against an upstream, and returns what happened from `from_ms` on.
pub(super) struct Scene<'a> {
    pub(super) workers: usize,
    pub(super) settings: Settings,
    /// Requests per second that the workers know of from before.
    pub(super) known_rate: f64,
    pub(super) crowds: &'a [Crowd],
    pub(super) upstream: &'a dyn Fn(Asked) -> Outcome,
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
    pub(super) has_addresses: bool,
    /// How long responses take.
    pub(super) latency: Duration,
}

impl Scene<'_> {
    pub(super) fn run(&self) -> (Vec<Seen>, World) {
        let mut world = World::new(self.workers, self.settings.clone());
        for worker in &mut world.workers {
            let sampled = worker.routes.sampled_mut(&ROUTE.into());
            let load = &mut sampled.expect("room for a load").load;
            load.set_known(self.known_rate / self.workers as f64);
        }
        let mut rng = SplitMix64::new(7);
        let mut seen = vec![Seen::default(); self.crowds.len()];
        let mut number = 0_u32;
        // As a clock with a resolution of a millisecond shows them.
        for ms in 0..self.to_ms {
            for (index, crowd) in self.crowds.iter().enumerate() {
                if !crowd.between.contains(&ms) {
                    continue;
                }
                let mut due = crowd.rate / 1_000.0;
                while rng.unit() < due {
                    due -= 1.0;
                    number += 1;
                    let count = (crowd.addresses.end - crowd.addresses.start) as f64;
                    let address = crowd.addresses.start + (rng.unit() * count) as u32;
                    let path = (rng.unit() * crowd.paths.len() as f64) as usize;
                    let path = crowd.paths[path].replace('#', &number.to_string());
                    let is_counted = ms >= self.from_ms;
                    let seen = &mut seen[index];
                    seen.asked += u32::from(is_counted);
                    let draw = rng.unit();
                    world.draw = rng.unit();
                    let worker = (rng.unit() * self.workers as f64) as usize;
                    let outcome = (self.upstream)(Asked {
                        crowd: index,
                        ms,
                        draw,
                    });
                    let class = PathClass::of_request(crowd.host.as_bytes(), path.as_bytes());
                    let address = format!("10.0.{}.{}:80", address / 256, address % 256);
                    let client = if self.has_addresses {
                        ClientId::of_address(address.as_bytes())
                    } else {
                        ClientId::of_address(b"10.9.9.9:80")
                    };
                    let caller = Caller {
                        class,
                        client,
                        is_upload: false,
                        has_pass: false,
                    };
                    match world.request_of(worker, &caller, outcome, Some(self.latency)) {
                        Ok(()) => {
                            seen.sent += u32::from(is_counted);
                            seen.good += u32::from(is_counted && outcome == Outcome::Success);
                        }
                        Err(rejected) => seen.rejected_with_all += u32::from(!rejected.is_by_class),
                    }
                }
            }
            world.now = world.now.saturating_add(millis(1));
            if ms % 50 == 0 {
                for worker in 0..self.workers {
                    world.tick(worker);
                }
            }
        }
        (seen, world)
    }
}

impl World {
    fn request_of(
        &mut self,
        worker: usize,
        caller: &Caller,
        outcome: Outcome,
        latency: Option<Duration>,
    ) -> Result<(), CallNotPermitted> {
        let (route, rng) = (ROUTE.into(), &mut FixedDraw(self.draw));
        let (circuit, now) = (circuit(&route), self.now);
        let (worker, host) = (&mut self.workers[worker], &mut self.host);
        match worker.try_acquire(host, circuit, caller, false, now, rng) {
            Ok(permit) => {
                worker.record(host, circuit, caller, permit, outcome.into(), now, rng);
                if outcome == Outcome::Success && worker.should_sample() {
                    worker.note_client(&route, caller.client);
                    worker.sample(&route, b"", latency);
                }
                Ok(())
            }
            Err(rejected) => Err(rejected),
        }
    }

    /// Returns the changes of state: the class, and the state that was entered.
    pub(super) fn changes(&mut self) -> Vec<(String, State)> {
        let events = self.workers.iter_mut().flat_map(Worker::take_events);
        let change = |event| match event {
            Event::Transition {
                class, transition, ..
            } => Some((class.unwrap_or_default(), transition.to)),
            _ => None,
        };
        events.filter_map(change).collect()
    }
}

pub(super) fn defaults() -> Settings {
    crate::config::Config::default().policy.breaker
}

/// Runs a scene with one, two and four workers, with the addresses of the clients and, unless it needs
/// them, with one address for all.
pub(super) fn each(
    scene: &Scene<'_>,
    needs_addresses: bool,
    check: impl Fn(&str, &[Seen], &[(String, State)]),
) {
    for workers in [1, 2, 4] {
        for has_addresses in [true, false] {
            if needs_addresses && !has_addresses {
                continue;
            }
            let scene = Scene {
                workers,
                has_addresses,
                settings: scene.settings.clone(),
                ..*scene
            };
            let (seen, mut world) = scene.run();
            let changes = world.changes();
            let name =
                format!("{workers} workers, addresses: {has_addresses}: {seen:?} {changes:?}");
            check(&name, &seen, &changes);
        }
    }
}

pub(super) fn scene<'a>(crowds: &'a [Crowd], upstream: &'a dyn Fn(Asked) -> Outcome) -> Scene<'a> {
    Scene {
        workers: 1,
        settings: defaults(),
        known_rate: 20.0,
        crowds,
        upstream,
        from_ms: 0,
        to_ms: 30_000,
        has_addresses: true,
        latency: millis(20),
    }
}
