//! Failures: why a request failed, and who made the failed response.

mod classify;
mod reason;
pub use classify::known_words;
pub use classify::{
    classify, details_decide, is_direct_response, is_of_upstream, sent_nothing, FailedResponse,
};
pub use reason::{Reason, Source};
