//! The proxy-wasm module that Envoy loads: the adapter between its callbacks and `tidegate_core`.
//!
//! It decides nothing. A callback reads facts through `host`, gives them to the core, and does what
//! the core says. Whatever the host answers, nothing here may panic: that would be a trap.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::undocumented_unsafe_blocks
)]

#[cfg(not(feature = "sdk"))]
mod entry;
mod host;
mod log_sink;
mod root;
#[cfg(feature = "sdk")]
mod sdk;
mod shared;
mod stream;
mod worker;

#[cfg(target_family = "wasm")]
#[global_allocator]
static HEAP: tidegate_heap::Global = tidegate_heap::Global::new();
