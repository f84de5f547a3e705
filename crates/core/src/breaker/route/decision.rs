//! Decisions: which circuit decides about a request, and what it says.

use std::time::Duration;

use super::{is_of_upstream, ClassCircuit, RouteCircuits, RouteTransition, Standing};
use crate::breaker::circuit::ProbeResult;
use crate::breaker::class::PathClass;
use crate::breaker::clients::ClientId;
use crate::breaker::outcome::Outcome;
use crate::breaker::probes::ProbePermit;
use crate::breaker::ramp::RAMP_FULL;
use crate::breaker::state::State;
use crate::config::Breaker as Settings;
use crate::time::Timestamp;

/// First tries that failed are counted over this time.
const TRIES_PERIOD: Duration = Duration::from_secs(1);

/// Names a circuit and its generation: the one that admitted or rejected a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecidedBy {
    /// The number of components of its class; 0 for the circuit of the route.
    pub depth: usize,
    /// Its generation.
    pub generation: u32,
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
        client: ClientId,
        now: Timestamp,
        draw: f64,
    ) -> Decision {
        for depth in 0..=class.depth() {
            let Some(circuit) = self.circuit(class, depth) else {
                break;
            };
            let by = DecidedBy {
                depth,
                generation: circuit.generation,
            };
            if circuit.state == State::Closed {
                continue;
            }
            if !is_of_upstream(circuit.tripped_by) {
                match self.standing_below(class, depth, now) {
                    Some((Standing::Good, good)) => return Decision::Admit(good),
                    Some((Standing::Unknown, _)) if circuit.state != State::Ramp => {
                        if self.may_try(settings, now) {
                            return Decision::MayTry(by);
                        }
                    }
                    _ => {}
                }
            }
            return match circuit.state {
                State::Closed => Decision::Admit(by),
                State::Open if now < circuit.until => Decision::Reject(by),
                State::Open => Decision::MayProbe(by),
                // Which permits are in flight is up to the shared record. That none is left can be
                // believed until the next tick, and saves a read for each rejection.
                State::HalfOpen
                    if !circuit.may_acquire_probe(settings, now)
                        || circuit.must_wait(client, now) =>
                {
                    Decision::Reject(by)
                }
                State::HalfOpen => Decision::MayProbe(by),
                State::Ramp
                    if draw * f64::from(RAMP_FULL) < f64::from(circuit.admitted_share()) =>
                {
                    Decision::Admit(by)
                }
                State::Ramp => Decision::Reject(by),
            };
        }
        Decision::Admit(DecidedBy {
            depth: 0,
            generation: self.route.generation,
        })
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
        settings: &Settings,
        class: &PathClass,
        depth: usize,
        client: ClientId,
        now: Timestamp,
    ) -> Option<(DecidedBy, TestPermit)> {
        let circuit = self.circuit_mut(class.prefix(depth))?;
        if circuit.must_wait(client, now) {
            return None;
        }
        let permit = circuit.acquire_probe(settings, now)?;
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
        let is_unknown = matches!(
            self.standing_below(class, depth, now),
            Some((Standing::Unknown, _))
        );
        if !is_unknown || !self.may_try(settings, now) {
            return None;
        }
        let depth = depth.saturating_add(1);
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
                let circuit = self.circuit_mut(&name);
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
                        circuit.record_probe(settings, probe, now, draw)
                    }
                });
                self.note(Some(&name), changed, &mut transitions);
            }
            TestPermit::FirstTry => {
                let Some(class) = self.classes.get_mut(&name) else {
                    return transitions;
                };
                class.trying_until = Timestamp::EPOCH;
                match result.outcome {
                    Outcome::Success => class.standing = Standing::Good,
                    Outcome::Failure(_) | Outcome::Overloaded(_) => {
                        class.standing = Standing::Failing;
                        self.count_failed_try(now);
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
        Some(found)
    }

    fn may_try(&self, settings: &Settings, now: Timestamp) -> bool {
        let (since, failed) = self.failed_tries;
        let failed = if now.saturating_since(since) < TRIES_PERIOD {
            failed
        } else {
            0
        };
        let is_trying = |class: &&Box<ClassCircuit>| now < class.trying_until;
        let trying = self.classes.values().filter(is_trying).count();
        trying.saturating_add(failed as usize) < settings.probe.permits as usize
    }

    fn count_failed_try(&mut self, now: Timestamp) {
        let (since, failed) = self.failed_tries;
        self.failed_tries = if now.saturating_since(since) < TRIES_PERIOD {
            (since, failed.saturating_add(1))
        } else {
            (now, 1)
        };
    }
}
