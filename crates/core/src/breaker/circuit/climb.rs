//! The ramp of a circuit: how it begins, and what each of its steps decides.

use super::{CircuitBreaker, Usual, FULL_SHARE};
use crate::breaker::ramp::{Growth, Ramp, Step, StepInfo, Thresholds, RAMP_STEP};
use crate::breaker::state::{State, Transition};
use crate::breaker::window::Counts;
use crate::config::Breaker as Settings;
use crate::time::Timestamp;

impl CircuitBreaker {
    /// Decides once for each step of the ramp that is over.
    pub(super) fn climb(
        &mut self,
        settings: &Settings,
        usual: Usual,
        now: Timestamp,
        draw: f64,
    ) -> Option<Transition> {
        while now >= self.recovery.next_step_at {
            let outcomes = std::mem::take(&mut self.recovery.step);
            let gate = &mut self.recovery.gate;
            let (admitted, rejected, answered) = (gate.admitted, gate.rejected, gate.answered);
            let least_in_flight = gate.least_in_flight;
            gate.share = share_of(admitted, rejected);
            self.clients.begin_count();
            let recovery = &mut *self.recovery;
            recovery.begin_step(recovery.next_step_at);
            recovery.next_step_at = recovery.next_step_at.saturating_add(RAMP_STEP);
            let info = StepInfo {
                outcomes,
                failed_of_one: self.failed_of_one(settings, outcomes, now),
                // A ramp that ignored slow responses would close a circuit that they open again.
                is_slow: settings.failures.slow.is_some()
                    && f64::from(outcomes.slow)
                        >= settings.failures.slow_ratio * f64::from(outcomes.total),
                admitted,
                rejected,
                answered,
                least_in_flight,
                usual_latency: usual.latency,
                usual_rate: usual.rate,
            };
            let thresholds = Thresholds {
                cut: settings.ramp.failure_ratio,
                trip: settings.failure_ratio,
                min_requests: settings.min_requests,
            };
            match self.recovery.ramp.step(info, thresholds, growth(settings)) {
                Step::Continue => {}
                // Requests that were admitted before the cut say nothing about the load after it.
                Step::Cut => self.generation = self.generation.wrapping_add(1),
                Step::Fell => return Some(self.open(settings, now, draw, outcomes, None)),
                Step::Done => return Some(self.enter(State::Closed, now, outcomes)),
            }
        }
        None
    }

    /// Enters a state in which some requests pass: half-open, or the ramp.
    pub(super) fn let_in(
        &mut self,
        to: State,
        settings: &Settings,
        usual: Usual,
        now: Timestamp,
    ) -> Transition {
        let transition = self.enter(to, now, Counts::default());
        self.recovery.ramp = Ramp::begin(usual.rate, growth(settings));
        transition
    }
}

fn growth(settings: &Settings) -> Growth {
    Growth {
        duration: settings.ramp.duration,
        rate: settings.ramp.rate,
    }
}

/// Returns the share of requests that was admitted, in millionths.
fn share_of(admitted: u32, rejected: u32) -> u32 {
    let (admitted, rejected) = (u64::from(admitted), u64::from(rejected));
    let share = admitted.saturating_mul(FULL_SHARE.into());
    share
        .checked_div(admitted.saturating_add(rejected))
        .and_then(|share| u32::try_from(share).ok())
        .unwrap_or(FULL_SHARE)
}
