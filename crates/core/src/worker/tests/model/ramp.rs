//! The ramp of the model: which requests its rate admits, and how the rate changes each second.

use super::*;

/// What came to the ramp.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Came {
    admitted: u32,
    rejected: u32,
    answered: u32,
}

/// What the shared record and the worker each know of the requests that came.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Gate {
    tokens: f64,
    filled_ms: u64,
    /// The requests of the only client, fading.
    taken: u32,
    /// Since the last step.
    came: Came,
    waiting: u32,
    least_waiting: u32,
}

impl Gate {
    fn tokens_at(&self, rate: f64, now_ms: u64) -> f64 {
        let due = rate * millis(now_ms.saturating_sub(self.filled_ms)).as_secs_f64();
        (self.tokens + due).min((rate * 0.2).max(1.0))
    }

    fn count(&mut self, came: Came, ramp: &Ramp, now_ms: u64) {
        self.tokens = self.tokens_at(ramp.rate, now_ms) - f64::from(came.admitted);
        self.filled_ms = now_ms;
        self.taken += came.admitted;
        self.came.admitted += came.admitted;
        self.came.rejected += came.rejected;
        self.came.answered += came.answered;
        self.waiting = (self.waiting + came.admitted).saturating_sub(came.answered);
        // Only the second half of a step tells whether requests queue.
        if now_ms + 500 < ramp.step_ms {
            self.least_waiting = u32::MAX;
        }
        self.least_waiting = self.least_waiting.min(self.waiting);
    }
}

/// The outcomes of a second.
pub(super) struct Second {
    pub(super) total: usize,
    pub(super) bad: usize,
    pub(super) slow: usize,
}

#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Grow,
    Hold,
    Ease,
    Cut { is_hopeless: bool },
}

#[derive(Debug, PartialEq)]
pub(super) enum Then {
    GoOn,
    NewPeriod,
    Open,
    Close,
}

/// Rates are in requests per second.
#[derive(Debug, Clone)]
pub(super) struct Ramp {
    /// The rate that the workers know of from before, 0 if they do not.
    known: f64,
    /// The rate that the route usually has, 0 if that is not known; and its latency.
    usual: f64,
    latency: Duration,
    pub(super) rate: f64,
    /// The rate that the upstream is believed to carry; 0 until requests fail.
    target: f64,
    /// The most successes in a second, fading.
    best: u32,
    calm: u32,
    /// Cuts that the load does not explain.
    doubts: u32,
    /// Seconds with few failures.
    easings: u32,
    /// Seconds in which requests queued, since half the rate showed that they do (99: that they do not); and
    /// the wait before, in seconds.
    held: u32,
    wait_before: f64,
    pub(super) step_ms: u64,
    /// The requests of the last second.
    offered: u32,
    shared: Gate,
    /// What the worker knows: the shared one, and what it has not pushed.
    own: Gate,
    unpushed: Came,
}

impl Ramp {
    pub(super) fn new(usual: f64, latency: Duration, settings: &Settings, now_ms: u64) -> Self {
        let known = usual;
        let (usual, most) = match settings.ramp.rate {
            RampRate::Auto => (usual, f64::MAX),
            RampRate::PerSecond(rate) => (rate, rate),
        };
        // A twentieth; small routes up to five times what they have, less if the ramp is long.
        let small = (usual * 5.0).min(10.0) * pace(settings);
        let rate = (usual * 0.05).max(small).max(1.0);
        let gate = Gate {
            filled_ms: now_ms,
            ..Gate::default()
        };
        Self {
            known,
            usual,
            latency,
            rate: rate.min(most),
            target: 0.0,
            best: 0,
            calm: 0,
            doubts: 0,
            easings: 0,
            held: 0,
            wait_before: 0.0,
            step_ms: now_ms + 1_000,
            offered: 0,
            shared: gate,
            own: gate,
            unpushed: Came::default(),
        }
    }

    /// Returns a new ramp. What the worker has not pushed yet it pushes to this one.
    pub(super) fn after(
        before: &Self,
        usual: f64,
        latency: Duration,
        settings: &Settings,
        now_ms: u64,
    ) -> Self {
        let mut ramp = Self::new(usual, latency, settings, now_ms);
        ramp.unpushed = before.unpushed;
        ramp.read(now_ms);
        ramp
    }

    pub(super) fn admits_by_pass(&self, now_ms: u64) -> bool {
        // A quarter of the rate for one client, over about three seconds.
        self.own.tokens_at(self.rate, now_ms) > -self.rate.max(30.0)
            && f64::from(self.own.taken) < 3.0 * (self.rate * 0.25).max(10.0)
    }

    pub(super) fn admits(&self, now_ms: u64, draw: f64) -> bool {
        let tokens = self.own.tokens_at(self.rate, now_ms);
        if self.offered == 0 {
            return tokens >= 1.0;
        }
        let correction = 1.0 + tokens / (self.rate * 0.05).max(1.0);
        draw < self.rate / f64::from(self.offered) * correction
    }

    pub(super) fn comes(&mut self, is_admitted: bool, now_ms: u64) {
        self.note(u32::from(is_admitted), u32::from(!is_admitted), 0, now_ms);
    }

    pub(super) fn answered(&mut self, now_ms: u64) {
        self.note(0, 0, 1, now_ms);
    }

    fn note(&mut self, admitted: u32, rejected: u32, answered: u32, now_ms: u64) {
        let came = Came {
            admitted,
            rejected,
            answered,
        };
        let mut own = self.own;
        own.count(came, self, now_ms);
        self.own = own;
        self.unpushed.admitted += admitted;
        self.unpushed.rejected += rejected;
        self.unpushed.answered += answered;
    }

    /// The worker reads the shared record, and adds what it has not pushed.
    pub(super) fn read(&mut self, now_ms: u64) {
        let mut own = self.shared;
        own.count(self.unpushed, self, now_ms);
        if self.unpushed != Came::default() {
            self.own = own;
        } else {
            self.own = self.shared;
        }
    }

    pub(super) fn push(&mut self, now_ms: u64) {
        self.read(now_ms);
        self.shared = self.own;
        self.unpushed = Came::default();
    }

    /// Decides about the second that is over.
    pub(super) fn step(&mut self, second: &Second, settings: &Settings) -> Then {
        let came = self.shared.came;
        self.shared.taken -= self.shared.taken.div_ceil(3);
        self.shared.tokens = self.shared.tokens_at(self.rate, self.step_ms);
        self.shared.filled_ms = self.step_ms;
        self.offered = came.admitted + came.rejected;
        self.shared.came = Came::default();
        let least_waiting = std::mem::replace(&mut self.shared.least_waiting, self.shared.waiting);
        self.step_ms += 1_000;
        let good = (second.total - second.bad) as u32;
        self.best = good.max(self.best - self.best.div_ceil(20));
        let usual = self.latency.as_secs_f64();
        let is_known = (0.001..=0.5).contains(&usual) && came.answered >= 5;
        let wait = is_known.then(|| f64::from(least_waiting) / f64::from(came.answered));
        let queue = wait.filter(|wait| least_waiting >= 5 && *wait > 1.5 * usual + 0.03);
        let lowest = (self.usual / 100.0).max(0.5);
        match self.verdict(second, (wait, queue), lowest, settings) {
            Verdict::Grow => self.grow(came, settings),
            Verdict::Hold => {
                self.calm = 0;
                if self.held < 41 && (self.target == 0.0 || self.rate >= self.target) {
                    self.target = f64::from(came.answered).min(self.rate);
                    self.rate = self.target * 0.95;
                }
                if self.held == 40 {
                    self.rate = self.target / 2.0;
                }
                Then::GoOn
            }
            Verdict::Ease => {
                self.calm = 0;
                let used = self.rate.min(f64::from(came.admitted));
                self.rate = (used * 0.9).max(lowest);
                if self.usual > 0.0 && used >= self.usual {
                    self.target = self.rate;
                }
                Then::GoOn
            }
            Verdict::Cut { is_hopeless } => {
                self.calm = 0;
                let is_tolerant = self.doubts >= 3 || self.easings >= 6;
                if !is_tolerant && (self.target == 0.0 || self.rate >= self.target) {
                    let carried = f64::from(self.best.min(second.total as u32));
                    self.target = carried.min(self.rate) * 0.95;
                    self.rate = self.target;
                }
                self.rate /= 2.0;
                if self.rate < lowest && is_hopeless {
                    return Then::Open;
                }
                self.rate = self.rate.max(lowest);
                Then::NewPeriod
            }
        }
    }

    fn verdict(
        &mut self,
        second: &Second,
        (wait, queue): (Option<f64>, Option<f64>),
        lowest: f64,
        settings: &Settings,
    ) -> Verdict {
        let total = second.total as f64;
        let bad = |ratio: f64| second.bad as f64 >= ratio * total;
        let slow = second.slow as f64 >= settings.failures.slow_ratio * total;
        let slow = settings.failures.slow.is_some() && slow;
        let many = second.total >= 20.min(settings.min_requests as usize);
        let sure = if many { 0.0 } else { 0.8 };
        let would_trip = slow || bad(settings.failure_ratio.max(sure));
        let good = second.total - second.bad;
        let cut = Verdict::Cut {
            is_hopeless: good == 0 || would_trip && self.rate <= lowest,
        };
        if second.total < 5 {
            return Verdict::Grow;
        }
        if self.doubts >= 3 || self.easings >= 6 {
            let is_sure = good == 0 || second.total >= settings.min_requests as usize;
            return if would_trip && is_sure {
                cut
            } else {
                Verdict::Grow
            };
        }
        if would_trip || many && bad(settings.ramp.failure_ratio) {
            let was_carried = second.total - second.total / 8 <= self.best as usize;
            self.doubts += u32::from(was_carried && !would_trip);
            if self.doubts == 3 {
                self.target = 0.0;
                return Verdict::Grow;
            }
            return cut;
        }
        if many && bad(0.05) {
            self.easings += 1;
            if self.easings == 6 {
                self.target = 0.0;
                return Verdict::Grow;
            }
            return Verdict::Ease;
        }
        self.easings = self.easings.saturating_sub(u32::from(many));
        if let (Some(wait), 0..=41) = (wait, self.held) {
            if self.held == 41 {
                // Two seconds at half the rate.
                let shorter = self.latency.as_secs_f64().max(self.wait_before - 1.0);
                let is_queue = wait <= (shorter + self.wait_before) / 2.0;
                self.held = if is_queue { 0 } else { 99 };
                self.target = if is_queue { self.target } else { 0.0 };
                self.rate = if is_queue {
                    self.target * 0.95
                } else {
                    self.rate
                };
            }
            if self.held == 40 || self.held < 40 && queue.is_some() {
                self.held += 1;
                self.wait_before = if self.held == 40 {
                    wait
                } else {
                    self.wait_before
                };
                return Verdict::Hold;
            }
        }
        Verdict::Grow
    }

    fn grow(&mut self, came: Came, settings: &Settings) -> Then {
        self.calm = if came.rejected == 0 { self.calm + 1 } else { 0 };
        let seconds = (settings.ramp.duration.as_secs_f64() * 0.25).max(1.0);
        let by_duration = self.usual * 0.95 / seconds;
        let small = self.usual.max(50.0);
        let pace = pace(settings);
        let is_calm = came.rejected == 0;
        self.rate = match self.rate {
            rate if self.target > rate => self.target.min(rate + self.target / 2.0),
            rate if self.target > 0.0 && is_calm => rate,
            rate if self.target > 0.0 => rate + (rate * 0.02).max(2.0) * pace,
            rate if self.usual == 0.0 => rate * pace.exp2(),
            rate if rate < 50.0 => small.min(rate + by_duration.max(rate * (pace.exp2() - 1.0))),
            rate if rate < self.usual => self.usual.min(rate + by_duration),
            rate if is_calm => rate,
            rate => rate * (1.0 + 0.08 * pace),
        };
        if let RampRate::PerSecond(most) = settings.ramp.rate {
            self.rate = self.rate.min(most);
        }
        if self.rate >= 2.0 * self.target {
            self.target = 0.0;
        }
        let many = 10.0_f64.max(self.known * 1.25);
        let is_crowded = self.known > 0.0 && f64::from(self.offered) > many;
        if self.calm >= if is_crowded { 60 } else { 3 } {
            Then::Close
        } else {
            Then::GoOn
        }
    }
}

/// A ramp of more than ten seconds grows more slowly.
fn pace(settings: &Settings) -> f64 {
    10.0 / settings.ramp.duration.as_secs_f64().max(10.0)
}
