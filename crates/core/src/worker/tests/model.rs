//! The circuit breaker again, as its design describes it: a list of all outcomes with their times,
//! without regard to speed. One worker must behave the same in any story.

use super::*;

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
    /// Shares are in millionths, rounded up.
    pub(super) level: u64,
    /// The share that the upstream is believed to carry; 0 until requests fail.
    target: u64,
    /// The most successes in a second, fading.
    best: u64,
    held_s: u64,
    /// Cuts that the load does not explain.
    doubts: u8,
    step_ms: u64,
    /// The outcomes of this period that count.
    seen: Vec<Seen>,
    /// The consecutive failures.
    run: Vec<Seen>,
    is_tracking: bool,
    requests: usize,
}

impl Model {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            now_ms: START.as_millis(),
            state: State::Closed,
            period: 0,
            since_ms: 0,
            until_ms: 0,
            doublings: 0,
            probes: Vec::new(),
            came_back_well: 0,
            idle_ms: 0,
            level: 0,
            target: 0,
            best: 0,
            held_s: 0,
            doubts: 0,
            step_ms: 0,
            seen: Vec::new(),
            run: Vec::new(),
            is_tracking: false,
            requests: 0,
        }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.period += 1;
        self.since_ms = self.now_ms;
        self.came_back_well = 0;
        self.idle_ms = self.now_ms + 600_000;
        self.doubts = 0;
        (self.level, self.target, self.best, self.held_s) = (0, 0, 0, 0);
        self.step_ms = self.now_ms + 1_000;
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
        let grown = max.min(base << self.doublings);
        let wait = asked_ms.map_or(grown, |ms| ms.clamp(base, 60_000.max(base)));
        let open_ms = wait + (wait as f64 * (s.open.jitter * draw)) as u64;
        if grown < max {
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
        while self.state == State::Ramp && self.now_ms >= self.step_ms {
            let step: Vec<Seen> = self.seen.iter().filter(|s| s.is_pushed).copied().collect();
            self.seen.retain(|seen| !seen.is_pushed);
            let total = step.len() as f64;
            let bad = step.iter().filter(|seen| seen.outcome.is_bad()).count() as f64;
            let slow = step.iter().filter(|seen| seen.outcome.is_slow()).count() as f64;
            let s = &self.settings;
            let too_bad = bad >= s.ramp.failure_ratio * total;
            let too_slow = s.failures.slow.is_some() && slow >= s.failures.slow_ratio * total;
            self.step_ms += 1_000;
            let good = (total - bad) as u64;
            self.best = good.max(self.best - self.best.div_ceil(20));
            let would_trip = too_slow || bad >= s.failure_ratio * total;
            let is_sure = good == 0 || step.len() >= s.min_requests as usize;
            let mut is_bad = match self.doubts >= 3 {
                true => would_trip && is_sure,
                false => too_bad || too_slow,
            };
            is_bad &= step.len() >= 5;
            let was_carried = step.len() as u64 - step.len() as u64 / 8 <= self.best;
            if is_bad && !would_trip && was_carried {
                self.doubts += 1;
                if self.doubts == 3 {
                    is_bad = false;
                    self.target = 0;
                }
            }
            if is_bad {
                let is_hopeless = good == 0 || would_trip && self.level == 10_000;
                self.held_s = 0;
                if self.doubts < 3 && (self.target == 0 || self.level >= self.target) {
                    let total = step.len() as u64;
                    let least = if self.target == 0 { 50_000 } else { 10_000 };
                    let carried = self.level.max(least) * self.best.min(total) / total;
                    self.target = (carried - carried.div_ceil(20)).max(1);
                    self.level = self.target;
                }
                self.level /= 2;
                if self.level < 10_000 && is_hopeless {
                    self.open(None, draw);
                } else {
                    self.level = self.level.max(10_000);
                    self.period += 1;
                    self.seen.clear();
                }
            } else {
                let duration_s = s.ramp.duration.as_secs();
                let up = 1_000_000_u64.div_ceil(duration_s);
                if self.level == 1_000_000 {
                    self.held_s += 1;
                }
                let level = if self.target == 0 {
                    self.level + up
                } else if self.level < self.target {
                    self.target.min(self.level + self.target.div_ceil(2))
                } else {
                    self.level + up.min(self.level.div_ceil(32))
                };
                self.level = level.min(1_000_000);
                if self.level >= 2 * self.target {
                    self.target = 0;
                }
                if self.held_s > 0 && 2 * self.held_s >= duration_s {
                    self.enter(State::Closed);
                }
            }
        }
    }

    pub(super) fn tick(&mut self, draw: f64) {
        self.look(draw);
        if self.state == State::Open || self.state == State::HalfOpen {
            return;
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

    pub(super) fn arrive(&mut self, draw: f64) -> (ModelDecision, Option<Request>) {
        let mut is_probe = false;
        let admitted = match self.state {
            State::Closed => true,
            State::Open if self.now_ms < self.until_ms => false,
            State::Open | State::HalfOpen => {
                is_probe = self.probe(draw);
                is_probe
            }
            State::Ramp => {
                let least = if self.target == 0 { 50_000 } else { 10_000 };
                draw * 1e6 < self.level.max(least) as f64
            }
        };
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
