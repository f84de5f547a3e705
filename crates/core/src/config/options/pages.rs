//! `pages`: which page a failure gets.

use super::{pattern, statuses};
use crate::config::option::{list, map, reason, text, Map, Text};
use crate::config::section::{options, section, OptionTypeExt};
use crate::config::{limits, strings, Pattern};
use crate::failure::Reason;
use crate::http::status::StatusSet;

options! {
    /// One rule of `pages`.
    pub struct PageRule {
        /// Which failures the rule applies to. All given parts must match.
        matches as "match": PageMatch = section(),

        /// The page, by its name in `templates`. Without it, the built-in page is used.
        template: Option<String> = text(&strings::NAME).optional(),

        /// Texts that differ on this page, in every language.
        strings: Vec<(String, String)> = wording().default(Vec::new()),
    }

    /// Which failures a rule is for.
    pub struct PageMatch {
        /// Statuses of the page. Empty: all.
        statuses: StatusSet = statuses().default(StatusSet::empty()),

        /// Reasons of the failure. Empty: all.
        reasons: Vec<Reason> = list(reason()).default(Vec::new()),

        /// Hosts of the request, without the port. Case is ignored. Empty: all.
        hosts: Vec<Pattern> = list(pattern(&strings::HOST_PATTERN)).default(Vec::new()),

        /// The beginning of the request path. Without it, all paths match.
        path_prefix: String = text(&strings::PATH_PREFIX).or_empty(),

        /// Names of Envoy routes. Empty: all.
        routes: Vec<Pattern> = list(pattern(&strings::ENVOY_NAME)).default(Vec::new()),
    }
}

/// Makes the type of texts of the operator, by their keys.
pub(super) fn wording() -> Map<Text> {
    map(&strings::STRING_KEY, text(&strings::PROSE), limits::STRINGS).bundled()
}
