//! A simulation of circuit breakers and retry hints.
//!
//! The value of a breaker shows only in a closed loop, in which rejected clients return and an
//! overloaded upstream serves less; this is that loop, in virtual time. Visitors arrive, a breaker
//! admits or rejects their requests, the upstream works, and those who were not served return. The
//! filter's own breaker and hints are its real code, over shared data in memory.
//!
//! [`world::run`] simulates one run, described by a [`world::Setup`], and [`measure::Figures`]
//! condenses runs to a few figures that compare breakers. [`hints::compare`] simulates many runs, and
//! its figures compare kinds of retry hints.
//!
//! Nothing here reads a clock or a file, or prints. The same setup and seed give the same result on
//! every machine.
//!
//! Values that users choose by name are enums that derive [`clap::ValueEnum`]: what the doc comments of
//! their variants say is also the help of the command.
#![forbid(unsafe_code)]

mod arrivals;
mod broken;
pub mod control;
pub mod crowd;
pub mod hammer;
pub mod hints;
pub mod measure;
mod oracle;
mod parallel;
mod paths;
mod proxy;
mod rng;
pub mod scenario;
mod shared;
pub mod upstream;
pub mod waits;
pub mod world;

use clap::ValueEnum;

/// Returns the name of a value: on the command line, in file names and in JSON.
fn value_name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}
