//! The formats of a page.

/// A format of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// An HTML page.
    Html,
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// `application/problem+xml` (RFC 9457 Appendix B).
    ProblemXml,
    /// A few lines of text for a terminal.
    Text,
    /// Markdown with its facts in front, for agents.
    Markdown,
    /// A gRPC status.
    Grpc,
    /// A gRPC status in the form of gRPC-Web.
    GrpcWeb,
    /// An error of the Connect protocol, for a unary call.
    Connect,
    /// The end of a stream of the Connect protocol.
    ConnectStream,
    /// The status without a body, for sub-resources such as images and scripts, and where no body can
    /// be had.
    Empty,
    /// The status and one line of text, for an upgrade or CONNECT.
    Line,
}

impl Format {
    /// Every format, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Html,
        Self::Problem,
        Self::ProblemXml,
        Self::Text,
        Self::Markdown,
        Self::Grpc,
        Self::GrpcWeb,
        Self::Connect,
        Self::ConnectStream,
        Self::Empty,
        Self::Line,
    ];

    /// Returns the name of the format, for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Problem => "problem",
            Self::ProblemXml => "problem_xml",
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Grpc => "grpc",
            Self::GrpcWeb => "grpc_web",
            Self::Connect => "connect",
            Self::ConnectStream => "connect_stream",
            Self::Empty => "empty",
            Self::Line => "line",
        }
    }
}
