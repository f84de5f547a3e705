//! Outcomes that a worker has counted and not yet added to the shared circuit.

use std::time::Duration;

use crate::breaker::outcome::Outcome;
use crate::breaker::window::{bucket_number, Counts, Window};
use crate::failure::Reason;
use crate::time::Timestamp;

/// Failures without a success in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConsecutiveFailures {
    /// The number of failures.
    pub count: u32,
    /// The time of the first failure.
    pub since: Timestamp,
    /// The time of the last failure.
    pub last: Timestamp,
}

impl ConsecutiveFailures {
    /// Adds a failure at `now`.
    pub fn add(&mut self, now: Timestamp) {
        if self.count == 0 {
            self.since = now;
        }
        self.count = self.count.saturating_add(1);
        self.last = self.last.max(now);
    }

    /// Returns the time between the first and the last failure.
    pub fn duration(&self) -> Duration {
        self.last.saturating_since(self.since)
    }
}

/// Outcomes that a worker has counted since it last updated the shared circuit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnsyncedCounts {
    /// The generation under which the requests were admitted.
    pub generation: u32,
    /// The outcomes by bucket of the window.
    pub window: Window,
    /// The sum of the outcomes, for the step of the ramp.
    pub step: Counts,
    /// The failures since the last success among these outcomes.
    pub consecutive: ConsecutiveFailures,
    /// The time of the last success among these outcomes.
    pub last_success: Option<Timestamp>,
    /// The reason of the last failure.
    pub reason: Option<Reason>,
    /// `Retry-After` of the last failure that had one.
    pub retry_after: Option<Duration>,
}

impl UnsyncedCounts {
    /// Counts one outcome in a window with buckets of this width.
    pub fn add(&mut self, outcome: Outcome, is_slow: bool, bucket_width: Duration, now: Timestamp) {
        let failed = match outcome {
            Outcome::Abandoned(_) | Outcome::Ignored => return,
            Outcome::Success => {
                self.last_success = Some(now);
                self.consecutive = ConsecutiveFailures::default();
                0
            }
            Outcome::Failure(reason) => {
                self.consecutive.add(now);
                self.reason = Some(reason);
                1
            }
            Outcome::Overloaded(reason) => {
                self.reason = Some(reason);
                1
            }
        };
        if is_slow && failed == 0 {
            self.reason = Some(Reason::HttpResponseTimeout);
        }
        let counts = Counts {
            total: 1,
            failed,
            slow: u32::from(is_slow),
        };
        self.window.count(bucket_number(now, bucket_width), counts);
        self.step.add(counts);
    }
}
