//! The clock is set back: nothing that was known stays in the way for as long as it went back.

use super::*;
use crate::breaker::ClientId;
use crate::config::{Config, Retry};
use crate::retry::{FailureInfo, Hint};

/// How far the clock goes back: by less than a window, by hours, by years.
const BACK: [Duration; 3] = [
    Duration::from_secs(5),
    Duration::from_secs(3600),
    Duration::from_secs(10 * 365 * 24 * 3600),
];

/// The longest time for which requests are tracked after a failure, in milliseconds: an upstream may ask for
/// a minute.
const LONGEST_TRACKED: u64 = 90_000;

impl World {
    fn set_back(&mut self, back: Duration) {
        self.now = self.now.saturating_sub(back);
    }

    fn ahead(workers: usize, ahead: Duration) -> Self {
        let mut world = World::new(workers, settings(|_| {}));
        world.now = START.saturating_add(ahead);
        world.wait(1_000);
        world
    }

    fn hint(&mut self, worker: usize, retry: &Retry, client: u32) -> Hint {
        let failure = FailureInfo {
            status: 503,
            is_limit: false,
            remaining: None,
            spread: Duration::ZERO,
            retry_after: None,
            now: Some(self.now),
        };
        let (client, rng) = (ClientId(client), &mut FixedDraw(0.5));
        let (worker, host) = (&mut self.workers[worker], &mut self.host);
        worker.hint(host, &"r".into(), retry, &failure, client, rng)
    }

    /// Returns the hint of the last client of a crowd, of which each client asks at one of two workers.
    fn hint_of_crowd(&mut self, retry: &Retry, first: u32) -> Duration {
        let mut last = Duration::ZERO;
        for n in 0..3_000_u32 {
            last = self.hint(n as usize % 2, retry, first + n).delay();
            if n % 10 == 0 {
                self.wait(50);
            }
        }
        last
    }
}

#[test]
fn a_crowd_is_counted_as_before() {
    let config = Config::from_json(br#"{"retry":{"check_ins":100}}"#);
    let retry = config.unwrap().policy.retry;
    for back in BACK {
        let alone = World::ahead(2, Duration::ZERO).hint_of_crowd(&retry, 1);
        let mut world = World::ahead(2, back);
        // In every window that is kept.
        for crowd in 1..=5 {
            world.hint_of_crowd(&retry, crowd * 100_000);
        }
        world.wait(120_000);
        world.set_back(back);
        let again = world.hint_of_crowd(&retry, 1);
        assert!(alone > millis(9_000), "{alone:?}");
        let ratio = again.as_secs_f64() / alone.as_secs_f64();
        assert!(
            (0.8..1.3).contains(&ratio),
            "{back:?}: {again:?}, {alone:?}"
        );
    }
}

#[test]
fn failures_are_logged_as_before() {
    for back in BACK {
        let mut world = World::ahead(2, back);
        let lines = |world: &mut World, seconds: usize| {
            let mut lines = 0;
            for n in 0..seconds {
                let worker = &mut world.workers[n % 2];
                worker.count_intercepted(&"r".into(), Reason::DnsError, false);
                world.metric("");
                lines += world
                    .workers
                    .iter_mut()
                    .map(|w| w.take_events().len())
                    .sum::<usize>();
                world.wait(1_000);
            }
            lines
        };
        assert_eq!(lines(&mut world, 5), 1);
        world.set_back(back);
        assert!((3..=4).contains(&lines(&mut world, 35)), "{back:?}");
    }
}

#[test]
fn requests_are_tracked_no_longer_than_before() {
    for back in BACK {
        let mut world = World::ahead(2, back);
        world.trip("r");
        world.wait(100);
        world.set_back(back);
        world.wait(100);
        assert!(world.acquire(1, "r").is_err(), "it is still open");
        world.wait(2_000);
        world.pass_probes("r");
        world.wait(LONGEST_TRACKED);
        let must_track = world.workers.iter().any(Worker::must_track);
        assert!(!must_track, "{back:?}");
    }
}

/// Every worker is replaced, so that none knows of a circuit but by the list and the heartbeat.
#[test]
fn a_new_worker_tracks_no_longer_than_a_circuit_can_be_open() {
    for back in BACK {
        let mut world = World::ahead(1, back);
        world.request(0, "r", FAILURE);
        world.set_back(back);
        world.workers = vec![Worker::new("t", vec![settings(|_| {})])];
        world.wait(LONGEST_TRACKED);
        assert!(!world.workers[0].must_track(), "{back:?}");
    }
}

#[test]
fn a_circuit_is_open_no_longer_than_it_can_be_and_counts_as_before() {
    for back in BACK {
        let mut world = World::ahead(1, back);
        for _ in 0..15 {
            world.request(0, "r", FAILURE);
        }
        world.wait(50);
        world.set_back(back);
        world.wait(200);
        world.request(0, "r", Outcome::Success);
        for _ in 0..24 {
            world.request(0, "r", FAILURE);
            world.wait(50);
        }
        assert_eq!(world.state(0, "r"), State::Open, "{back:?}");
        world.wait(5_050);
        assert_eq!(world.state(0, "r"), State::HalfOpen, "{back:?}");
    }
}

#[test]
fn the_load_of_a_route_is_measured_as_before() {
    for back in BACK {
        let mut world = World::ahead(1, back);
        world.set_back(back);
        for _ in 0..30 {
            world.load(0, "r").add_sample(100);
            world.wait(1_000);
        }
        let mean = world.load(0, "r").mean_rate();
        assert!((90.0..=110.0).contains(&mean), "{back:?}: {mean}");
    }
}

#[test]
fn a_rollback_is_noticed_as_before() {
    for back in BACK {
        let mut world = World::ahead(1, back);
        for release in [&b"1"[..], b"2"] {
            world.workers[0].note_release(&"r".into(), release);
        }
        world.set_back(back);
        world.wait(61_000);
        world.workers[0].note_release(&"r".into(), b"1");
        let releases = world.workers[0].releases(&"r".into()).unwrap();
        assert_eq!(releases.current.as_deref(), Some("1"), "{back:?}");
    }
}

#[test]
fn a_route_of_one_client_is_known_as_one_as_before() {
    for back in BACK {
        let mut world = World::ahead(1, back);
        for client in [1, 2] {
            world.workers[0].note_client(&"r".into(), ClientId(client));
        }
        world.set_back(back);
        world.wait(61_000);
        let sampled = world.workers[0].routes.sampled(&"r".into()).unwrap();
        assert!(!sampled.clients.are_several(world.now), "{back:?}");
    }
}
