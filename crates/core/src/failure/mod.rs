//! Failures: why a request failed, and who made the failed response.

mod classify;
mod reason;

#[cfg(feature = "reference")]
pub use classify::known_words;
pub use classify::{classify, details_decide};
pub use reason::{Reason, Source};
