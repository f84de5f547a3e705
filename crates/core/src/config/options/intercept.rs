//! `intercept`: which failures get a page, and how it is made.

use super::{header_name, pattern, patterns, status_range, statuses};
use crate::config::option::{list, one_of};
use crate::config::section::{options, section, words, OptionTypeExt};
use crate::config::{strings, Pattern};
use crate::statuses::StatusSet;

options! {
    /// Which failures get a page, and how it is made.
    pub struct Intercept {
        /// Statuses, as Envoy would send them, whose responses are replaced.
        statuses: StatusSet = statuses().default(status_range(502, 504)),

        /// Whose failures are replaced.
        source: SourceFilter = one_of().default(SourceFilter::Any),

        /// What happens to the body of a failure that the upstream answered.
        upstream_body: UpstreamBody = one_of().default(UpstreamBody::KeepStructured),

        /// Which status the page carries.
        status: StatusRule = one_of().default(StatusRule::Standard),

        /// Requests whose failures are left alone.
        skip: InterceptSkip = section(),

        /// The response header by which an upstream keeps a response of its own: with the value `off`
        /// it passes untouched.
        opt_out_header: String = header_name().default("x-tidegate".to_owned()),
    }

    /// Requests whose failures are left alone.
    pub struct InterceptSkip {
        /// Paths of requests, without query.
        paths: Vec<Pattern> = list(pattern(&strings::PATH_PATTERN))
            .default(patterns(&["/robots.txt", "/.well-known/*"])),

        /// Hosts of requests, without port, in any case.
        hosts: Vec<Pattern> = list(pattern(&strings::HOST_PATTERN)).default(Vec::new()),
    }
}

words! {
    /// Whose failures are replaced.
    pub enum SourceFilter {
        /// Everybody's.
        Any = "any",
        /// Those that Envoy answers itself, as for a refused connection.
        Proxy = "proxy",
        /// Those that the upstream answers.
        Upstream = "upstream",
    }

    /// What happens to the body of a failure that the upstream answered.
    pub enum UpstreamBody {
        /// JSON, XML and gRPC stay, anything else is replaced.
        KeepStructured = "keep_structured",
        /// It is replaced.
        Replace = "replace",
        /// It stays.
        Keep = "keep",
    }

    /// Which status the page carries.
    pub enum StatusRule {
        /// The one that RFC 9209 recommends for the reason: refused 502, timed out 504, overload, no
        /// host or open circuit 503.
        Standard = "standard",
        /// The one that Envoy was about to send.
        Keep = "keep",
    }
}
