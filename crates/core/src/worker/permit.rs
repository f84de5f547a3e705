//! Permits to send a request, and what comes back.

use std::time::Duration;

use crate::breaker::route::{DecidedBy, TestPermit, Visitor};
use crate::breaker::{ClientId, Outcome, PathClass, State};
use crate::failure::Reason;
use crate::worker::routes::RouteKey;

/// Names the circuits of the route of a request.
#[derive(Debug, Clone, Copy)]
pub struct CircuitId<'a> {
    /// The route.
    pub route: &'a RouteKey,
    /// Number of the policy whose settings apply.
    pub policy: usize,
}

/// What a request asks for, and who sends it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The host and the path.
    pub class: PathClass,
    /// The client; unknown where no decision needs it.
    pub client: ClientId,
    /// Whether the request is an upload that may take long, and says nothing if it does.
    pub is_upload: bool,
    /// Whether the request carries a valid pass for the route.
    pub has_pass: bool,
}

impl Caller {
    /// Returns who sends the request.
    pub fn visitor(&self) -> Visitor {
        Visitor {
            client: self.client,
            has_pass: self.has_pass,
        }
    }
}

/// Permission to send a request. [`Worker::record`] takes it back with the result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permit {
    /// The circuit that admitted the request; `None` if none was asked.
    pub(super) decided_by: Option<DecidedBy>,
    /// The permit of a probe or of a first try, if the request is one.
    pub(super) test: Option<TestPermit>,
    /// Whether the circuit that admitted the request is not closed, and rejects others.
    pub(super) is_by_gate: bool,
    /// Whether the request passes only because of shadow mode; its result is not counted.
    pub(super) is_shadow: bool,
    /// The number of changes of state that the worker had seen; `None` if not known.
    pub(super) changes_seen: Option<u32>,
}

impl Permit {
    /// Returns the permit of a request that passes only because of shadow mode. Its result is not
    /// counted.
    pub fn shadow() -> Self {
        Self {
            is_shadow: true,
            ..Self::default()
        }
    }

    /// Returns the permit of a request that this circuit admits.
    pub(super) fn of(decided_by: DecidedBy) -> Self {
        Self {
            decided_by: Some(decided_by),
            ..Self::default()
        }
    }

    /// Returns whether the request tests its upstream, so that its permit must be returned however it
    /// ends.
    pub fn is_probe(&self) -> bool {
        matches!(self.test, Some(TestPermit::Probe(_) | TestPermit::FirstTry))
    }

    /// Returns the permit with which a request is recorded that is cut off after its response has
    /// begun, if that beginning was recorded as the success of a probe.
    pub fn after_beginning(&self) -> Self {
        let test = match self.test {
            Some(TestPermit::Probe(permit)) => Some(TestPermit::BegunProbe(permit)),
            // A class that was proven good counts failures as always.
            Some(TestPermit::FirstTry) | None => None,
            begun => begun,
        };
        Self {
            test,
            ..self.clone()
        }
    }

    /// Returns whether the circuit that admitted the request rejects others, and the request is no probe.
    pub fn is_by_gate(&self) -> bool {
        self.is_by_gate
    }

    /// Returns whether the request passes only because of shadow mode.
    pub fn is_shadow(&self) -> bool {
        self.is_shadow
    }
}

/// A request was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallNotPermitted {
    /// The state of the circuit.
    pub state: State,
    /// The reason why the circuit opened; `None` if the configuration forces it open.
    pub reason: Option<Reason>,
    /// How much longer the circuit stays open; zero if not known.
    pub remaining: Duration,
    /// Whether the circuit is that of a part of the paths.
    pub is_by_class: bool,
}

/// The result of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallResult {
    /// What it says about the upstream.
    pub outcome: Outcome,
    /// Whether it took longer than the settings allow.
    pub is_slow: bool,
    /// `Retry-After` of the upstream.
    pub retry_after: Option<Duration>,
}

impl From<Outcome> for CallResult {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            is_slow: false,
            retry_after: None,
        }
    }
}
