//! The circuits of a worker: whether a request may pass, and how it ended.

use std::time::Duration;

use crate::breaker::ramp::RAMP_FULL;
use crate::breaker::window::bucket_width;
use crate::breaker::{CircuitBreaker, Outcome, ProbeResult, State, UnsyncedCounts};
use crate::config::{Breaker as Settings, BreakerMode};
use crate::failure::Reason;
use crate::host::SharedData;
use crate::rng::Rng;
use crate::time::Timestamp;
use crate::worker::metrics::{RouteCounter, WorkerCounter};
use crate::worker::permit::{CallNotPermitted, CallResult, CircuitId, Permit};
use crate::worker::routes::RouteKey;
use crate::worker::shared::SyncError;
use crate::worker::Worker;

/// A circuit that all workers share, as one worker sees it.
#[derive(Debug)]
pub(super) struct SharedCircuit {
    /// Number of the policy of the last request. Other policies of the route may use the circuit,
    /// if their windows have the same shape.
    pub(super) policy: usize,
    /// The shared record as last read or written.
    pub(super) view: CircuitBreaker,
    /// Whether another worker may have changed the record since, or it could not be read.
    pub(super) is_stale: bool,
    /// [`Worker::changes_seen`] when this worker learned of the last change of state.
    pub(super) changed: u32,
    /// Outcomes that were not pushed yet.
    pub(super) unsynced: Option<Box<UnsyncedCounts>>,
    /// Results of probes that could not be pushed; at most [`MAX_PERMITS`](crate::breaker::probes::MAX_PERMITS).
    pub(super) unsynced_probes: Vec<ProbeResult>,
}

impl SharedCircuit {
    /// Returns whether there is something to push, or the circuit may change with time.
    pub(super) fn has_pending_work(&self) -> bool {
        self.unsynced.is_some() || !self.unsynced_probes.is_empty() || !self.view.is_clean()
    }
}

/// What the view of a circuit says about a request.
enum Decision {
    Final(Result<Permit, CallNotPermitted>),
    /// A permit for a probe may be available. If it is not, this is the rejection.
    MayProbe(CallNotPermitted),
}

impl Worker {
    /// Returns the permit of a request that begins while requests need not be tracked. If the
    /// circuit changes its state before the request ends, the result is not counted.
    pub fn untracked_permit(&self) -> Permit {
        Permit {
            changes_seen: Some(self.changes_seen),
            ..Permit::default()
        }
    }

    /// Returns a permit if a request may pass. `is_shadow`: the request passes in any case because
    /// of the mode of its route, and a rejection is counted accordingly.
    ///
    /// # Errors
    /// [`CallNotPermitted`] if the circuit rejects the request.
    pub fn try_acquire(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        is_shadow: bool,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<Permit, CallNotPermitted> {
        // Once per call, so that a sequence of calls draws the same numbers whatever they decide.
        let draw = rng.unit();
        let Some(mode) = self.settings(circuit).map(|settings| settings.mode) else {
            return Ok(Permit::default());
        };
        let decision = match mode {
            BreakerMode::Disabled => return Ok(Permit::default()),
            BreakerMode::ForcedOpen => Err(CallNotPermitted {
                state: State::Open,
                reason: None,
                remaining: Duration::ZERO,
            }),
            BreakerMode::Enforce | BreakerMode::Shadow => self.decide(host, circuit, now, draw),
        };
        let (counter, decision) = match decision {
            Ok(permit) if permit.is_probe() => (Some(RouteCounter::Probes), Ok(permit)),
            Ok(permit) => (None, Ok(permit)),
            Err(_) if mode == BreakerMode::Shadow => {
                (Some(RouteCounter::WouldReject), Ok(Permit::shadow()))
            }
            Err(rejection) if is_shadow => (Some(RouteCounter::WouldReject), Err(rejection)),
            Err(rejection) => (Some(RouteCounter::Rejected), Err(rejection)),
        };
        if let Some(counter) = counter {
            self.count_circuit(circuit, counter);
        }
        decision
    }

    /// Records how a request ended.
    pub fn record(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        permit: Permit,
        result: CallResult,
        now: Timestamp,
        rng: &mut impl Rng,
    ) {
        let draw = rng.unit();
        let Some(settings) = self.settings(circuit) else {
            return;
        };
        let is_counted = matches!(settings.mode, BreakerMode::Enforce | BreakerMode::Shadow);
        if permit.is_shadow || !is_counted {
            return;
        }
        let is_success = result.outcome == Outcome::Success && !result.is_slow;
        if is_success && permit.probe.is_none() {
            // The usual case first: successes of a healthy route are not counted.
            let known = self.circuit(circuit);
            if known.is_some_and(|known| !known.has_pending_work()) {
                return;
            }
        }
        let overflow = RouteKey::overflow();
        let circuit = self.or_overflow(circuit, &overflow);
        if permit.generation.is_none() {
            self.count_over_limit(circuit.route);
        }
        // If the record cannot be read, the outcome is kept until it can.
        let _ = self.refresh(host, circuit);
        let Some(probe) = permit.probe else {
            return self.count_result(host, circuit, &permit, result, now, draw);
        };
        // A slow probe is no sign of health.
        let outcome = match result.outcome {
            Outcome::Success if result.is_slow => Outcome::Overloaded(Reason::HttpResponseTimeout),
            other => other,
        };
        let result = ProbeResult {
            permit: probe,
            outcome,
            retry_after: result.retry_after,
        };
        self.push_probe(host, circuit, result, now, draw);
    }

    /// Returns a circuit as this worker knows it.
    pub fn view(&self, circuit: CircuitId<'_>) -> Option<&CircuitBreaker> {
        self.circuit(circuit).map(|known| &known.view)
    }

    /// Returns the state of a circuit, as this worker knows it.
    pub fn state(&self, circuit: CircuitId<'_>) -> State {
        let overflow = RouteKey::overflow();
        self.view(self.or_overflow(circuit, &overflow))
            .map_or(State::Closed, |view| view.state)
    }

    pub(super) fn settings(&self, circuit: CircuitId<'_>) -> Option<&Settings> {
        self.policies.get(circuit.policy)
    }

    pub(super) fn width(&self, circuit: CircuitId<'_>) -> Duration {
        self.settings(circuit).map(bucket_width).unwrap_or_default()
    }

    pub(super) fn circuit(&self, circuit: CircuitId<'_>) -> Option<&SharedCircuit> {
        self.routes.circuit(circuit.route, self.width(circuit))
    }

    pub(super) fn circuit_mut(&mut self, circuit: CircuitId<'_>) -> Option<&mut SharedCircuit> {
        self.routes.circuit_mut(circuit.route, self.width(circuit))
    }

    fn decide(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        now: Timestamp,
        draw: f64,
    ) -> Result<Permit, CallNotPermitted> {
        let known = self.circuit(circuit).filter(|known| !known.is_stale);
        if let (Some(known), Some(settings)) = (known, self.settings(circuit)) {
            if let Decision::Final(decision) = decide_by_view(settings, &known.view, now, draw) {
                return decision;
            }
        }
        let overflow = RouteKey::overflow();
        let circuit = self.or_overflow(circuit, &overflow);
        self.count_over_limit(circuit.route);
        if self.refresh(host, circuit).is_err() {
            return Ok(Permit::default());
        }
        let rejection = match self.decide_again(circuit, now, draw) {
            Some(Decision::MayProbe(rejection)) => rejection,
            Some(Decision::Final(decision)) => return decision,
            None => return Ok(Permit::default()),
        };
        let mut probe = None;
        let written = self.transact(host, circuit, now, draw, |view, settings| {
            probe = view.acquire_probe(settings, now);
            None
        });
        match (written, probe) {
            // Shared data failed: admit, and count what can be counted.
            (Err(SyncError::Unavailable), _) => Ok(Permit::default()),
            // Other workers were faster each time: they have the permits.
            (Err(SyncError::Conflict), _) => Err(rejection),
            (Ok(()), Some(probe)) => Ok(Permit {
                generation: Some(probe.generation),
                probe: Some(probe),
                ..Permit::default()
            }),
            (Ok(()), None) => match self.decide_again(circuit, now, draw) {
                Some(Decision::Final(decision)) => decision,
                _ => Err(rejection),
            },
        }
    }

    /// Decides by the present view of a circuit.
    fn decide_again(&self, circuit: CircuitId<'_>, now: Timestamp, draw: f64) -> Option<Decision> {
        let (known, settings) = (self.circuit(circuit)?, self.settings(circuit)?);
        Some(decide_by_view(settings, &known.view, now, draw))
    }

    /// Counts the result of a request that was no probe.
    fn count_result(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        permit: &Permit,
        result: CallResult,
        now: Timestamp,
        draw: f64,
    ) {
        let width = self.width(circuit);
        let Some(known) = self.routes.circuit_mut(circuit.route, width) else {
            return;
        };
        let Some(settings) = self.policies.get(circuit.policy) else {
            return;
        };
        let is_current = match permit.generation {
            Some(generation) => generation == known.view.generation,
            // The circuit was not asked: it was closed, or this worker did not know it.
            None => {
                known.view.state == State::Closed
                    && permit.changes_seen.is_none_or(|seen| seen >= known.changed)
            }
        };
        let is_failure = matches!(result.outcome, Outcome::Failure(_) | Outcome::Overloaded(_));
        let is_bad = result.is_slow || is_failure;
        let was_clean = !known.has_pending_work();
        let is_ignored = matches!(result.outcome, Outcome::Abandoned(_) | Outcome::Ignored);
        if !is_current || is_ignored || (was_clean && !is_bad) {
            return;
        }
        let generation = known.view.generation;
        let unsynced = known.unsynced.get_or_insert_default();
        if unsynced.generation != generation {
            **unsynced = UnsyncedCounts {
                generation,
                ..UnsyncedCounts::default()
            };
        }
        unsynced.add(result.outcome, result.is_slow, width, now);
        if !is_bad {
            return;
        }
        if result.retry_after.is_some() {
            unsynced.retry_after = result.retry_after;
        }
        let mut ahead = known.view.clone();
        ahead.advance(settings, now, draw);
        let would_trip = ahead.absorb(settings, unsynced, now, draw).is_some();
        if would_trip {
            self.push(host, circuit, now, draw);
        } else if was_clean {
            self.publish_failures(host, now);
        }
    }

    /// Returns the circuit itself, or the one that routes beyond the limit share.
    fn or_overflow<'a>(&self, circuit: CircuitId<'a>, overflow: &'a RouteKey) -> CircuitId<'a> {
        let width = self.width(circuit);
        if self.routes.has_room_for_circuit(circuit.route, width) {
            circuit
        } else {
            CircuitId {
                route: overflow,
                ..circuit
            }
        }
    }

    /// Counts under the route itself if it has metrics, else under the route of its circuit.
    fn count_circuit(&mut self, circuit: CircuitId<'_>, counter: RouteCounter) {
        let known = self.routes.get(circuit.route);
        if known.is_some_and(|route| route.metrics.is_some()) {
            self.routes.metrics(circuit.route).count(counter);
        } else {
            let overflow = RouteKey::overflow();
            let route = self.or_overflow(circuit, &overflow).route;
            self.routes.metrics(route).count(counter);
        }
    }

    fn count_over_limit(&mut self, route: &RouteKey) {
        if route.is_overflow() {
            self.count_total(WorkerCounter::OverLimit);
        }
    }
}

fn decide_by_view(
    settings: &Settings,
    view: &CircuitBreaker,
    now: Timestamp,
    draw: f64,
) -> Decision {
    let permit = Permit {
        generation: Some(view.generation),
        ..Permit::default()
    };
    let rejection = CallNotPermitted {
        state: view.state,
        reason: Some(view.tripped_by),
        remaining: view.remaining(now),
    };
    match view.state {
        State::Closed => Decision::Final(Ok(permit)),
        State::Open if now < view.until => Decision::Final(Err(rejection)),
        State::Open => Decision::MayProbe(rejection),
        // Which permits are in flight is up to the shared record. That none is left can be believed
        // until the next tick, and saves a read for each rejection.
        State::HalfOpen if !view.may_acquire_probe(settings, now) => {
            Decision::Final(Err(rejection))
        }
        State::HalfOpen => Decision::MayProbe(rejection),
        State::Ramp if draw * f64::from(RAMP_FULL) < f64::from(view.admitted_share()) => {
            Decision::Final(Ok(permit))
        }
        State::Ramp => Decision::Final(Err(rejection)),
    }
}
