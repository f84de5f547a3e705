//! A host for the real module, for what Envoy cannot be made to do.
//!
//! Envoy answers every host call, in order, with well-formed data; so a test on Envoy never sees
//! what the module does when a call fails, when the bytes of a header map are cut off, or when
//! callbacks come in an order of which there is no example yet. A trap there kills the plugin for a
//! whole worker. This host speaks the same ABI (proxy-wasm 0.2.1), answers as Envoy does by
//! default, and misbehaves on request: any call, any status, any bytes, reproducibly.
//!
//! It also counts exactly what a request costs: calls in each direction, calls that make Envoy
//! re-enter the module for memory, bytes copied, and fuel (instructions, roughly).
//!
//! Where its semantics come from: the C++ host that Envoy links
//! (`proxy-wasm-cpp-host/src/exports.cc`), Envoy's `extensions/common/wasm/context.cc`, and trials
//! on Envoy 1.40 where those two leave a question.

mod abi;
mod calls;
mod count;
mod fault;
mod guest;
mod host;
mod pairs;
mod play;
mod property;
mod rng;
mod state;
mod stream;
mod world;

pub use abi::{status, Call, Gives, MapType, Phase};
pub use count::Counts;
pub use fault::{Fault, Faults};
pub use host::{Host, Trap, Vm};
pub use pairs::{pairs_from_bytes, pairs_to_bytes, Headers};
pub use play::{Request, Response, Seen};
pub use property::{int, Property};
pub use rng::Rng;
pub use state::{LocalReply, LogLine};
pub use stream::{Answer, StreamId};
pub use world::World;

#[cfg(test)]
mod tests;
