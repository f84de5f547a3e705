//! The circuits of a worker: whether a request may pass, and how it ended.

use std::time::Duration;

use crate::breaker::route::{DecidedBy, Decision, TestResult};
use crate::breaker::window::bucket_width;
use crate::breaker::{ClientId, Outcome, PathClass, RouteCircuits, State};
use crate::config::{Breaker as Settings, BreakerMode, BreakerScope};
use crate::failure::Reason;
use crate::host::SharedData;
use crate::rng::Rng;
use crate::time::Timestamp;
use crate::worker::metrics::{RouteCounter, WorkerCounter};
use crate::worker::permit::{CallNotPermitted, CallResult, Caller, CircuitId, Permit};
use crate::worker::routes::RouteKey;
use crate::worker::shared::SyncError;
use crate::worker::shared_circuit::SharedCircuit;
use crate::worker::Worker;

/// Counts that may trip a circuit are pushed at once. If that was in vain, not again within this time:
/// a circuit that does not open although many fail would be read for each failure.
const PUSH_INTERVAL: Duration = Duration::from_millis(10);
/// A route whose requests do not nearly all take less than this may be one of long polls.
const MAX_USUAL: Duration = Duration::from_secs(1);
/// A client that left after this many times the median time left because nothing came.
const FAR_LONGER: u32 = 10;
/// For this long after the open time, uploads leave the permits for probes to requests that end with
/// their headers: an upload that is slow proves nothing.
const UPLOADS_WAIT: Duration = Duration::from_secs(1);
/// After this time the permit of an upload that has no answer yet goes to another request. (Its answer
/// counts when it comes.) Else a few slow uploads would keep a circuit half-open for ever.
const UPLOAD_LEASE: Duration = Duration::from_secs(1);

impl Worker {
    /// Returns the permit of a request that begins while requests need not be tracked. If the
    /// circuit changes its state before the request ends, the result is not counted.
    pub fn untracked_permit(&self) -> Permit {
        Permit {
            changes_seen: Some(self.changes_seen),
            ..Permit::default()
        }
    }

    /// Returns whether it matters who asks for what: unless all circuits of the route are known to be
    /// clean.
    pub fn must_know_caller(&self, circuit: CircuitId<'_>) -> bool {
        let known = self.circuit(circuit);
        known.is_none_or(|known| known.is_stale || known.has_pending_work())
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
        caller: &Caller,
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
                is_by_class: false,
            }),
            BreakerMode::Enforce | BreakerMode::Shadow => {
                self.decide(host, circuit, caller, now, draw)
            }
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
            let metrics = self.routes.metrics(circuit.route);
            metrics.count(counter);
            if counter == RouteCounter::Rejected && decision.as_ref().is_err_and(|r| r.is_by_class)
            {
                metrics.count(RouteCounter::RejectedByClass);
            }
        }
        decision
    }

    /// Notes that the response to a request has begun that a [gate](Permit::is_by_gate) admitted, or that
    /// the request ended without one.
    pub fn note_answered(
        &mut self,
        circuit: CircuitId<'_>,
        caller: &Caller,
        permit: &Permit,
        now: Timestamp,
    ) {
        let width = self.width(circuit);
        let class = class_of(&self.policies, circuit, caller);
        let known = self.routes.circuit_mut(circuit.route, width);
        if let (Some(known), Some(by)) = (known, permit.decided_by) {
            known.note_answered(class, by, now);
        }
    }

    /// Records how a request ended.
    #[expect(clippy::too_many_arguments, reason = "all of them are of one request")]
    pub fn record(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        caller: &Caller,
        permit: Permit,
        mut result: CallResult,
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
        if let Outcome::Abandoned(waited) = result.outcome {
            if permit.is_probe() || !self.is_far_longer_than_usual(circuit.route, waited) {
                result.outcome = Outcome::Ignored;
            }
        }
        let is_success = result.outcome == Outcome::Success && !result.is_slow;
        if is_success && permit.test.is_none() {
            // The usual case first: successes of a healthy route are not counted.
            let known = self.circuit(circuit);
            if known.is_some_and(|known| !known.has_pending_work()) {
                return;
            }
        }
        // If the record cannot be read, the outcome is kept until it can.
        self.refresh(host, circuit, now);
        if self.circuit(circuit).is_none() {
            // A request that asked for a permit was counted then.
            if permit.changes_seen.is_some() {
                self.count_total(WorkerCounter::OverLimit);
            }
            return;
        }
        let class = class_of(&self.policies, circuit, caller);
        let (Some(test), Some(decided_by)) = (permit.test, permit.decided_by) else {
            let asked = (class, caller.client);
            return self.count_result(host, circuit, asked, &permit, result, now, draw);
        };
        // A slow probe is no sign of health.
        let outcome = match result.outcome {
            Outcome::Success if result.is_slow => Outcome::Overloaded(Reason::HttpResponseTimeout),
            other => other,
        };
        let result = TestResult {
            class: class.clone(),
            client: caller.client,
            decided_by,
            permit: test,
            outcome,
            retry_after: result.retry_after,
        };
        self.push_test(host, circuit, result, now, draw);
    }

    /// Returns the circuits of a route as this worker knows them.
    pub fn view(&self, circuit: CircuitId<'_>) -> Option<&RouteCircuits> {
        self.circuit(circuit).map(|known| &known.view)
    }

    /// Returns the state of the circuit of a route that admits least, as this worker knows it.
    pub fn state(&self, circuit: CircuitId<'_>) -> State {
        self.view(circuit)
            .map_or(State::Closed, |view| view.strictest().state)
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

    /// Returns whether a client waited far longer for a response than the route usually takes.
    fn is_far_longer_than_usual(&self, route: &RouteKey, waited: Duration) -> bool {
        self.usual_latency(route).is_some_and(|usual| {
            let far_longer = usual.median.saturating_mul(FAR_LONGER).max(MAX_USUAL);
            usual.nearly_all <= MAX_USUAL && waited >= far_longer
        })
    }

    fn decide(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        caller: &Caller,
        now: Timestamp,
        draw: f64,
    ) -> Result<Permit, CallNotPermitted> {
        let class = class_of(&self.policies, circuit, caller);
        match self.ask(circuit, caller, class, now, draw) {
            Some(Asked::Admitted(permit)) => return Ok(permit),
            Some(Asked::Rejected(rejection)) => return Err(rejection),
            // It depends on the shared record.
            Some(Asked::MayTest { .. }) | None => {}
        }
        if !self.refresh(host, circuit, now) {
            if self.circuit(circuit).is_none() {
                self.count_total(WorkerCounter::OverLimit);
            }
            return Ok(Permit::default());
        }
        let (by, is_try, rejection) = match self.ask(circuit, caller, class, now, draw) {
            None => return Ok(Permit::default()),
            Some(Asked::Admitted(permit)) => return Ok(permit),
            Some(Asked::Rejected(rejection)) => return Err(rejection),
            Some(Asked::MayTest {
                by,
                is_try,
                rejection,
            }) => (by, is_try, rejection),
        };
        if !is_try && caller.is_upload && self.begins(circuit, class, by, now) {
            return Err(rejection);
        }
        let mut test = None;
        let written = self.transact(host, circuit, now, draw, |view, settings| {
            test = if is_try {
                view.acquire_try(settings, class, by.depth, now)
            } else {
                let mut probe = settings.probe.clone();
                if caller.is_upload {
                    probe.timeout = probe.timeout.min(UPLOAD_LEASE);
                }
                view.acquire_probe(&probe, class, by.depth, caller.client, now)
            };
            Vec::new()
        });
        match (written, test) {
            // Shared data failed: admit, and count what can be counted.
            (Err(SyncError::Unavailable), _) => Ok(Permit::default()),
            // Other workers were faster each time: they have the permits.
            (Err(SyncError::Conflict), _) => Err(rejection),
            (Ok(()), Some((by, test))) => Ok(Permit {
                test: Some(test),
                ..Permit::of(by)
            }),
            (Ok(()), None) => match self.ask(circuit, caller, class, now, draw) {
                Some(Asked::Admitted(permit)) => Ok(permit),
                Some(Asked::Rejected(rejection)) => Err(rejection),
                Some(Asked::MayTest { .. }) | None => Err(rejection),
            },
        }
    }

    /// Returns whether a circuit has just begun to be half-open, or is about to.
    fn begins(
        &self,
        circuit: CircuitId<'_>,
        class: &PathClass,
        by: DecidedBy,
        now: Timestamp,
    ) -> bool {
        let known = self.circuit(circuit);
        let circuit = known.and_then(|known| known.view.circuit(class, by.depth));
        circuit.is_some_and(|circuit| {
            let began = match circuit.state {
                State::Open => circuit.until,
                State::Closed | State::HalfOpen | State::Ramp => circuit.changed_at,
            };
            now.saturating_since(began) < UPLOADS_WAIT
        })
    }

    /// Decides by the present view of the circuits, and notes the decision; `None` if they are not known,
    /// or stale.
    fn ask(
        &mut self,
        circuit: CircuitId<'_>,
        caller: &Caller,
        class: &PathClass,
        now: Timestamp,
        draw: f64,
    ) -> Option<Asked> {
        let width = self.width(circuit);
        let known = self.routes.circuit_mut(circuit.route, width);
        let known = known.filter(|known| !known.is_stale)?;
        let settings = self.policies.get(circuit.policy)?;
        let decision = known
            .view
            .decide(settings, class, caller.visitor(), now, draw);
        let rejected_by = |by| rejection(&known.view, class, by, now);
        Some(match decision {
            Decision::Admit(by) => Asked::Admitted(Permit {
                is_by_gate: known.note_admitted(class, by, caller.client, now),
                ..Permit::of(by)
            }),
            Decision::Reject(by) => {
                let rejection = rejected_by(by);
                known.note_rejected(class, by, caller.client, now);
                Asked::Rejected(rejection)
            }
            Decision::MayProbe(by) | Decision::MayTry(by) => Asked::MayTest {
                by,
                is_try: matches!(decision, Decision::MayTry(_)),
                rejection: rejected_by(by),
            },
        })
    }

    /// Counts the result of a request that was no probe.
    #[expect(clippy::too_many_arguments, reason = "all of them are of one request")]
    fn count_result(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        (class, client): (&PathClass, ClientId),
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
        let route = &known.view.route;
        let by_route = DecidedBy {
            depth: 0,
            generation: route.generation,
        };
        let decided_by = match permit.decided_by {
            Some(by) => {
                let decided_by = known.view.circuit(class, by.depth);
                decided_by
                    .is_some_and(|circuit| circuit.generation == by.generation)
                    .then_some(by)
            }
            // No circuit was asked: it was closed, or this worker did not know it.
            None => {
                let is_current = route.state == State::Closed
                    && permit.changes_seen.is_none_or(|seen| seen >= known.changed);
                is_current.then_some(by_route)
            }
        };
        let has_failed = match result.outcome {
            Outcome::Failure(_) | Outcome::Overloaded(_) | Outcome::Abandoned(_) => true,
            Outcome::Success | Outcome::Ignored => result.is_slow,
        };
        let was_clean = !known.has_pending_work();
        let is_ignored = result.outcome == Outcome::Ignored;
        let Some(decided_by) = decided_by.filter(|_| !is_ignored && (!was_clean || has_failed))
        else {
            return;
        };
        let index = known.unsynced_for(class, decided_by);
        let Some(unsynced) = index.and_then(|index| known.unsynced.get_mut(index)) else {
            return;
        };
        unsynced.add(result.outcome, result.is_slow, client, width, now);
        if !has_failed {
            return;
        }
        if result.retry_after.is_some() {
            unsynced.retry_after = result.retry_after;
        }
        let is_due = now.saturating_since(known.pushed_in_vain_at) >= PUSH_INTERVAL;
        let could_trip = is_due && known.view.could_trip(settings, unsynced, now);
        let changes = known.view.changes;
        if could_trip || unsynced.is_full() {
            self.push(host, circuit, now, draw);
            if let Some(known) = self
                .circuit_mut(circuit)
                .filter(|c| c.view.changes == changes)
            {
                known.pushed_in_vain_at = now;
            }
        } else if was_clean {
            self.publish_failures(host, Duration::ZERO, now);
        }
    }
}

/// What the circuits of a route, as a worker knows them, say about a request.
enum Asked {
    Admitted(Permit),
    Rejected(CallNotPermitted),
    /// It may pass as a probe or a first try, if the shared record has a permit; else it is rejected.
    MayTest {
        by: DecidedBy,
        is_try: bool,
        rejection: CallNotPermitted,
    },
}

/// Returns the rejection of a request by one of the circuits.
fn rejection(
    view: &RouteCircuits,
    class: &PathClass,
    by: DecidedBy,
    now: Timestamp,
) -> CallNotPermitted {
    let circuit = view.circuit(class, by.depth).unwrap_or(&view.route);
    CallNotPermitted {
        state: circuit.state,
        reason: Some(circuit.tripped_by),
        remaining: circuit.remaining(now),
        // The route, and each of its hosts, is a whole. A closed circuit only holds back who fails.
        is_by_class: by.depth > 1 || circuit.state == State::Closed,
    }
}

/// Returns the class by which the outcomes of a request are counted.
fn class_of<'a>(
    policies: &[Settings],
    circuit: CircuitId<'_>,
    caller: &'a Caller,
) -> &'a PathClass {
    static ROUTE: PathClass = PathClass::ROUTE;
    match policies.get(circuit.policy).map(|settings| settings.scope) {
        Some(BreakerScope::Path) => &caller.class,
        Some(BreakerScope::Route) | None => &ROUTE,
    }
}
