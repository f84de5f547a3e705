//! Counting: the outcomes that a circuit keeps, and how many failures of one client count.

use super::CircuitBreaker;
use crate::breaker::clients::ClientId;
use crate::breaker::ramp::RAMP_MIN_SAMPLES;
use crate::breaker::state::State;
use crate::breaker::unsynced::{ConsecutiveFailures, UnsyncedCounts};
use crate::breaker::window::{Counts, BUCKETS};
use crate::config::Breaker as Settings;
use crate::time::Timestamp;

impl CircuitBreaker {
    /// Adds the outcomes that a worker counted. Whether they trip the circuit is another question
    /// ([`should_trip`](Self::should_trip)).
    pub fn count(&mut self, settings: &Settings, counts: &UnsyncedCounts, now: Timestamp) {
        let bucket = self.bucket(now);
        for &client in &counts.clients {
            self.clients.note(client, bucket);
        }
        match self.state {
            State::Closed => {
                self.window.merge(&counts.good);
                self.count_consecutive(counts);
                let good = self.window.sum().succeeded();
                let needed = needed(settings.failure_ratio, settings.min_requests, good);
                self.count_failed(counts, needed, now, |circuit, bucket, counts| {
                    circuit.window.count(bucket, counts);
                });
            }
            State::Ramp => {
                self.recovery.step.add(counts.good.sum());
                let needed = needed_in_ramp(settings, self.recovery.step);
                self.count_failed(counts, needed, now, |circuit, _, counts| {
                    circuit.recovery.step.add(counts);
                });
            }
            State::Open | State::HalfOpen => return,
        }
        self.tripped_by = counts.reason.unwrap_or(self.tripped_by);
    }

    /// Adds the failures of `counts`, of each client no more than its part of what is `needed`.
    fn count_failed(
        &mut self,
        counts: &UnsyncedCounts,
        needed: u32,
        now: Timestamp,
        mut add: impl FnMut(&mut Self, u64, Counts),
    ) {
        let bucket = self.bucket(now);
        for failed in &counts.failed {
            let limit = self.limit(needed, bucket).unwrap_or(u32::MAX);
            let Counts {
                total,
                failed: errors,
                slow,
            } = failed.counts;
            let counted = self
                .clients
                .count(failed.client, total, limit, failed.bucket);
            let counted = Counts {
                total: counted,
                failed: errors.min(counted),
                slow: slow.min(counted),
            };
            add(self, failed.bucket, counted);
        }
    }

    /// Returns how many failures of one client count in a step of the ramp; zero if only one is known.
    pub(super) fn failed_of_one(&self, settings: &Settings, step: Counts, now: Timestamp) -> u32 {
        let limit = self.limit(needed_in_ramp(settings, step), self.bucket(now));
        limit.unwrap_or(0)
    }

    /// Returns how many failures of one client count; all of them (`None`) if only one is known.
    fn limit(&self, needed: u32, bucket: u64) -> Option<u32> {
        let parts = self.clients.parts(bucket);
        (parts > 1).then(|| needed.div_ceil(parts))
    }

    /// Returns whether a client that is not the only one fails so often that it goes on only with what is
    /// good: half as often as all requests together succeed, and often enough to open a circuit.
    pub fn is_at_limit(&self, settings: &Settings, client: ClientId, now: Timestamp) -> bool {
        let bucket = self.bucket(now);
        let failed = self.clients.failed(client, bucket);
        failed > 0 && self.clients.parts(bucket) > 1 && {
            let good = self.window.sum().succeeded();
            let (ratio, least) = (settings.failure_ratio, settings.min_requests);
            failed >= needed(ratio, least, 0).max(needed(ratio, least, good) / 2)
        }
    }

    /// Keeps the count of a client that still fails from ending.
    pub fn keep_at_limit(&mut self, client: ClientId, now: Timestamp) {
        let bucket = self.bucket(now);
        self.clients.keep(client, bucket);
    }

    /// Counts requests that succeeded before the window opened, by their number per second.
    pub fn add_credit(&mut self, per_second: f64, now: Timestamp) {
        if self.state != State::Closed {
            return;
        }
        let newest = self.bucket(now);
        let width = self.bucket_width.as_secs_f64();
        for back in 1..BUCKETS as u64 {
            // What is due up to the end of this bucket, less what is due up to its beginning.
            let due = |buckets: u64| (per_second * width * buckets as f64).round() as u32;
            let counts = Counts {
                total: due(back).saturating_sub(due(back.saturating_sub(1))),
                ..Counts::default()
            };
            self.window.count(newest.saturating_sub(back), counts);
        }
    }

    fn count_consecutive(&mut self, counts: &UnsyncedCounts) {
        let (failures, mut abandoned) = (counts.consecutive, counts.abandoned);
        if abandoned.since <= self.last_response {
            // While they waited, others were answered.
            abandoned = ConsecutiveFailures::default();
        }
        self.consecutive
            .merge(failures, counts.last_success, &mut self.last_success);
        self.abandoned
            .merge(abandoned, counts.last_response, &mut self.last_response);
    }
}

/// Returns how many failures cut the rate of a ramp, with the successes of this step.
fn needed_in_ramp(settings: &Settings, step: Counts) -> u32 {
    let ratio = settings.ramp.failure_ratio;
    needed(ratio, RAMP_MIN_SAMPLES, step.succeeded())
}

/// Returns how many failures open a circuit that has `good` successes: with them, at least `least`
/// outcomes and at least this share of failures.
fn needed(ratio: f64, least: u32, good: u32) -> u32 {
    let by_number = ratio * f64::from(least);
    let by_share = ratio / (1.0 - ratio).max(0.05) * f64::from(good);
    by_number.max(by_share).ceil() as u32
}
