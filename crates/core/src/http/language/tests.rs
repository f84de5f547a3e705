use super::*;

/// Returns the tag that a request with these header values prefers.
fn choose(accept: &[&str]) -> Option<&'static str> {
    let tags = ["qaa", "qab", "qac-Latn", "qac-Latn-x-a", "qad-BR"];
    let headers: Vec<_> = accept
        .iter()
        .map(|value| ("accept-language", *value))
        .collect();
    let number = Tags::new(tags.into_iter()).preferred(&HeaderBlock::from_pairs(&headers));
    number.map(|number| tags[number])
}

#[test]
fn a_range_matches_its_tag_in_any_case() {
    assert_eq!(choose(&["qab"]), Some("qab"));
    assert_eq!(choose(&["QAB"]), Some("qab"));
    assert_eq!(choose(&["qac-latn-X-A"]), Some("qac-Latn-x-a"));
}

#[test]
fn a_range_falls_back_to_a_broader_tag() {
    assert_eq!(choose(&["qab-XX"]), Some("qab"));
    assert_eq!(choose(&["qab-XX-x-private"]), Some("qab"));
    assert_eq!(choose(&["qac-Latn-x-a-b"]), Some("qac-Latn-x-a"));
    assert_eq!(choose(&["qac-Latn-XX"]), Some("qac-Latn"));
}

#[test]
fn a_range_falls_back_to_a_variant_of_its_language() {
    assert_eq!(choose(&["qad"]), Some("qad-BR"));
    assert_eq!(choose(&["qad-PT"]), Some("qad-BR"));
    assert_eq!(choose(&["qac"]), Some("qac-Latn"));
}

#[test]
fn the_range_with_the_greatest_weight_wins() {
    assert_eq!(choose(&["qaa;q=0.5, qab;q=0.8"]), Some("qab"));
    assert_eq!(choose(&["qaa;q=0.8, qab;q=0.5"]), Some("qaa"));
    assert_eq!(choose(&["qab, qaa"]), Some("qab"));
    assert_eq!(choose(&["qab ; q=0.3 , qac-Latn; q=0.4"]), Some("qac-Latn"));
}

#[test]
fn ranges_that_match_nothing_do_not_count() {
    assert_eq!(choose(&["xx, qab;q=0.1"]), Some("qab"));
    assert_eq!(choose(&["xx", "qab"]), Some("qab"));
    assert_eq!(choose(&["\u{e9}, qab"]), Some("qab"));
    for accept in [&[][..], &[""], &["*"], &["xx"]] {
        assert_eq!(choose(accept), None, "{accept:?}");
    }
}

#[test]
fn a_range_with_a_zero_or_invalid_weight_does_not_count() {
    for accept in ["qab;q=0", "qab;q=2", "qab;q=nothing", "qab;level=1"] {
        assert_eq!(choose(&[accept]), None, "{accept}");
    }
}

#[test]
fn an_old_tag_and_its_replacement_mean_the_same() {
    for (tag, other) in [
        ("cmn-Hant", "zh-Hant"),
        ("jw", "jv"),
        ("iw", "he"),
        ("IW-il", "he-IL"),
        ("ji", "yi"),
        ("no-NO", "nb-NO"),
        ("zh", "zh-hans"),
        ("de", "DE"),
    ] {
        assert!(is_same(tag, other) && is_same(other, tag), "{tag} {other}");
    }
    for (tag, other) in [
        ("zh", "zh-Hant"),
        ("zh", "zh-CN"),
        ("he", "he-IL"),
        ("nn", "nb"),
        ("nn", "no"),
        ("sr", "sr-Latn"),
        ("ind", "id"),
    ] {
        assert!(
            !is_same(tag, other) && !is_same(other, tag),
            "{tag} {other}"
        );
    }
    // Tags that are configured may be the old ones.
    let number = |range| {
        let tags = ["de", "iw", "no-NO"].into_iter();
        let found = lookup(range, tags.clone());
        assert_eq!(Tags::new(tags).lookup(range), found, "{range}");
        found
    };
    assert_eq!(number("he-IL"), Some(1));
    assert_eq!(number("nb"), Some(2));
}

#[test]
fn no_language_in_another_script_is_better_than_the_next_wish() {
    let tags = [
        "en", "zh-Hans", "zh-Hant", "nb", "nn-NO", "sr", "sr-Latn", "pt-BR", "uz", "kk",
    ];
    for (range, without, expected) in [
        ("zh-TW", "", Some("zh-Hant")),
        ("zh-HK", "", Some("zh-Hant")),
        ("zh-MO", "", Some("zh-Hant")),
        ("zh-Hant-TW", "", Some("zh-Hant")),
        ("cmn-Hant-TW", "", Some("zh-Hant")),
        ("zh-TW", "zh-Hant", None),
        ("zh-Hant-HK", "zh-Hant", None),
        ("cmn-Hant", "zh-Hant", None),
        ("zh-SG", "zh-Hans", Some("zh-Hant")),
        ("cmn", "", Some("zh-Hans")),
        ("no-NO", "", Some("nb")),
        ("nn", "", Some("nn-NO")),
        ("nn-NO", "nn-NO", Some("nb")),
        ("nb-NO", "nb", None),
        ("sr-RS", "", Some("sr")),
        ("sr-Cyrl-RS", "", Some("sr")),
        ("sr-Latn-RS", "", Some("sr-Latn")),
        ("sr-ME", "", Some("sr-Latn")),
        ("sh", "", Some("sr-Latn")),
        ("sr-Latn", "sr-Latn", None),
        ("sh", "sr-Latn", None),
        ("sr", "sr", Some("sr-Latn")),
        ("uz-Cyrl-UZ", "", None),
        ("uz-Latn", "", Some("uz")),
        ("KK-ARAB", "", None),
        ("pt-PT", "", Some("pt-BR")),
        ("en-GB", "", Some("en")),
        ("en-Shaw", "", None),
    ] {
        let tags = tags.iter().copied().filter(|tag| *tag != without);
        let found = lookup(range, tags.clone());
        assert_eq!(Tags::new(tags.clone()).lookup(range), found, "{range}");
        let found = found.and_then(|number| tags.clone().nth(number));
        assert_eq!(found, expected, "{range} without {without:?}");
    }
}

#[test]
fn traditional_characters_are_no_simplified_ones() {
    let number = |range| {
        let tags = ["zh-Hans", "en"].into_iter();
        let found = lookup(range, tags.clone());
        assert_eq!(Tags::new(tags).lookup(range), found, "{range}");
        found
    };
    assert_eq!(number("zh-CN"), Some(0));
    for range in ["zh-TW", "zh-HK", "zh-MO", "zh-Hant", "zh-Hant-TW"] {
        assert_eq!(number(range), None, "{range}");
    }
    let tags = ["en", "zh-Hant"];
    assert_eq!(lookup("zh-MO", tags.into_iter()), Some(1));
    // Another writing of the language is better than another language.
    assert_eq!(lookup("zh", tags.into_iter()), Some(1));
}

#[test]
fn tables_are_in_canonical_form_and_sorted() {
    for ((language, subtags), _) in PARENTS {
        let tag = [language, "-", subtags].concat();
        let tag = tag.trim_end_matches('-');
        assert_eq!(canonical(tag), tag);
    }
    for tag in ALONE {
        assert_eq!(canonical(tag), tag);
        assert_eq!(parts(tag).1.len(), SCRIPT);
    }
    assert!(ALONE.is_sorted());
}
