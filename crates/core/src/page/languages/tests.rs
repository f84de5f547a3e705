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
fn old_tags_and_regions_of_chinese_get_the_language_that_they_mean() {
    let languages = languages("en", &[]);
    for (accept, expected) in [
        ("iw", "he"),
        ("iw-IL", "he"),
        ("IN", "id"),
        ("in-ID", "id"),
        ("no", "nb"),
        ("no-NO", "nb"),
        ("nb-NO", "nb"),
        ("mo", "ro"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-SG", "zh-Hans"),
        ("zh-Hans", "zh-Hans"),
        ("zh-Hans-CN", "zh-Hans"),
        ("zh-Hans-TW", "zh-Hans"),
        ("zh-MY", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh-tw", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-MO", "zh-Hant"),
        ("zh-Hant", "zh-Hant"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh-Hant-CN", "zh-Hant"),
        // As browsers send it.
        ("zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7", "zh-Hant"),
        ("zh-CN,zh;q=0.9,en;q=0.8,zh-TW;q=0.7", "zh-Hans"),
        ("he-IL,he;q=0.9,en-US;q=0.8,en;q=0.7", "he"),
        (
            "nn-NO,nn;q=0.9,no-NO;q=0.8,no;q=0.6,nb-NO;q=0.5,en;q=0.3",
            "nb",
        ),
        ("xx,id-ID;q=0.5", "id"),
        ("pt-PT", "pt"),
        ("fa-IR,fa;q=0.9", "fa"),
        ("ur-PK", "ur"),
    ] {
        assert_eq!(requested(&languages, accept), expected, "{accept}");
    }
}

#[test]
fn texts_of_an_old_tag_belong_to_the_language_that_it_means() {
    let own: &[(&str, &[(&str, &str)])] = &[
        ("iw", &[("title", "iw")]),
        ("zh", &[("title", "zh"), ("own.a", "zh a")]),
        ("zh-TW", &[("own.a", "tw a")]),
    ];
    let languages = languages("no", own);
    let text = |tag: &str, key| {
        let language = languages.get(languages.of_tag(tag)).unwrap();
        let found = languages.texts(language).find_map(|texts| texts.get(key));
        (language.tag.clone(), found.unwrap_or_default().to_owned())
    };
    let pair = |tag: &str, text: &str| (tag.to_owned(), text.to_owned());
    for tag in ["iw", "he", "he-IL"] {
        assert_eq!(text(tag, "title"), pair("he", "iw"));
    }
    for tag in ["zh", "zh-CN", "zh-Hans"] {
        assert_eq!(text(tag, "title"), pair("zh-Hans", "zh"));
    }
    // A region has the texts of its characters, not of the others.
    assert_eq!(text("zh-TW", "own.a"), pair("zh-TW", "tw a"));
    assert_eq!(text("zh-TW", "action.home"), pair("zh-TW", "返回首頁"));
    assert_eq!(text("zh-Hant", "own.a"), pair("zh-Hant", ""));
    // The default language.
    assert_eq!(text("xx", "action.retry"), pair("nb", "Prøv igjen"));
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
    assert!(is_spoken("no", std::iter::empty()));
    assert!(!is_spoken("qaa", std::iter::empty()));
    assert!(is_spoken("qaa", ["qaa"].into_iter()));
}
