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

pub mod breaker;
pub mod config;
pub mod failure;
pub mod filter;
pub mod filter_config;
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
    pub use crate::failure::known_words as words;
    pub use crate::failure::{classify, details_decide, Reason, Source};
}
pub(crate) mod statuses {
    pub(crate) use crate::http::status::StatusSet;
}
pub(crate) mod gate {
    pub(crate) use crate::http::uri::{without_port, without_query};
}
