//! `pages`: which page goes with which failure.

use super::{pattern, statuses};
use crate::config::option::{list, map, reason, text, Map, Text};
use crate::config::section::{options, section, OptionTypeExt};
use crate::config::{limits, strings, Pattern};
use crate::reason::Reason;
use crate::statuses::StatusSet;

options! {
    /// One rule of `pages`.
    pub struct PageRule {
        /// Which failures the rule is for; all parts that are given must fit.
        matches as "match": PageMatch = section(),

        /// The page, by its name in `templates`; without: the built-in page.
        template: Option<String> = text(&strings::NAME).optional(),

        /// Wording that differs on this page, in every language.
        strings: Vec<(String, String)> = wording().default(Vec::new()),
    }

    /// Which failures a rule is for.
    pub struct PageMatch {
        /// Statuses of the page; empty: all.
        statuses: StatusSet = statuses().default(StatusSet::empty()),

        /// Reasons; empty: all.
        reasons: Vec<Reason> = list(reason()).default(Vec::new()),

        /// Hosts of the request, without port, in any case; empty: all.
        hosts: Vec<Pattern> = list(pattern(&strings::HOST_PATTERN)).default(Vec::new()),

        /// What the path of the request begins with; without: all paths.
        path_prefix: String = text(&strings::PATH_PREFIX).or_empty(),

        /// Names of Envoy routes; empty: all.
        routes: Vec<Pattern> = list(pattern(&strings::ENVOY_NAME)).default(Vec::new()),
    }
}

/// The operator's own wording.
pub(super) fn wording() -> Map<Text> {
    map(&strings::STRING_KEY, text(&strings::PROSE), limits::STRINGS).bundled()
}
