//! When clients should come back after a failure.
//!
//! * [`hint`]: the earliest time, from the state of the circuit, the upstream and the configuration.
//! * [`load`]: the load of a route.
//! * [`waiting`]: how many clients wait, and how often each of them may check in.

pub mod hint;
pub mod load;
pub mod waiting;

pub use hint::{hint, parse_retry_after, spread_of_maintenance, FailureInfo, Hint};
pub use load::{LoadSampler, RouteLoad, UsualLatency};
pub use waiting::{Waiting, WaitingClients};
