//! The circuit breaker of one route: a pure state machine.
//!
//! A [`CircuitBreaker`] changes by outcomes, by permits for probes and by time. It knows no worker,
//! no shared data, no route and no metric; `worker` keeps one per route and exchanges it with the
//! other workers. Time and randomness are arguments.
//!
//! # Parts
//!
//! * [`circuit`]: the state machine.
//! * [`state`]: its states and their changes.
//! * [`window`]: counts of recent outcomes, in ten buckets.
//! * [`unsynced`]: outcomes that a worker has counted and not yet added to a circuit.
//! * [`probes`]: the permits of the half-open state.
//! * [`ramp`]: the growing share of traffic after the half-open state.
//! * [`outcome`]: what a response says about its upstream.
//! * [`wire`]: the bytes of a circuit in shared data.
//!
//! # When outcomes are counted
//!
//! While no request fails, nothing is counted, and no worker looks up the route of a request. The
//! window of a route opens at its first failure. From then on every worker counts every outcome of
//! the route (the other workers start at their next tick) until the window has no failure left.
//!
//! A window therefore does not contain the successes before its first failure: the failure ratio
//! covers the time since that failure, and its first sample is always a failure. This raises the
//! ratio by at most 1 / `min_requests`.

pub mod circuit;
pub mod outcome;
pub mod probes;
pub mod ramp;
pub mod state;
pub mod unsynced;
pub mod window;
pub mod wire;

pub use circuit::{CircuitBreaker, ProbeResult};
pub use outcome::Outcome;
pub use probes::ProbePermit;
pub use state::{State, Transition};
pub use unsynced::UnsyncedCounts;

#[cfg(test)]
pub(crate) mod tests;
