//! What moves a breaker: outcomes, permits and time.
//!
//! ```text
//!            too many failures                  until is over
//!   closed ---------------------> open ---------------------------> half-open
//!     ^                            ^ ^                               |    |
//!     |                            | +--- a probe failed or was lost +    | all probes succeeded
//!     |        ramp fell under 1 % |                                      v
//!     +---------------------------[ramp: p grows each second; falls, and remembers, when it fails]
//!            all was admitted for half as long as the ramp took
//! ```
//!
//! A change of state, and a cut of the ramp, begin a new generation. What was admitted under an older
//! one does not count: a late answer of a request from before the trip says nothing about the upstream
//! of now.

use crate::breaker::ramp::{Bounds, Ramp, Step, RAMP_FULL, RAMP_STEP_MS};
use crate::breaker::record::{Record, Run, State};
use crate::breaker::window::{Counts, Window};
use crate::config::Breaker as Settings;
use crate::millis::{millis, times};
use crate::reason::Reason;

/// After each minute without a trip the next open time is halved again.
pub const CALM_MS: u64 = 60_000;
/// An upstream's `Retry-After` opens a circuit for at most this long: longer ones speak of plans,
/// not of load, and a probe is cheap.
pub const MAX_RETRY_AFTER_MS: u64 = 60_000;
/// A half-open circuit that nobody wants to probe for this long goes on to the ramp: where nobody
/// comes there is no crowd, and to watch it would cost all other routes.
pub const IDLE_MS: u64 = 600_000;
/// A clock that goes back by less than this is the small difference between two readings.
const CLOCK_SLACK_MS: u64 = 1_000;

/// How a request ended, as far as its route's breaker is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream did its work.
    Success,
    /// It did not, for this reason.
    Failure(Reason),
    /// It said that it has too much to do: counts in the ratio, not in the run.
    Limited(Reason),
    /// It says nothing about the upstream: changes nothing, gives a permit back.
    Neutral,
}

/// Leave to send one probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    /// The half-open period it belongs to.
    pub generation: u32,
    /// Which of its permits.
    pub slot: u8,
}

/// A change of state, for logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// From which state.
    pub from: State,
    /// To which.
    pub to: State,
    /// Why the breaker tripped last.
    pub reason: Reason,
    /// What was counted when the state changed.
    pub counts: Counts,
    /// How long the circuit will be open, in milliseconds; 0 unless it is.
    pub open_ms: u64,
}

/// Outcomes that a worker has not told yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delta {
    /// The generation under which the requests were admitted.
    pub generation: u32,
    /// By bucket of the window.
    pub window: Window,
    /// All of them, for the step of the ramp.
    pub step: Counts,
    /// Failures since the last success among these outcomes.
    pub run: Run,
    /// The last success among these outcomes, in milliseconds since the Unix epoch.
    pub last_success_ms: Option<u64>,
    /// Reason of the last failure.
    pub reason: Option<Reason>,
    /// `Retry-After` of the last failure that had one, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl Delta {
    /// Counts one outcome.
    pub fn count(&mut self, outcome: Outcome, slow: bool, bucket_ms: u32, now_ms: u64) {
        let failed = match outcome {
            Outcome::Neutral => return,
            Outcome::Success => {
                self.last_success_ms = Some(now_ms);
                self.run = Run::default();
                0
            }
            Outcome::Failure(reason) => {
                self.run.fail(now_ms);
                self.reason = Some(reason);
                1
            }
            Outcome::Limited(reason) => {
                self.reason = Some(reason);
                1
            }
        };
        if slow && failed == 0 {
            self.reason = Some(Reason::HttpResponseTimeout);
        }
        let counts = Counts {
            total: 1,
            failed,
            slow: u32::from(slow),
        };
        self.window.count(bucket_number(now_ms, bucket_ms), counts);
        self.step.add(counts);
    }
}

fn bucket_number(now_ms: u64, bucket_ms: u32) -> u64 {
    now_ms.checked_div(u64::from(bucket_ms)).unwrap_or(0)
}

impl Record {
    /// Moves the breaker by time alone. `draw` in [0, 1) spreads the open time.
    pub fn advance(&mut self, settings: &Settings, now_ms: u64, draw: f64) -> Option<Transition> {
        self.follow_clock(settings, now_ms);
        match self.state {
            State::Closed => {
                let number = bucket_number(now_ms, self.bucket_ms);
                if self.window.is_ahead(number) {
                    // The clock was set back: what was counted has no time any more.
                    self.forget_window();
                }
                self.window.advance(number);
                if self.is_clean() {
                    // Successes of a clean route are not counted, so a run cannot outlive it.
                    self.run = Run::default();
                }
                None
            }
            State::Open if now_ms >= self.until_ms => {
                Some(self.enter(State::HalfOpen, now_ms, Counts::default()))
            }
            State::Open => None,
            State::HalfOpen => {
                if self.probes.is_one_lost(self.generation, now_ms) {
                    return Some(self.open(settings, now_ms, draw, Counts::default(), None));
                }
                let is_idle = now_ms >= self.until_ms && self.probes.is_none_out(self.generation);
                // Fewer permits since a new configuration: the probes that succeeded may be enough.
                (is_idle || self.all_succeeded(settings))
                    .then(|| self.enter(State::Ramp, now_ms, Counts::default()))
            }
            State::Ramp => self.climb(settings, now_ms, draw),
        }
    }

    /// Takes what a worker counted. What belongs to another generation is dropped.
    pub fn absorb(
        &mut self,
        settings: &Settings,
        delta: &Delta,
        now_ms: u64,
        draw: f64,
    ) -> Option<Transition> {
        if delta.generation != self.generation {
            return None;
        }
        match self.state {
            State::Closed => {
                self.window.merge(&delta.window);
                self.absorb_run(delta);
                if let Some(reason) = delta.reason {
                    self.tripped_by = reason;
                }
                let counts = self.window.sum();
                self.should_trip(settings, counts)
                    .then(|| self.open(settings, now_ms, draw, counts, delta.retry_after_ms))
            }
            State::Ramp => {
                self.step.add(delta.step);
                if let Some(reason) = delta.reason {
                    self.tripped_by = reason;
                }
                None
            }
            State::Open | State::HalfOpen => None,
        }
    }

    /// Gives a permit for a probe, while half-open and where one is left.
    pub fn lease(&mut self, settings: &Settings, now_ms: u64) -> Option<Permit> {
        if self.state != State::HalfOpen {
            return None;
        }
        let deadline_ms = now_ms.saturating_add(millis(settings.probe.timeout));
        let permits = settings.probe.permits;
        let permit = self
            .probes
            .lend(self.generation, permits, now_ms, deadline_ms)?;
        self.until_ms = now_ms.saturating_add(IDLE_MS);
        Some(permit)
    }

    /// Whether a permit for a probe is left, or was lost.
    pub fn may_lease(&self, settings: &Settings, now_ms: u64) -> bool {
        let permits = settings.probe.permits;
        self.state == State::HalfOpen
            && (self.probes.is_left(self.generation, permits, now_ms)
                || self.probes.is_one_lost(self.generation, now_ms))
    }

    /// Takes a permit back, with how its request ended. One of another half-open period decides
    /// nothing.
    pub fn settle(
        &mut self,
        settings: &Settings,
        permit: Permit,
        outcome: Outcome,
        retry_after_ms: Option<u64>,
        now_ms: u64,
        draw: f64,
    ) -> Option<Transition> {
        let was_out = self.probes.take_back(permit);
        if !was_out || self.state != State::HalfOpen || permit.generation != self.generation {
            return None;
        }
        match outcome {
            Outcome::Neutral => None,
            Outcome::Success => {
                self.probes.succeeded = self.probes.succeeded.saturating_add(1);
                self.all_succeeded(settings)
                    .then(|| self.enter(State::Ramp, now_ms, Counts::default()))
            }
            Outcome::Failure(reason) | Outcome::Limited(reason) => {
                self.tripped_by = reason;
                let counts = Counts {
                    total: 1,
                    failed: 1,
                    slow: 0,
                };
                Some(self.open(settings, now_ms, draw, counts, retry_after_ms))
            }
        }
    }

    /// Share of the traffic that is admitted, in millionths.
    pub fn admitted(&self) -> u32 {
        match self.state {
            State::Closed => RAMP_FULL,
            State::Open | State::HalfOpen => 0,
            State::Ramp => self.ramp.admitted(),
        }
    }

    /// How long the circuit stays open at least, in milliseconds; 0 where it is not open.
    pub fn remaining_ms(&self, now_ms: u64) -> u64 {
        match self.state {
            State::Open => self.until_ms.saturating_sub(now_ms),
            State::Closed | State::HalfOpen | State::Ramp => 0,
        }
    }

    fn all_succeeded(&self, settings: &Settings) -> bool {
        u32::from(self.probes.succeeded) >= settings.probe.permits
    }

    fn absorb_run(&mut self, delta: &Delta) {
        // In one millisecond, what is told later was later.
        let success = delta
            .last_success_ms
            .filter(|at| *at >= self.last_success_ms);
        if let Some(success) = success {
            self.last_success_ms = success;
            // Failures of other workers after that success may still count, but their times are
            // not known one by one: only a run that began later is kept whole.
            if self.run.since_ms <= success {
                self.run = Run::default();
            }
        }
        if delta.run.count > 0 && delta.run.last_ms >= self.last_success_ms {
            if self.run.count == 0 || delta.run.since_ms < self.run.since_ms {
                self.run.since_ms = delta.run.since_ms.max(self.last_success_ms);
            }
            self.run.count = self.run.count.saturating_add(delta.run.count);
            self.run.last_ms = self.run.last_ms.max(delta.run.last_ms);
        }
    }

    fn should_trip(&self, settings: &Settings, counts: Counts) -> bool {
        let share = |part: u32| f64::from(part) / f64::from(counts.total.max(1));
        let enough = counts.total >= settings.min_requests;
        let lasted = self.run.last_ms.saturating_sub(self.run.since_ms);
        (enough && share(counts.failed) >= settings.failure_ratio)
            || (enough
                && settings.failures.slow.is_some()
                && share(counts.slow) >= settings.failures.slow_ratio)
            || (self.run.count >= settings.consecutive.failures
                && lasted >= millis(settings.consecutive.duration))
    }

    /// One decision for each step of the ramp that is over.
    fn climb(&mut self, settings: &Settings, now_ms: u64, draw: f64) -> Option<Transition> {
        while now_ms >= self.step_ms {
            let step = core::mem::take(&mut self.step);
            self.step_ms = self.step_ms.saturating_add(RAMP_STEP_MS);
            // Or it would close a circuit that slowness opens again.
            let is_slow = settings.failures.slow.is_some()
                && f64::from(step.slow) >= settings.failures.slow_ratio * f64::from(step.total);
            let bounds = Bounds {
                cut: settings.ramp.failure_ratio,
                trip: settings.failure_ratio,
                min_requests: settings.min_requests,
            };
            match self
                .ramp
                .step(step, bounds, is_slow, millis(settings.ramp.duration))
            {
                Step::On => {}
                // What was admitted before says nothing about what is admitted now.
                Step::Cut => self.generation = self.generation.wrapping_add(1),
                Step::Fell => return Some(self.open(settings, now_ms, draw, step, None)),
                Step::Done => return Some(self.enter(State::Closed, now_ms, step)),
            }
        }
        None
    }

    /// Opens the circuit for `min(max, base * 2^exponent) * (1 + U(0, jitter))`, or for as long as
    /// the upstream asked.
    fn open(
        &mut self,
        settings: &Settings,
        now_ms: u64,
        draw: f64,
        counts: Counts,
        retry_after_ms: Option<u64>,
    ) -> Transition {
        if self.state == State::Closed {
            let calm = now_ms
                .saturating_sub(self.changed_ms)
                .checked_div(CALM_MS)
                .unwrap_or(0);
            self.exponent = self
                .exponent
                .saturating_sub(u8::try_from(calm).unwrap_or(u8::MAX));
        }
        let base = millis(settings.open.base);
        let factor = 1_u64
            .checked_shl(u32::from(self.exponent))
            .unwrap_or(u64::MAX);
        let grown = times(base, factor).min(millis(settings.open.max)).max(base);
        let asked = retry_after_ms
            .filter(|_| settings.open.honor_retry_after)
            .map(|ms| ms.min(MAX_RETRY_AFTER_MS).max(base));
        let wait = asked.unwrap_or(grown);
        let jitter = settings.open.jitter * draw.clamp(0.0, 1.0);
        let open_ms = wait.saturating_add((wait as f64 * jitter) as u64);
        // Beyond the longest open time the exponent says nothing; bounded, it also falls in time.
        if grown < millis(settings.open.max) {
            self.exponent = self.exponent.saturating_add(1);
        }
        let mut transition = self.enter(State::Open, now_ms, counts);
        self.until_ms = now_ms.saturating_add(open_ms);
        transition.open_ms = open_ms;
        transition
    }

    fn enter(&mut self, to: State, now_ms: u64, counts: Counts) -> Transition {
        let from = core::mem::replace(&mut self.state, to);
        self.generation = self.generation.wrapping_add(1);
        self.changed_ms = now_ms;
        self.until_ms = now_ms;
        if to == State::HalfOpen {
            self.until_ms = now_ms.saturating_add(IDLE_MS);
            self.probes.begin(now_ms);
        }
        self.ramp = Ramp::default();
        self.step = Counts::default();
        self.step_ms = now_ms.saturating_add(RAMP_STEP_MS);
        self.forget_window();
        Transition {
            from,
            to,
            reason: self.tripped_by,
            counts,
            open_ms: 0,
        }
    }

    /// When the clock has been set back, what was to last still lasts as long, not longer.
    fn follow_clock(&mut self, settings: &Settings, now_ms: u64) {
        let bound = |at: u64, longest: u64| {
            let latest = now_ms.saturating_add(longest);
            (at > latest.saturating_add(CLOCK_SLACK_MS)).then_some(latest)
        };
        let timeout = millis(settings.probe.timeout);
        self.probes.bound(|at| bound(at, timeout));
        self.step_ms = bound(self.step_ms, RAMP_STEP_MS).unwrap_or(self.step_ms);
        let back = self.changed_ms.saturating_sub(now_ms);
        if back > CLOCK_SLACK_MS {
            self.changed_ms = now_ms;
            self.until_ms = self.until_ms.saturating_sub(back);
            self.forget_window();
        }
    }

    fn forget_window(&mut self) {
        self.window = Window::default();
        self.run = Run::default();
        self.last_success_ms = 0;
    }
}
