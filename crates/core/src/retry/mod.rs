//! When clients should come back after a failure.
//!
//! * [`hint`]: the earliest time, from the state of the circuit, the upstream and the configuration.
//! * [`load`]: the load of a route, and how far apart its clients are to come back.

pub mod hint;
pub mod load;

pub use hint::{base_delay, parse_retry_after, FailureInfo, Hint};
pub use load::{LoadSampler, RouteLoad, Slots, UsualLatency};
