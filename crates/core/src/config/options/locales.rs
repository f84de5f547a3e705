//! `locales`: languages of the pages.

use super::pages::wording;
use crate::config::option::{map, text};
use crate::config::section::{options, OptionTypeExt};
use crate::config::{limits, strings};

options! {
    /// Languages of the pages.
    pub struct Locales {
        /// The language for clients that accept none of the available ones.
        default: String = text(&strings::LANGUAGE).default("en".to_owned()),

        /// Texts by language: whole languages of your own, or single texts of a built-in language.
        /// The key `dir` is the direction of the language, `ltr` or `rtl`. Keys that begin with
        /// `own.` are for texts of your own templates.
        strings: Vec<(String, Vec<(String, String)>)> =
            map(&strings::LANGUAGE, wording(), limits::LOCALES).default(Vec::new()),
    }
}
