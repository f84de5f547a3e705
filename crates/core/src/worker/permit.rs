//! Permits to send a request, and what comes back.

use std::time::Duration;

use crate::breaker::{Outcome, ProbePermit, State};
use crate::failure::Reason;
use crate::worker::routes::RouteKey;

/// Names the circuit of a request.
#[derive(Debug, Clone, Copy)]
pub struct CircuitId<'a> {
    /// The route.
    pub route: &'a RouteKey,
    /// Number of the policy whose settings apply.
    pub policy: usize,
}

/// Permission to send a request. [`Worker::record`] takes it back with the result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permit {
    /// The generation of the circuit; `None` if the circuit was not asked.
    pub(super) generation: Option<u32>,
    /// The permit of the probe, if the request is one.
    pub(super) probe: Option<ProbePermit>,
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

    /// Returns whether the request is a probe, whose permit must be returned however it ends.
    pub fn is_probe(&self) -> bool {
        self.probe.is_some()
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
