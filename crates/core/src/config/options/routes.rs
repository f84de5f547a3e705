//! `routes`: settings for single routes.

use super::localized::{localized, LocalizedText};
use super::{pattern, Mode, Policy};
use crate::config::option::{
    either, flag, object, one_of, text, Bool, Either, EitherOf, Mapped, Object, OptionType, Text,
};
use crate::config::section::{options, overrides, section, OptionTypeExt};
use crate::config::{notation, strings, Json, Pattern, Validator};
use crate::time::Timestamp;

options! {
    /// One rule of `routes`.
    pub struct RouteRule {
        /// The unique name of the rule. The metadata of an Envoy route can choose the rule by this
        /// name.
        name: String = text(&strings::NAME).required(),

        /// Which requests the rule applies to. All given parts must match.
        matches as "match": RouteMatch = section(),

        /// Overrides `mode` of the top level.
        mode: Mode = one_of().inherited(Mode::Enforce),

        /// The settings of the route: what the rule gives, and those of the top level for the rest.
        policy: Policy = overrides(),

        /// The template of this route's pages, by its name in `templates`. It takes precedence over
        /// `pages`.
        page: Option<String> = text(&strings::NAME).optional(),

        /// Answers every request with a maintenance page. An object or `true` switches it on.
        maintenance: Option<Maintenance> = maintenance().default(None),
    }

    /// Which requests a rule is for.
    pub struct RouteMatch {
        /// The name of the Envoy route.
        route: Pattern = pattern(&strings::ENVOY_NAME).default(any_text()),

        /// The name of the Envoy virtual host.
        virtual_host: Pattern = pattern(&strings::ENVOY_NAME).default(any_text()),

        /// The name of the cluster that Envoy chose for the request.
        cluster: Pattern = pattern(&strings::ENVOY_NAME).default(any_text()),

        /// The host of the request, without the port. Case is ignored.
        host: Pattern = pattern(&strings::HOST_PATTERN).default(any_text()),

        /// The beginning of the request path. Without it, all paths match.
        path_prefix: String = text(&strings::PATH_PREFIX).or_empty(),
    }

    /// The maintenance of a route.
    pub struct Maintenance {
        /// When the maintenance ends.
        until: Option<Timestamp> = date().optional(),

        /// The message that visitors see: one text, or an object with a text for each language.
        message: Option<LocalizedText> = localized(&strings::PROSE).optional(),
    }
}

impl RouteRule {
    /// Reads a rule again, whose mode and policy are those of the top level where it gives none.
    pub(in crate::config) fn inherit(&mut self, mode: Mode, policy: &Policy, json: &Json) {
        *self = Self {
            mode,
            policy: policy.clone(),
            ..Self::default()
        };
        // What is wrong with it was found when it was read for the first time.
        Validator::new().section(self, json);
    }
}

/// Returns the pattern that matches every text.
fn any_text() -> Pattern {
    Pattern("*".to_owned())
}

/// Makes the type of a date and time.
fn date() -> Mapped<Text, Timestamp> {
    text(&strings::DATE).map(
        |text| notation::date(&text).unwrap_or_default(),
        |time| notation::date_text(*time),
    )
}

fn maintenance() -> Mapped<EitherOf<Bool, Object<Maintenance>>, Option<Maintenance>> {
    either(flag(), object()).map(
        |value| match value {
            Either::First(is_on) => is_on.then(Maintenance::default),
            Either::Second(maintenance) => Some(maintenance),
        },
        |maintenance| match maintenance {
            None => Either::First(false),
            Some(maintenance) => Either::Second(maintenance.clone()),
        },
    )
}
