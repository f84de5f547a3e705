//! Decisions: which circuit decides about a request, and what it says.

use std::time::Duration;

use super::counting::is_good;
use super::{RouteCircuits, RouteTransition, Standing};
use crate::breaker::circuit::ProbeResult;
use crate::breaker::class::PathClass;
use crate::breaker::clients::ClientId;
use crate::breaker::outcome::Outcome;
use crate::breaker::probes::ProbePermit;
use crate::breaker::state::State;
use crate::config::{Breaker as Settings, BreakerProbe};
use crate::time::Timestamp;

/// First tries are counted over this time.
const TRIES_PERIOD: Duration = Duration::from_secs(1);
/// In this time as many first tries may fail as there are permits for probes; one that succeeds costs a
/// tenth of one that fails.
const FAILED_TRY_COST: u32 = 10;
const TRY_COST: u32 = 1;

/// Names a circuit and its generation: the one that admitted or rejected a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecidedBy {
    /// The number of components of its class; 0 for the circuit of the route.
    pub depth: usize,
    /// Its generation.
    pub generation: u32,
}

/// Who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Visitor {
    /// The address of the client.
    pub client: ClientId,
    /// Whether the request carries a valid pass for the route.
    pub has_pass: bool,
}

/// What the circuits of a route say about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It passes.
    Admit(DecidedBy),
    /// It is rejected.
    Reject(DecidedBy),
    /// It may pass as a probe of this circuit, if a permit is available.
    MayProbe(DecidedBy),
    /// It may pass as the first try of its class, below this circuit.
    MayTry(DecidedBy),
}

/// The permit of a request that tests its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestPermit {
    /// A probe of a half-open circuit.
    Probe(ProbePermit),
    /// A probe whose response has begun, which was recorded as a success: only that it is cut off is
    /// recorded with this.
    BegunProbe(ProbePermit),
    /// The first try of a class.
    FirstTry,
}

/// The result of a request that tested its upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// The class of the request.
    pub class: PathClass,
    /// Who sent it.
    pub client: ClientId,
    /// The circuit of the permit.
    pub decided_by: DecidedBy,
    /// The permit.
    pub permit: TestPermit,
    /// What the request says about the upstream.
    pub outcome: Outcome,
    /// `Retry-After` of the response.
    pub retry_after: Option<Duration>,
}

impl RouteCircuits {
    /// Decides about a request by its class.
    pub fn decide(
        &self,
        settings: &Settings,
        class: &PathClass,
        visitor: Visitor,
        now: Timestamp,
        draw: f64,
    ) -> Decision {
        let client = visitor.client;
        for depth in 0..=class.depth() {
            let Some(circuit) = self.circuit(class, depth) else {
                break;
            };
            let by = DecidedBy {
                depth,
                generation: circuit.generation,
            };
            if circuit.state == State::Closed {
                if depth > 0 && circuit.is_at_limit(settings, client, now) {
                    if let Some(decision) = self.decide_at_limit(settings, class, by, now) {
                        return decision;
                    }
                }
                continue;
            }
            if !circuit.tripped_by.is_without_connection() {
                match self.standing_below(class, depth, now) {
                    Some((Standing::Good, good)) => return Decision::Admit(good),
                    Some((Standing::Unknown, _))
                        if circuit.state != State::Ramp && self.may_try(settings, now) =>
                    {
                        return Decision::MayTry(by);
                    }
                    _ => {}
                }
            }
            return match circuit.state {
                State::Closed => Decision::Admit(by),
                State::Open if now < circuit.until => Decision::Reject(by),
                State::Open => Decision::MayProbe(by),
                State::HalfOpen | State::Ramp
                    if circuit.admits(client, visitor.has_pass, now, draw) =>
                {
                    Decision::Admit(by)
                }
                // Which permits are in flight is up to the shared record. That none is left can be
                // believed until the next tick, and saves a read for each rejection.
                State::HalfOpen
                    if !circuit.may_acquire_probe(settings, now)
                        || circuit.must_wait(client, now) =>
                {
                    Decision::Reject(by)
                }
                State::HalfOpen => Decision::MayProbe(by),
                State::Ramp => Decision::Reject(by),
            };
        }
        Decision::Admit(DecidedBy {
            depth: 0,
            generation: self.route.generation,
        })
    }

    /// Decides about a request of a client that fails so often that its failures are no longer counted:
    /// it goes on with what is proven good, and tries what is not known. `None` if that is not known of
    /// the parts of this circuit.
    fn decide_at_limit(
        &self,
        settings: &Settings,
        class: &PathClass,
        by: DecidedBy,
        now: Timestamp,
    ) -> Option<Decision> {
        let (standing, deepest) = self.standing_below(class, by.depth, now)?;
        // The standing is that of an open circuit; below a closed one the windows tell.
        let known = self.class(class, deepest.depth).map(|known| &known.circuit);
        match known {
            Some(known) if standing == Standing::Good || is_good(settings, known) => None,
            None if self.may_try(settings, now) => Some(Decision::MayTry(by)),
            _ => Some(Decision::Reject(by)),
        }
    }

    /// Notes that a client asks for what the circuit of this name rejects.
    pub fn note_client(&mut self, name: &str, client: ClientId, now: Timestamp) {
        if let Some(circuit) = self.circuit_mut(name) {
            circuit.note_client(client, now);
        }
    }

    /// Returns a permit for a probe of the circuit of this prefix of the class, if one is left.
    pub fn acquire_probe(
        &mut self,
        probe: &BreakerProbe,
        class: &PathClass,
        depth: usize,
        client: ClientId,
        now: Timestamp,
    ) -> Option<(DecidedBy, TestPermit)> {
        let circuit = self.circuit_mut(class.prefix(depth))?;
        if circuit.must_wait(client, now) {
            return None;
        }
        let permit = circuit.acquire_probe(probe, now)?;
        circuit.note_probe(client, permit, now);
        let by = DecidedBy {
            depth,
            generation: permit.generation,
        };
        Some((by, TestPermit::Probe(permit)))
    }

    /// Returns a permit for the first try of a class below the circuit of this prefix.
    pub fn acquire_try(
        &mut self,
        settings: &Settings,
        class: &PathClass,
        depth: usize,
        now: Timestamp,
    ) -> Option<(DecidedBy, TestPermit)> {
        let unknown = self.standing_below(class, depth, now);
        let Some((Standing::Unknown, DecidedBy { depth, .. })) = unknown else {
            return None;
        };
        if !self.may_try(settings, now) {
            return None;
        }
        self.add_class(settings, class, depth, true)?;
        let added = self.classes.get_mut(class.prefix(depth))?;
        added.trying_until = now.saturating_add(settings.probe.timeout);
        let by = DecidedBy {
            depth,
            generation: added.circuit.generation,
        };
        Some((by, TestPermit::FirstTry))
    }

    /// Takes a permit back and records what the request says about the upstream.
    pub fn record_test(
        &mut self,
        settings: &Settings,
        result: &TestResult,
        now: Timestamp,
        draw: f64,
    ) -> Vec<RouteTransition> {
        let mut transitions = Vec::new();
        let name = result.class.prefix(result.decided_by.depth).to_owned();
        match result.permit {
            TestPermit::Probe(permit) | TestPermit::BegunProbe(permit) => {
                let has_begun = matches!(result.permit, TestPermit::BegunProbe(_));
                let usual = self.usual(result.decided_by.depth);
                let circuit = self.circuit_mut(&name);
                let has_succeeded = circuit
                    .as_ref()
                    .is_some_and(|c| c.recovery.probes.succeeded > 0);
                let changed = circuit.and_then(|circuit| {
                    let outcome = circuit.verdict_on_probe(result.client, result.outcome, now);
                    let probe = ProbeResult {
                        permit,
                        outcome,
                        retry_after: result.retry_after,
                    };
                    if has_begun {
                        circuit.record_probe_cut_off(settings, probe, now, draw)
                    } else {
                        circuit.record_probe(settings, usual, probe, now, draw)
                    }
                });
                self.note(&name, changed, &mut transitions);
                // Some probes succeed and some fail: the part that works is looked for from now on.
                let has_opened = transitions.iter().any(|c| c.transition.to == State::Open);
                let class = self.classes.get_mut(&name);
                if let Some(class) = class.filter(|_| has_opened && has_succeeded) {
                    class.is_divided |= class.can_be_divided(&name);
                }
            }
            TestPermit::FirstTry => {
                let Some(class) = self.classes.get_mut(&name) else {
                    return transitions;
                };
                class.trying_until = Timestamp::EPOCH;
                match result.outcome {
                    Outcome::Success => {
                        class.standing = Standing::Good;
                        self.count_try(TRY_COST, now);
                    }
                    Outcome::Failure(_) | Outcome::Overloaded(_) => {
                        class.standing = Standing::Failing;
                        class.only_tried = true;
                        self.count_try(FAILED_TRY_COST, now);
                        self.keep_at_limit(result, now);
                    }
                    Outcome::Abandoned(_) | Outcome::Ignored => {}
                }
                self.hand_over(now, &mut transitions);
            }
        }
        transitions
    }

    /// Returns the standing of the deepest known class of a request below the circuit of a prefix, and
    /// its circuit. `None` if no class can be below it.
    fn standing_below(
        &self,
        class: &PathClass,
        depth: usize,
        now: Timestamp,
    ) -> Option<(Standing, DecidedBy)> {
        let is_leaf = depth > 1
            && !self
                .class(class, depth)
                .is_some_and(|known| known.is_divided);
        if is_leaf || depth >= class.depth() {
            return None;
        }
        // What is at this path itself is known only if it was counted apart.
        let is_here = depth > 1 && !class.goes_on(depth);
        let mut found = (
            Standing::Unknown,
            DecidedBy {
                depth: depth.saturating_add(1),
                generation: 0,
            },
        );
        for depth in depth.saturating_add(1)..=class.depth() {
            let Some(known) = self.class(class, depth) else {
                break;
            };
            // That one request failed says little about the parts below it.
            if known.only_tried && class.goes_on(depth) {
                found.1.depth = depth.saturating_add(1);
                continue;
            }
            let by = DecidedBy {
                depth,
                generation: known.circuit.generation,
            };
            found = match known.standing {
                // One first try at a time.
                Standing::Unknown if now < known.trying_until => (Standing::Failing, by),
                standing => (standing, by),
            };
        }
        (!is_here || found.0 == Standing::Good).then_some(found)
    }

    fn may_try(&self, settings: &Settings, now: Timestamp) -> bool {
        let (since, cost) = self.tries;
        let is_over = now.saturating_since(since) >= TRIES_PERIOD;
        let cost = if is_over { 0 } else { cost };
        let classes = self.classes.values();
        let trying = classes.filter(|class| now < class.trying_until).count() as u32;
        let cost = trying.saturating_mul(FAILED_TRY_COST).saturating_add(cost);
        cost < settings.probe.permits.saturating_mul(FAILED_TRY_COST)
    }

    fn count_try(&mut self, cost: u32, now: Timestamp) {
        let (since, before) = self.tries;
        self.tries = if now.saturating_since(since) < TRIES_PERIOD {
            (since, before.saturating_add(cost))
        } else {
            (now, cost)
        };
    }

    /// A client that is at its limit stays there while its first tries fail.
    fn keep_at_limit(&mut self, result: &TestResult, now: Timestamp) {
        for depth in 0..result.decided_by.depth {
            if let Some(circuit) = self.circuit_mut(result.class.prefix(depth)) {
                circuit.keep_at_limit(result.client, now);
            }
        }
    }
}
