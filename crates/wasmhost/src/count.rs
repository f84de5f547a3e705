//! Counts of what a request costs.

use std::collections::BTreeMap;

use crate::abi::Call;

/// What crossed the boundary since the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of callbacks, by export.
    pub calls_in: BTreeMap<&'static str, u64>,
    /// Host calls, by import.
    pub calls_out: BTreeMap<Call, u64>,
    /// Host calls that returned data. Each one re-entered the module for `malloc`, which is what makes
    /// a host call expensive in Envoy.
    pub mallocs: u64,
    /// Bytes copied into the module.
    pub bytes_in: u64,
    /// Bytes copied out of the module.
    pub bytes_out: u64,
    /// Fuel of wasmtime: about one per instruction. It depends on the compiler of the module, so that
    /// tests limit it but do not expect an exact value.
    pub fuel: u64,
}

impl Counts {
    /// Returns the number of callbacks.
    pub fn total_in(&self) -> u64 {
        self.calls_in.values().sum()
    }

    /// Returns the number of host calls.
    pub fn total_out(&self) -> u64 {
        self.calls_out.values().sum()
    }

    /// Returns how often the module made `call`.
    pub fn of(&self, call: Call) -> u64 {
        self.calls_out.get(&call).copied().unwrap_or(0)
    }
}
