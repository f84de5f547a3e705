//! What Tidegate decides, without a host: facts in, effects out.
//!
//! The adapter (`src/` of the workspace) reads facts from Envoy and gives them to an
//! [`exchange::Exchange`]; the exchange answers with what is to be done. Nothing here does I/O,
//! reads a clock, draws a random number or keeps global state, so every behaviour is a plain test,
//! and the native command shows exactly what the filter serves.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::todo,
        clippy::unimplemented,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;
/// A sentence of the reference; the module, where it would only be bytes, has none.
#[cfg(feature = "reference")]
pub type Doc = &'static str;
/// A sentence of the reference; the module, where it would only be bytes, has none.
#[cfg(not(feature = "reference"))]
pub type Doc = NoDoc;

/// In the place of a sentence that is not there.
#[derive(Debug, Clone, Copy)]
pub struct NoDoc;

/// A [`Doc`].
#[cfg(feature = "reference")]
macro_rules! doc {
    ($text:expr) => {
        $text
    };
}
#[cfg(not(feature = "reference"))]
macro_rules! doc {
    ($text:expr) => {
        $crate::NoDoc
    };
}

mod answer;
pub mod breaker;
pub mod config;
mod diagnostics;
pub mod exchange;
pub mod gate;
mod hash;
pub mod headers;
pub mod hint;
pub mod host;
pub mod http;
pub mod millis;
pub mod negotiate;
pub mod pace;
pub mod page;
mod prelude;
pub mod reason;
pub mod release;
pub mod reply;
pub mod routes;
pub mod statuses;
pub mod template;
pub mod text;
pub mod time;
