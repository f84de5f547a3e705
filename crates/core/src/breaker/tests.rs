//! Single circuits in virtual time.

mod closed;
mod half_open;
mod open;
mod permits;
mod ramp;
mod wire;

pub(crate) use wire::from_hex;

use std::time::Duration;

use super::circuit::Usual;
use super::*;
use crate::config::{Breaker as Settings, Config};
use crate::failure::Reason;
use crate::time::Timestamp;

pub(crate) const START: Timestamp = Timestamp::from_millis(1_795_413_600_000);
pub(crate) const FAILURE: Outcome = Outcome::Failure(Reason::ConnectionRefused);
pub(crate) const OVERLOADED: Outcome = Outcome::Overloaded(Reason::UpstreamUnavailable);

/// Returns settings with a change. Before it they are the defaults, except that only the share of the
/// failures opens a circuit, and at once.
pub(crate) fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Config::default().policy.breaker;
    // Failures of one moment count, unless a test says otherwise: most tests are not about bursts.
    settings.consecutive.duration = Duration::ZERO;
    settings.consecutive.failures = 1_000;
    change(&mut settings);
    settings
}

/// Returns the time that is `ms` after [`START`].
pub(crate) fn at(ms: u64) -> Timestamp {
    START.saturating_add(millis(ms))
}

pub(crate) fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A circuit without workers: each outcome is added at once.
pub(crate) struct TestCircuit {
    pub(crate) circuit: CircuitBreaker,
    pub(crate) settings: Settings,
    pub(crate) now: Timestamp,
    pub(crate) draw: f64,
    /// What the circuit usually sees.
    pub(crate) usual: Usual,
}

impl TestCircuit {
    pub(crate) fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let settings = settings(change);
        Self {
            circuit: CircuitBreaker::new(&settings),
            settings,
            now: START,
            draw: 0.0,
            usual: Usual::default(),
        }
    }

    /// Records `n` outcomes in this millisecond.
    pub(crate) fn record(&mut self, n: u32, outcome: Outcome) -> Option<Transition> {
        self.record_all(n, outcome, false, None)
    }

    /// Records `n` slow outcomes in this millisecond.
    pub(crate) fn record_slow(&mut self, n: u32, outcome: Outcome) -> Option<Transition> {
        self.record_all(n, outcome, true, None)
    }

    /// Records `n` outcomes with a `Retry-After` in this millisecond.
    pub(crate) fn record_with_retry_after(
        &mut self,
        n: u32,
        outcome: Outcome,
        retry_after: Option<Duration>,
    ) -> Option<Transition> {
        self.record_all(n, outcome, false, retry_after)
    }

    fn record_all(
        &mut self,
        n: u32,
        outcome: Outcome,
        is_slow: bool,
        retry_after: Option<Duration>,
    ) -> Option<Transition> {
        let mut counts = UnsyncedCounts {
            generation: self.circuit.generation,
            retry_after,
            ..UnsyncedCounts::default()
        };
        for _ in 0..n {
            let width = self.circuit.bucket_width;
            counts.add(outcome, is_slow, ClientId::UNKNOWN, width, self.now);
        }
        let by_time = self.advance();
        by_time.or(self.absorb(&counts))
    }

    /// Adds outcomes as the circuits of a route do.
    pub(crate) fn absorb(&mut self, counts: &UnsyncedCounts) -> Option<Transition> {
        if counts.generation != self.circuit.generation {
            return None;
        }
        self.circuit.count(&self.settings, counts, self.now);
        let should_trip = self.circuit.should_trip(&self.settings, 0.0, self.now);
        let (now, draw, retry_after) = (self.now, self.draw, counts.retry_after);
        should_trip.then(|| self.circuit.trip(&self.settings, now, draw, retry_after))
    }

    /// Lets `ms` pass, and then time change the circuit.
    pub(crate) fn wait(&mut self, ms: u64) -> Option<Transition> {
        self.now = self.now.saturating_add(millis(ms));
        self.advance()
    }

    /// Sets the clock back.
    pub(crate) fn set_clock_back(&mut self, ms: u64) {
        self.now = self.now.saturating_sub(millis(ms));
    }

    pub(crate) fn advance(&mut self) -> Option<Transition> {
        let (now, draw) = (self.now, self.draw);
        self.circuit.advance(&self.settings, self.usual, now, draw)
    }

    pub(crate) fn acquire(&mut self) -> Option<ProbePermit> {
        self.circuit.acquire_probe(&self.settings.probe, self.now)
    }

    pub(crate) fn may_acquire(&self) -> bool {
        self.circuit.may_acquire_probe(&self.settings, self.now)
    }

    /// Acquires all permits that are left, up to a number at which the test ends.
    pub(crate) fn acquire_all(&mut self) -> Vec<ProbePermit> {
        std::iter::from_fn(|| self.acquire()).take(99).collect()
    }

    pub(crate) fn finish(&mut self, permit: ProbePermit, outcome: Outcome) -> Option<Transition> {
        let result = ProbeResult {
            permit,
            outcome,
            retry_after: None,
        };
        self.circuit
            .record_probe(&self.settings, self.usual, result, self.now, self.draw)
    }

    pub(crate) fn remaining_ms(&self) -> u64 {
        self.circuit.remaining(self.now).as_millis() as u64
    }

    /// Trips the circuit. Returns the open time in milliseconds.
    pub(crate) fn trip(&mut self) -> u64 {
        let many = self.settings.min_requests.max(5);
        let transition = self.record(many, FAILURE).expect("a trip");
        assert_eq!(transition.to, State::Open);
        transition.open_ms()
    }

    /// Trips the circuit and waits until it is half-open.
    pub(crate) fn half_open(&mut self) {
        let open_ms = self.trip();
        assert_eq!(self.wait(open_ms).map(|t| t.to), Some(State::HalfOpen));
    }

    /// Brings the circuit to the beginning of the ramp.
    pub(crate) fn ramp(&mut self) {
        self.half_open();
        self.pass_probes();
        assert_eq!(self.circuit.state, State::Ramp);
    }

    /// Lets all probes succeed.
    pub(crate) fn pass_probes(&mut self) {
        for permit in self.acquire_all() {
            self.finish(permit, Outcome::Success);
        }
    }

    /// Brings a half-open circuit to the closed state.
    pub(crate) fn recover(&mut self) {
        self.pass_probes();
        // Nobody is rejected for three seconds.
        let closed = self.wait(3_000).map(|t| t.to);
        assert_eq!(closed, Some(State::Closed));
    }
}

impl Transition {
    pub(crate) fn open_ms(&self) -> u64 {
        self.open_for.as_millis() as u64
    }
}
