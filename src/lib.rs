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

mod host;
mod log_sink;
mod root;
mod stream;

/// The entry point, in a module of its own because the macro makes a public item without
/// documentation.
#[allow(missing_docs, reason = "made by the SDK's macro")]
mod entry {
    proxy_wasm::main! {{
        crate::log_sink::install();
        proxy_wasm::set_root_context(|_| Box::<crate::root::Root>::default());
    }}
}
