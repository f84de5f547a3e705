//! `headers`: response headers that a page keeps, sets and removes.

use super::{header_pattern, patterns};
use crate::config::option::{list, map, text};
use crate::config::section::{options, OptionTypeExt};
use crate::config::{limits, strings, Pattern};

options! {
    /// Response headers that a page keeps, sets and removes. Names are in lower case.
    pub struct Headers {
        /// Headers of the failed response that its page keeps. Case is ignored. Headers that
        /// describe the replaced response (cookies, caching, encoding, ...) are never kept.
        keep: Vec<Pattern> = list(header_pattern(&strings::HEADER_TO_KEEP)).default(patterns(&[
            "access-control-*",
            "strict-transport-security",
            "alt-svc",
        ])),

        /// Headers that every page gets. They replace its own headers of the same name.
        set: Vec<(String, String)> =
            map(&strings::HEADER_TO_SET, text(&strings::HEADER_VALUE), limits::HEADERS)
                .default(Vec::new()),

        /// Headers that no page carries. Case is ignored. Headers that a page needs (content type,
        /// caching, gRPC status) are never removed.
        remove: Vec<Pattern> =
            list(header_pattern(&strings::HEADER_TO_REMOVE)).default(patterns(&["server"])),
    }
}
