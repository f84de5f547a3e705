//! The states of a circuit, and the changes between them.

use std::time::Duration;

use crate::breaker::window::Counts;
use crate::failure::Reason;

/// The state of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum State {
    /// Requests pass.
    #[default]
    Closed,
    /// Requests are rejected.
    Open,
    /// Probes pass, other requests are rejected.
    HalfOpen,
    /// A growing rate of requests passes.
    Ramp,
}

impl State {
    /// Returns how little passes, from 0 (all requests) to 3 (none). It is also the value of a gauge.
    pub fn strictness(self) -> u8 {
        match self {
            State::Closed => 0,
            State::Ramp => 1,
            State::HalfOpen => 2,
            State::Open => 3,
        }
    }

    /// Returns the name used in logs and in filter state.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Closed => "closed",
            State::Open => "open",
            State::HalfOpen => "half_open",
            State::Ramp => "ramp",
        }
    }
}

/// A change of state, for logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// The reason of the last failure that was counted.
    pub reason: Reason,
    /// The counts when the state changed.
    pub counts: Counts,
    /// How long the circuit will be open; zero unless `to` is [`State::Open`].
    pub open_for: Duration,
}
