//! How workers learn from each other, and what becomes of what cannot be told.

use proptest::prelude::*;

use super::*;
use crate::breaker::bank::MAX_ROUTES;

fn record(world: &FakeStore, route: &str) -> Option<Record> {
    let (bytes, _) = world.values.get(&format!("tidegate.1.1.t/1000/{route}"))?;
    Record::decode(bytes)
}

/// A store where somebody writes the value of a key between a worker's read and its write.
struct Meddler<'a> {
    inner: &'a mut FakeStore,
    key: &'a str,
    value: Vec<u8>,
    times: u32,
}

impl Store for Meddler<'_> {
    fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        self.inner.get(key)
    }

    fn set(&mut self, key: &str, value: &[u8], number: Option<u32>) -> Result<(), StoreError> {
        if key == self.key && self.times > 0 {
            self.times -= 1;
            let _ = self.inner.set(key, &self.value.clone(), None);
        }
        self.inner.set(key, value, number)
    }
}

#[test]
fn a_first_write_does_not_overwrite_anothers_first_write() {
    let mut world = World::new(2, settings(|_| {}));
    let mut other = Alone::new(|_| {});
    other.tell(3, FAILED);
    let mut store = Meddler {
        inner: &mut world.store,
        key: "tidegate.1.1.t/1000/r",
        value: other.record.encode(),
        times: 1,
    };
    let at = Moment {
        now_ms: START_MS,
        draw: 0.0,
    };
    let bank = &mut world.workers[0];
    bank.settle(&mut store, "r", 0, Ticket::default(), FAILED.into(), at);
    bank.tick(&mut store, at);
    assert_eq!(record(&world.store, "r").unwrap().window.sum().failed, 4);
}

#[test]
fn five_writers_in_a_row_are_outwaited_and_a_sixth_is_left_for_the_next_tick() {
    for (times, told) in [(4, 1), (5, 0)] {
        let mut world = World::new(1, settings(|_| {}));
        let at = world.at();
        world.settle(0, "r", Ticket::default(), FAILED);
        let empty = Record::new(&settings(|_| {})).encode();
        let mut store = Meddler {
            inner: &mut world.store,
            key: "tidegate.1.1.t/1000/r",
            value: empty,
            times,
        };
        world.workers[0].tick(&mut store, at);
        let count = |world: &World| record(&world.store, "r").unwrap().window.sum().failed;
        assert_eq!(count(&world), told, "{times}");
        let errors = u64::from(told == 0);
        assert_eq!(world.metric("store_errors"), errors);
        world.pass(50);
        assert_eq!(count(&world), 1, "{times}");
    }
}

#[test]
fn where_others_took_the_permits_meanwhile_a_probe_is_not_sent() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.now_ms += 2_000;
    let at = world.at();
    let untouched = record(&world.store, "r").unwrap().encode();
    let mut store = Meddler {
        inner: &mut world.store,
        key: "tidegate.1.1.t/1000/r",
        value: untouched,
        times: 5,
    };
    let admission = world.workers[0].admit(&mut store, "r", 0, false, at);
    assert!(matches!(admission, Admission::Reject(_)), "{admission:?}");
    assert!(matches!(world.admit(0, "r"), Admission::Admit(_)));
}

#[test]
fn a_worker_with_news_of_its_own_does_not_miss_anothers() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(0, "mine", Outcome::Success);
    world.request(0, "dead", Outcome::Success);
    world.pass(50);
    for _ in 0..20 {
        world.request(1, "dead", FAILED);
    }
    // Worker 0 has a failure, and so writes the word, before it has read worker 1's.
    world.request(0, "mine", FAILED);
    world.pass(50);
    assert!(matches!(world.admit(0, "dead"), Admission::Reject(_)));
}

#[test]
fn workers_that_are_replaced_leave_word_for_as_long_as_a_circuit_is_open() {
    let long = settings(|s| s.open.base = std::time::Duration::from_secs(15));
    let mut world = World::new(2, long.clone());
    world.trip("dead");
    // All at once, and nobody asks for a while.
    world.workers = vec![Bank::new("t", vec![long])];
    world.pass(14_900);
    assert!(world.workers[0].is_watching());
    assert!(!world.request(0, "dead", FAILED));
}

#[test]
fn two_who_write_the_word_at_once_write_different_words() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(0, "dead", Outcome::Success);
    world.pass(50);
    let at = world.at();
    let [mine, other] = &mut world.workers[..] else {
        unreachable!()
    };
    for _ in 0..20 {
        other.settle(
            &mut world.store,
            "dead",
            0,
            Ticket::default(),
            FAILED.into(),
            at,
        );
    }
    let written = world.store.values["tidegate.1.1.t!"].0.clone();
    let mut store = Meddler {
        inner: &mut world.store,
        key: "tidegate.1.1.t!",
        value: written,
        times: 1,
    };
    mine.settle(&mut store, "mine", 0, Ticket::default(), FAILED.into(), at);
    world.pass(50);
    assert!(matches!(world.admit(0, "dead"), Admission::Reject(_)));
}

#[test]
fn an_announcement_that_failed_is_made_at_the_next_tick() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(1, "r", Outcome::Success);
    for _ in 0..19 {
        world.request(0, "r", FAILED);
    }
    world.pass(50);
    world.request(1, "r", Outcome::Success);
    // The trip is written (get, set), its announcement is not (get).
    struct Deaf<'a>(&'a mut FakeStore);
    impl Store for Deaf<'_> {
        fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
            self.0.get(key)
        }
        fn set(&mut self, key: &str, value: &[u8], number: Option<u32>) -> Result<(), StoreError> {
            if key.ends_with('!') {
                return Err(StoreError::Broken);
            }
            self.0.set(key, value, number)
        }
    }
    let at = world.at();
    let mut deaf = Deaf(&mut world.store);
    for _ in 0..2 {
        let bank = &mut world.workers[0];
        bank.settle(&mut deaf, "r", 0, Ticket::default(), FAILED.into(), at);
    }
    assert_eq!(world.state(0, "r"), State::Open);
    assert!(world.metric("store_errors") > 0);
    world.pass(100);
    assert!(matches!(world.admit(1, "r"), Admission::Reject(_)));
}

#[test]
fn a_worker_watches_as_long_as_any_route_is_not_clean_and_then_some() {
    let mut world = World::new(2, settings(|_| {}));
    assert!(!world.workers[0].is_watching());
    world.request(0, "r", FAILED);
    assert!(world.workers[0].is_watching(), "at once");
    assert!(!world.workers[1].is_watching());
    world.pass(50);
    assert!(world.workers[1].is_watching(), "from its next tick");
    let mut unwatched = None;
    for at in (100..30_000).step_by(50) {
        world.pass(50);
        let both = [0, 1].map(|n| world.workers[n].is_watching());
        if both == [false, false] {
            unwatched = unwatched.or(Some(at));
        } else {
            assert_eq!(unwatched, None, "once quiet, quiet");
        }
    }
    // Renewed every 1,050 ms until the window was clean, the last time at 9,450 ms.
    assert_eq!(unwatched, Some(9_450 + 2_000));
    let writes = world.store.writes;
    world.pass(60_000);
    assert_eq!(world.store.writes, writes);
}

#[test]
fn a_watch_is_renewed_at_half_time() {
    let mut world = World::new(2, settings(|_| {}));
    world.request(0, "r", FAILED);
    world.pass(50);
    let before = world.store.writes;
    world.pass(950);
    assert_eq!(world.store.writes, before, "nothing to say yet");
    world.pass(50);
    assert_eq!(world.store.writes, before + 1);
    for _ in 0..20 {
        world.pass(50);
        assert!(world.workers[1].is_watching());
    }
}

#[test]
fn nobody_looks_at_a_route_again_for_what_it_said_itself() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.pass(50);
    let reads = world.store.reads;
    for _ in 0..100 {
        assert!(!world.request(0, "r", Outcome::Success));
    }
    assert_eq!(world.store.reads, reads);
}

#[test]
fn failures_that_trip_nothing_are_told_at_the_tick() {
    let mut world = World::new(1, settings(|_| {}));
    world.pass(50);
    world.request(0, "r", FAILED);
    let (reads, writes) = (world.store.reads, world.store.writes);
    for _ in 0..18 {
        world.request(0, "r", FAILED);
        world.request(0, "r", Outcome::Neutral);
    }
    assert_eq!((world.store.reads, world.store.writes), (reads, writes));
    world.pass(50);
    // The word and the record, and the record written.
    assert_eq!(
        (world.store.reads, world.store.writes),
        (reads + 2, writes + 1)
    );
    world.request(0, "r", FAILED);
    assert_eq!(world.state(0, "r"), State::Open, "the twentieth at once");
}

#[test]
fn a_client_that_gave_up_waiting_opens_no_window() {
    let mut world = World::new(1, settings(|_| {}));
    let ending = Ending {
        is_slow: true,
        ..Ending::from(Outcome::Neutral)
    };
    let at = world.at();
    world.workers[0].settle(&mut world.store, "r", 0, Ticket::default(), ending, at);
    world.pass(50);
    assert!(!world.workers[0].is_watching());
    assert_eq!(world.store.writes, 0);
}

#[test]
fn successes_of_a_watched_route_count() {
    let mut world = World::new(1, settings(|_| {}));
    for outcome in [FAILED, Outcome::Success, Outcome::Success] {
        world.request(0, "r", outcome);
    }
    world.pass(50);
    world.request(0, "r", Outcome::Success);
    world.pass(50);
    assert_eq!(world.workers[0].view("r").unwrap().window.sum().total, 4);
}

#[test]
fn where_all_permits_are_out_a_rejection_reads_nothing() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.pass(2_000);
    for _ in 0..3 {
        assert!(matches!(world.admit(0, "r"), Admission::Admit(_)));
    }
    world.pass(50);
    let reads = world.store.reads;
    for _ in 0..100 {
        assert!(matches!(world.admit(0, "r"), Admission::Reject(_)));
    }
    assert_eq!(world.store.reads, reads);
}

#[test]
fn a_broken_store_admits_in_every_state() {
    for wait_ms in [0, 2_000, 2_050, 7_000] {
        let mut world = World::new(1, settings(|_| {}));
        world.trip("r");
        world.pass(wait_ms);
        if wait_ms > 2_050 {
            world.probes("r");
            world.pass(50);
            assert_eq!(world.state(0, "r"), State::Ramp);
        }
        world.draw = 0.99;
        world.store.failures = vec![StoreError::Broken; 1_000];
        world.pass(50);
        assert!(
            matches!(world.admit(0, "r"), Admission::Admit(_)),
            "{wait_ms}"
        );
        world.store.failures.clear();
        world.pass(50);
        let admission = world.admit(0, "r");
        if wait_ms != 2_000 && wait_ms != 2_050 {
            assert!(
                matches!(admission, Admission::Reject(_)),
                "{wait_ms}: and back"
            );
        }
    }
}

#[test]
fn a_failed_look_keeps_what_was_counted() {
    let mut world = World::new(2, settings(|_| {}));
    for _ in 0..7 {
        world.request(0, "r", FAILED);
    }
    world.request(1, "other", FAILED);
    // Worker 0 learns that something happened, and cannot read what.
    world.store.failures = vec![StoreError::Broken; 3];
    world.workers[0].tick(
        &mut world.store,
        Moment {
            now_ms: START_MS,
            draw: 0.0,
        },
    );
    world.store.failures = vec![StoreError::Broken; 3];
    world.request(0, "r", FAILED);
    world.store.failures.clear();
    world.pass(50);
    assert_eq!(record(&world.store, "r").unwrap().window.sum().failed, 8);
}

#[test]
fn how_a_probe_ended_is_told_when_it_can_be() {
    let mut world = World::new(1, settings(|s| s.probe.permits = 1));
    world.trip("r");
    world.pass(2_000);
    let Admission::Admit(ticket) = world.admit(0, "r") else {
        panic!("a probe");
    };
    world.store.failures = vec![StoreError::Broken; 10];
    world.settle(0, "r", ticket, Outcome::Success);
    world.store.failures.clear();
    assert_eq!(record(&world.store, "r").unwrap().state, State::HalfOpen);
    world.pass(50);
    assert_eq!(record(&world.store, "r").unwrap().state, State::Ramp);
}

#[test]
fn what_nobody_looked_at_does_not_count_after_a_change_of_state() {
    for seen in [true, false] {
        let mut world = World::new(1, settings(|_| {}));
        world.request(0, "r", Outcome::Success);
        let early = world.workers[0].ticket();
        world.trip("r");
        world.pass(2_000);
        world.probes("r");
        world.settle(0, "r", early, FAILED);
        world.pass(15_100);
        assert_eq!(world.state(0, "r"), State::Closed);
        let ticket = if seen {
            early
        } else {
            world.workers[0].ticket()
        };
        world.settle(0, "r", ticket, FAILED);
        world.pass(50);
        let failed = world.workers[0].view("r").unwrap().window.sum().failed;
        assert_eq!(failed, u32::from(!seen));
        // Other routes' changes are none of its business.
        world.settle(0, "quiet", early, FAILED);
        world.pass(50);
        assert_eq!(
            world.workers[0].view("quiet").unwrap().window.sum().failed,
            1
        );
    }
}

#[test]
fn what_was_admitted_without_a_look_does_not_count_while_not_closed() {
    let mut world = World::new(1, settings(|_| {}));
    world.trip("r");
    world.pass(2_000);
    world.probes("r");
    let step = |world: &World| world.workers[0].view("r").unwrap().step;
    assert_eq!(world.state(0, "r"), State::Ramp);
    for _ in 0..10 {
        world.settle(0, "r", Ticket::default(), FAILED);
    }
    world.pass(50);
    assert!(step(&world).is_empty());
}

#[test]
fn each_change_of_state_is_an_event_once() {
    let mut world = World::new(3, settings(|_| {}));
    world.trip("r");
    world.pass(2_000);
    world.probes("r");
    world.pass(16_000);
    let mut events: Vec<_> = world
        .workers
        .iter_mut()
        .flat_map(Bank::take_events)
        .map(|event| match event {
            Event::Changed { route, transition } => (route, transition.to),
            other => panic!("{other:?}"),
        })
        .collect();
    events.sort_by_key(|(_, to)| to.as_str());
    let want = [State::Closed, State::HalfOpen, State::Open, State::Ramp];
    assert_eq!(events, want.map(|to| ("r".to_owned(), to)));
    assert!(world
        .workers
        .iter_mut()
        .all(|bank| bank.take_events().is_empty()));
}

#[test]
fn a_worker_that_begins_keeps_no_more_routes_than_any_other() {
    let mut world = World::new(0, settings(|_| {}));
    let routes = 0..MAX_ROUTES + 100;
    let list: String = routes.clone().map(|n| format!("{n}/c\n")).collect();
    let name = "tidegate.1.1.t#";
    world.store.set(name, list.as_bytes(), None).unwrap();
    let mut bank = Bank::new("t", vec![settings(|_| {})]);
    let at = world.at();
    bank.tick(&mut world.store, at);
    let kept = routes.filter(|n| bank.view(&format!("{n}/c")).is_some());
    assert_eq!(kept.count(), MAX_ROUTES);
}

#[test]
fn a_retry_after_travels_with_the_failures_it_came_with() {
    let mut world = World::new(1, settings(|_| {}));
    let asked = |ms| Ending {
        retry_after_ms: Some(ms),
        ..Ending::from(LIMITED)
    };
    let at = world.at();
    for n in 0..20_u64 {
        // The last one has none; a success has nothing to ask.
        let ending = match n {
            10 => asked(40_000),
            18 => Ending {
                retry_after_ms: Some(50_000),
                ..Ending::from(Outcome::Success)
            },
            _ => Ending::from(FAILED),
        };
        world.workers[0].settle(&mut world.store, "r", 0, Ticket::default(), ending, at);
    }
    let view = world.workers[0].view("r").unwrap();
    assert_eq!(view.remaining_ms(at.now_ms), 40_000);
}

proptest! {
    /// A worker that reads the word learns of each event, however the ticks of the others fall.
    #[test]
    fn all_learn_of_a_trip_at_their_next_tick(order in prop::collection::vec(0_usize..4, 0..12)) {
        let mut world = World::new(4, settings(|_| {}));
        for worker in 0..4 {
            world.request(worker, "r", Outcome::Success);
        }
        for worker in order {
            let at = world.at();
            world.request(worker, "other", FAILED);
            world.workers[worker].tick(&mut world.store, at);
        }
        world.trip("r");
        world.pass(50);
        for worker in 0..4 {
            prop_assert!(matches!(world.admit(worker, "r"), Admission::Reject(_)), "{}", worker);
        }
    }
}

#[test]
fn all_workers_know_that_somebody_is_awaited() {
    let mut world = World::new(2, settings(|_| {}));
    let awaiting = |world: &World| [0, 1].map(|n| world.workers[n].is_awaiting());
    world.workers[0].await_somebody(&mut world.store, world.now_ms + 10_000);
    world.pass(50);
    assert_eq!(awaiting(&world), [true, true]);
    // A crowd is told of once in a while.
    let writes = world.store.writes;
    for n in 0..1_000 {
        let due_ms = world.now_ms + 10_000 + n * 100;
        world.workers[1].await_somebody(&mut world.store, due_ms);
    }
    assert!(
        world.store.writes - writes <= 4,
        "{}",
        world.store.writes - writes
    );
    world.pass(109_000 + 29_000);
    assert_eq!(awaiting(&world), [true, true]);
    world.pass(62_000);
    assert_eq!(awaiting(&world), [false, false]);
}
