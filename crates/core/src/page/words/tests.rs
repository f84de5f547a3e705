use super::*;

#[test]
fn every_text_says_what_it_is() {
    for locale in locales::ALL {
        let words = words(locale.tag).unwrap();
        for word in &words {
            assert!(word.doc.ends_with('.'), "{}: {:?}", word.key, word.doc);
            assert!(!word.doc.contains("reasons ."), "{}", word.key);
        }
        // Nothing of a language is left out, and only titles for programmers are English.
        for (key, text) in locale.strings {
            let word = words.iter().find(|word| word.key == *key).unwrap();
            assert_eq!((word.text, word.is_english), (*text, false), "{key}");
        }
        let english = words.iter().filter(|word| word.is_english);
        for word in english {
            let is_technical = ["problem.", "title.tls_", "title.proxy_"];
            let mut groups = is_technical.iter();
            assert!(
                groups.any(|group| word.key.starts_with(group)),
                "{}",
                word.key
            );
        }
    }
    for (key, _) in DOCS {
        assert!(EN.find(key).is_some(), "{key}");
    }
}

#[test]
fn a_message_for_several_reasons_names_them() {
    let words = words("en").unwrap();
    let doc = |key: &str| {
        words
            .iter()
            .find(|word| word.key == key)
            .unwrap()
            .doc
            .clone()
    };
    assert_eq!(
        doc("message.slow"),
        "What happened, for the reasons `http_response_timeout`, `upstream_timeout`."
    );
    assert_eq!(
        doc("next.maintenance"),
        "What happens next, for the reason `maintenance`."
    );
}

#[test]
fn a_language_is_found_as_pages_find_it() {
    for (tag, text) in [
        ("de-AT", Some("Zur Startseite")),
        ("no", Some("Gå til forsiden")),
        ("sk", None),
    ] {
        let found = words(tag).map(|words| {
            let home = words.iter().find(|word| word.key == "action.home");
            home.unwrap().text
        });
        assert_eq!(found, text, "{tag}");
    }
    let polish = words("pl").unwrap();
    let keys: Vec<_> = polish.iter().map(|word| word.key.as_str()).collect();
    let minutes = keys.iter().position(|key| *key == "when.minutes").unwrap();
    assert_eq!(keys[minutes + 1], "when.minutes.few");
    assert_eq!(
        polish[minutes + 1].doc,
        "The plural form `few` of `when.minutes`."
    );
}
