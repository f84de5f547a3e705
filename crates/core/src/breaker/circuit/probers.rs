//! Which clients get the permits of a half-open circuit, and whose failed probes open it again: not a
//! single client's, if the circuit knows several.

use std::time::Duration;

use super::CircuitBreaker;
use crate::breaker::clients::ClientId;
use crate::breaker::outcome::Outcome;
use crate::breaker::probes::ProbePermit;
use crate::breaker::state::State;
use crate::time::Timestamp;

/// For this long after the open time, and after a probe that failed, clients whose probes failed leave
/// the permits to others; and a client whose lease ended without an answer, after that.
const PRECEDENCE: Duration = Duration::from_secs(2);

impl CircuitBreaker {
    /// Returns whether a client must leave the permits of the half-open circuit to others: it has one, it
    /// had one until just now, or its last probes failed. Only if other clients are known.
    pub fn must_wait(&self, client: ClientId, now: Timestamp) -> bool {
        if self.state != State::HalfOpen || !self.knows_others(now) {
            return false;
        }
        let leases = self
            .recovery
            .probes
            .leases
            .iter()
            .zip(&self.recovery.probe_clients);
        let mut own = leases.filter(|(_, owner)| **owner == client);
        let has_failed = self.recovery.failed_probers.contains(&Some(client));
        let others_first = self.changed_at.max(self.recovery.probe_failed_at);
        let is_recent = |end: Timestamp| now < end.saturating_add(PRECEDENCE);
        own.any(|(lease, _)| lease.is_some_and(|lease| is_recent(lease.deadline)))
            || (has_failed && now.saturating_since(others_first) < PRECEDENCE)
    }

    /// Notes that a client was seen.
    pub fn note_client(&mut self, client: ClientId, now: Timestamp) {
        let bucket = self.bucket(now);
        self.clients.note(client, bucket);
        if self.state == State::Closed {
            // It is rejected because of its failures: while it asks, the others are not forgotten.
            self.clients.keep_failing(client, bucket);
        }
    }

    /// Notes who got a permit for a probe.
    pub fn note_probe(&mut self, client: ClientId, permit: ProbePermit, now: Timestamp) {
        self.note_client(client, now);
        if let Some(owner) = self
            .recovery
            .probe_clients
            .get_mut(usize::from(permit.slot))
        {
            *owner = client;
        }
    }

    /// Returns what the outcome of a probe says about the upstream, by whose probe it was. If other
    /// clients are known, one whose probes fail again and again says nothing: the permit goes to them.
    pub fn verdict_on_probe(
        &mut self,
        client: ClientId,
        outcome: Outcome,
        now: Timestamp,
    ) -> Outcome {
        let has_failed = self.recovery.failed_probers.contains(&Some(client));
        match outcome {
            Outcome::Success => {
                for known in &mut self.recovery.failed_probers {
                    known.take_if(|known| *known == client);
                }
                outcome
            }
            Outcome::Failure(_) | Outcome::Overloaded(_) => {
                if !has_failed {
                    self.recovery.failed_probers.rotate_right(1);
                    if let Some(last) = self.recovery.failed_probers.first_mut() {
                        *last = Some(client);
                    }
                }
                self.recovery.probe_failed_at = now;
                if has_failed && self.knows_others(now) {
                    Outcome::Ignored
                } else {
                    outcome
                }
            }
            Outcome::Abandoned(_) | Outcome::Ignored => outcome,
        }
    }

    /// Returns whether several clients asked within the window.
    pub(super) fn knows_others(&self, now: Timestamp) -> bool {
        self.clients.parts(self.bucket(now)) > 1
    }
}
