//! Pages: what a client gets instead of a failure, in each of its formats.
//!
//! [`Pages`] is made once, at configuration; [`Pages::render`] makes the bytes of one answer.

use crate::config::Config;
use crate::negotiate::Format;
use crate::reason::{Reason, Source};

/// `grpc-status` of a page: UNAVAILABLE.
pub const GRPC_STATUS_UNAVAILABLE: u32 = 14;

/// Everything that a page can be made from. Bytes of the client are raw here: a page validates or
/// escapes them by where they stand, and shows them only if the configuration exposes them.
#[derive(Debug, Clone)]
pub struct PageFacts<'a> {
    /// The form to make.
    pub format: Format,
    /// The status that the answer carries.
    pub status: u16,
    /// Why it failed.
    pub reason: Reason,
    /// Who made the failing response.
    pub source: Source,
    /// When to come back, in milliseconds; `None`: trying again does not help.
    pub retry_after_ms: Option<u64>,
    /// `x-request-id`, as the client or Envoy wrote it.
    pub request_id: Option<&'a [u8]>,
    /// When it failed, in milliseconds since the Unix epoch; `None`: not known.
    pub now_ms: Option<u64>,
    /// `:method`.
    pub method: &'a [u8],
    /// `:authority`.
    pub host: &'a [u8],
    /// `:path`, with its query, which is never shown.
    pub path: &'a [u8],
}

/// A rendered page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<'a> {
    /// `content-type`, with its charset; `None` where there is no body to describe.
    pub content_type: Option<&'static str>,
    /// `content-security-policy`, for HTML.
    pub csp: Option<&'a str>,
    /// `content-language`.
    pub language: &'a str,
    /// Further headers that belong to the format (those of gRPC).
    pub headers: Vec<(&'static str, String)>,
    /// The body; for gRPC the message, not yet percent-encoded (Envoy does that).
    pub body: Vec<u8>,
}

/// All pages of a configuration, ready to be rendered.
#[derive(Debug)]
pub struct Pages {}

impl Pages {
    /// Prepares the pages of `config`.
    pub fn new(_config: &Config) -> Self {
        Self {}
    }

    /// Makes the page for `facts`.
    pub fn render(&self, _facts: &PageFacts<'_>) -> Page<'_> {
        Page {
            content_type: None,
            csp: None,
            language: "en",
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}
