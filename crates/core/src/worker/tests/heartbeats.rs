//! The heartbeat: when workers track requests and expect returns.

use super::*;
use crate::host::fake::BROKEN;
use crate::worker::tests::concurrent_writer::ConcurrentWriter;

#[test]
fn publishing_worker_notices_events_of_other_workers() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(0, "mine", Outcome::Success);
    world.request(0, "dead", Outcome::Success);
    world.wait(50);
    for _ in 0..20 {
        world.request(1, "dead", FAILURE);
    }
    // Worker 0 has a failure, and publishes a heartbeat before it has read that of worker 1.
    world.request(0, "mine", FAILURE);
    world.wait(50);
    assert!(world.acquire(0, "dead").is_err());
}

#[test]
fn heartbeat_lasts_as_long_as_a_circuit_is_open() {
    let long = settings(|s| s.open.base = Duration::from_secs(15));
    let mut world = World::new(2, long.clone());
    world.trip("dead");
    // All workers are replaced at once, and no request arrives for a while.
    world.workers = vec![Worker::new("t", vec![long])];
    world.wait(14_900);
    assert!(world.workers[0].must_track());
    assert!(!world.request(0, "dead", FAILURE));
}

#[test]
fn concurrent_heartbeats_have_different_changes() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(0, "dead", Outcome::Success);
    world.wait(50);
    for _ in 0..20 {
        world.record(1, "dead", Permit::default(), FAILURE);
    }
    let written = world.host.shared["tidegate.1.1.t!"].0.clone();
    let mut host = ConcurrentWriter {
        host: &mut world.host,
        key: "tidegate.1.1.t!",
        value: written,
        times: 1,
    };
    record_failure(&mut world.workers[0], &mut host, "mine");
    world.wait(50);
    assert!(world.acquire(0, "dead").is_err());
}

#[test]
fn failed_heartbeat_is_published_at_the_next_tick() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(1, "r", Outcome::Success);
    for _ in 0..19 {
        world.request(0, "r", FAILURE);
    }
    world.wait(50);
    world.request(1, "r", Outcome::Success);
    // The trip is written, its heartbeat is not.
    struct NoHeartbeat<'a>(&'a mut FakeHost);
    impl SharedData for NoHeartbeat<'_> {
        fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
            self.0.shared_data(key)
        }
        fn compare_and_swap(
            &mut self,
            key: &str,
            value: &[u8],
            version: Option<u32>,
        ) -> Result<(), HostError> {
            if key.ends_with('!') {
                return Err(BROKEN);
            }
            self.0.compare_and_swap(key, value, version)
        }
    }
    let now = world.now;
    let mut host = NoHeartbeat(&mut world.host);
    for _ in 0..2 {
        let (worker, route) = (&mut world.workers[0], "r".into());
        let (permit, rng) = (Permit::default(), &mut FixedDraw(0.0));
        let (circuit, caller) = (circuit(&route), Caller::default());
        worker.record(
            &mut host,
            circuit,
            &caller,
            permit,
            FAILURE.into(),
            now,
            rng,
        );
    }
    assert_eq!(world.state(0, "r"), State::Open);
    assert!(world.metric("store_errors") > 0);
    world.wait(100);
    assert!(world.acquire(1, "r").is_err());
}

#[test]
fn requests_are_tracked_until_two_seconds_after_the_last_failure_left_the_window() {
    let mut world = World::new(2, settings(|_| {}));
    assert!(!world.workers[0].must_track());
    world.request(0, "r", FAILURE);
    assert!(world.workers[0].must_track(), "at once");
    assert!(!world.workers[1].must_track());
    world.wait(50);
    assert!(world.workers[1].must_track(), "from its next tick");
    let mut untracked = None;
    for at in (100..30_000).step_by(50) {
        world.wait(50);
        let both = [0, 1].map(|n| world.workers[n].must_track());
        if both == [false, false] {
            untracked = untracked.or(Some(at));
        } else {
            assert_eq!(untracked, None, "once quiet, quiet");
        }
    }
    // Renewed every 1,050 ms until the window was clean, the last time at 9,450 ms.
    assert_eq!(untracked, Some(9_450 + 2_000));
    let writes = world.host.shared_writes;
    world.wait(60_000);
    assert_eq!(world.host.shared_writes, writes);
}

#[test]
fn tracking_is_renewed_at_half_time() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(0, "r", FAILURE);
    world.wait(50);
    let before = world.host.shared_writes;
    world.wait(950);
    assert_eq!(world.host.shared_writes, before, "nothing to say yet");
    world.wait(50);
    assert_eq!(world.host.shared_writes, before + 1);
    for _ in 0..20 {
        world.wait(50);
        assert!(world.workers[1].must_track());
    }
}

#[test]
fn own_events_do_not_make_views_stale() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.wait(50);
    let reads = world.host.shared_reads;
    for _ in 0..100 {
        assert!(!world.request(0, "r", Outcome::Success));
    }
    assert_eq!(world.host.shared_reads, reads);
}

#[test]
fn all_workers_expect_returns_after_a_hint() {
    let mut world = World::new(2, settings(|_| {}));
    let awaiting = |world: &World| [0, 1].map(|n| world.workers[n].expects_returns());
    world.workers[0].expect_return(&mut world.host, at(10_000), world.now);
    world.wait(50);
    assert_eq!(awaiting(&world), [true, true]);
    // A crowd causes few writes.
    let writes = world.host.shared_writes;
    for n in 0..1_000 {
        let due = world.now.saturating_add(millis(10_000 + n * 100));
        world.workers[1].expect_return(&mut world.host, due, world.now);
    }
    assert!(
        world.host.shared_writes - writes <= 4,
        "{}",
        world.host.shared_writes - writes
    );
    world.wait(109_000 + 29_000);
    assert_eq!(awaiting(&world), [true, true]);
    world.wait(62_000);
    assert_eq!(awaiting(&world), [false, false]);
}
