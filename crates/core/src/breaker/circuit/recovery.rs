//! The way back of a circuit that has opened: its probes, and then its ramp.

use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use super::gate::GateState;
use super::FAILED_PROBERS;
use crate::breaker::clients::ClientId;
use crate::breaker::probes::{Probes, MAX_PERMITS};
use crate::breaker::ramp::Ramp;
use crate::breaker::window::Counts;
use crate::time::Timestamp;

/// The state of a circuit that has opened at least once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecoveryState {
    /// The probes in flight, and the number of probes that succeeded.
    pub probes: Probes,
    /// While in the ramp, or about to be: its rate.
    pub ramp: Ramp,
    /// While in the ramp, or about to be: the requests that come to it.
    pub gate: GateState,
    /// While in the ramp: when the next step is due.
    pub next_step_at: Timestamp,
    /// While in the ramp: the outcomes since the last step.
    pub step: Counts,
    /// The clients of the probes, by slot.
    pub probe_clients: [ClientId; MAX_PERMITS],
    /// The clients whose probes failed, the last one first.
    pub failed_probers: [Option<ClientId>; FAILED_PROBERS],
    /// When a probe failed last.
    pub probe_failed_at: Timestamp,
}

/// A [`RecoveryState`] that takes memory only if it was ever changed: most circuits count failures and never
/// open, and the state is more than half of what a circuit keeps.
#[derive(Debug, Clone, Default)]
pub struct Recovery(Option<Box<RecoveryState>>);

/// The state of a circuit that has never opened.
static NEVER_OPENED: LazyLock<RecoveryState> = LazyLock::new(RecoveryState::default);

impl Recovery {
    /// Returns the state if it was ever changed. In contrast to a change of a field, this takes no memory.
    pub fn changed_mut(&mut self) -> Option<&mut RecoveryState> {
        self.0.as_deref_mut()
    }
}

impl From<RecoveryState> for Recovery {
    fn from(state: RecoveryState) -> Self {
        Self((state != *NEVER_OPENED).then(|| Box::new(state)))
    }
}

impl Deref for Recovery {
    type Target = RecoveryState;

    fn deref(&self) -> &RecoveryState {
        self.0.as_deref().unwrap_or(&NEVER_OPENED)
    }
}

impl DerefMut for Recovery {
    fn deref_mut(&mut self) -> &mut RecoveryState {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Recovery {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}
