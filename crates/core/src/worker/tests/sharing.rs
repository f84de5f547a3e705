//! How workers learn from each other, and what happens to changes that cannot be written.

use proptest::prelude::*;

use super::*;
use crate::breaker::probes::MAX_PERMITS;
use crate::breaker::route::{DecidedBy, TestResult};
use crate::breaker::tests::TestCircuit;
use crate::breaker::{ClientId, PathClass, ProbePermit};
use crate::host::fake::BROKEN;
use crate::worker::tests::concurrent_writer::ConcurrentWriter;

/// Returns the shared record of a route.
fn shared(host: &FakeHost, route: &str) -> CircuitBreaker {
    let (bytes, _) = &host.shared[&format!("tidegate.1.1.t/1000/{route}")];
    RouteCircuits::decode(bytes).expect("a record").route
}

/// Returns the bytes of a record with only the circuit of the route.
fn record(route: CircuitBreaker) -> Vec<u8> {
    let new = RouteCircuits::new(&settings(|_| {}));
    RouteCircuits { route, ..new }.encode()
}

#[test]
fn creating_a_record_does_not_overwrite_a_concurrent_creation() {
    let mut world = World::new(2, settings(|_| {}));
    let mut other = TestCircuit::new(|_| {});
    other.record(3, FAILURE);
    let mut host = ConcurrentWriter {
        host: &mut world.host,
        key: "tidegate.1.1.t/1000/r",
        value: record(other.circuit),
        times: 1,
    };
    let worker = &mut world.workers[0];
    record_failure(worker, &mut host, "r");
    worker.tick(&mut host, START, &mut FixedDraw(0.0));
    assert_eq!(shared(&world.host, "r").window.sum().failed, 4);
}

#[test]
fn after_five_conflicts_counts_are_pushed_at_the_next_tick() {
    for (times, pushed) in [(4, 1), (5, 0)] {
        let mut world = World::new(1, settings(|_| {}));
        world.record(0, "r", Permit::default(), FAILURE);
        let empty = record(CircuitBreaker::new(&settings(|_| {})));
        let mut host = ConcurrentWriter {
            host: &mut world.host,
            key: "tidegate.1.1.t/1000/r",
            value: empty,
            times,
        };
        world.workers[0].tick(&mut host, START, &mut FixedDraw(0.0));
        let count = |world: &World| shared(&world.host, "r").window.sum().failed;
        assert_eq!(count(&world), pushed, "{times}");
        let errors = u64::from(pushed == 0);
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
    let untouched = record(shared(&world.host, "r"));
    let mut host = ConcurrentWriter {
        host: &mut world.host,
        key: "tidegate.1.1.t/1000/r",
        value: untouched,
        times: 5,
    };
    let (route, rng) = (RouteKey::from("r"), &mut FixedDraw(0.0));
    let worker = &mut world.workers[0];
    let decision = worker.try_acquire(
        &mut host,
        circuit(&route),
        &Caller::default(),
        false,
        world.now,
        rng,
    );
    assert!(decision.is_err(), "{decision:?}");
    assert!(world.acquire(0, "r").is_ok());
}

#[test]
fn failures_that_trip_nothing_are_pushed_at_the_tick() {
    let mut world = World::new(1, settings(|_| {}));
    world.wait(50);
    world.request(0, "r", FAILURE);
    let (reads, writes) = (world.host.shared_reads, world.host.shared_writes);
    for _ in 0..18 {
        world.request(0, "r", FAILURE);
        world.request(0, "r", Outcome::Ignored);
    }
    assert_eq!(
        (world.host.shared_reads, world.host.shared_writes),
        (reads, writes)
    );
    world.wait(50);
    // Reads the heartbeat and the record, and writes the record.
    assert_eq!(
        (world.host.shared_reads, world.host.shared_writes),
        (reads + 2, writes + 1)
    );
    world.request(0, "r", FAILURE);
    assert_eq!(
        world.state(0, "r"),
        State::Open,
        "the twentieth failure is pushed at once"
    );
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
    assert_eq!(world.host.shared_writes, 0);
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
    let reads = world.host.shared_reads;
    for _ in 0..100 {
        assert!(world.acquire(0, "r").is_err());
    }
    assert_eq!(world.host.shared_reads, reads);
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
        world.host.shared_errors = vec![BROKEN; 1_000];
        world.wait(50);
        assert!(world.acquire(0, "r").is_ok(), "{wait_ms}");
        world.host.shared_errors.clear();
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
    // Worker 0 learns of an event, and cannot read the record.
    world.host.shared_errors = vec![BROKEN; 3];
    world.tick(0);
    world.host.shared_errors = vec![BROKEN; 3];
    world.request(0, "r", FAILURE);
    world.host.shared_errors.clear();
    world.wait(50);
    assert_eq!(shared(&world.host, "r").window.sum().failed, 8);
}

#[test]
fn result_of_a_probe_is_pushed_when_possible() {
    let mut world = World::new(1, settings(|s| s.probe.permits = 1));
    world.trip("r");
    world.wait(2_000);
    let Ok(permit) = world.acquire(0, "r") else {
        panic!("a probe");
    };
    world.host.shared_errors = vec![BROKEN; 10];
    world.record(0, "r", permit, Outcome::Success);
    world.host.shared_errors.clear();
    assert_eq!(shared(&world.host, "r").state, State::HalfOpen);
    world.wait(50);
    assert_eq!(shared(&world.host, "r").state, State::Ramp);
}

#[test]
fn number_of_probe_results_that_wait_to_be_pushed_is_bounded() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    let route = RouteKey::from("r");
    let result = TestResult {
        class: PathClass::ROUTE,
        client: ClientId::UNKNOWN,
        decided_by: DecidedBy {
            depth: 0,
            generation: 1,
        },
        permit: TestPermit::Probe(ProbePermit {
            generation: 1,
            slot: 0,
            deadline: at(12_000),
        }),
        outcome: Outcome::Success,
        retry_after: None,
    };
    let worker = &mut world.workers[0];
    for _ in 0..100 {
        world.host.shared_errors = vec![BROKEN];
        let host = &mut world.host;
        worker.push_test(host, circuit(&route), result.clone(), START, 0.0);
    }
    let known = worker.circuit(circuit(&route)).unwrap();
    assert_eq!(known.unsynced_tests.len(), MAX_PERMITS);
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
        // Changes of other routes do not matter.
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
    let step = |world: &World| world.view(0, "r").recovery.step;
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
            Event::Transition {
                route, transition, ..
            } => (route, transition.to),
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
        // The last failure has none, and that of a success is ignored.
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
    /// A worker that reads the heartbeat learns of each event, for any order of ticks.
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
