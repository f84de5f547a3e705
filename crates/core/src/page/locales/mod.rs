//! The wording of the built-in pages, one file per language.
//!
//! A language is a [`Locale`] in a file of its own and its name in [`ALL`]; a test checks that it
//! has every key of English, with the same places to fill in.

mod en;

/// Every built-in language.
pub(super) const ALL: &[&Locale] = &[&en::LOCALE];

/// English, which has every key.
pub(super) const EN: &Locale = &en::LOCALE;

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
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

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
            for (key, _) in locale.strings {
                assert!(first.find(key).is_some(), "{}: {key}", locale.tag);
            }
            for (key, english) in first.strings {
                let Some(text) = locale.find(key) else {
                    // What only programmers read is English where a language has nothing better.
                    let may_lack = key.starts_with("problem.");
                    assert!(may_lack, "{}: {key} is missing", locale.tag);
                    continue;
                };
                assert!(!text.is_empty(), "{}: {key} is empty", locale.tag);
                for place in ["{n}", "{when}"] {
                    let places = |text: &str| text.matches(place).count();
                    assert_eq!(places(text), places(english), "{}: {key}", locale.tag);
                }
            }
        }
    }
}
