//! The proxy-wasm module that Envoy loads: the adapter between its callbacks and `tidegate_core`.
//!
//! It decides nothing. A callback reads facts through `host`, gives them to the core, and does what
//! the core says. Whatever the host answers, nothing here may panic: that would be a trap.
//!
//! `make wasm` builds it without the standard library, whose panics alone would be 12 KB.
#![cfg_attr(all(target_family = "wasm", not(feature = "sdk")), no_std)]
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

extern crate alloc;

#[cfg(not(feature = "sdk"))]
mod entry;
mod host;
mod log_sink;
#[cfg(all(target_family = "wasm", not(feature = "sdk")))]
mod panic;
mod root;
#[cfg(feature = "sdk")]
mod sdk;
mod shared;
mod stream;
mod worker;

#[cfg(target_family = "wasm")]
#[global_allocator]
static HEAP: tidegate_heap::Global = tidegate_heap::Global::new();
