//! The circuit breaker of a route: one decision for all worker threads.
//!
//! # Why not simply a breaker in each worker
//!
//! A breaker that sees a quarter of the traffic needs four times as long to be sure, and with few
//! requests it is never sure at all; and four half-open workers send four times the probes. So the
//! workers share one [`record::Record`] for each route, in the host's shared data, which knows
//! compare-and-set and nothing more.
//!
//! # Parts
//!
//! * [`window`]: outcomes of the recent past, in ten buckets.
//! * [`record`]: the shared record and its bytes.
//! * [`machine`]: what moves it: outcomes, permits, time.
//! * [`store`]: what the host shares, and how a record in it is changed.
//! * [`outcome`]: what a response says about its upstream.
//! * [`probes`]: the permits of the half-open state.
//! * [`ramp`]: the way back from a trickle to all.
//! * [`meters`]: what is counted, as metrics.
//! * [`bank`]: one worker's share: what it has seen of the records, what it has not told yet.
//! * [`ticket`]: what goes in and out of a bank.
//!
//! # What costs nothing
//!
//! While no request fails nothing is counted and nobody looks up which route a request belongs to.
//! The window of a route opens at its first failure; from then until it is clean again, every
//! outcome of the route is counted, by every worker (which learn of it at their next tick). A
//! window therefore knows nothing of the successes before its first failure: the ratio is that of
//! the time since then, and its first sample is always a failure, which biases it by at most
//! 1 / `min_requests`.
//!
//! # What this does not do
//!
//! It shares nothing between processes: each gateway pod has its own breakers.

pub mod bank;
pub mod machine;
pub mod meters;
pub mod outcome;
pub mod probes;
pub mod ramp;
pub mod record;
pub mod store;
pub mod ticket;
pub mod window;

pub use bank::{Admission, Bank, Rejection, Store, StoreError, Ticket};
pub use machine::{Outcome, Permit, Transition};
pub use record::{Record, State};

#[cfg(test)]
pub(crate) mod tests;
