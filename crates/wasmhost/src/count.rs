//! What a request costs, counted exactly.

use std::collections::BTreeMap;

use crate::abi::Call;

/// Everything that crossed the boundary since the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of exported callbacks, by export.
    pub calls_in: BTreeMap<&'static str, u64>,
    /// Host calls, by import.
    pub calls_out: BTreeMap<Call, u64>,
    /// Host calls that returned data: each re-entered the module for `malloc`, which is what
    /// makes a host call dear in Envoy.
    pub mallocs: u64,
    /// Bytes copied into the module.
    pub bytes_in: u64,
    /// Bytes copied out of the module.
    pub bytes_out: u64,
    /// wasmtime's fuel: about one per instruction. Depends on the compiler of the module, so
    /// report and bound it, do not pin it.
    pub fuel: u64,
}

impl Counts {
    /// Callbacks called.
    pub fn total_in(&self) -> u64 {
        self.calls_in.values().sum()
    }

    /// Host calls made.
    pub fn total_out(&self) -> u64 {
        self.calls_out.values().sum()
    }

    /// How often `call` was made.
    pub fn of(&self, call: Call) -> u64 {
        self.calls_out.get(&call).copied().unwrap_or(0)
    }
}
