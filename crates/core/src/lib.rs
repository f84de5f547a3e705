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

pub mod breaker;
pub mod config;
pub mod failure;
pub mod filter;
pub mod filter_config;
mod hash;
pub mod host;
pub mod http;
pub mod millis;
pub mod page;
pub mod policy;
mod prelude;
pub mod retry;
pub mod rng;
pub mod text;
pub mod time;
pub mod worker;

// Interim: the former paths, until all branches are merged.
pub mod headers {
    //! Interim.
    pub use crate::http::headers::HeaderBlock;
    pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
        bytes.trim_ascii()
    }
}
pub mod negotiate {
    //! Interim.
    pub(crate) use crate::http::accept::parse_weight;
    pub use crate::http::accept::Format;
}
pub mod reason {
    //! Interim.
    #[cfg(feature = "reference")]
    pub use crate::failure::known_words as words;
    pub use crate::failure::{classify, details_decide, Reason, Source};
}
pub(crate) mod statuses {
    pub(crate) use crate::http::status::StatusSet;
}
pub(crate) mod gate {
    pub(crate) use crate::http::uri::{without_port, without_query};
}
