//! The circuit breakers of one route: pure state machines.
//!
//! A [`CircuitBreaker`] changes by outcomes, by permits for probes and by time. [`RouteCircuits`] are
//! those of one route: its own, and those of the classes of its requests that fail. They know no
//! worker, no shared data and no metric; `worker` keeps them per route and exchanges them with the
//! other workers. Time and randomness are arguments.
//!
//! # Parts
//!
//! * [`route`]: the circuits of a route, and which of them decides.
//! * [`class`]: the class of a request: its host and the segments of its path.
//! * [`circuit`]: the state machine of one circuit.
//! * [`state`]: its states and their changes.
//! * [`window`]: counts of recent outcomes, in ten buckets.
//! * [`clients`]: whose failures a circuit counts.
//! * [`unsynced`]: outcomes that a worker has counted and not yet added to the circuits.
//! * [`probes`]: the permits of the half-open state.
//! * [`ramp`]: the growing rate of requests after the half-open state.
//! * [`admissions`]: how much of that rate each client takes.
//! * [`outcome`]: what a response says about its upstream.
//! * [`wire`]: the bytes of a circuit in shared data.
//!
//! # When outcomes are counted
//!
//! While no request fails, nothing is counted, and no worker looks up the route of a request. The
//! window of a route opens at its first failure. From then on every worker counts every outcome of
//! the route (the other workers start at their next tick) until the window has no failure left.
//!
//! A window therefore does not contain the successes before its first failure. The successes that
//! the route is known to have had lately are added when it opens
//! ([`RouteCircuits::add_credit`]).

pub mod admissions;
pub mod circuit;
pub mod class;
pub mod clients;
pub mod outcome;
pub mod probes;
pub mod ramp;
pub mod route;
pub mod state;
pub mod unsynced;
pub mod window;
pub mod wire;

pub use circuit::{CircuitBreaker, ProbeResult};
pub use class::PathClass;
pub use clients::ClientId;
pub use outcome::{Neutral, Outcome, Verdict};
pub use probes::ProbePermit;
pub use route::{RouteCircuits, RouteTransition};
pub use state::{State, Transition};
pub use unsynced::UnsyncedCounts;

#[cfg(test)]
pub(crate) mod tests;
