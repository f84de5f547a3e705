//! Texts that may differ by the language of the page.

use crate::config::option::{either, map, text, Either, EitherOf, Map, Mapped, OptionType, Text};
use crate::config::strings::TextRule;
use crate::config::{limits, strings};
use crate::http::language::lookup;

/// A text for all languages, or one for each of some languages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalizedText {
    /// The text for languages that have none of their own.
    usual: String,
    /// Texts by the tag of their language. `None`: `usual` is for all languages.
    by_language: Option<Vec<(String, String)>>,
}

impl LocalizedText {
    /// Returns the text for a language: its own, else that of a broader one (`de` for `de-AT`), else that
    /// of the default language.
    pub fn get(&self, language: &str) -> &str {
        self.find(language).unwrap_or(&self.usual)
    }

    /// Returns the text if it is the same in all languages.
    pub fn single(&self) -> Option<&str> {
        self.by_language.is_none().then_some(&*self.usual)
    }

    /// Returns the texts by language; `None` if the text is for all languages.
    pub(crate) fn by_language(&self) -> Option<&[(String, String)]> {
        self.by_language.as_deref()
    }

    /// Returns the text for a language that has one, or whose language in general has one.
    pub(crate) fn find(&self, language: &str) -> Option<&str> {
        let texts = self.by_language.as_ref()?;
        let tags = texts.iter().map(|(tag, _)| tag.as_str());
        let (_, text) = texts.get(lookup(language, tags)?)?;
        Some(text)
    }

    /// Makes the text of the default language that of languages without one of their own.
    pub(in crate::config) fn settle(&mut self, default: &str) {
        if let Some(text) = self.find(default) {
            self.usual = text.to_owned();
        }
    }
}

impl From<&str> for LocalizedText {
    fn from(text: &str) -> Self {
        Self {
            usual: text.to_owned(),
            by_language: None,
        }
    }
}

/// Makes the type of a text, or of an object with such a text for each language.
pub(super) fn localized(
    rule: &'static TextRule,
) -> Mapped<EitherOf<Text, Map<Text>>, LocalizedText> {
    let by_language = map(&strings::LANGUAGE, text(rule), limits::LOCALES).bundled();
    either(text(rule), by_language).map(
        |value| match value {
            Either::First(text) => LocalizedText::from(text.as_str()),
            Either::Second(by_language) => LocalizedText {
                usual: String::new(),
                by_language: Some(by_language),
            },
        },
        |text| match &text.by_language {
            None => Either::First(text.usual.clone()),
            Some(texts) => Either::Second(texts.clone()),
        },
    )
}

#[cfg(test)]
mod tests;
