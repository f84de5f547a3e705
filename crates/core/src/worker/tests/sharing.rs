//! How workers learn from each other, and what happens to changes that cannot be written.

use proptest::prelude::*;

use super::*;
use crate::breaker::tests::TestCircuit;
use crate::worker::tests::fake_host::BROKEN;

/// Returns the shared record of a route.
fn shared(host: &FakeHost, route: &str) -> CircuitBreaker {
    let (bytes, _) = &host.values[&format!("tidegate.1.1.t/1000/{route}")];
    CircuitBreaker::decode(bytes).expect("a record")
}

/// A host where another worker writes a value between each read and write of it.
struct ConcurrentWriter<'a> {
    host: &'a mut FakeHost,
    key: &'a str,
    value: Vec<u8>,
    times: u32,
}

impl SharedData for ConcurrentWriter<'_> {
    fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        self.host.shared_data(key)
    }

    fn compare_and_swap(
        &mut self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<(), HostError> {
        if key == self.key && self.times > 0 {
            self.times -= 1;
            let _ = self.host.compare_and_swap(key, &self.value, None);
        }
        self.host.compare_and_swap(key, value, version)
    }
}

#[test]
fn creating_a_record_does_not_overwrite_a_concurrent_creation() {
    let mut world = World::new(2, settings(|_| {}));
    let mut other = TestCircuit::new(|_| {});
    other.record(3, FAILURE);
    let mut host = ConcurrentWriter {
        host: &mut world.host,
        key: "tidegate.1.1.t/1000/r",
        value: other.circuit.encode(),
        times: 1,
    };
    let worker = &mut world.workers[0];
    record_failure(worker, &mut host, "r");
    worker.tick(&mut host, START, &mut FixedDraw(0.0));
    assert_eq!(shared(&world.host, "r").window.sum().failed, 4);
}

#[test]
fn after_five_conflicts_counts_are_pushed_at_the_next_tick() {
    for (times, told) in [(4, 1), (5, 0)] {
        let mut world = World::new(1, settings(|_| {}));
        world.record(0, "r", Permit::default(), FAILURE);
        let empty = CircuitBreaker::new(&settings(|_| {})).encode();
        let mut host = ConcurrentWriter {
            host: &mut world.host,
            key: "tidegate.1.1.t/1000/r",
            value: empty,
            times,
        };
        world.workers[0].tick(&mut host, START, &mut FixedDraw(0.0));
        let count = |world: &World| shared(&world.host, "r").window.sum().failed;
        assert_eq!(count(&world), told, "{times}");
        let errors = u64::from(told == 0);
        assert_eq!(world.metric("store_errors"), errors);
        world.wait(50);
        assert_eq!(count(&world), 1, "{times}");
    }
}

#[test]
fn no_probe_is_sent_after_five_conflicts() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.now = world.now.saturating_add(millis(2_000));
    let untouched = shared(&world.host, "r").encode();
    let mut host = ConcurrentWriter {
        host: &mut world.host,
        key: "tidegate.1.1.t/1000/r",
        value: untouched,
        times: 5,
    };
    let (route, rng) = (RouteKey::from("r"), &mut FixedDraw(0.0));
    let worker = &mut world.workers[0];
    let decision = worker.try_acquire(&mut host, circuit(&route), false, world.now, rng);
    assert!(decision.is_err(), "{decision:?}");
    assert!(world.acquire(0, "r").is_ok());
}

#[test]
fn publishing_worker_notices_events_of_other_workers() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(0, "mine", Outcome::Success);
    world.request(0, "dead", Outcome::Success);
    world.wait(50);
    for _ in 0..20 {
        world.request(1, "dead", FAILURE);
    }
    // Worker 0 has a failure, and so writes the word, before it has read worker 1's.
    world.request(0, "mine", FAILURE);
    world.wait(50);
    assert!(world.acquire(0, "dead").is_err());
}

#[test]
fn heartbeat_lasts_as_long_as_a_circuit_is_open() {
    let long = settings(|s| s.open_base = Duration::from_secs(15));
    let mut world = World::new(2, long.clone());
    world.trip("dead");
    // All at once, and nobody asks for a while.
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
    let written = world.host.values["tidegate.1.1.t!"].0.clone();
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
    // The trip is written (get, set), its announcement is not (get).
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
        worker.record(&mut host, circuit(&route), permit, FAILURE.into(), now, rng);
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
    let writes = world.host.writes;
    world.wait(60_000);
    assert_eq!(world.host.writes, writes);
}

#[test]
fn tracking_is_renewed_at_half_time() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(0, "r", FAILURE);
    world.wait(50);
    let before = world.host.writes;
    world.wait(950);
    assert_eq!(world.host.writes, before, "nothing to say yet");
    world.wait(50);
    assert_eq!(world.host.writes, before + 1);
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
    let reads = world.host.reads;
    for _ in 0..100 {
        assert!(!world.request(0, "r", Outcome::Success));
    }
    assert_eq!(world.host.reads, reads);
}

#[test]
fn failures_that_trip_nothing_are_pushed_at_the_tick() {
    let mut world = World::new(1, settings(|_| {}));
    world.wait(50);
    world.request(0, "r", FAILURE);
    let (reads, writes) = (world.host.reads, world.host.writes);
    for _ in 0..18 {
        world.request(0, "r", FAILURE);
        world.request(0, "r", Outcome::Ignored);
    }
    assert_eq!((world.host.reads, world.host.writes), (reads, writes));
    world.wait(50);
    // The word and the record, and the record written.
    assert_eq!(
        (world.host.reads, world.host.writes),
        (reads + 2, writes + 1)
    );
    world.request(0, "r", FAILURE);
    assert_eq!(world.state(0, "r"), State::Open, "the twentieth at once");
}

#[test]
fn slow_ignored_outcome_is_not_tracked() {
    let mut world = World::new(1, settings(|_| {}));
    let result = CallResult {
        is_slow: true,
        ..CallResult::from(Outcome::Ignored)
    };
    world.record(0, "r", Permit::default(), result);
    world.wait(50);
    assert!(!world.workers[0].must_track());
    assert_eq!(world.host.writes, 0);
}

#[test]
fn successes_of_a_tracked_route_are_counted() {
    let mut world = World::new(1, settings(|_| {}));
    for outcome in [FAILURE, Outcome::Success, Outcome::Success] {
        world.request(0, "r", outcome);
    }
    world.wait(50);
    world.request(0, "r", Outcome::Success);
    world.wait(50);
    assert_eq!(world.view(0, "r").window.sum().total, 4);
}

#[test]
fn rejection_reads_nothing_while_all_permits_are_in_flight() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.wait(2_000);
    for _ in 0..3 {
        assert!(world.acquire(0, "r").is_ok());
    }
    world.wait(50);
    let reads = world.host.reads;
    for _ in 0..100 {
        assert!(world.acquire(0, "r").is_err());
    }
    assert_eq!(world.host.reads, reads);
}

#[test]
fn broken_shared_data_admits_in_every_state() {
    for wait_ms in [0, 2_000, 2_050, 7_000] {
        let mut world = World::new(1, settings(|_| {}));
        world.trip("r");
        world.wait(wait_ms);
        if wait_ms > 2_050 {
            world.pass_probes("r");
            world.wait(50);
            assert_eq!(world.state(0, "r"), State::Ramp);
        }
        world.draw = 0.99;
        world.host.errors = vec![BROKEN; 1_000];
        world.wait(50);
        assert!(world.acquire(0, "r").is_ok(), "{wait_ms}");
        world.host.errors.clear();
        world.wait(50);
        let admission = world.acquire(0, "r");
        if wait_ms != 2_000 && wait_ms != 2_050 {
            assert!(admission.is_err(), "{wait_ms}: and back");
        }
    }
}

#[test]
fn failed_read_keeps_unsynced_counts() {
    let mut world = World::new(2, settings(|_| {}));
    for _ in 0..7 {
        world.request(0, "r", FAILURE);
    }
    world.request(1, "other", FAILURE);
    // Worker 0 learns that something happened, and cannot read what.
    world.host.errors = vec![BROKEN; 3];
    world.tick(0);
    world.host.errors = vec![BROKEN; 3];
    world.request(0, "r", FAILURE);
    world.host.errors.clear();
    world.wait(50);
    assert_eq!(shared(&world.host, "r").window.sum().failed, 8);
}

#[test]
fn result_of_a_probe_is_pushed_when_possible() {
    let mut world = World::new(1, settings(|s| s.probe_permits = 1));
    world.trip("r");
    world.wait(2_000);
    let Ok(permit) = world.acquire(0, "r") else {
        panic!("a probe");
    };
    world.host.errors = vec![BROKEN; 10];
    world.record(0, "r", permit, Outcome::Success);
    world.host.errors.clear();
    assert_eq!(shared(&world.host, "r").state, State::HalfOpen);
    world.wait(50);
    assert_eq!(shared(&world.host, "r").state, State::Ramp);
}

#[test]
fn untracked_permit_is_not_counted_after_a_change_of_state() {
    for seen in [true, false] {
        let mut world = World::new(1, settings(|_| {}));
        world.request(0, "r", Outcome::Success);
        let early = world.workers[0].untracked_permit();
        world.trip("r");
        world.wait(2_000);
        world.pass_probes("r");
        world.record(0, "r", early.clone(), FAILURE);
        world.wait(15_100);
        assert_eq!(world.state(0, "r"), State::Closed);
        let permit = if seen {
            early.clone()
        } else {
            world.workers[0].untracked_permit()
        };
        world.record(0, "r", permit, FAILURE);
        world.wait(50);
        let failed = world.view(0, "r").window.sum().failed;
        assert_eq!(failed, u32::from(!seen));
        // Other routes' changes are none of its business.
        world.record(0, "quiet", early, FAILURE);
        world.wait(50);
        assert_eq!(world.view(0, "quiet").window.sum().failed, 1);
    }
}

#[test]
fn untracked_permit_is_not_counted_unless_closed() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.wait(2_000);
    world.pass_probes("r");
    let step = |world: &World| world.view(0, "r").step;
    assert_eq!(world.state(0, "r"), State::Ramp);
    for _ in 0..10 {
        world.record(0, "r", Permit::default(), FAILURE);
    }
    world.wait(50);
    assert!(step(&world).is_empty());
}

#[test]
fn each_transition_is_one_event() {
    let mut world = World::new(3, settings(|_| {}));
    world.trip("r");
    world.wait(2_000);
    world.pass_probes("r");
    world.wait(16_000);
    let mut events: Vec<_> = world
        .workers
        .iter_mut()
        .flat_map(Worker::take_events)
        .map(|event| match event {
            Event::Transition { route, transition } => (route, transition.to),
            other => panic!("{other:?}"),
        })
        .collect();
    events.sort_by_key(|(_, to)| to.as_str());
    let want = [State::Closed, State::HalfOpen, State::Open, State::Ramp];
    assert_eq!(events, want.map(|to| ("r".into(), to)));
    assert!(world
        .workers
        .iter_mut()
        .all(|worker| worker.take_events().is_empty()));
}

#[test]
fn open_list_is_read_up_to_the_limit() {
    let mut world = World::new(0, settings(|_| {}));
    let routes = 0..MAX_ROUTES + 100;
    let list: String = routes.clone().map(|n| format!("{n}/c\n")).collect();
    let name = "tidegate.1.1.t#";
    let written = world.host.compare_and_swap(name, list.as_bytes(), None);
    assert_eq!(written, Ok(()));
    world.workers.push(Worker::new("t", vec![settings(|_| {})]));
    world.tick(0);
    let worker = &world.workers[0];
    let kept = routes.filter(|n| worker.view_of(&format!("{n}/c")).is_some());
    assert_eq!(kept.count(), MAX_ROUTES);
}

#[test]
fn last_retry_after_of_a_failure_sets_the_open_time() {
    let mut world = World::new(1, settings(|_| {}));
    let asked = |seconds| CallResult {
        retry_after: Some(Duration::from_secs(seconds)),
        ..CallResult::from(OVERLOADED)
    };
    for n in 0..20_u64 {
        // The last one has none; a success has nothing to ask.
        let result = match n {
            10 => asked(40),
            18 => CallResult {
                retry_after: Some(Duration::from_secs(50)),
                ..CallResult::from(Outcome::Success)
            },
            _ => CallResult::from(FAILURE),
        };
        world.record(0, "r", Permit::default(), result);
    }
    let view = world.view(0, "r");
    assert_eq!(view.remaining(world.now), Duration::from_secs(40));
}

proptest! {
    /// A worker that reads the word learns of each event, however the ticks of the others fall.
    #[test]
    fn all_workers_learn_of_a_trip_at_their_next_tick(order in prop::collection::vec(0_usize..4, 0..12)) {
        let mut world = World::new(4, settings(|_| {}));
        for worker in 0..4 {
            world.request(worker, "r", Outcome::Success);
        }
        for worker in order {
            world.request(worker, "other", FAILURE);
            world.tick(worker);
        }
        world.trip("r");
        world.wait(50);
        for worker in 0..4 {
            prop_assert!(world.acquire(worker, "r").is_err(), "{}", worker);
        }
    }
}

#[test]
fn all_workers_expect_returns_after_a_hint() {
    let mut world = World::new(2, settings(|_| {}));
    let awaiting = |world: &World| [0, 1].map(|n| world.workers[n].expects_returns());
    world.workers[0].expect_return(&mut world.host, at(10_000));
    world.wait(50);
    assert_eq!(awaiting(&world), [true, true]);
    // A crowd is told of once in a while.
    let writes = world.host.writes;
    for n in 0..1_000 {
        let due = world.now.saturating_add(millis(10_000 + n * 100));
        world.workers[1].expect_return(&mut world.host, due);
    }
    assert!(
        world.host.writes - writes <= 4,
        "{}",
        world.host.writes - writes
    );
    world.wait(109_000 + 29_000);
    assert_eq!(awaiting(&world), [true, true]);
    world.wait(62_000);
    assert_eq!(awaiting(&world), [false, false]);
}
