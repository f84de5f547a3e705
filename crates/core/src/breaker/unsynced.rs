//! Outcomes that a worker has counted and not yet added to the shared circuits.

use std::time::Duration;

use crate::breaker::class::PathClass;
use crate::breaker::clients::{ClientId, MAX_CLIENTS};
use crate::breaker::outcome::Outcome;
use crate::breaker::window::{bucket_number, Counts, Window};
use crate::failure::Reason;
use crate::time::Timestamp;

/// Number of clients of a sequence that are kept; more are not needed to open a circuit.
pub const SEQUENCE_CLIENTS: usize = 3;
/// A worker adds its counts before there are more entries of failures than this.
const MAX_FAILED: usize = 32;

/// Failures without a success in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConsecutiveFailures {
    /// The number of failures.
    pub count: u32,
    /// The time of the first failure.
    pub since: Timestamp,
    /// The time of the last failure.
    pub last: Timestamp,
    /// The clients whose requests failed: the first few that differ.
    pub clients: [Option<ClientId>; SEQUENCE_CLIENTS],
}

impl ConsecutiveFailures {
    /// Adds a failure at `now`.
    pub fn add(&mut self, client: ClientId, now: Timestamp) {
        if self.count == 0 {
            self.since = now;
        }
        self.count = self.count.saturating_add(1);
        self.last = self.last.max(now);
        self.add_client(client);
    }

    /// Returns the time between the first and the last failure.
    pub fn duration(&self) -> Duration {
        self.last.saturating_since(self.since)
    }

    /// Returns the number of different clients, as far as they are kept.
    pub fn client_count(&self) -> u32 {
        self.clients.iter().flatten().count() as u32
    }

    /// Adds the failures that a worker counted, and ends the sequence if that worker also counted a
    /// success that is newer than the `last_success` that was known.
    pub fn merge(&mut self, added: Self, success: Option<Timestamp>, last_success: &mut Timestamp) {
        // Within one millisecond, counts that arrive later are of later requests.
        if let Some(success) = success.filter(|at| *at >= *last_success) {
            *last_success = success;
            // Failures of other workers after that success may belong to the sequence, but their
            // single times are not known: only a sequence that began later is kept.
            if self.since <= success {
                *self = Self::default();
            }
        }
        if added.count == 0 || added.last < *last_success {
            return;
        }
        if self.count == 0 || added.since < self.since {
            self.since = added.since.max(*last_success);
        }
        self.count = self.count.saturating_add(added.count);
        self.last = self.last.max(added.last);
        for client in added.clients.into_iter().flatten() {
            self.add_client(client);
        }
    }

    fn add_client(&mut self, client: ClientId) {
        if self.clients.contains(&Some(client)) {
            return;
        }
        if let Some(free) = self.clients.iter_mut().find(|client| client.is_none()) {
            *free = Some(client);
        }
    }
}

/// The failures and slow responses of one client in one bucket of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedCounts {
    /// The client.
    pub client: ClientId,
    /// The number of the bucket.
    pub bucket: u64,
    /// The outcomes; each failed or was slow.
    pub counts: Counts,
}

/// Outcomes of one class that a worker has counted since it last updated the shared circuits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnsyncedCounts {
    /// The class of the requests.
    pub class: PathClass,
    /// The depth of the circuit that admitted the requests; see [`RouteCircuits`](super::RouteCircuits).
    pub depth: usize,
    /// The generation of that circuit under which the requests were admitted.
    pub generation: u32,
    /// The other outcomes, by bucket of the window: successes that were not slow.
    pub good: Window,
    /// The outcomes that failed or were slow.
    pub failed: Vec<FailedCounts>,
    /// Some of the clients, those of successes too.
    pub clients: Vec<ClientId>,
    /// The failures since the last success among these outcomes.
    pub consecutive: ConsecutiveFailures,
    /// The time of the last success among these outcomes.
    pub last_success: Option<Timestamp>,
    /// The clients that left without a response since the last response.
    pub abandoned: ConsecutiveFailures,
    /// The time of the last response among these outcomes.
    pub last_response: Option<Timestamp>,
    /// The reason of the last failure.
    pub reason: Option<Reason>,
    /// `Retry-After` of the last failure that had one.
    pub retry_after: Option<Duration>,
}

impl UnsyncedCounts {
    /// Returns no counts, for outcomes of a class that this circuit admitted.
    pub fn new(class: PathClass, depth: usize, generation: u32) -> Self {
        Self {
            class,
            depth,
            generation,
            ..Self::default()
        }
    }

    /// Returns whether some requests failed, were slow or were abandoned.
    pub fn has_failed(&self) -> bool {
        !self.failed.is_empty() || self.abandoned.count > 0
    }

    /// Returns whether no further failure should be added before these are synchronized.
    pub fn is_full(&self) -> bool {
        self.failed.len() >= MAX_FAILED
    }

    /// Counts one outcome in a window with buckets of this width.
    pub fn add(
        &mut self,
        outcome: Outcome,
        is_slow: bool,
        client: ClientId,
        bucket_width: Duration,
        now: Timestamp,
    ) {
        if outcome == Outcome::Ignored {
            return;
        }
        if self.clients.len() < MAX_CLIENTS && !self.clients.contains(&client) {
            self.clients.push(client);
        }
        let failed = match outcome {
            Outcome::Ignored => return,
            Outcome::Abandoned(waited) => {
                let began = now.saturating_sub(waited);
                // While it waited, others were answered.
                if self.last_response.is_some_and(|at| at >= began) {
                    return;
                }
                self.abandoned.add(client, now);
                self.abandoned.since = self.abandoned.since.min(began);
                self.reason = Some(Reason::HttpResponseTimeout);
                return;
            }
            Outcome::Success => {
                self.last_success = Some(now);
                self.consecutive = ConsecutiveFailures::default();
                0
            }
            Outcome::Failure(reason) => {
                self.consecutive.add(client, now);
                self.reason = Some(reason);
                1
            }
            Outcome::Overloaded(reason) => {
                self.reason = Some(reason);
                1
            }
        };
        self.last_response = Some(now);
        self.abandoned = ConsecutiveFailures::default();
        if is_slow && failed == 0 {
            self.reason = Some(Reason::HttpResponseTimeout);
        }
        let counts = Counts {
            total: 1,
            failed,
            slow: u32::from(is_slow),
        };
        let bucket = bucket_number(now, bucket_width);
        if failed == 0 && !is_slow {
            self.good.count(bucket, counts);
        } else {
            self.add_failed(client, bucket, counts);
        }
    }

    fn add_failed(&mut self, client: ClientId, bucket: u64, counts: Counts) {
        let mut known = self.failed.iter_mut();
        match known.find(|known| known.client == client && known.bucket == bucket) {
            Some(known) => known.counts.add(counts),
            None => self.failed.push(FailedCounts {
                client,
                bucket,
                counts,
            }),
        }
    }
}
