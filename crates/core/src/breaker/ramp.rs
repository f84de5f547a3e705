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
//!   back to it, and grows slowly from there;
//! * a cut begins a new generation: what was admitted before it does not count after it;
//! * for half as long as the ramp took, everything is admitted before the breaker closes.
//!
//! `tidegate simulate` measures what each of these is worth (docs/breaker.md).

use crate::breaker::window::Counts;

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
    pub held: u32,
}

/// What a step comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The level stays, or grew.
    On,
    /// The level was cut.
    Cut,
    /// The level fell under [`RAMP_FLOOR`].
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

    /// Decides once for a step of a ramp that takes `duration_ms`. `ratio`: the share of failures
    /// that cuts the level. `is_slow`: too many of the outcomes were slow, which also does.
    pub fn step(&mut self, outcomes: Counts, ratio: f64, is_slow: bool, duration_ms: u64) -> Step {
        let good = outcomes.total.saturating_sub(outcomes.failed);
        self.best = good.max(self.best.saturating_sub(self.best.div_ceil(FADE)));
        let enough = outcomes.total >= RAMP_MIN_SAMPLES;
        let too_many = f64::from(outcomes.failed) >= ratio * f64::from(outcomes.total);
        if enough && (is_slow || too_many) {
            self.cut(outcomes.total)
        } else {
            self.climb(duration_ms)
        }
    }

    fn cut(&mut self, total: u32) -> Step {
        self.held = 0;
        // Under its target it drains, or came back too soon: that says nothing new.
        if self.target == 0 || self.level >= self.target {
            let carried = u64::from(self.level)
                .saturating_mul(u64::from(self.best.min(total)))
                .checked_div(u64::from(total))
                .unwrap_or(0);
            let carried = u32::try_from(carried).unwrap_or(self.level);
            self.target = carried.saturating_sub(carried.div_ceil(MARGIN)).max(1);
            self.level = self.target;
        }
        self.level >>= 1;
        if self.level < RAMP_FLOOR {
            Step::Fell
        } else {
            Step::Cut
        }
    }

    fn climb(&mut self, duration_ms: u64) -> Step {
        if self.level == RAMP_FULL {
            self.held = self.held.saturating_add(1);
        }
        let up = u64::from(RAMP_FULL)
            .saturating_mul(RAMP_STEP_MS)
            .div_ceil(duration_ms.max(1));
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
        let held_ms = u64::from(self.held).saturating_mul(RAMP_STEP_MS);
        if self.held > 0 && held_ms.saturating_mul(2) >= duration_ms {
            Step::Done
        } else {
            Step::On
        }
    }
}
