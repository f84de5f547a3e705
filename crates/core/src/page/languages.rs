//! The languages of a configuration, built in and configured.

#[cfg(test)]
mod tests;

use super::locales::{self, Locale};
use super::messages::Texts;
use crate::config::{Locales, DIRECTION};
use crate::http::headers::HeaderBlock;
use crate::http::language::{broader, is_same, lookup, primary, Tags};

/// Languages that are written from right to left, for those that are not built in.
const RIGHT_TO_LEFT: &[&str] = &["ar", "he", "fa", "ur", "ps", "sd", "ug", "yi", "dv", "ckb"];
/// The language that has a text for every key.
const FALLBACK: &str = "en";

/// A language of a configuration; by default, the configured default language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LanguageId(Option<usize>);

/// A language that pages can be written in.
#[derive(Debug)]
pub(super) struct Language {
    /// The language tag.
    pub(super) tag: String,
    /// The writing direction: `ltr` or `rtl`.
    pub(super) dir: &'static str,
    /// Where texts are looked up, in this order, by the number in [`Languages::texts`].
    sources: Vec<usize>,
}

/// Every language of a configuration.
#[derive(Debug)]
pub(super) struct Languages {
    all: Vec<Language>,
    /// The tags of all of them.
    tags: Tags,
    /// The texts of each built-in language, then those of each configured one.
    texts: Vec<Texts>,
    default: usize,
}

/// A language for which texts exist, and the direction that they set.
struct Source<'a> {
    tag: &'a str,
    dir: Option<&'static str>,
}

impl Languages {
    /// Returns the built-in languages, and those of the configuration.
    pub(super) fn new(config: &Locales) -> Self {
        let built_in = locales::ALL.iter().map(|locale| Source {
            tag: locale.tag,
            dir: Some(locale.dir),
        });
        let configured = config.strings.iter().map(|(tag, strings)| Source {
            tag,
            dir: configured_direction(strings),
        });
        let sources: Vec<_> = built_in.chain(configured).collect();
        let mut all: Vec<Language> = Vec::new();
        for Source { tag, .. } in &sources {
            if !all.iter().any(|other| is_same(&other.tag, tag)) {
                all.push(Language::new(tag, &config.default, &sources));
            }
        }
        let tags = Tags::new(all.iter().map(|language| language.tag.as_str()));
        let default = tags.lookup(&config.default).unwrap_or(0);
        let built_in = locales::ALL.iter().map(|locale| Texts::built_in(locale));
        let configured = config
            .strings
            .iter()
            .map(|(tag, strings)| Texts::configured(strings).in_language(tag));
        Self {
            all,
            tags,
            texts: built_in.chain(configured).collect(),
            default,
        }
    }

    /// Returns the number of a language: its position among [`Languages::tags`].
    pub(super) fn number(&self, id: LanguageId) -> usize {
        id.0.unwrap_or(self.default)
    }

    /// Returns a language.
    pub(super) fn get(&self, id: LanguageId) -> Option<&Language> {
        self.all.get(self.number(id))
    }

    /// Returns the tags of all languages.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> + Clone {
        self.all.iter().map(|language| language.tag.as_str())
    }

    /// Returns the language for a tag, or the default language if there is none.
    pub(super) fn of_tag(&self, tag: &str) -> LanguageId {
        LanguageId(self.tags.lookup(tag))
    }

    /// Returns the language that a request prefers, or the default language.
    pub(super) fn of_request(&self, request: &HeaderBlock) -> LanguageId {
        LanguageId(self.tags.preferred(request))
    }

    /// Returns the texts of a language, those with precedence first.
    pub(super) fn texts<'a>(
        &'a self,
        language: &'a Language,
    ) -> impl Iterator<Item = &'a Texts> + 'a {
        let sources = language.sources.iter();
        sources.filter_map(|number| self.texts.get(*number))
    }
}

impl Language {
    /// Builds a language. Its texts come from the language itself, else from a broader one (`pt` for
    /// `pt-BR`), else from the default language, else from English; for each tag, configured texts have
    /// precedence over built-in ones.
    fn new(tag: &str, default: &str, all: &[Source<'_>]) -> Self {
        let mut sources = Vec::new();
        let mut dir = None;
        for (start, sets_direction) in [(tag, true), (default, false), (FALLBACK, false)] {
            for tag in std::iter::successors(Some(start), |tag| broader(tag)) {
                // Configured texts are the last ones.
                let numbered = all.iter().enumerate().rev();
                for (number, source) in numbered.filter(|(_, source)| is_same(source.tag, tag)) {
                    if !sources.contains(&number) {
                        sources.push(number);
                    }
                    dir = dir.or(source.dir.filter(|_| sets_direction));
                }
            }
        }
        Self {
            tag: tag.to_owned(),
            dir: dir.unwrap_or_else(|| usual_direction(tag)),
            sources,
        }
    }
}

/// Returns the direction that the configuration sets for a language.
fn configured_direction(strings: &[(String, String)]) -> Option<&'static str> {
    let (_, dir) = strings.iter().find(|(key, _)| key == DIRECTION)?;
    Some(if dir == "rtl" { "rtl" } else { "ltr" })
}

/// Returns the usual direction of a language.
fn usual_direction(tag: &str) -> &'static str {
    let is_this = |other: &&str| other.eq_ignore_ascii_case(primary(tag));
    if RIGHT_TO_LEFT.iter().any(is_this) {
        "rtl"
    } else {
        "ltr"
    }
}

/// Returns whether there is a language for `tag`, built in or among `configured`.
pub(crate) fn is_spoken<'a>(tag: &str, configured: impl Iterator<Item = &'a str> + Clone) -> bool {
    let built_in = locales::ALL.iter().map(|locale: &&Locale| locale.tag);
    lookup(tag, built_in.chain(configured)).is_some()
}
