//! `intercept`: which failed responses are replaced by a page, and how.

use super::{header_name, pattern, patterns, status_range, statuses};
use crate::config::option::{list, one_of};
use crate::config::section::{options, section, words, OptionTypeExt};
use crate::config::{strings, Pattern};
use crate::failure::Reason;
use crate::http::status::StatusSet;

options! {
    /// Which failed responses are replaced by a page, and how.
    pub struct Intercept {
        /// Statuses that are replaced, as Envoy would send them.
        statuses: StatusSet = statuses().default(status_range(502, 504)),

        /// Whose failures are replaced.
        source: SourceFilter = one_of().default(SourceFilter::Any),

        /// What happens to the body of a failed response of the upstream.
        upstream_body: UpstreamBody = one_of().default(UpstreamBody::KeepStructured),

        /// The status of the page.
        status: StatusRule = one_of().default(StatusRule::Standard),

        /// Requests whose failures are never replaced.
        skip: InterceptSkip = section(),

        /// The response header by which an upstream keeps its own response: with the value `off`,
        /// the response passes unchanged.
        opt_out_header: String = header_name().default("x-tidegate".to_owned()),
    }

    /// Requests whose failures are never replaced.
    pub struct InterceptSkip {
        /// Request paths, without the query.
        paths: Vec<Pattern> = list(pattern(&strings::PATH_PATTERN))
            .default(patterns(&["/robots.txt", "/.well-known/*"])),

        /// Request hosts, without the port. Case is ignored.
        hosts: Vec<Pattern> = list(pattern(&strings::HOST_PATTERN)).default(Vec::new()),
    }
}

words! {
    /// Whose failures are replaced.
    pub enum SourceFilter {
        /// Failures of Envoy and of the upstream.
        Any = "any",
        /// Responses that Envoy itself makes, such as for a refused connection.
        Proxy = "proxy",
        /// Responses of the upstream.
        Upstream = "upstream",
    }

    /// What happens to the body of a failed response of the upstream.
    pub enum UpstreamBody {
        /// JSON, XML and gRPC are kept, everything else is replaced.
        KeepStructured = "keep_structured",
        /// It is always replaced.
        Replace = "replace",
        /// It is always kept.
        Keep = "keep",
    }

    /// The status of the page.
    pub enum StatusRule {
        /// The one that RFC 9209 recommends for the reason: 502 for a refused connection, 504 for a
        /// timeout, 503 for overload, a missing host or an open circuit.
        Standard = "standard",
        /// The one that Envoy was about to send.
        Keep = "keep",
    }
}

impl StatusRule {
    /// Returns the status of a page; `failed` is the one that Envoy was about to send.
    pub fn status(self, reason: Reason, failed: u16) -> u16 {
        match self {
            StatusRule::Standard => reason.standard_status().unwrap_or(failed),
            StatusRule::Keep => failed,
        }
    }
}
