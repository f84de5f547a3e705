//! The proxy-wasm module that Envoy loads: the adapter between its callbacks and `tidegate_core`.
//!
//! It decides nothing. A callback reads facts through `host`, gives them to the core, and does what
//! the core says. Whatever the host answers, nothing here may panic: a panic is a trap, and a trap
//! stops the filter on that worker.
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
mod logger;
mod root;
mod shared;
mod stream;
mod worker;

/// The entry point, in a module of its own because the macro makes a public item without
/// documentation.
mod entry {
    proxy_wasm::main! {{
        crate::logger::install();
        proxy_wasm::set_root_context(|_| Box::<crate::root::Root>::default());
    }}
}
