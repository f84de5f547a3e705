//! The wording of the built-in pages, one file per language.
//!
//! A language is a [`Locale`] in a file of its own and its name in [`ALL`]; a test checks that it
//! has every key of English, with the same places to fill in.

mod en;

/// Every built-in language.
pub(super) const ALL: &[&Locale] = &[&en::LOCALE];

/// The language of `tag`; English where there is no such language.
pub(super) fn of(tag: &str) -> &'static Locale {
    ALL.iter()
        .find(|locale| locale.tag.eq_ignore_ascii_case(tag))
        .copied()
        .unwrap_or(&en::LOCALE)
}

/// The wording of one language.
#[derive(Debug)]
pub(super) struct Locale {
    /// Language tag (BCP 47).
    pub(super) tag: &'static str,
    /// Direction of writing: `ltr` or `rtl`.
    pub(super) dir: &'static str,
    /// Key and text. `{n}` is a number, at least 2; `{when}` a phrase of the table.
    pub(super) strings: &'static [(&'static str, &'static str)],
}

impl Locale {
    /// The text of `key`.
    pub(super) fn find(&self, key: &str) -> Option<&'static str> {
        self.strings
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, text)| *text)
    }

    /// The text of `<prefix>.<name>`.
    pub(super) fn find_in(&self, prefix: &str, name: &str) -> Option<&'static str> {
        self.find(&[prefix, ".", name].concat())
    }

    /// The text of a key that every language has (a test checks that).
    pub(super) fn text(&self, key: &str) -> &'static str {
        self.find(key).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_language_is_found_by_its_tag() {
        for locale in ALL {
            assert_eq!(of(&locale.tag.to_uppercase()).tag, locale.tag);
        }
        assert_eq!(of("tlh").tag, "en");
    }

    #[test]
    fn every_language_says_everything() {
        let first = ALL[0];
        for locale in ALL {
            let keys: BTreeSet<_> = locale.strings.iter().map(|(key, _)| key).collect();
            assert_eq!(
                keys.len(),
                locale.strings.len(),
                "{}: a key twice",
                locale.tag
            );
            assert!(matches!(locale.dir, "ltr" | "rtl"));
            for (key, english) in first.strings {
                let text = locale.text(key);
                assert!(!text.is_empty(), "{}: {key} is missing", locale.tag);
                for place in ["{n}", "{when}"] {
                    let places = |text: &str| text.matches(place).count();
                    assert_eq!(places(text), places(english), "{}: {key}", locale.tag);
                }
            }
        }
    }
}
