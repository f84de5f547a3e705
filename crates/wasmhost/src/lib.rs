//! A proxy-wasm host for the real module, which does what Envoy cannot be made to do.
//!
//! Envoy answers every host call, in order, with well-formed data. A test on Envoy never shows what the
//! module does if a call fails, if the bytes of a header map are truncated, or if callbacks come in
//! another order. A trap there stops the plugin on a whole worker. This host implements the same ABI
//! (proxy-wasm 0.2.1). By default it answers as Envoy does; on request any call returns any status or
//! any bytes, reproducibly.
//!
//! It also counts what a request costs: calls in each direction, calls that make the host re-enter the
//! module to allocate, bytes copied, and fuel (roughly instructions).
//!
//! Its semantics are those of the C++ host that Envoy links (`proxy-wasm-cpp-host/src/exports.cc`) and of
//! Envoy's `extensions/common/wasm/context.cc`. Where those leave a question, they were tried on Envoy
//! 1.40.

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
pub use host::{module_path, Host, Trap, Vm};
pub use pairs::{pairs_from_bytes, pairs_to_bytes, Headers};
pub use play::{Request, Response, Seen};
pub use property::{int, Property};
pub use rng::Rng;
pub use state::{LocalReply, LogLine};
pub use stream::{HeadersResult, StreamId};
pub use world::World;

#[cfg(test)]
mod tests;
