//! The status of a call: the codes that gRPC, gRPC-Web and Connect share.

use crate::failure::Reason;

/// A code of `google.rpc.Code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallStatus {
    /// `grpc-status`.
    pub(crate) number: u32,
    /// The name in the Connect protocol.
    pub(super) name: &'static str,
    /// The HTTP status of a unary response of the Connect protocol ("Error Codes").
    pub(crate) http: u16,
}

impl CallStatus {
    /// Returns the status of a call that failed for this reason.
    ///
    /// A limited call gets RESOURCE_EXHAUSTED, which is what 429 is in HTTP, so that a filter or a proxy
    /// closer to the client does not take it for a failure of the upstream. Client errors get what a gRPC
    /// client makes of their HTTP status ("HTTP to gRPC Status Code Mapping"): it must not try again.
    pub(crate) fn of(reason: Reason) -> Self {
        let (number, name, http) = match reason {
            Reason::RateLimited => (8, "resource_exhausted", 429),
            Reason::Unauthorized => (16, "unauthenticated", 401),
            Reason::Forbidden => (7, "permission_denied", 403),
            Reason::DestinationNotFound => (12, "unimplemented", 501),
            Reason::ClientError => (2, "unknown", 500),
            _ => (14, "unavailable", 503),
        };
        Self { number, name, http }
    }
}
