use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::http::language::primary;
use crate::page::messages::placeholder;
use crate::page::plural::{self, FORMS};

/// Returns the English texts by key.
fn english() -> BTreeMap<&'static str, &'static str> {
    EN.strings.iter().copied().collect()
}

/// Returns the key without its plural form, and the form.
fn without_form(key: &str) -> (&str, Option<&str>) {
    let form = key.rsplit_once('.').filter(|(_, end)| FORMS.contains(end));
    form.map_or((key, None), |(key, form)| (key, Some(form)))
}

#[test]
fn there_are_at_least_thirty_languages_with_both_directions() {
    let tags: BTreeSet<_> = ALL.iter().map(|locale| locale.tag).collect();
    assert_eq!(tags.len(), ALL.len(), "duplicate tag");
    assert!(tags.len() >= 30);
    for locale in ALL {
        let is_rtl = matches!(locale.tag, "ar" | "fa" | "he" | "ur");
        assert_eq!(locale.dir, if is_rtl { "rtl" } else { "ltr" });
    }
    assert!(ALL.iter().any(|locale| locale.dir == "rtl"));
}

#[test]
fn every_key_appears_once_and_has_a_text() {
    for locale in ALL {
        for &(key, text) in locale.strings {
            assert!(!text.is_empty(), "{}: {key}", locale.tag);
            assert_eq!(locale.find(key), Some(text), "{}: {key} twice", locale.tag);
        }
    }
}

#[test]
fn a_language_that_lacks_any_of_its_texts_does_not_compile() {
    // German has no text that it could leave out.
    let german = ALL.iter().find(|locale| locale.tag == "de").unwrap();
    assert_eq!(german.lacks(), None);
    for (number, (key, _)) in german.strings.iter().enumerate() {
        let mut strings = german.strings.to_vec();
        strings.remove(number);
        let incomplete = Locale {
            strings: strings.leak(),
            ..**german
        };
        let lacks = incomplete.lacks().unwrap_or_else(|| panic!("{key}"));
        assert_eq!(lacks, *key);
    }
}

#[test]
fn a_text_with_a_number_has_every_form_that_occurs() {
    use crate::page::coarse_duration::CoarseDuration;
    for locale in ALL {
        let language = primary(locale.tag);
        // Every hour of ten weeks has the days, hours and minutes that a page can say.
        for seconds in (1..=4_000).chain((1..=1_680).map(|hours| hours * 3_600)) {
            let (key, n) = match CoarseDuration::from(Duration::from_secs(seconds)) {
                CoarseDuration::Seconds(n) => ("when.seconds", n),
                CoarseDuration::Minutes(n) => ("when.minutes", n),
                CoarseDuration::Hours(n) => ("when.hours", n),
                CoarseDuration::Days(n) => ("when.days", n),
                _ => continue,
            };
            // The general form may be that of many.
            if let Some(form) = plural::form(language, n).filter(|form| *form != "many") {
                let text = locale.find(&[key, ".", form].concat());
                assert!(text.is_some(), "{}: {key}.{form} for {n}", locale.tag);
            }
        }
        for (key, _) in locale.strings {
            if let (_, Some(form)) = without_form(key) {
                let occurs = (2..200).any(|n| plural::form(language, n) == Some(form));
                assert!(occurs, "{}: {key}", locale.tag);
            }
        }
    }
}

#[test]
fn every_key_is_looked_up() {
    let english = english();
    for (locale, (key, _)) in ALL
        .iter()
        .flat_map(|locale| locale.strings.iter().map(move |string| (locale, string)))
    {
        assert!(
            english.contains_key(without_form(key).0),
            "{}: {key}",
            locale.tag
        );
    }
    for (key, _) in EN.strings {
        let Some(message) = key.strip_prefix("message.") else {
            continue;
        };
        let is_own = Reason::from_token(message).is_some();
        let is_shared = |reason: &Reason| message == shared_message(*reason);
        assert!(is_own || Reason::ALL.iter().any(is_shared), "{key}");
    }
}

#[test]
fn each_placeholder_appears_once() {
    for locale in ALL {
        for &(key, text) in locale.strings {
            let found: Vec<_> = text.match_indices('{').map(|(at, _)| &text[at..]).collect();
            let expected: Vec<_> = placeholder(key).into_iter().collect();
            // A dual form says the number.
            if without_form(key).1 == Some("two") && found.is_empty() {
                continue;
            }
            assert_eq!(found.len(), expected.len(), "{}: {key}", locale.tag);
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.starts_with(expected), "{}: {key}", locale.tag);
            }
        }
    }
}

#[test]
fn texts_have_typographic_quotes_and_no_stray_blanks() {
    for locale in ALL {
        for &(key, text) in locale.strings {
            let at = format!("{}: {key}: {text}", locale.tag);
            // No typewriter quotes and dots, and no double blanks.
            assert!(!text.contains(['"', '\'', '`', '<', '>', '&']), "{at}");
            assert!(!text.contains("..") && !text.contains("  "), "{at}");
            assert_eq!(text.trim(), text, "{at}");
            // After an abbreviation, the sentence would end with two full stops.
            if let Some(("hint.again" | "hint.check", end)) =
                text.split_once("{when}").map(|(_, end)| (key, end))
            {
                let dotted = locale
                    .strings
                    .iter()
                    .any(|(key, text)| key.starts_with("when.") && text.ends_with('.'));
                assert!(!dotted || !end.starts_with('.'), "{at}");
            }
        }
    }
}

/// Letters that look like those of a language, and are others.
const FOREIGN_LETTERS: [(&str, &str); 6] = [
    ("fa", "\u{64a}\u{643}\u{629}"),
    ("ur", "\u{64a}\u{643}\u{629}\u{647}"),
    ("ro", "şţŞŢ"),
    ("uk", "ыэёъ"),
    ("ru", "іїєґ"),
    ("zh-Hant", "这们务复试维护响应页"),
];

#[test]
fn words_have_the_letters_of_their_language() {
    for (tag, foreign) in FOREIGN_LETTERS {
        let locale = ALL.iter().find(|locale| locale.tag == tag).unwrap();
        for (key, text) in locale.strings {
            let found = text.find(|letter| foreign.contains(letter));
            assert_eq!(found, None, "{tag}: {key}: {text}");
        }
    }
    for locale in ALL {
        // Words of two alphabets, except the abbreviation ID.
        for (key, text) in locale.strings {
            for word in text.split(|letter: char| !letter.is_alphabetic()) {
                let latin = word.chars().filter(|letter| *letter < '\u{250}').count();
                let is_latin = latin == word.chars().count();
                let is_mixed = latin > 0 && !is_latin && locale.tag != "vi" && locale.tag != "ja";
                assert!(!is_mixed, "{}: {key}: {word}", locale.tag);
            }
        }
    }
}

#[test]
fn sentences_end_with_punctuation_and_labels_do_not() {
    const SENTENCES: [&str; 6] = ["message", "fault", "next", "unsafe", "hint", "auto"];
    for locale in ALL {
        for &(key, text) in locale.strings {
            let (group, _) = key.split_once('.').unwrap();
            let ends = text.ends_with(['.', '。', '।', '۔', '…', ':', '：']);
            // Thai has no full stop.
            if locale.tag == "th" && !ends {
                continue;
            }
            let sentence = (SENTENCES.contains(&group)
                && !matches!(key, "auto.stop" | "auto.resume"))
                || key == "support.quote";
            // An abbreviated unit ends with a full stop.
            let unit = group == "when" && text.ends_with('.');
            assert_eq!(ends, sentence || unit, "{}: {key}: {text}", locale.tag);
        }
    }
}

#[test]
fn texts_are_short_enough_for_their_place() {
    for locale in ALL {
        for &(key, text) in locale.strings {
            let max = match key.split_once('.').unwrap().0 {
                "title" => 48,
                "label" | "link" | "links" | "action" => 28,
                "when" | "problem" => 36,
                _ => 120,
            };
            let length = text.chars().count();
            assert!(length <= max, "{}: {key} has {length}", locale.tag);
        }
    }
}
