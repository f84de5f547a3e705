//! The proxy-wasm module that Envoy loads: the adapter between its callbacks and `tidegate_core`.
//!
//! It decides nothing. Each callback is one call of the core, which asks the host through
//! [`host::Envoy`]; the callback carries out the action that the core returns. Whatever the host
//! answers, nothing here may panic: a panic is a trap, and a trap stops the filter on that worker.
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
mod http;
mod logger;
mod plugin;

/// The entry point, in a module of its own because the macro makes a public item without
/// documentation.
mod entry {
    proxy_wasm::main! {{
        crate::logger::install();
        proxy_wasm::set_root_context(|_| Box::<crate::plugin::Plugin>::default());
    }}
}
