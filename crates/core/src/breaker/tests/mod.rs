//! The breaker in virtual time: tables for each state, stories of whole breakers, an exact naive
//! model, and several workers over one store that interleaves and fails as it likes.

mod against_model;
mod bias;
mod bytes;
mod chaos;
mod closed;
mod half_open;
mod invariants;
mod meters;
mod model;
mod modes;
mod names;
mod open;
mod permits;
mod ramp;
mod sharing;
mod stories;
mod workers;

use std::collections::{BTreeMap, HashMap};

use super::bank::{Ending, Event, Moment};
use super::machine::Delta;
use super::meters::{Kind, Metrics};
use super::*;
use crate::config::{Breaker as Settings, Config};
use crate::reason::Reason;

/// Shared data as proxy-wasm-cpp-host has it: a creation is not guarded by the number, and a write
/// without one always succeeds.
#[derive(Debug, Default)]
pub(crate) struct FakeStore {
    values: HashMap<String, (Vec<u8>, u32)>,
    next: u32,
    /// How many of the coming calls fail, and how.
    pub(crate) failures: Vec<StoreError>,
    pub(crate) reads: u32,
    pub(crate) writes: u32,
}

impl Store for FakeStore {
    fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        self.reads += 1;
        match self.failures.last() {
            Some(StoreError::Broken) => {
                self.failures.pop();
                Err(StoreError::Broken)
            }
            _ => Ok(self.values.get(key).cloned()),
        }
    }

    fn set(&mut self, key: &str, value: &[u8], number: Option<u32>) -> Result<(), StoreError> {
        self.writes += 1;
        if let Some(failure) = self.failures.pop() {
            return Err(failure);
        }
        if let (Some((_, current)), Some(number)) = (self.values.get(key), number) {
            if *current != number {
                return Err(StoreError::Changed);
            }
        }
        self.next += 1;
        self.values
            .insert(key.to_owned(), (value.to_vec(), self.next));
        Ok(())
    }
}

impl FakeStore {
    /// The names of all that there is.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

/// The metrics of a host, by name.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    names: Vec<String>,
    pub(crate) values: BTreeMap<String, u64>,
    /// Whether definitions fail.
    pub(crate) is_broken: bool,
}

impl Metrics for Sheet {
    fn define(&mut self, kind: Kind, name: &str) -> Option<u32> {
        let is_gauge = name.contains("state") || name.contains("percent");
        assert_eq!(kind == Kind::Gauge, is_gauge, "{name}");
        let id = self.names.iter().position(|known| known == name);
        let id = id.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        (!self.is_broken).then(|| u32::try_from(id).unwrap())
    }

    fn add(&mut self, id: u32, by: u64) {
        assert!(by > 0);
        *self
            .values
            .entry(self.names[id as usize].clone())
            .or_default() += by;
    }

    fn set(&mut self, id: u32, value: u64) {
        self.values.insert(self.names[id as usize].clone(), value);
    }
}

impl Sheet {
    /// A metric of the breakers.
    pub(crate) fn get(&self, name: &str) -> u64 {
        let name = format!("tidegate.breaker.{name}");
        self.values.get(&name).copied().unwrap_or(0)
    }
}

/// The settings of a configuration.
pub(crate) fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Config::default().policy.breaker;
    change(&mut settings);
    settings
}

/// Workers over one store, with a clock of their own.
pub(crate) struct World {
    pub(crate) store: FakeStore,
    pub(crate) workers: Vec<Bank>,
    pub(crate) now_ms: u64,
    pub(crate) draw: f64,
    pub(crate) sheet: Sheet,
}

pub(crate) const START_MS: u64 = 1_795_413_600_000;
pub(crate) const FAILED: Outcome = Outcome::Failure(Reason::ConnectionRefused);

impl World {
    pub(crate) fn new(workers: usize, settings: Settings) -> Self {
        Self {
            store: FakeStore::default(),
            workers: (0..workers)
                .map(|_| Bank::new("t", vec![settings.clone()]))
                .collect(),
            now_ms: START_MS,
            draw: 0.0,
            sheet: Sheet::default(),
        }
    }

    /// A metric of the breakers, after all workers have told what they counted.
    pub(crate) fn metric(&mut self, name: &str) -> u64 {
        for worker in &mut self.workers {
            worker.report(&mut self.sheet, &mut self.store, self.now_ms);
        }
        self.sheet.get(name)
    }

    pub(crate) fn at(&self) -> Moment {
        Moment {
            now_ms: self.now_ms,
            draw: self.draw,
        }
    }

    pub(crate) fn admit(&mut self, worker: usize, route: &str) -> Admission {
        let at = self.at();
        self.workers[worker].admit(&mut self.store, route, 0, false, at)
    }

    pub(crate) fn settle(&mut self, worker: usize, route: &str, ticket: Ticket, outcome: Outcome) {
        let at = self.at();
        let ending = Ending::from(outcome);
        self.workers[worker].settle(&mut self.store, route, 0, ticket, ending, at);
    }

    /// One request from beginning to end; whether it was admitted.
    pub(crate) fn request(&mut self, worker: usize, route: &str, outcome: Outcome) -> bool {
        match self.admit(worker, route) {
            Admission::Admit(ticket) => {
                self.settle(worker, route, ticket, outcome);
                true
            }
            Admission::Reject(_) => false,
        }
    }

    /// Lets time pass, with the ticks of all workers every 50 ms.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        while self.now_ms < end {
            self.now_ms = (self.now_ms + 50).min(end);
            for worker in 0..self.workers.len() {
                let at = self.at();
                self.workers[worker].tick(&mut self.store, at);
            }
        }
    }

    /// Trips a route at worker 0.
    pub(crate) fn trip(&mut self, route: &str) {
        for _ in 0..20 {
            self.request(0, route, FAILED);
        }
        assert_eq!(self.state(0, route), State::Open);
    }

    /// Three probes that succeed, at worker 0.
    pub(crate) fn probes(&mut self, route: &str) {
        for _ in 0..3 {
            assert!(self.request(0, route, Outcome::Success));
        }
        assert_eq!(self.state(0, route), State::Ramp);
    }

    /// Where a route's breaker stands, as a worker sees it.
    pub(crate) fn state(&self, worker: usize, route: &str) -> State {
        self.workers[worker]
            .view(route)
            .map_or(State::Closed, |view| view.state)
    }
}

/// A breaker without workers, which is told each outcome at once.
pub(crate) struct Alone {
    pub(crate) record: Record,
    pub(crate) settings: Settings,
    pub(crate) now_ms: u64,
    pub(crate) draw: f64,
}

impl Alone {
    pub(crate) fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let settings = settings(change);
        Self {
            record: Record::new(&settings),
            settings,
            now_ms: START_MS,
            draw: 0.0,
        }
    }

    /// Tells `n` times that a request ended so, all in this millisecond.
    pub(crate) fn tell(&mut self, n: u32, outcome: Outcome) -> Option<Transition> {
        self.tell_ending(n, Ending::from(outcome))
    }

    pub(crate) fn tell_ending(&mut self, n: u32, ending: Ending) -> Option<Transition> {
        let mut delta = Delta {
            generation: self.record.generation,
            retry_after_ms: ending.retry_after_ms,
            ..Delta::default()
        };
        for _ in 0..n {
            let bucket = self.record.bucket_ms;
            delta.count(ending.outcome, ending.is_slow, bucket, self.now_ms);
        }
        let by_time = self.advance();
        by_time.or(self
            .record
            .absorb(&self.settings, &delta, self.now_ms, self.draw))
    }

    /// Lets `ms` pass, and then time move the breaker.
    pub(crate) fn pass(&mut self, ms: u64) -> Option<Transition> {
        self.now_ms += ms;
        self.advance()
    }

    pub(crate) fn advance(&mut self) -> Option<Transition> {
        self.record.advance(&self.settings, self.now_ms, self.draw)
    }

    pub(crate) fn lease(&mut self) -> Option<Permit> {
        self.record.lease(&self.settings, self.now_ms)
    }

    /// All permits that are left; so many at most that a test ends.
    pub(crate) fn leases(&mut self) -> Vec<Permit> {
        std::iter::from_fn(|| self.lease()).take(99).collect()
    }

    pub(crate) fn settle(&mut self, permit: Permit, outcome: Outcome) -> Option<Transition> {
        self.record.settle(
            &self.settings,
            permit,
            outcome,
            None,
            self.now_ms,
            self.draw,
        )
    }

    /// Trips it; for how long, in milliseconds.
    pub(crate) fn trip(&mut self) -> u64 {
        let many = self.settings.min_requests.max(5);
        let transition = self.tell(many, FAILED).expect("a trip");
        assert_eq!(transition.to, State::Open);
        transition.open_ms
    }

    /// Trips it and waits until it is half-open.
    pub(crate) fn half_open(&mut self) {
        let open_ms = self.trip();
        assert_eq!(self.pass(open_ms).map(|t| t.to), Some(State::HalfOpen));
    }

    /// Brings it to the beginning of the ramp.
    pub(crate) fn ramp(&mut self) {
        self.half_open();
        self.probe_well();
        assert_eq!(self.record.state, State::Ramp);
    }

    /// Lets all probes succeed.
    pub(crate) fn probe_well(&mut self) {
        for permit in self.leases() {
            self.settle(permit, Outcome::Success);
        }
    }

    /// From the half-open state to the closed one.
    pub(crate) fn recover(&mut self) {
        self.probe_well();
        let duration = u64::try_from(self.settings.ramp.duration.as_millis()).unwrap();
        // Once all is admitted, for half as long again.
        let closed = self.pass(duration * 3 / 2).map(|t| t.to);
        assert_eq!(closed, Some(State::Closed));
    }
}

pub(crate) const LIMITED: Outcome = Outcome::Limited(Reason::UpstreamUnavailable);

/// A seeded draw of chance (SplitMix64), for simulations that must be the same each time.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
