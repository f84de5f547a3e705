//! `brands`: the appearance of the pages of single hosts.

use super::brand::Brand;
use super::pattern;
use crate::config::option::list;
use crate::config::section::{key, options, overrides_of, section, OptionTypeExt};
use crate::config::{strings, Json, Pattern, Validator};

options! {
    /// One rule of `brands`.
    pub struct BrandRule {
        /// Which requests the rule applies to.
        matches as "match": BrandMatch = section(),

        /// The appearance of the pages: what the rule gives, and that of `brand` for the rest.
        brand: Brand = overrides_of("brand"),
    }

    /// Which requests a rule is for.
    pub struct BrandMatch {
        /// Hosts of the request, without the port. Case is ignored. Empty: all.
        hosts: Vec<Pattern> = list(pattern(&strings::HOST_PATTERN)).default(Vec::new()),
    }
}

impl BrandRule {
    /// Reads a rule again, whose appearance is that of the top level where it gives none.
    pub(in crate::config) fn inherit(&mut self, brand: &Brand, json: &Json) {
        *self = Self {
            brand: brand.clone(),
            ..Self::default()
        };
        // What is wrong with it was found when it was read for the first time.
        Validator::new().section(self, json);
        // The dark colour of another brand does not belong to the colour of this one.
        if json.get(key!(Brand.color)).is_some() && json.get(key!(Brand.color_dark)).is_none() {
            self.brand.color_dark = None;
        }
    }
}

impl BrandMatch {
    /// Returns whether the rule applies to a host, without its port.
    pub fn matches(&self, host: &[u8]) -> bool {
        let mut hosts = self.hosts.iter();
        self.hosts.is_empty() || hosts.any(|pattern| pattern.matches_host(host))
    }

    /// Returns whether the rule applies to every host to which `other` applies, as far as each pattern of
    /// `other` lies within one of this rule.
    pub fn covers(&self, other: &Self) -> bool {
        // A `*` of a pattern is matched by a `*` only, which matches as well what it stands for.
        let is_covered = |pattern: &Pattern| self.matches(pattern.as_str().as_bytes());
        match other.hosts.as_slice() {
            [] => self.hosts.is_empty() || self.hosts.iter().any(Pattern::is_any),
            hosts => hosts.iter().all(is_covered),
        }
    }
}

#[cfg(test)]
mod tests;
