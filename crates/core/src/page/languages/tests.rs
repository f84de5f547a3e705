use super::*;

fn languages(default: &str, strings: &[(&str, &[(&str, &str)])]) -> Languages {
    let owned = |(key, text): &(&str, &str)| ((*key).to_owned(), (*text).to_owned());
    Languages::new(&Locales {
        default: default.to_owned(),
        strings: strings
            .iter()
            .map(|(tag, pairs)| ((*tag).to_owned(), pairs.iter().map(owned).collect()))
            .collect(),
    })
}

fn requested(languages: &Languages, accept: &str) -> String {
    let request = HeaderBlock::from_pairs(&[("accept-language", accept)]);
    let language = languages.get(languages.of_request(&request)).unwrap();
    language.tag.clone()
}

#[test]
fn a_request_without_a_known_language_gets_the_default() {
    let languages = languages("qaa", &[("qaa", &[]), ("qab", &[])]);
    assert_eq!(requested(&languages, "qab"), "qab");
    assert_eq!(requested(&languages, "xx"), "qaa");
    assert_eq!(requested(&languages, ""), "qaa");
}

#[test]
fn every_built_in_language_is_found_by_its_tag() {
    let languages = languages("en", &[]);
    for locale in locales::ALL {
        assert_eq!(requested(&languages, locale.tag), locale.tag);
    }
}

#[test]
fn the_direction_is_that_of_the_language() {
    let languages = languages(
        "en",
        &[
            ("qaa", &[("dir", "rtl")]),
            ("qaa-XX", &[]),
            ("ckb", &[]),
            ("qab", &[]),
        ],
    );
    for (tag, dir) in [
        ("en", "ltr"),
        ("ar", "rtl"),
        ("qaa", "rtl"),
        ("qaa-XX", "rtl"),
        ("ckb", "rtl"),
        ("qab", "ltr"),
    ] {
        let language = languages.get(languages.of_tag(tag)).unwrap();
        assert_eq!((language.tag.as_str(), language.dir), (tag, dir));
    }
}

#[test]
fn a_language_is_spoken_if_it_is_built_in_or_configured() {
    assert!(is_spoken("en-GB", std::iter::empty()));
    assert!(!is_spoken("qaa", std::iter::empty()));
    assert!(is_spoken("qaa", ["qaa"].into_iter()));
}
