//! The way back from a trickle to all.
//!
//! # Why it remembers
//!
//! An overloaded upstream fails late: its queue fills first, and then requests wait for their
//! time-out. A ramp that only halves when it fails, and again for each second in which requests
//! from before it fail, ends far below what the upstream can do; one that forgets where it failed
//! climbs into the same wall again; and one that closes as soon as it is up trips as a whole. So
//!
//! * the most successes in a second, lately, are what the upstream can do: the share of the traffic
//!   that this is becomes the *target*. The level goes to half of it, so that the queue drains, then
//!   back to it, and grows slowly from there. Where twice the target does not fail, it was wrong,
//!   and is forgotten;
//! * a cut begins a new generation: what was admitted before it does not count after it;
//! * for half as long as the ramp took, everything is admitted before the breaker closes;
//! * where as few requests fail as were served a moment ago, the load is not why. Once that happened
//!   a few times, only what would trip a closed breaker cuts the level: else a route that always
//!   fails a third of its requests, which a closed breaker bears, would never come back.
//!
//! `tidegate simulate` measures what each of these is worth (docs/breaker.md).

use crate::breaker::window::Counts;
use crate::millis::times;

/// The least share that the ramp admits until something fails, in millionths.
pub const RAMP_START: u32 = 50_000;
/// The least share that it admits then, or it would learn nothing. (Where ten times the usual
/// traffic comes back, that is still a tenth of the usual.)
pub const RAMP_FLOOR: u32 = 10_000;
/// A level of the ramp that admits all, in millionths.
pub const RAMP_FULL: u32 = 1_000_000;
/// The ramp decides once in this time.
pub const RAMP_STEP_MS: u64 = 1000;
/// Fewer outcomes than this in a step say nothing about the upstream.
pub const RAMP_MIN_SAMPLES: u32 = 5;
/// Above its target the level grows by this part of itself in each step.
const CAUTION: u32 = 32;
/// The target is short of what the upstream can do by this part of it.
const MARGIN: u32 = 20;
/// The best step fades by this part of it in each step: what an upstream can do may become less.
const FADE: u32 = 20;

/// After so many cuts that the load does not explain, it is not believed to be the cause. (With one
/// less, a brown-out in a hundred is taken for such a route.)
const DOUBTS: u8 = 3;

/// What decides a step of a ramp.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// From this share of failures on the level is cut.
    pub cut: f64,
    /// From this share on a closed breaker would trip,
    pub trip: f64,
    /// if so many requests ended.
    pub min_requests: u32,
}

/// Where a ramp stands. Levels are shares of the traffic in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ramp {
    /// The share to admit (a ramp of an hour moves by 278 of its millionths).
    pub level: u32,
    /// The share that the upstream is believed to carry; 0: it has not failed yet.
    pub target: u32,
    /// The most successes in a step, fading.
    pub best: u32,
    /// Steps in a row that admitted everything.
    pub held: u16,
    /// Cuts that the load does not explain.
    pub doubts: u8,
}

/// What a step comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The level stays, or grew.
    On,
    /// The level was cut.
    Cut,
    /// The level would have fallen under [`RAMP_FLOOR`], and nothing is left to try.
    Fell,
    /// The upstream carries everything.
    Done,
}

impl Ramp {
    /// The share that is admitted: the level, but not nothing.
    pub fn admitted(&self) -> u32 {
        let least = if self.target == 0 {
            RAMP_START
        } else {
            RAMP_FLOOR
        };
        self.level.clamp(least, RAMP_FULL)
    }

    /// Decides once for a step of a ramp that takes `duration_ms`. `is_slow`: too many of the
    /// outcomes were slow, which also cuts the level.
    pub fn step(
        &mut self,
        outcomes: Counts,
        bounds: Bounds,
        is_slow: bool,
        duration_ms: u64,
    ) -> Step {
        let good = outcomes.total.saturating_sub(outcomes.failed);
        self.best = good.max(self.best.saturating_sub(self.best.div_ceil(FADE)));
        if outcomes.total < RAMP_MIN_SAMPLES {
            return self.climb(duration_ms);
        }
        let reaches = |ratio: f64| f64::from(outcomes.failed) >= ratio * f64::from(outcomes.total);
        let would_trip = is_slow || reaches(bounds.trip);
        let is_sure = good == 0 || outcomes.total >= bounds.min_requests;
        let is_bad = match self.is_tolerant() {
            false => is_slow || reaches(bounds.cut),
            true => would_trip && is_sure,
        };
        if !is_bad {
            return self.climb(duration_ms);
        }
        // It served about as many a moment ago.
        let is_doubtful = outcomes.total.saturating_sub(outcomes.total >> 3) <= self.best;
        if !would_trip && is_doubtful {
            self.doubts = self.doubts.saturating_add(1);
            if self.is_tolerant() {
                self.target = 0;
                return self.climb(duration_ms);
            }
        }
        // A bad second at the floor, or one with nothing good, leaves nothing to try.
        let is_hopeless = good == 0 || (would_trip && self.level == RAMP_FLOOR);
        self.cut(outcomes.total, is_hopeless)
    }

    /// Whether what fails is believed to fail whatever the load.
    fn is_tolerant(&self) -> bool {
        self.doubts >= DOUBTS
    }

    fn cut(&mut self, total: u32, is_hopeless: bool) -> Step {
        self.held = 0;
        // Under its target it drains, or came back too soon: that says nothing new.
        if !self.is_tolerant() && (self.target == 0 || self.level >= self.target) {
            let carried = times(u64::from(self.admitted()), u64::from(self.best.min(total)))
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

    fn climb(&mut self, duration_ms: u64) -> Step {
        if self.level == RAMP_FULL {
            self.held = self.held.saturating_add(1);
        }
        let up = times(u64::from(RAMP_FULL), RAMP_STEP_MS).div_ceil(duration_ms.max(1));
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
            // It was a bad second, or it is better than it was: no wall stands here.
            self.target = 0;
        }
        let held_ms = times(u64::from(self.held), RAMP_STEP_MS);
        if times(held_ms, 2) >= duration_ms {
            Step::Done
        } else {
            Step::On
        }
    }
}
