use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Returns the English texts by key.
fn english() -> BTreeMap<&'static str, &'static str> {
    EN.strings.iter().copied().collect()
}

/// Returns the placeholder that the text of a key must contain once, and no other text may contain.
fn placeholder(key: &str) -> Option<&'static str> {
    match key {
        "hint.again" | "hint.check" => Some("{when}"),
        "when.seconds" | "when.minutes" | "when.hours" | "when.days" => Some("{n}"),
        _ => None,
    }
}

#[test]
fn there_are_at_least_twelve_languages_with_both_directions() {
    let tags: BTreeSet<_> = ALL.iter().map(|locale| locale.tag).collect();
    assert_eq!(tags.len(), ALL.len(), "duplicate tag");
    assert!(tags.len() >= 12);
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
fn every_language_has_every_text_that_it_cannot_leave_out() {
    let english = english();
    for locale in ALL {
        for reason in Reason::ALL {
            let find = |tail| locale.find(&["message.", tail].concat());
            let message = find(reason.as_str()).or_else(|| find(shared_message(*reason)));
            assert!(message.is_some(), "{}: {reason:?}", locale.tag);
        }
        for key in english.keys() {
            // The lookup has a replacement for these.
            let may_lack = ["message.", "problem.", "title.tls_"];
            let may_lack = may_lack.iter().any(|prefix| key.starts_with(prefix));
            assert!(
                may_lack || locale.find(key).is_some(),
                "{}: {key} is missing",
                locale.tag
            );
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
            english.contains_key(key) || SHARED.contains(key),
            "{}: {key}",
            locale.tag
        );
    }
    for key in SHARED {
        assert!(Reason::ALL
            .iter()
            .any(|reason| key == ["message.", shared_message(*reason)].concat()));
    }
}

#[test]
fn each_placeholder_appears_once() {
    for locale in ALL {
        for &(key, text) in locale.strings {
            let found: Vec<_> = text.match_indices('{').map(|(at, _)| &text[at..]).collect();
            let expected: Vec<_> = placeholder(key).into_iter().collect();
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

#[test]
fn sentences_end_with_punctuation_and_labels_do_not() {
    const SENTENCES: [&str; 6] = ["message", "fault", "next", "unsafe", "hint", "auto"];
    for locale in ALL {
        for &(key, text) in locale.strings {
            let (group, _) = key.split_once('.').unwrap();
            let ends = text.ends_with(['.', '。', '…', ':', '：']);
            let sentence =
                (SENTENCES.contains(&group) && key != "auto.stop") || key == "support.quote";
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
