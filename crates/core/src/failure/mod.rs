//! Failures: why a request failed, and who made the failed response.

mod classify;
mod reason;
mod transport;
pub use classify::known_words;
pub use classify::{
    classify, details_decide, is_direct_response, is_of_upstream,
    is_unexplained_connection_failure, sent_nothing, FailedResponse,
};
pub use reason::{Reason, Source};
pub use transport::by_transport;
