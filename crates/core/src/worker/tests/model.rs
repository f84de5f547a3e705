//! The circuit breaker again, as its design describes it: a list of all outcomes with their times,
//! without regard to speed. One worker must behave the same in any story.

mod ramp;

use super::*;
use crate::config::RampRate;
use ramp::{Ramp, Second, Then};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TestOutcome {
    Success,
    SlowSuccess,
    Failure,
    SlowFailure,
    Overloaded { retry_after_s: u8 },
    ClientLeft,
}

impl TestOutcome {
    fn is_bad(self) -> bool {
        matches!(
            self,
            TestOutcome::Failure | TestOutcome::SlowFailure | TestOutcome::Overloaded { .. }
        )
    }

    fn is_slow(self) -> bool {
        matches!(self, TestOutcome::SlowSuccess | TestOutcome::SlowFailure)
    }

    fn retry_after_ms(self) -> Option<u64> {
        match self {
            TestOutcome::Overloaded { retry_after_s } => Some(u64::from(retry_after_s) * 1_000),
            _ => None,
        }
    }

    pub(super) fn result(self) -> CallResult {
        let outcome = match self {
            TestOutcome::Success | TestOutcome::SlowSuccess => Outcome::Success,
            TestOutcome::Failure | TestOutcome::SlowFailure => FAILURE,
            TestOutcome::Overloaded { .. } => OVERLOADED,
            TestOutcome::ClientLeft => Outcome::Ignored,
        };
        CallResult {
            outcome,
            is_slow: self.is_slow(),
            retry_after: self.retry_after_ms().map(millis),
        }
    }
}

/// An outcome.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at_ms: u64,
    outcome: TestOutcome,
    /// Whether it was pushed to the shared record.
    is_pushed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Probe {
    id: usize,
    period: usize,
    deadline_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ModelDecision {
    Admitted { is_probe: bool },
    Rejected { remaining_ms: u64 },
}

/// A request in flight, as the model knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    id: usize,
    pub(super) period: usize,
    is_probe: bool,
    /// Whether a circuit that is not closed admitted it, and not as a probe.
    is_by_gate: bool,
}

pub(super) struct Model {
    settings: Settings,
    pub(super) now_ms: u64,
    pub(super) state: State,
    /// The number of changes of state.
    pub(super) period: usize,
    since_ms: u64,
    pub(super) until_ms: u64,
    doublings: u32,
    /// The probes in flight, of any half-open period.
    probes: Vec<Probe>,
    came_back_well: usize,
    /// When the wait for probes ends.
    idle_ms: u64,
    /// What the route usually has: requests per second, and latency.
    usual: (f64, Duration),
    ramp: Ramp,
    /// The outcomes of this period that count.
    seen: Vec<Seen>,
    /// The consecutive failures.
    run: Vec<Seen>,
    is_tracking: bool,
    requests: usize,
}

impl Model {
    /// `usual`: what is known of the route, its requests per second (0 if not known) and its latency.
    pub(super) fn new(settings: Settings, usual: (f64, Duration)) -> Self {
        let now_ms = START.as_millis();
        Self {
            ramp: Ramp::new(usual.0, usual.1, &settings, now_ms),
            settings,
            usual,
            now_ms,
            state: State::Closed,
            period: 0,
            since_ms: 0,
            until_ms: 0,
            doublings: 0,
            probes: Vec::new(),
            came_back_well: 0,
            idle_ms: 0,
            seen: Vec::new(),
            run: Vec::new(),
            is_tracking: false,
            requests: 0,
        }
    }

    /// Returns the rate that the ramp admits, in requests per second.
    pub(super) fn rate(&self) -> f64 {
        self.ramp.rate
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.period += 1;
        self.since_ms = self.now_ms;
        self.came_back_well = 0;
        self.idle_ms = self.now_ms + 600_000;
        let (usual, latency) = self.usual;
        let before = &self.ramp;
        self.ramp = Ramp::after(before, usual, latency, &self.settings, self.now_ms);
        self.seen.clear();
        self.run.clear();
        self.is_tracking = state != State::Closed;
    }

    fn open(&mut self, asked_ms: Option<u64>, draw: f64) {
        let s = &self.settings;
        let (base, max) = (
            s.open.base.as_millis() as u64,
            s.open.max.as_millis() as u64,
        );
        if self.state == State::Closed {
            let healthy_minutes = (self.now_ms - self.since_ms) / 60_000;
            self.doublings = self
                .doublings
                .saturating_sub(healthy_minutes.min(99) as u32);
        }
        let grown = base << self.doublings;
        let longest = (max as f64 / (1.0 + s.open.jitter)) as u64;
        let (wait, end) = match asked_ms {
            Some(ms) => (ms.clamp(base, 60_000.max(base)), u64::MAX),
            None => (base.max(grown.min(longest)), max),
        };
        let open_ms = end.min(wait + (wait as f64 * (s.open.jitter * draw)) as u64);
        if grown < longest {
            self.doublings += 1;
        }
        self.enter(State::Open);
        self.until_ms = self.now_ms + open_ms;
    }

    /// Returns the outcomes in the window: ten buckets; the newest has begun.
    fn window(&self) -> Vec<Seen> {
        let width = self.settings.window.as_millis() as u64 / 10;
        let bucket = |at_ms: u64| at_ms / width;
        let is_in = |seen: &&Seen| bucket(seen.at_ms) + 10 > bucket(self.now_ms);
        self.seen.iter().filter(is_in).copied().collect()
    }

    fn should_trip(&self) -> bool {
        let (s, window) = (&self.settings, self.window());
        let share = |is: fn(TestOutcome) -> bool| {
            window.iter().filter(|seen| is(seen.outcome)).count() as f64 / window.len() as f64
        };
        let enough = window.len() >= s.min_requests as usize;
        let lasted = match (self.run.first(), self.run.last()) {
            (Some(first), Some(last)) => last.at_ms - first.at_ms,
            _ => 0,
        };
        enough && share(TestOutcome::is_bad) >= s.failure_ratio && self.has_lasted(s.failure_ratio)
            || enough
                && s.failures.slow.is_some()
                && share(TestOutcome::is_slow) >= s.failures.slow_ratio
                && self.has_lasted(s.failures.slow_ratio)
            || self.run.len() >= s.consecutive.failures as usize
                && lasted >= s.consecutive.duration.as_millis() as u64
    }

    /// Returns whether a quarter of the failures that are needed is left without the two neighbouring
    /// buckets that have the most of them.
    fn has_lasted(&self, ratio: f64) -> bool {
        let width = self.settings.window.as_millis() as u64 / 10;
        let window = self.window();
        let newest = self.now_ms / width;
        let bad_in = |bucket: u64| {
            let of = |is: fn(TestOutcome) -> bool| {
                let of_bucket = window.iter().filter(|seen| seen.at_ms / width == bucket);
                of_bucket.filter(|seen| is(seen.outcome)).count()
            };
            of(TestOutcome::is_bad).max(of(TestOutcome::is_slow))
        };
        let all: usize = (newest - 9..=newest).map(bad_in).sum();
        let pairs = (newest - 9..newest).map(|bucket| bad_in(bucket) + bad_in(bucket + 1));
        let rest = all - pairs.max().unwrap_or(0);
        self.settings.consecutive.duration.is_zero()
            || rest >= 1 && rest as f64 >= ratio * window.len() as f64 / 4.0
    }

    /// Applies the changes that time causes in the shared record.
    fn look(&mut self, draw: f64) {
        let is_awaited =
            |probe: &Probe| probe.period == self.period && probe.deadline_ms > self.now_ms;
        let is_idle = !self.probes.iter().any(is_awaited) && self.now_ms >= self.idle_ms;
        match self.state {
            State::Closed => {
                let window = self.window();
                let is_bad = |seen: &Seen| seen.outcome.is_bad() || seen.outcome.is_slow();
                if !window.iter().any(|seen| is_bad(seen) && seen.is_pushed) {
                    self.run.retain(|seen| !seen.is_pushed);
                }
                self.is_tracking = window.iter().any(is_bad);
            }
            State::Open if self.now_ms >= self.until_ms => self.enter(State::HalfOpen),
            State::Open => {}
            State::HalfOpen if is_idle => self.enter(State::Ramp),
            State::HalfOpen => {}
            State::Ramp => self.climb(draw),
        }
    }

    fn climb(&mut self, draw: f64) {
        while self.state == State::Ramp && self.now_ms >= self.ramp.step_ms {
            let is_pushed = |seen: &&Seen| seen.is_pushed;
            let of = |is: fn(TestOutcome) -> bool| {
                let pushed = self.seen.iter().filter(is_pushed);
                pushed.filter(|seen| is(seen.outcome)).count()
            };
            let second = Second {
                total: of(|_| true),
                bad: of(TestOutcome::is_bad),
                slow: of(TestOutcome::is_slow),
            };
            self.seen.retain(|seen| !seen.is_pushed);
            match self.ramp.step(&second, &self.settings) {
                Then::GoOn => {}
                Then::NewPeriod => {
                    self.period += 1;
                    self.seen.clear();
                }
                Then::Open => self.open(None, draw),
                Then::Close => self.enter(State::Closed),
            }
        }
    }

    pub(super) fn tick(&mut self, draw: f64) {
        self.look(draw);
        self.ramp.push(self.now_ms);
        if self.state == State::Open || self.state == State::HalfOpen {
            return;
        }
        let is_bad = |seen: &Seen| seen.outcome.is_bad() || seen.outcome.is_slow();
        if self.state == State::Closed && !self.window().iter().any(is_bad) {
            // Successes of a route without failures need not be known.
            self.seen.retain(|seen| seen.is_pushed);
        }
        let unpushed: Vec<Seen> = self.seen.iter().filter(|s| !s.is_pushed).copied().collect();
        self.seen
            .iter_mut()
            .chain(&mut self.run)
            .for_each(|seen| seen.is_pushed = true);
        if self.state == State::Closed && !unpushed.is_empty() && self.should_trip() {
            self.open(last_asked(&unpushed), draw);
        }
    }

    pub(super) fn arrive(&mut self, has_pass: bool, draw: f64) -> (ModelDecision, Option<Request>) {
        let mut is_probe = false;
        let by_pass = has_pass && self.ramp.admits_by_pass(self.now_ms);
        let is_gate = match self.state {
            State::HalfOpen => by_pass && self.came_back_well > 0,
            State::Ramp => true,
            State::Closed | State::Open => false,
        };
        let admitted = match self.state {
            State::Closed => true,
            State::Open if self.now_ms < self.until_ms => false,
            State::HalfOpen if is_gate => true,
            State::Open | State::HalfOpen => {
                is_probe = self.probe(draw);
                is_probe
            }
            State::Ramp => by_pass || self.ramp.admits(self.now_ms, draw),
        };
        if is_gate {
            self.ramp.comes(admitted, self.now_ms);
        }
        if !admitted {
            let is_open = self.state == State::Open;
            let remaining_ms = if is_open {
                self.until_ms - self.now_ms
            } else {
                0
            };
            return (ModelDecision::Rejected { remaining_ms }, None);
        }
        let request = Request {
            id: self.requests,
            period: self.period,
            is_probe,
            is_by_gate: is_gate,
        };
        self.requests += 1;
        (ModelDecision::Admitted { is_probe }, Some(request))
    }

    fn probe(&mut self, draw: f64) -> bool {
        self.look(draw);
        let permits = self.settings.probe.permits as usize;
        // Of any period: after its deadline a probe is undecided, and another may be sent.
        self.probes.retain(|probe| probe.deadline_ms > self.now_ms);
        let of_now = |probe: &&Probe| probe.period == self.period;
        let of_now = self.probes.iter().filter(of_now).count();
        let is_left = of_now + self.came_back_well < permits && self.probes.len() < permits;
        if self.state != State::HalfOpen || !is_left {
            return false;
        }
        self.idle_ms = self.now_ms + 600_000;
        self.probes.push(Probe {
            id: self.requests,
            period: self.period,
            deadline_ms: self.now_ms + self.settings.probe.timeout.as_millis() as u64,
        });
        true
    }

    pub(super) fn end(&mut self, request: Request, outcome: TestOutcome, draw: f64) {
        if request.is_probe {
            return self.end_probe(request, outcome, draw);
        }
        if request.is_by_gate {
            self.ramp.answered(self.now_ms);
        }
        if request.period != self.period || outcome == TestOutcome::ClientLeft {
            return;
        }
        let is_sign = outcome.is_bad() || outcome.is_slow();
        if !self.is_tracking && !is_sign {
            return;
        }
        self.is_tracking = true;
        let seen = Seen {
            at_ms: self.now_ms,
            outcome,
            is_pushed: false,
        };
        self.seen.push(seen);
        match outcome {
            TestOutcome::Success | TestOutcome::SlowSuccess => self.run.clear(),
            TestOutcome::Failure | TestOutcome::SlowFailure => self.run.push(seen),
            TestOutcome::Overloaded { .. } | TestOutcome::ClientLeft => {}
        }
        if self.state == State::Closed && is_sign && self.should_trip() {
            let unpushed: Vec<Seen> = self.seen.iter().filter(|s| !s.is_pushed).copied().collect();
            self.open(last_asked(&unpushed), draw);
        }
    }

    fn end_probe(&mut self, request: Request, outcome: TestOutcome, draw: f64) {
        self.look(draw);
        self.probes.retain(|probe| probe.id != request.id);
        if request.period != self.period {
            return;
        }
        match outcome {
            TestOutcome::ClientLeft => {}
            TestOutcome::Success => {
                self.came_back_well += 1;
                if self.came_back_well == self.settings.probe.permits as usize {
                    self.enter(State::Ramp);
                }
            }
            _ => self.open(outcome.retry_after_ms(), draw),
        }
    }
}

fn last_asked(seen: &[Seen]) -> Option<u64> {
    seen.iter()
        .rev()
        .find_map(|seen| seen.outcome.retry_after_ms())
}
