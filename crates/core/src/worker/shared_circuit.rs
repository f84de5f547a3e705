//! The circuits of a route as one worker knows them, and what it has not pushed yet.

use std::collections::BTreeMap;

use crate::breaker::circuit::gate::Arrivals;
use crate::breaker::clients::MAX_CLIENTS;
use crate::breaker::route::{DecidedBy, TestResult};
use crate::breaker::{ClientId, PathClass, RouteCircuits, State, UnsyncedCounts};
use crate::time::Timestamp;

/// The classes of a route whose outcomes a worker counts apart between two ticks. Further ones are
/// counted for their hosts, or for the route.
const MAX_UNSYNCED: usize = 64;

/// The circuits of a route that all workers share, as one worker sees them.
#[derive(Debug)]
pub(super) struct SharedCircuit {
    /// Number of the policy of the last request. Other policies of the route may use the circuits,
    /// if their windows have the same shape.
    pub(super) policy: usize,
    /// The shared record as last read or written.
    pub(super) view: RouteCircuits,
    /// Whether another worker may have changed the record since, or it could not be read.
    pub(super) is_stale: bool,
    /// [`Worker::changes_seen`] when this worker learned of the last change of state.
    pub(super) changed: u32,
    /// Outcomes that were not pushed yet, by class.
    pub(super) unsynced: Vec<UnsyncedCounts>,
    /// Results of requests that tested the upstream and could not be pushed; at most
    /// [`MAX_PERMITS`](crate::breaker::probes::MAX_PERMITS).
    pub(super) unsynced_tests: Vec<TestResult>,
    /// Clients that were rejected since the last push, each with the name of the circuit; at most
    /// [`MAX_CLIENTS`].
    pub(super) asking: Vec<(String, ClientId)>,
    /// Requests that came to gates since the last push, with the name of the circuit. The view already
    /// has them.
    pub(super) arrivals: BTreeMap<String, Arrivals>,
    /// The window for which this worker has added its credit.
    pub(super) credited_for: Timestamp,
    /// When counts were pushed that should have tripped a circuit and did not.
    pub(super) pushed_in_vain_at: Timestamp,
}

impl SharedCircuit {
    /// Returns whether there is something to push, or a circuit may change with time.
    pub(super) fn has_pending_work(&self) -> bool {
        // Whether all is clean is the longest question.
        !self.unsynced.is_empty()
            || !self.unsynced_tests.is_empty()
            || !self.view.is_closed()
            || !self.view.is_clean()
    }

    /// Returns whether the shared record must be read or written now: there is something to push, other
    /// workers changed something, or a circuit changes with time. Of closed circuits the windows alone
    /// age, and each worker does that by itself.
    pub(super) fn must_exchange(&self) -> bool {
        let is_idle = self.unsynced.is_empty()
            && self.unsynced_tests.is_empty()
            && self.asking.is_empty()
            && self.arrivals.is_empty()
            && self.view.is_closed();
        self.is_stale || !is_idle
    }

    /// Notes a request that a circuit admitted. Returns whether the circuit is a gate: it is not closed.
    pub(super) fn note_admitted(
        &mut self,
        class: &PathClass,
        by: DecidedBy,
        client: ClientId,
        now: Timestamp,
    ) -> bool {
        let circuit = self.view.circuit(class, by.depth);
        let is_gate = circuit.is_some_and(|circuit| circuit.state != State::Closed);
        if is_gate {
            self.add_arrivals(class.prefix(by.depth), &Arrivals::admitted(client), now);
        }
        is_gate
    }

    /// Notes a request that a circuit rejected.
    pub(super) fn note_rejected(
        &mut self,
        class: &PathClass,
        by: DecidedBy,
        client: ClientId,
        now: Timestamp,
    ) {
        let name = class.prefix(by.depth);
        self.note_asking(name, client);
        let circuit = self.view.circuit(class, by.depth);
        if let Some(circuit) = circuit.filter(|circuit| circuit.state == State::Ramp) {
            let one = Arrivals::rejected(circuit.has_taken_its_part(client, now));
            self.add_arrivals(name, &one, now);
        }
    }

    /// Notes that the response to a request has begun that a gate admitted, or that it ended without one.
    pub(super) fn note_answered(&mut self, class: &PathClass, by: DecidedBy, now: Timestamp) {
        self.add_arrivals(class.prefix(by.depth), &Arrivals::answered(), now);
    }

    fn add_arrivals(&mut self, name: &str, arrivals: &Arrivals, now: Timestamp) {
        self.view.count_arrivals(name, arrivals, now);
        match self.arrivals.get_mut(name) {
            Some(known) => known.merge(arrivals),
            None => {
                self.arrivals.insert(name.to_owned(), arrivals.clone());
            }
        }
    }

    /// Notes that a client asks for what the circuit of this name rejects.
    fn note_asking(&mut self, name: &str, client: ClientId) {
        let is_known = |(known, other): &(String, ClientId)| *other == client && known == name;
        if self.asking.len() < MAX_CLIENTS && !self.asking.iter().any(is_known) {
            self.asking.push((name.to_owned(), client));
        }
    }

    /// Makes the shared circuits the view, with what came to their gates since the last push.
    pub(super) fn set_view(&mut self, view: RouteCircuits, now: Timestamp) {
        self.view = view;
        for (name, arrivals) in &self.arrivals {
            self.view.count_arrivals(name, arrivals, now);
        }
        self.is_stale = false;
    }

    /// Returns the index of the counts to which an outcome of a class is to be added.
    pub(super) fn unsynced_for(&mut self, class: &PathClass, by: DecidedBy) -> Option<usize> {
        // A class that goes on below an open circuit is counted where it was admitted.
        let mut depth = self
            .view
            .counted_depth(class)
            .max(by.depth)
            .min(class.depth());
        loop {
            let name = class.prefix(depth);
            let mut all = self.unsynced.iter();
            let known = all.position(|known| {
                known.depth == by.depth
                    && known.generation == by.generation
                    && known.class.depth() == depth
                    && known.class.prefix(depth) == name
            });
            if known.is_some() {
                return known;
            }
            if self.unsynced.len() < MAX_UNSYNCED || depth == 0 {
                let mut class = class.clone();
                class.truncate(depth);
                let new = UnsyncedCounts::new(class, by.depth, by.generation);
                self.unsynced.push(new);
                return self.unsynced.len().checked_sub(1);
            }
            depth = if depth > 1 { 1 } else { 0 };
            if depth < by.depth {
                return None;
            }
        }
    }
}
