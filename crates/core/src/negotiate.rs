//! Which form of the page a client can use.

/// The forms in which a page can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// A page for a person.
    Html,
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// A few lines for a terminal.
    Text,
    /// A gRPC status.
    Grpc,
    /// The status alone, for sub-resources that nobody reads.
    Empty,
    /// The status and one line, for an upgrade or CONNECT.
    Line,
}
