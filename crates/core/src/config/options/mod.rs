//! Every option of the configuration: one file per section, one field per option.
//!
//! To add an option, add a field with its type, its default and its description, and run
//! `scripts/docs.sh`. Errors, the JSON Schema and the reference page follow from the field. A new
//! section is a struct in a file of its own. An option that is taken away moves to `removed` after its
//! section, with what to use instead. Values that depend on each other are compared in
//! [`super::semantics`].

mod brand;
mod brands;
mod breaker;
mod formats;
mod headers;
mod intercept;
mod locales;
mod localized;
mod pages;
mod retry;
mod routes;
mod security;
mod templates;

pub use brand::{Brand, Link, Logo};
pub use brands::{BrandMatch, BrandRule};
pub use breaker::{
    Breaker, BreakerConsecutive, BreakerFailures, BreakerMode, BreakerOpen, BreakerProbe,
    BreakerRamp, BreakerScope, RampRate,
};
pub use formats::{Formats, PageFormat};
pub use headers::Headers;
pub use intercept::{Intercept, InterceptSkip, SourceFilter, StatusRule, UpstreamBody};
pub use locales::Locales;
pub use localized::LocalizedText;
pub use pages::{PageMatch, PageRule};
pub use retry::{PageRetry, Retry, RetryAfter};
pub use routes::{Maintenance, RouteMatch, RouteRule};
pub use security::{Csp, Exposed, InnerPages, ProxyStatus, Security};
pub use templates::{Template, TemplateSource};

use super::option::{
    list, list_of, map, object, one_of, status, text, whole, List, Mapped, Status,
};
use super::option::{OptionType, Text};
use super::section::{flattened, options, section, words, OptionTypeExt};
use super::strings::{self, TextRule};
use super::{limits, Pattern};
use crate::http::status::StatusSet;
use localized::localized;

options! {
    /// A valid configuration.
    pub struct Config {
        /// The version of the configuration format.
        version: u32 = whole(1..=1).default(1),

        /// What the filter does with its decisions.
        mode: Mode = one_of().default(Mode::Enforce),

        /// The appearance of the pages: name, logo, colours and links.
        brand: Brand = section(),

        /// The appearance of the pages of single hosts. The first rule whose `match` fits applies.
        /// Keys that a rule does not give are those of `brand`, which is also the appearance for
        /// all other hosts. A rule with a `color` and no `color_dark` has its `color` in both.
        brands: Vec<BrandRule> = list_of(object(), 0..=limits::BRANDS).default(Vec::new()),

        /// The settings of routes that no rule of `routes` matches.
        policy: Policy = flattened(),

        /// Settings for single routes. The first rule whose `match` fits applies. Routes without
        /// such a rule use the settings of the top level.
        routes: Vec<RouteRule> = list_of(object(), 0..=limits::ROUTES).default(Vec::new()),

        /// Your own pages, each under a name of your choice. docs/pages.md describes their syntax.
        templates: Vec<(String, Template)> =
            map(&strings::NAME, object(), limits::TEMPLATES).default(Vec::new()),

        /// Texts that every template can show as `vars.<name>`: each is one text, or an object with
        /// a text for each language.
        vars: Vec<(String, LocalizedText)> =
            map(&strings::VAR_NAME, localized(&strings::VAR), limits::VARS).bundled().default(Vec::new()),

        /// Which page a failure gets. The first rule whose `match` fits applies. Failures without
        /// such a rule get the built-in page.
        pages: Vec<PageRule> = list_of(object(), 0..=limits::PAGES).default(Vec::new()),

        /// The opener and the closer of a template tag. Change them if another tool, such as Helm,
        /// interprets `{{`.
        delimiters: (String, String) =
            delimiters().default(("{{".to_owned(), "}}".to_owned())),

        /// Languages of the pages.
        locales: Locales = section(),

        /// Response headers that a page keeps, sets and removes.
        headers: Headers = section(),

        /// What a page may disclose, and where it may be embedded.
        security: Security = section(),

        /// The entry that a page adds to the `Proxy-Status` header (RFC 9209).
        proxy_status: ProxyStatus = section(),

        /// When the filter reads the `tidegate` metadata of the Envoy route. Policies chosen by
        /// metadata need `always` for their `maintenance` and `forced_open` to take effect.
        route_metadata: RouteMetadata = one_of().default(RouteMetadata::OnFailure),

        /// The response header in which an upstream names its release, so that the diagnosis can
        /// link a failure to a release.
        release_header: String = header_name().default("x-release".to_owned()),
    }

    /// The settings that apply to a route.
    pub struct Policy {
        /// Which failed responses are replaced by a page, and how.
        intercept: Intercept = section(),

        /// The retry hints (`Retry-After`) that clients get, and the retries of the built-in page.
        retry: Retry = section(),

        /// The circuit breaker of every route.
        breaker: Breaker = section(),

        /// Formats of the pages (HTML, problem+json, text), and which client gets which.
        formats: Formats = section(),
    }
}

words! {
    /// What the filter does with its decisions.
    pub enum Mode {
        /// Applies them.
        Enforce = "enforce",
        /// Decides, counts and logs, but changes nothing.
        Shadow = "shadow",
        /// Does nothing.
        Off = "off",
    }

    /// When the metadata of the Envoy route is read.
    pub enum RouteMetadata {
        /// When a route fails or its circuit is not closed.
        OnFailure = "on_failure",
        /// At every request, which costs one more host call.
        Always = "always",
    }
}

/// Makes the type of the opener and the closer of a template tag.
fn delimiters() -> Mapped<List<Text>, (String, String)> {
    list_of(text(&strings::DELIMITER), 2..=2).map(
        |texts| {
            let mut texts = texts.into_iter();
            let mut next = || texts.next().unwrap_or_default();
            (next(), next())
        },
        |(open, close)| vec![open.clone(), close.clone()],
    )
}

/// Makes the type of the name of a header, in lower case.
fn header_name() -> Mapped<Text, String> {
    text(&strings::HEADER_NAME).map(|text| text.to_ascii_lowercase(), String::clone)
}

/// Makes the type of a pattern.
fn pattern(rule: &'static TextRule) -> Mapped<Text, Pattern> {
    text(rule).map(Pattern, |pattern| pattern.0.clone())
}

/// Makes the type of a pattern of names of headers, in lower case.
fn header_pattern(rule: &'static TextRule) -> Mapped<Text, Pattern> {
    text(rule).map(
        |text| Pattern(text.to_ascii_lowercase()),
        |pattern| pattern.0.clone(),
    )
}

/// Makes patterns of texts.
fn patterns(texts: &[&str]) -> Vec<Pattern> {
    let texts = texts.iter();
    texts.map(|text| Pattern((*text).to_owned())).collect()
}

/// Makes the type of a set of statuses.
fn statuses() -> Mapped<List<Status>, StatusSet> {
    list(status()).map(
        |ranges| {
            let mut set = StatusSet::empty();
            for (low, high) in ranges {
                set.insert_range(low, high);
            }
            set
        },
        StatusSet::ranges,
    )
}

/// Returns the set of the statuses from `low` to `high`.
fn status_range(low: u16, high: u16) -> StatusSet {
    let mut set = StatusSet::empty();
    set.insert_range(low, high);
    set
}

#[cfg(test)]
mod tests;
