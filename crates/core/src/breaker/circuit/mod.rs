//! The state machine of one circuit: outcomes, permits for probes and time change its state.
//!
//! ```text
//!            too many failures               open time is over
//!   closed ---------------------> open ---------------------------> half-open
//!     ^                            ^ ^                               |    |
//!     |                            | +------- a probe failed ------+      | all probes succeeded
//!     |       ramp fell below 1 %  |                                      v
//!     +---------------------------[ramp: the rate grows each second; falls when requests fail]
//!            nobody had to be rejected for three seconds
//! ```
//!
//! Each change of state and each cut of the ramp begins a new generation. The outcome of a request
//! that was admitted under an older generation is not counted: a late response to a request from
//! before the circuit opened says nothing about the upstream now.
//!
//! `counting` counts outcomes, `trip` decides which of them open a closed circuit, `probers` which clients
//! may probe a half-open one, and `gate` which requests a ramp admits, whose rate `climb` changes; the
//! states and their changes are here.
//!
//! `draw` is a random number in `[0, 1)`. It is an argument and not a generator, so that a change
//! that must be repeated on a newer record decides the same.

mod climb;
mod counting;
pub mod gate;
mod probers;
pub mod recovery;
mod trip;

use std::cmp::Reverse;
use std::time::Duration;

use self::gate::GateState;
use self::recovery::Recovery;
use crate::breaker::clients::Clients;
use crate::breaker::outcome::Outcome;
use crate::breaker::probes::ProbePermit;
use crate::breaker::ramp::{Ramp, RAMP_STEP};
use crate::breaker::state::{State, Transition};
use crate::breaker::unsynced::ConsecutiveFailures;
use crate::breaker::window::{bucket_number, bucket_width, Counts, Window, BUCKETS};
use crate::config::{Breaker as Settings, BreakerProbe};
use crate::failure::Reason;
use crate::time::{saturating_millis, Timestamp, CLOCK_SLACK};

/// The exponent of the open time falls by one each time that the circuit was closed for this long.
const CALM_SECONDS: u64 = 60;
/// Maximum open time by an upstream's `Retry-After`. Longer values describe plans, not load, and a
/// probe is cheap.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// A half-open circuit without requests goes on to the ramp after this time: without requests there
/// is no crowd, and tracking the route costs all other routes.
pub const IDLE: Duration = Duration::from_secs(600);
/// Number of clients whose failed probes are remembered.
pub const FAILED_PROBERS: usize = 4;
/// The counts of a probe that failed.
const ONE_FAILURE: Counts = Counts {
    total: 1,
    failed: 1,
    slow: 0,
};
/// The share of the requests that is admitted if all are, in millionths.
pub const FULL_SHARE: u32 = 1_000_000;

/// A circuit breaker: what all workers share about one route.
#[derive(Debug, Clone, PartialEq)]
pub struct CircuitBreaker {
    /// The state.
    pub state: State,
    /// Grows with each change of state and each cut of the ramp. Outcomes of requests that were
    /// admitted under another generation are not counted.
    pub generation: u32,
    /// When the state was entered.
    pub changed_at: Timestamp,
    /// While open: when the open time ends. While half-open: when the wait for probes ends.
    pub until: Timestamp,
    /// The next open time is `base * 2^exponent`.
    pub exponent: u8,
    /// The reason of the last failure that was counted.
    pub tripped_by: Reason,
    /// Its probes and its ramp.
    pub recovery: Recovery,
    /// While closed: the failures since the last success.
    pub consecutive: ConsecutiveFailures,
    /// While closed: the last success that was counted.
    pub last_success: Timestamp,
    /// While closed: the clients that left without a response since the last response.
    pub abandoned: ConsecutiveFailures,
    /// While closed: the last response that was counted.
    pub last_response: Timestamp,
    /// While closed: the outcomes of the window.
    pub window: Window,
    /// The clients that were seen lately.
    pub clients: Clients,
    /// Width of a bucket of the window, in whole milliseconds: the shape of the window.
    pub bucket_width: Duration,
}

/// What is known of the requests that a circuit usually sees.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usual {
    /// Requests per second; 0 if not known.
    pub rate: f64,
    /// The mean time to the response headers, at most twice too long; zero if not known.
    pub latency: Duration,
}

/// The result of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeResult {
    /// The permit that the probe used.
    pub permit: ProbePermit,
    /// What the probe says about the upstream.
    pub outcome: Outcome,
    /// `Retry-After` of the response.
    pub retry_after: Option<Duration>,
}

impl CircuitBreaker {
    /// Returns a closed circuit with an empty window of the shape of `settings`.
    pub fn new(settings: &Settings) -> Self {
        Self {
            state: State::Closed,
            generation: 0,
            changed_at: Timestamp::EPOCH,
            until: Timestamp::EPOCH,
            exponent: 0,
            tripped_by: Reason::ProxyInternalError,
            recovery: Recovery::default(),
            consecutive: ConsecutiveFailures::default(),
            last_success: Timestamp::EPOCH,
            abandoned: ConsecutiveFailures::default(),
            last_response: Timestamp::EPOCH,
            window: Window::default(),
            clients: Clients::default(),
            bucket_width: bucket_width(settings),
        }
    }

    /// Returns whether the circuit is closed and its window has no failure and no slow response.
    pub fn is_clean(&self) -> bool {
        self.state == State::Closed
            && self.window.is_clean()
            && self.abandoned.count == 0
            && !self.clients.has_failed()
    }

    /// Lets counts that leave the window age. Every worker does so by itself.
    pub fn age(&mut self, now: Timestamp) {
        if self.state != State::Closed {
            return;
        }
        let number = self.bucket(now);
        if self.window.is_ahead(number) {
            // The clock was set back: the times of the counts are wrong.
            self.clear_window();
        }
        self.window.advance(number);
        self.clients.age(number);
        if now.saturating_since(self.abandoned.last) > self.window_length() {
            self.abandoned = ConsecutiveFailures::default();
        }
        if self.is_clean() {
            // Successes of a clean route are not counted, so they cannot end the sequence.
            self.consecutive = ConsecutiveFailures::default();
        }
    }

    /// Applies the changes that time alone causes.
    pub fn advance(
        &mut self,
        settings: &Settings,
        usual: Usual,
        now: Timestamp,
        draw: f64,
    ) -> Option<Transition> {
        self.follow_clock(settings, now);
        self.age(now);
        match self.state {
            State::Closed => None,
            State::Open if now >= self.until => {
                Some(self.let_in(State::HalfOpen, settings, usual, now))
            }
            State::Open => None,
            State::HalfOpen => {
                let is_idle =
                    now >= self.until && self.recovery.probes.is_idle(self.generation, now);
                // A new configuration may have fewer permits than probes have succeeded.
                (is_idle || self.all_succeeded(settings))
                    .then(|| self.let_in(State::Ramp, settings, usual, now))
            }
            State::Ramp => self.climb(settings, usual, now, draw),
        }
    }

    /// Opens the circuit because of the outcomes of the window.
    pub fn trip(
        &mut self,
        settings: &Settings,
        now: Timestamp,
        draw: f64,
        retry_after: Option<Duration>,
    ) -> Transition {
        let counts = self.window.sum();
        self.open(settings, now, draw, counts, retry_after)
    }

    /// Closes the circuit because another one decides from now on.
    pub fn close(&mut self, now: Timestamp) -> Transition {
        self.enter(State::Closed, now, Counts::default())
    }

    /// Returns a permit for a probe if the circuit is half-open and a permit is left.
    pub fn acquire_probe(&mut self, probe: &BreakerProbe, now: Timestamp) -> Option<ProbePermit> {
        if self.state != State::HalfOpen {
            return None;
        }
        let deadline = now.saturating_add(probe.timeout);
        let permit = self
            .recovery
            .probes
            .acquire(self.generation, probe.permits, now, deadline)?;
        self.until = now.saturating_add(IDLE);
        Some(permit)
    }

    /// Returns whether a permit for a probe is left.
    pub fn may_acquire_probe(&self, settings: &Settings, now: Timestamp) -> bool {
        let permits = settings.probe.permits;
        self.state == State::HalfOpen
            && self
                .recovery
                .probes
                .is_available(self.generation, permits, now)
    }

    /// Takes a permit back and records the result of its probe. The result of a probe of another
    /// half-open period changes no state.
    pub fn record_probe(
        &mut self,
        settings: &Settings,
        usual: Usual,
        result: ProbeResult,
        now: Timestamp,
        draw: f64,
    ) -> Option<Transition> {
        let is_undecided = self.recovery.probes.release(result.permit, now);
        let is_current = result.permit.generation == self.generation;
        if !is_undecided || self.state != State::HalfOpen || !is_current {
            return None;
        }
        match result.outcome {
            Outcome::Abandoned(_) | Outcome::Ignored => None,
            Outcome::Success => {
                self.recovery.probes.succeeded = self.recovery.probes.succeeded.saturating_add(1);
                self.all_succeeded(settings)
                    .then(|| self.let_in(State::Ramp, settings, usual, now))
            }
            Outcome::Failure(reason) | Outcome::Overloaded(reason) => {
                self.tripped_by = reason;
                Some(self.open(settings, now, draw, ONE_FAILURE, result.retry_after))
            }
        }
    }

    /// Records that the response of a probe failed after all: its beginning was already recorded as a
    /// success. In the ramp that followed it is a failure as others; after that it is out of date.
    pub fn record_probe_cut_off(
        &mut self,
        settings: &Settings,
        result: ProbeResult,
        now: Timestamp,
        draw: f64,
    ) -> Option<Transition> {
        let (Outcome::Failure(reason) | Outcome::Overloaded(reason)) = result.outcome else {
            return None;
        };
        let since = self.generation.wrapping_sub(result.permit.generation);
        match (self.state, since) {
            (State::HalfOpen, 0) => {
                self.tripped_by = reason;
                Some(self.open(settings, now, draw, ONE_FAILURE, result.retry_after))
            }
            (State::Ramp, 1) => {
                self.tripped_by = reason;
                self.recovery.step.add(ONE_FAILURE);
                None
            }
            _ => None,
        }
    }

    /// Returns the share of the requests that is admitted, in millionths.
    pub fn admitted_share(&self) -> u32 {
        match self.state {
            State::Closed => FULL_SHARE,
            State::Open | State::HalfOpen => 0,
            State::Ramp => self.recovery.gate.share,
        }
    }

    /// Orders circuits by how little they admit.
    pub fn strictness(&self) -> impl Ord {
        (self.state.strictness(), Reverse(self.admitted_share()))
    }

    /// Returns how long the circuit stays open; zero if it is not open.
    pub fn remaining(&self, now: Timestamp) -> Duration {
        match self.state {
            State::Open => self.until.saturating_since(now),
            State::Closed | State::HalfOpen | State::Ramp => Duration::ZERO,
        }
    }

    fn all_succeeded(&self, settings: &Settings) -> bool {
        u32::from(self.recovery.probes.succeeded) >= settings.probe.permits
    }

    /// Returns the number of the bucket of the window that contains `now`.
    fn bucket(&self, now: Timestamp) -> u64 {
        bucket_number(now, self.bucket_width)
    }

    fn window_length(&self) -> Duration {
        self.bucket_width.saturating_mul(BUCKETS as u32)
    }

    /// Opens the circuit for `min(base * 2^exponent, max / (1 + jitter)) * (1 + draw * jitter)`, which
    /// is at least `base` and at most `max`; or for as long as the upstream asked, plus jitter.
    fn open(
        &mut self,
        settings: &Settings,
        now: Timestamp,
        draw: f64,
        counts: Counts,
        retry_after: Option<Duration>,
    ) -> Transition {
        if self.state == State::Closed {
            let calm = now.saturating_since(self.changed_at).as_secs() / CALM_SECONDS;
            self.exponent = self
                .exponent
                .saturating_sub(u8::try_from(calm).unwrap_or(u8::MAX));
        }
        let open = &settings.open;
        let factor = 1_u32
            .checked_shl(u32::from(self.exponent))
            .unwrap_or(u32::MAX);
        let grown_ms = saturating_millis(open.base.saturating_mul(factor));
        let (base_ms, max_ms) = (saturating_millis(open.base), saturating_millis(open.max));
        // With the largest jitter, this is `max`.
        let longest_ms = (max_ms as f64 / (1.0 + open.jitter)) as u64;
        let with_jitter = |wait_ms: u64| {
            let jitter = open.jitter * draw.clamp(0.0, 1.0);
            wait_ms.saturating_add((wait_ms as f64 * jitter) as u64)
        };
        let open_ms = match retry_after.filter(|_| open.honor_retry_after) {
            Some(wait) => with_jitter(saturating_millis(wait.min(MAX_RETRY_AFTER).max(open.base))),
            None => with_jitter(grown_ms.min(longest_ms).max(base_ms)).min(max_ms.max(base_ms)),
        };
        // The exponent stays where it no longer changes the open time, so that it also falls soon.
        if grown_ms < longest_ms {
            self.exponent = self.exponent.saturating_add(1);
        }
        let mut transition = self.enter(State::Open, now, counts);
        transition.open_for = Duration::from_millis(open_ms);
        self.until = now.saturating_add(transition.open_for);
        transition
    }

    fn enter(&mut self, to: State, now: Timestamp, counts: Counts) -> Transition {
        let from = std::mem::replace(&mut self.state, to);
        self.generation = self.generation.wrapping_add(1);
        self.changed_at = now;
        self.until = now;
        if to == State::HalfOpen {
            self.until = now.saturating_add(IDLE);
            self.recovery.probes.begin(now);
        }
        self.recovery.ramp = Ramp::default();
        self.recovery.gate = GateState::begin(now);
        self.recovery.step = Counts::default();
        self.recovery.next_step_at = now.saturating_add(RAMP_STEP);
        self.clear_window();
        self.clients.age(self.bucket(now));
        Transition {
            from,
            to,
            reason: self.tripped_by,
            counts,
            open_for: Duration::ZERO,
        }
    }

    /// Adjusts times after the clock was set back: each period keeps its length, and none ends later than
    /// one that begins now.
    fn follow_clock(&mut self, settings: &Settings, now: Timestamp) {
        let timeout = settings.probe.timeout;
        if let Some(recovery) = self.recovery.changed_mut() {
            let shortened = |deadline: Timestamp| deadline.at_most_ahead(now, timeout);
            recovery.probes.shorten(shortened);
            recovery.next_step_at = recovery.next_step_at.at_most_ahead(now, RAMP_STEP);
            let filled_at = &mut recovery.gate.token_bucket.filled_at;
            *filled_at = now.min(*filled_at);
            let failed_at = &mut recovery.probe_failed_at;
            *failed_at = failed_at.at_most_ahead(now, Duration::ZERO);
        }
        let back = self.changed_at.saturating_since(now);
        if back > CLOCK_SLACK {
            self.changed_at = now;
            self.until = self.until.saturating_sub(back);
            self.clear_window();
        }
        let longest = match self.state {
            State::Open => longest_open_time(settings),
            State::Closed | State::HalfOpen | State::Ramp => IDLE,
        };
        self.until = self.until.at_most_ahead(now, longest);
        for past in [
            &mut self.last_success,
            &mut self.last_response,
            &mut self.consecutive.since,
            &mut self.consecutive.last,
            &mut self.abandoned.since,
            &mut self.abandoned.last,
        ] {
            *past = past.at_most_ahead(now, Duration::ZERO);
        }
    }

    fn clear_window(&mut self) {
        self.window = Window::default();
        self.consecutive = ConsecutiveFailures::default();
        self.last_success = Timestamp::EPOCH;
        self.abandoned = ConsecutiveFailures::default();
        self.last_response = Timestamp::EPOCH;
    }
}

/// Returns the longest time for which a circuit opens.
pub fn longest_open_time(settings: &Settings) -> Duration {
    let open = &settings.open;
    let asked = MAX_RETRY_AFTER.max(open.base).mul_f64(1.0 + open.jitter);
    let asked = Some(asked).filter(|_| open.honor_retry_after);
    open.base.max(open.max).max(asked.unwrap_or_default())
}
