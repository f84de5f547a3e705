//! The growing share of the traffic that passes after the half-open state.
//!
//! # Why it remembers
//!
//! An overloaded upstream fails late: its queue fills first, and then requests wait for their
//! timeout. A ramp that only halves when requests fail, and halves again for each second in which
//! requests from before the cut fail, ends far below the capacity of the upstream. A ramp that
//! forgets where it failed climbs into the same overload again. A ramp that closes the circuit as
//! soon as it is full trips as a whole. Therefore:
//!
//! * The capacity of the upstream is the highest recent number of successes in a second. Its share of
//!   the traffic becomes the *target*. The level falls to half of the target, so that the queue
//!   drains, then returns to the target, and grows slowly from there. If twice the target does not
//!   fail, the target was wrong and is forgotten.
//! * A cut begins a new generation: requests that were admitted before the cut are not counted after
//!   it.
//! * For half the duration of the ramp, all requests are admitted before the circuit closes.
//! * If requests fail although no more arrive than were served a moment ago, the load is not the
//!   cause. After a few such cuts, only failures that would trip a closed circuit cut the level.
//!   Otherwise a route that always fails a third of its requests, which a closed circuit tolerates,
//!   would never recover.
//!
//! `tidegate simulate` measures the effect of each of these (docs/breaker.md).

use std::time::Duration;

use crate::breaker::window::Counts;
use crate::time::saturating_millis;

/// The lowest share that the ramp admits until requests fail, in millionths.
pub const RAMP_START: u32 = 50_000;
/// The lowest share that the ramp admits after that. (When ten times the usual traffic returns, this
/// is a tenth of the usual traffic.) With less, the ramp would learn nothing.
pub const RAMP_FLOOR: u32 = 10_000;
/// The level at which the ramp admits all requests, in millionths.
pub const RAMP_FULL: u32 = 1_000_000;
/// The ramp decides once in this time.
pub const RAMP_STEP: Duration = Duration::from_secs(1);
/// A step with fewer outcomes says nothing about the upstream.
pub const RAMP_MIN_SAMPLES: u32 = 5;
/// Above its target the level grows by 1 / `CAUTION` of itself in each step.
const CAUTION: u32 = 32;
/// The target is lower than the measured capacity by 1 / `MARGIN` of it.
const MARGIN: u32 = 20;
/// The best step fades by 1 / `FADE` of itself in each step, since the capacity may fall.
const FADE: u32 = 20;

/// After this number of cuts that the load does not explain, the load is no longer taken for the
/// cause. (With one cut less, one brown-out in a hundred is taken for a route that always fails a
/// part of its requests.)
const MAX_DOUBTS: u8 = 3;

/// When a step of the ramp is bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Failure ratio that cuts the level.
    pub cut: f64,
    /// Failure ratio that trips a closed circuit.
    pub trip: f64,
    /// Minimum number of outcomes to trip a closed circuit.
    pub min_requests: u32,
}

/// The state of a ramp. Levels are shares of the traffic in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ramp {
    /// The share to admit. (A ramp of an hour grows by 278 millionths per step.)
    pub level: u32,
    /// The share that the upstream is believed to carry; 0 until requests fail.
    pub target: u32,
    /// The highest recent number of successes in a step, fading.
    pub best: u32,
    /// The number of consecutive steps that admitted all requests.
    pub held: u16,
    /// The number of cuts that the load does not explain.
    pub doubts: u8,
}

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The level stays or grew.
    Continue,
    /// The level was cut.
    Cut,
    /// The level would have fallen below [`RAMP_FLOOR`], and nothing is left to try.
    Fell,
    /// The upstream carries all the traffic.
    Done,
}

impl Ramp {
    /// Returns the share that is admitted: the level, but not less than the lowest share.
    pub fn admitted_share(&self) -> u32 {
        let least = if self.target == 0 {
            RAMP_START
        } else {
            RAMP_FLOOR
        };
        self.level.clamp(least, RAMP_FULL)
    }

    /// Decides once for a step of a ramp with this duration. `is_slow`: too many of the responses were
    /// slow, which also cuts the level.
    pub fn step(
        &mut self,
        outcomes: Counts,
        thresholds: Thresholds,
        is_slow: bool,
        duration: Duration,
    ) -> Step {
        let good = outcomes.succeeded();
        self.best = good.max(self.best.saturating_sub(self.best.div_ceil(FADE)));
        if outcomes.total < RAMP_MIN_SAMPLES {
            return self.climb(duration);
        }
        let reaches = |ratio: f64| f64::from(outcomes.failed) >= ratio * f64::from(outcomes.total);
        let would_trip = is_slow || reaches(thresholds.trip);
        let is_sure = good == 0 || outcomes.total >= thresholds.min_requests;
        let is_bad = match self.is_tolerant() {
            false => is_slow || reaches(thresholds.cut),
            true => would_trip && is_sure,
        };
        if !is_bad {
            return self.climb(duration);
        }
        // The upstream served about as many requests a moment ago.
        let is_doubtful = outcomes.total.saturating_sub(outcomes.total >> 3) <= self.best;
        if !would_trip && is_doubtful {
            self.doubts = self.doubts.saturating_add(1);
            if self.is_tolerant() {
                self.target = 0;
                return self.climb(duration);
            }
        }
        // After a bad step at the lowest level, or a step without any success, nothing is left to try.
        let is_hopeless = good == 0 || (would_trip && self.level == RAMP_FLOOR);
        self.cut(outcomes.total, is_hopeless)
    }

    /// Returns whether requests are believed to fail whatever the load.
    fn is_tolerant(&self) -> bool {
        self.doubts >= MAX_DOUBTS
    }

    fn cut(&mut self, total: u32, is_hopeless: bool) -> Step {
        self.held = 0;
        // Below its target the level drains the queue, or returned too soon: nothing new is learned.
        if !self.is_tolerant() && (self.target == 0 || self.level >= self.target) {
            let carried = u64::from(self.admitted_share())
                .saturating_mul(u64::from(self.best.min(total)))
                .checked_div(u64::from(total))
                .unwrap_or(0);
            let carried = u32::try_from(carried).unwrap_or(self.level);
            self.target = carried.saturating_sub(carried.div_ceil(MARGIN)).max(1);
            self.level = self.target;
        }
        self.level >>= 1;
        if self.level >= RAMP_FLOOR {
            return Step::Cut;
        }
        if is_hopeless {
            return Step::Fell;
        }
        self.level = RAMP_FLOOR;
        Step::Cut
    }

    fn climb(&mut self, duration: Duration) -> Step {
        if self.level == RAMP_FULL {
            self.held = self.held.saturating_add(1);
        }
        let up = u64::from(RAMP_FULL)
            .saturating_mul(saturating_millis(RAMP_STEP))
            .div_ceil(saturating_millis(duration).max(1));
        let up = u32::try_from(up).unwrap_or(RAMP_FULL);
        let level = if self.target == 0 {
            self.level.saturating_add(up)
        } else if self.level < self.target {
            let half = self.target.div_ceil(2);
            self.level.saturating_add(half).min(self.target)
        } else {
            let slowly = self.level.div_ceil(CAUTION).min(up);
            self.level.saturating_add(slowly)
        };
        self.level = level.min(RAMP_FULL);
        if self.level >> 1 >= self.target {
            // The target came from a single bad second, or the capacity has grown.
            self.target = 0;
        }
        let held = RAMP_STEP.saturating_mul(self.held.into());
        if held.saturating_mul(2) >= duration {
            Step::Done
        } else {
            Step::Continue
        }
    }
}
