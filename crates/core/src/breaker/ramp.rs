//! The growing rate of requests that passes after the half-open state.
//!
//! A ramp admits a *rate*, not a share of what comes: when an upstream recovers, nobody knows how many
//! requests will come. Clients that were rejected come back, programs try again each second, and a share
//! of a crowd is a crowd. The rate begins at a small part of the usual rate of the route, reaches the
//! usual rate within `ramp.duration`, and then goes on to grow slowly while requests are rejected.
//!
//! # Why it remembers
//!
//! An overloaded upstream fails late: its queue fills first, and then requests wait for their timeout. A
//! ramp that only halves when requests fail, and halves again for each second in which requests from
//! before the cut fail, ends far below the capacity of the upstream. A ramp that forgets where it failed
//! climbs into the same overload again. Therefore:
//!
//! * If many requests fail, the highest recent number of successes in a second becomes the *target*. The
//!   rate falls to half of the target, so that the queue drains, then returns to the target, and grows
//!   slowly from there. If twice the target does not fail, the target was wrong and is forgotten.
//! * If few requests fail, the rate falls by a tenth.
//! * If requests queue at the upstream, it answers as many as it can: that number becomes the target
//!   before anything fails. Now and then the rate is halved to see whether that shortens the queue. If it
//!   does not, it is none: the upstream is slower than it was, and that is no reason to reject anybody.
//! * A cut begins a new generation: requests that were admitted before the cut are not counted after it.
//! * If requests fail although no more arrive than were served a moment ago, the load is not the cause.
//!   After a few such cuts, only failures that would trip a closed circuit cut the rate. Otherwise a
//!   route that always fails a third of its requests, which a closed circuit tolerates, would never
//!   recover.
//!
//! The ramp is over when nobody had to be rejected for [`CALM_STEPS`], and no more requests come than
//! usual: who was told to come back in a quarter of a minute is still to come, and a closed circuit lets
//! all of a crowd in.
//!
//! `tidegate simulate` measures the effect of each of these (docs/breaker.md, docs/hints.md).

use std::time::Duration;

use crate::breaker::window::Counts;
use crate::config::RampRate;

/// The ramp decides once in this time.
pub const RAMP_STEP: Duration = Duration::from_secs(1);
/// Half of that time.
pub const HALF_STEP: Duration = Duration::from_millis(500);
/// A step with fewer outcomes says nothing about the upstream.
pub const RAMP_MIN_SAMPLES: u32 = 5;
/// The ramp ends after this number of steps in a row in which no request was rejected.
pub const CALM_STEPS: u16 = 3;
/// While more requests come than usual, it ends after this number of such steps: by then, who was told to
/// come back has come.
pub const LONG_CALM_STEPS: u16 = 60;
/// More than this many times the usual rate is more than usual...
const CROWD_TIMES: f64 = 1.25;
/// ...if it is more than this many requests per second.
const CROWD_RATE: f64 = 10.0;

/// A ramp of this duration, in seconds, or of a shorter one, grows at the rates below.
const FULL_PACE: f64 = 10.0;
/// A ramp begins at this part of the usual rate.
const START: f64 = 0.05;
/// A ramp begins at this rate if the usual rate is not known, and never lower.
const LEAST_START: f64 = 1.0;
/// A small route begins at up to this rate: what it usually has would leave its few visitors waiting,
/// and is no load for any upstream.
const SMALL_START: f64 = 10.0;
/// A small route begins at this many times its usual rate, up to [`SMALL_START`].
const SMALL_TIMES: f64 = 5.0;
/// Below this rate it doubles in each step.
const SMALL_RATE: f64 = 50.0;
/// The part of `ramp.duration` in which the usual rate is reached. Half of what waits is let in sooner so,
/// and a queue at the upstream stops the growth.
const RISE: f64 = 0.25;
/// Above the usual rate the rate grows by this part of itself in each step.
const GROWTH: f64 = 0.08;
/// The same above the target, near which the upstream has failed or queued before; and the least, in
/// requests per second.
const CAREFUL_GROWTH: f64 = 0.02;
const LEAST_GROWTH: f64 = 2.0;
/// The target is lower than the measured capacity by this part of it.
const MARGIN: f64 = 0.05;
/// The best step fades by 1 / `FADE` of itself in each step, since the capacity may fall.
const FADE: u32 = 20;
/// Of fewer requests than this, and than trip a closed circuit (whose window is longer than a step), one
/// or two failures are a large share: at least that of [`SURE_OF_FEW`] must fail.
const MANY: u32 = 20;
const SURE_OF_FEW: f64 = 0.8;
/// From this share of failures on, a step has a few.
const FEW_FAILURES: f64 = 0.05;
/// What a step with few failures leaves of the rate.
const EASED: f64 = 0.9;
/// Requests queue at an upstream if they wait this many times as long as usual, and so many seconds more.
const QUEUEING_TIMES: f64 = 1.5;
const QUEUEING_SECONDS: f64 = 0.03;
/// Fewer requests that wait are no queue: at a low rate, their number says little about the time.
const LEAST_QUEUE: u32 = 5;
/// After so many steps in which requests queued, the rate is halved for two steps, to see whether it is a
/// queue. (In the first of them, requests are answered that were admitted at the full rate.)
const MAX_HELD: u8 = 40;
/// [`Ramp::held`] of an upstream that has no queue, but takes longer than it did.
const NO_QUEUE: u8 = u8::MAX;
/// The lowest rate after a cut, as a part of the usual rate; and the lowest of all.
const FLOOR_PART: f64 = 0.01;
const FLOOR: f64 = 0.5;

/// After this number of cuts that the load does not explain, the load is no longer taken for the
/// cause. (With one cut less, one brown-out in a hundred is taken for a route that always fails a
/// part of its requests.)
const MAX_DOUBTS: u8 = 3;
/// The same for steps with few failures, which overload explains more often.
const MAX_EASINGS: u8 = 6;

/// When a step of the ramp is bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Failure ratio that cuts the rate to what was carried.
    pub cut: f64,
    /// Failure ratio that trips a closed circuit.
    pub trip: f64,
    /// Minimum number of outcomes to trip a closed circuit.
    pub min_requests: u32,
}

/// How a ramp grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// The time in which it reaches the usual rate.
    pub duration: Duration,
    /// `ramp.rate`.
    pub rate: RampRate,
}

impl Growth {
    /// Returns how fast the ramp grows where its duration alone does not say: 1 up to ten seconds, less if
    /// it is to take longer.
    fn pace(self) -> f64 {
        (FULL_PACE / self.duration.as_secs_f64().max(FULL_PACE)).min(1.0)
    }
}

/// What happened in a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepInfo {
    /// The outcomes of requests that the ramp admitted.
    pub outcomes: Counts,
    /// The most failures that count of one client, if there are several: the fault of one is none of the
    /// upstream's.
    pub failed_of_one: u32,
    /// Whether too many of the responses were slow, which also cuts the rate.
    pub is_slow: bool,
    /// The number of requests that were admitted.
    pub admitted: u32,
    /// The number of requests that were rejected.
    pub rejected: u32,
    /// The number of requests whose response has begun.
    pub answered: u32,
    /// The least number of admitted requests that waited for their response at the same time: a queue
    /// that was empty once is the trace of a burst.
    pub least_in_flight: u32,
    /// The mean time to the response headers, if the upstream is well; zero if not known.
    pub usual_latency: Duration,
    /// The number of requests that usually come; 0 if not known.
    pub usual_rate: f64,
}

impl StepInfo {
    /// Returns whether more requests came than usual.
    fn is_crowded(&self) -> bool {
        let offered = f64::from(self.admitted.saturating_add(self.rejected));
        self.usual_rate > 0.0 && offered > (self.usual_rate * CROWD_TIMES).max(CROWD_RATE)
    }

    /// Returns whether requests queue at the upstream.
    fn is_queueing(&self) -> bool {
        let usual = self.usual_latency.as_secs_f64() * QUEUEING_TIMES + QUEUEING_SECONDS;
        self.knows_queue() && self.least_in_flight >= LEAST_QUEUE && self.wait() > usual
    }

    /// Returns how long requests waited, in seconds. By the law of Little, the number of those that wait is
    /// the rate of the answers times the time that each of them waits.
    fn wait(&self) -> f64 {
        f64::from(self.least_in_flight) / f64::from(self.answered.max(1))
    }

    fn knows_queue(&self) -> bool {
        // Of slow answers, a step sees those of requests that were admitted steps ago, at a lower rate.
        let is_fast = !self.usual_latency.is_zero() && self.usual_latency <= HALF_STEP;
        is_fast && self.answered >= RAMP_MIN_SAMPLES
    }
}

/// The state of a ramp. Rates are in requests per second, over all workers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ramp {
    /// The rate that is admitted.
    pub rate: f64,
    /// The rate that the route usually has, or that its upstream is known to carry; 0 if not known.
    pub usual: f64,
    /// The rate that the upstream is believed to carry; 0 until requests fail.
    pub target: f64,
    /// The highest recent number of successes in a step, fading.
    pub best: u32,
    /// The number of consecutive steps without a rejection.
    pub calm: u16,
    /// The number of cuts that the load does not explain.
    pub doubts: u8,
    /// The number of steps with few failures, less those without.
    pub easings: u8,
    /// The number of steps in which requests queued, since it was seen that they do; [`NO_QUEUE`] if it
    /// was seen that they do not.
    pub held: u8,
    /// How long requests waited in the last of these steps before the rate was halved, in seconds.
    pub wait_before: f64,
}

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The rate stays or grew.
    Continue,
    /// The rate was cut.
    Cut,
    /// The rate would have fallen below the lowest, and nothing is left to try.
    Fell,
    /// Nobody has to be rejected.
    Done,
}

impl Ramp {
    /// Returns the beginning of a ramp of a route with this usual rate; 0 if that is not known.
    pub fn begin(usual: f64, growth: Growth) -> Self {
        let (usual, limit) = match growth.rate {
            RampRate::Auto => (usual, f64::INFINITY),
            RampRate::PerSecond(rate) => (rate, rate),
        };
        let small = (usual * SMALL_TIMES).min(SMALL_START) * growth.pace();
        let first = (usual * START).max(small).max(LEAST_START);
        Self {
            rate: first.min(limit),
            usual,
            ..Self::default()
        }
    }

    /// Returns the beginning of a ramp of a route of which nothing is known.
    pub fn of_unknown_route() -> Self {
        Self {
            rate: LEAST_START,
            ..Self::default()
        }
    }

    /// Decides once for each step.
    pub fn step(&mut self, info: StepInfo, thresholds: Thresholds, growth: Growth) -> Step {
        let outcomes = info.outcomes;
        let good = outcomes.succeeded();
        self.best = good.max(self.best.saturating_sub(self.best.div_ceil(FADE)));
        if outcomes.total < RAMP_MIN_SAMPLES {
            return self.climb(info, growth);
        }
        let reaches = |ratio: f64| f64::from(outcomes.failed) >= ratio * f64::from(outcomes.total);
        let is_many = outcomes.total >= thresholds.min_requests.min(MANY);
        let trip = if is_many {
            thresholds.trip
        } else {
            thresholds.trip.max(SURE_OF_FEW)
        };
        let would_trip = info.is_slow || reaches(trip);
        // The upstream served about as many requests a moment ago.
        let is_doubtful = outcomes.total.saturating_sub(outcomes.total >> 3) <= self.best;
        if self.is_tolerant() {
            let is_sure = good == 0 || outcomes.total >= thresholds.min_requests;
            if !(would_trip && is_sure) {
                return self.climb(info, growth);
            }
        } else if !(would_trip || (is_many && reaches(thresholds.cut))) {
            let has_few = reaches(FEW_FAILURES) && outcomes.failed > info.failed_of_one;
            if !(is_many && has_few) {
                self.easings = self.easings.saturating_sub(is_many.into());
                if self.hold(&info) {
                    return Step::Continue;
                }
                return self.climb(info, growth);
            }
            self.easings = self.easings.saturating_add(1);
            if self.is_tolerant() {
                self.target = 0.0;
                return self.climb(info, growth);
            }
            return self.ease(info.admitted);
        } else if !would_trip && is_doubtful {
            self.doubts = self.doubts.saturating_add(1);
            if self.is_tolerant() {
                self.target = 0.0;
                return self.climb(info, growth);
            }
        }
        // After a bad step at the lowest rate, or a step without any success, nothing is left to try.
        let is_hopeless = good == 0 || (would_trip && self.rate <= self.floor());
        self.cut(outcomes.total, is_hopeless)
    }

    /// Returns whether requests are believed to fail whatever the load.
    fn is_tolerant(&self) -> bool {
        self.doubts >= MAX_DOUBTS || self.easings >= MAX_EASINGS
    }

    fn floor(&self) -> f64 {
        (self.usual * FLOOR_PART).max(FLOOR)
    }

    /// Keeps the rate if requests queue at the upstream. Returns whether it did.
    fn hold(&mut self, info: &StepInfo) -> bool {
        if self.held == NO_QUEUE || !info.knows_queue() {
            return false;
        }
        if self.held > MAX_HELD {
            // In two steps at half the rate, an upstream makes up for one step of waiting.
            let made_up = self.wait_before - RAMP_STEP.as_secs_f64();
            let shorter = made_up.max(info.usual_latency.as_secs_f64());
            if info.wait() > (shorter + self.wait_before) / 2.0 {
                (self.held, self.target) = (NO_QUEUE, 0.0);
                return false;
            }
            self.held = 0;
            self.rate = self.target * (1.0 - MARGIN);
        }
        if self.held < MAX_HELD {
            if !info.is_queueing() {
                return false;
            }
            // What the upstream answers, and a little less until its queue is empty.
            if self.target == 0.0 || self.rate >= self.target {
                self.target = f64::from(info.answered).min(self.rate);
                self.rate = self.target * (1.0 - MARGIN);
            }
        }
        self.held = self.held.saturating_add(1);
        if self.held == MAX_HELD {
            self.wait_before = info.wait();
            self.rate = self.target / 2.0;
        }
        self.calm = 0;
        true
    }

    /// Lowers the rate a little: the upstream is at its limit.
    fn ease(&mut self, admitted: u32) -> Step {
        self.calm = 0;
        // A rate that was not used up is not what was too much.
        let used = self.rate.min(admitted.into());
        let is_above_usual = self.usual > 0.0 && used >= self.usual;
        self.rate = (used * EASED).max(self.floor());
        if is_above_usual {
            // The limit is near: below the usual rate, a few failures have other causes.
            self.target = self.rate;
        }
        Step::Continue
    }

    fn cut(&mut self, total: u32, is_hopeless: bool) -> Step {
        self.calm = 0;
        // Below its target the rate drains the queue, or returned too soon: nothing new is learned.
        if !self.is_tolerant() && (self.target == 0.0 || self.rate >= self.target) {
            let carried = f64::from(self.best.min(total)).min(self.rate);
            self.target = carried * (1.0 - MARGIN);
            self.rate = self.target;
        }
        self.rate /= 2.0;
        if self.rate >= self.floor() {
            return Step::Cut;
        }
        if is_hopeless {
            return Step::Fell;
        }
        self.rate = self.floor();
        Step::Cut
    }

    fn climb(&mut self, info: StepInfo, growth: Growth) -> Step {
        let is_calm = info.rejected == 0;
        self.calm = if is_calm {
            self.calm.saturating_add(1)
        } else {
            0
        };
        let steps = growth.duration.as_secs_f64() / RAMP_STEP.as_secs_f64();
        let up = self.usual * (1.0 - START) / (steps * RISE).max(1.0);
        let pace = growth.pace();
        let doubled = self.rate * pace.exp2();
        let up = if self.rate < SMALL_RATE {
            up.max(doubled - self.rate)
        } else {
            up
        };
        self.rate = if self.target > 0.0 {
            if self.rate < self.target {
                (self.rate + self.target / 2.0).min(self.target)
            } else if is_calm {
                self.rate
            } else {
                self.rate + (self.rate * CAREFUL_GROWTH).max(LEAST_GROWTH) * pace
            }
        } else if self.usual == 0.0 {
            doubled
        } else if self.rate < self.usual.max(SMALL_RATE) {
            (self.rate + up).min(self.usual.max(SMALL_RATE))
        } else if is_calm {
            // That the upstream carries more was not seen.
            self.rate
        } else {
            self.rate * (1.0 + GROWTH * pace)
        };
        if let RampRate::PerSecond(limit) = growth.rate {
            self.rate = self.rate.min(limit);
        }
        if self.rate / 2.0 >= self.target {
            // The target came from a single bad second, or the capacity has grown.
            self.target = 0.0;
        }
        let needed = if info.is_crowded() {
            LONG_CALM_STEPS
        } else {
            CALM_STEPS
        };
        if self.calm >= needed {
            Step::Done
        } else {
            Step::Continue
        }
    }
}
