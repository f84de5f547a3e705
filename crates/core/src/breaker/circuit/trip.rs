//! Which outcomes open a closed circuit.

use std::time::Duration;

use super::CircuitBreaker;
use crate::breaker::state::State;
use crate::breaker::unsynced::{ConsecutiveFailures, UnsyncedCounts, SEQUENCE_CLIENTS};
use crate::breaker::window::Counts;
use crate::config::Breaker as Settings;
use crate::time::Timestamp;

/// Of the failures that open a circuit by their share, at least this part must be left without the
/// busiest moment.
const LASTING_PART: f64 = 0.25;
/// Failures of a single client in a row say nothing before this many others would have come.
const OTHERS_EXPECTED: f64 = 5.0;
/// But they are believed after this time.
const MAX_DOUBT_SECONDS: f64 = 10.0;

impl CircuitBreaker {
    /// Returns whether the outcomes of the window open the circuit. `healthy_rate`: the successes per
    /// second that the route is known to have had. An upstream that [hangs](Self::hangs)
    /// is another question.
    pub fn should_trip(&self, settings: &Settings, healthy_rate: f64, now: Timestamp) -> bool {
        if self.state != State::Closed {
            return false;
        }
        let counts = self.window.sum();
        let share = |part: u32| f64::from(part) / f64::from(counts.total.max(1));
        let is_enough = counts.total >= settings.min_requests;
        let is_failing = is_enough && share(counts.failed) >= settings.failure_ratio;
        let is_slow = is_enough
            && settings.failures.slow.is_some()
            && share(counts.slow) >= settings.failures.slow_ratio;
        if (is_failing && self.has_lasted(settings, counts, settings.failure_ratio))
            || (is_slow && self.has_lasted(settings, counts, settings.failures.slow_ratio))
        {
            return true;
        }
        self.has_only_failed(settings, healthy_rate, now)
    }

    /// Returns whether requests fail one after the other, and have done so for long enough.
    pub fn has_only_failed(&self, settings: &Settings, healthy_rate: f64, now: Timestamp) -> bool {
        let least = settings.consecutive.failures;
        self.is_sequence(&self.consecutive, least, settings, healthy_rate, now)
    }

    /// Returns whether clients leave one after the other and nothing is answered.
    pub fn hangs(&self, settings: &Settings, healthy_rate: f64, now: Timestamp) -> bool {
        let least = settings.min_requests;
        self.is_sequence(&self.abandoned, least, settings, healthy_rate, now)
    }

    /// Returns whether these outcomes are surely too few to trip the circuit.
    pub fn is_far_from_trip(&self, settings: &Settings, counts: &UnsyncedCounts) -> bool {
        let known = self.window.sum().total;
        let added = counts.failed.iter().map(|failed| failed.counts.total);
        let added = added.fold(counts.good.sum().total, u32::saturating_add);
        let is_short = |known: ConsecutiveFailures, added: ConsecutiveFailures, least: u32| {
            known.count.saturating_add(added.count) < least
        };
        let (run, abandoned) = (self.consecutive, self.abandoned);
        known.saturating_add(added) < settings.min_requests
            && is_short(run, counts.consecutive, settings.consecutive.failures)
            && is_short(abandoned, counts.abandoned, settings.min_requests)
    }

    fn is_sequence(
        &self,
        run: &ConsecutiveFailures,
        least: u32,
        settings: &Settings,
        healthy_rate: f64,
        now: Timestamp,
    ) -> bool {
        // No sequence of one client opens what others use.
        let clients = self.clients.parts(self.bucket(now));
        // Nobody else is known yet, but others may be about to come.
        let others_due = if run.client_count() == 1 && healthy_rate > 0.0 {
            Duration::from_secs_f64((OTHERS_EXPECTED / healthy_rate).min(MAX_DOUBT_SECONDS))
        } else {
            Duration::ZERO
        };
        let is_immediate = settings.consecutive.duration.is_zero();
        run.count >= least
            && run.duration() >= settings.consecutive.duration
            && (is_immediate || run.duration() >= others_due)
            && run.client_count() >= clients.min(SEQUENCE_CLIENTS as u32)
    }

    /// Returns whether failures of which at least `ratio` of the window is enough are no burst: enough
    /// of them are left without the busiest moment. The option that lets sequences trip at once does
    /// so here too.
    fn has_lasted(&self, settings: &Settings, counts: Counts, ratio: f64) -> bool {
        let rest = f64::from(self.window.failed_apart_from_burst());
        settings.consecutive.duration.is_zero()
            || (rest >= 1.0 && rest >= ratio * f64::from(counts.total) * LASTING_PART)
    }
}
