use super::super::locales::ALL;
use super::*;
use crate::config::Locales;

/// Calls `read` with the messages of a page with these texts, in a language of a configuration.
fn ask<T>(
    own: &[(&str, &[(&str, &str)])],
    page: &[(&str, &str)],
    tag: &str,
    read: impl Fn(&Messages<'_>) -> T,
) -> T {
    let list = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
            .collect()
    };
    let strings = own
        .iter()
        .map(|(tag, pairs)| ((*tag).to_owned(), list(pairs)));
    let languages = Languages::new(&Locales {
        default: "de".to_owned(),
        strings: strings.collect(),
    });
    let page = Texts::configured(&list(page));
    read(&Messages {
        language: languages.get(languages.of_tag(tag)).unwrap(),
        languages: &languages,
        page: Some(&page),
        notice: None,
    })
}

#[test]
fn every_reason_has_texts_in_every_language() {
    for locale in ALL {
        ask(&[], &[], locale.tag, |messages| {
            assert_eq!(messages.language.tag, locale.tag);
            for &reason in Reason::ALL {
                for text in [
                    messages.message(reason),
                    messages.for_reason("problem", reason).unwrap(),
                    messages.fault(reason),
                    messages.next(reason, true),
                    messages.next(reason, false),
                    messages.title(reason, 502, true),
                ] {
                    assert!(!text.is_empty(), "{}: {}", locale.tag, reason.as_str());
                }
            }
        });
    }
}

#[test]
fn the_most_specific_title_wins() {
    for (reason, status, retryable, key) in [
        (Reason::ConnectionRefused, 502, true, "title.502"),
        (Reason::ConnectionRefused, 502, false, "title.5xx"),
        (Reason::UpstreamUnavailable, 503, true, "title.503"),
        (Reason::CircuitOpen, 503, true, "title.circuit_open"),
        (Reason::Maintenance, 503, false, "title.maintenance"),
        (Reason::UpstreamError, 500, true, "title.5xx"),
        (Reason::UpstreamError, 599, true, "title.5xx"),
        (Reason::DestinationNotFound, 404, false, "title.404"),
        (Reason::UpstreamError, 410, false, "title.4xx"),
    ] {
        let title = ask(&[], &[], "en", |messages| {
            messages.title(reason, status, retryable).to_owned()
        });
        assert_eq!(Some(title.as_str()), EN.find(key), "{key}");
    }
}

#[test]
fn texts_of_the_page_win_over_those_of_the_language_and_those_over_built_in_ones() {
    let own: &[(&str, &[(&str, &str)])] = &[
        (
            "en",
            &[
                ("title.5xx", "en 5xx"),
                ("own.a", "en a"),
                ("own.b", "en b"),
            ],
        ),
        (
            "de",
            &[("title", "de"), ("message", "de"), ("own.a", "de a")],
        ),
        (
            "de-CH",
            &[("title.502", "ch 502"), ("next.circuit_open", "ch next")],
        ),
        ("qaa", &[("next", "qaa next")]),
    ];
    let title = |page: &[(&str, &str)], tag| {
        ask(own, page, tag, |messages| {
            messages
                .title(Reason::ConnectionRefused, 502, true)
                .to_owned()
        })
    };
    for (tag, expected) in [
        ("en", "en 5xx"),
        ("de", "de"),
        ("de-CH", "ch 502"),
        ("qaa", "de"),
    ] {
        assert_eq!(title(&[], tag), expected, "{tag}");
        assert_eq!(title(&[("title", "page")], tag), "page", "{tag}");
        assert_eq!(title(&[("title.503", "page")], tag), expected, "{tag}");
    }
    let text = |tag, key| ask(own, &[], tag, |messages| messages.text(key).to_owned());
    for (tag, key, expected) in [
        ("de-CH", "own.a", "de a"),
        ("qaa", "own.a", "de a"),
        // English is the last resort.
        ("qaa", "own.b", "en b"),
        ("fr", "own.b", "en b"),
        ("fr", "own.c", ""),
    ] {
        assert_eq!(text(tag, key), expected, "{tag} {key}");
    }
    let next = |tag, reason, retryable| {
        ask(own, &[], tag, |messages| {
            messages.next(reason, retryable).to_owned()
        })
    };
    assert_eq!(next("de-CH", Reason::CircuitOpen, true), "ch next");
    assert_eq!(next("qaa", Reason::CircuitOpen, true), "qaa next");
    assert_eq!(next("qaa", Reason::TlsProtocolError, false), "qaa next");
    let message = ask(own, &[], "de", |messages| {
        messages.message(Reason::Maintenance).to_owned()
    });
    assert_eq!(message, "de");
}

#[test]
fn misspelt_keys_are_not_known() {
    for (key, known) in [
        ("title", true),
        ("title.502", true),
        ("title.5xx", true),
        ("title.499", true),
        ("title.circuit_open", true),
        ("message.maintenance", true),
        ("message.unreachable", true),
        ("next.dns_error", true),
        ("problem.dns_error", true),
        ("own.anything", true),
        ("label.request_id", true),
        ("when.minutes.few", true),
        ("when.days.zero", true),
        ("when.minute.few", false),
        ("when.minutes.several", false),
        ("title.502.few", false),
        ("title.399", false),
        ("title.6xx", false),
        ("title.", false),
        ("message.502", false),
        ("fault.dns_error", false),
        ("label", false),
        ("own", false),
        ("dir", false),
        ("", false),
    ] {
        assert_eq!(is_known(key), known, "{key}");
    }
    assert!(EN.strings.iter().all(|(key, _)| is_known(key)));
    for (key, meant) in [
        ("titel.502", "title.502"),
        ("message.dns_eror", "message.dns_error"),
        ("nxt", "next"),
    ] {
        assert_eq!(nearest_key(key, &[]).as_deref(), Some(meant));
    }
}

#[test]
fn a_time_has_the_form_that_its_number_needs() {
    use CoarseDuration::*;
    let when = |own: &[(&str, &[(&str, &str)])], page: &[(&str, &str)], tag, duration| {
        let text = ask(own, page, tag, |messages| messages.when(duration));
        text.replace('\u{a0}', " ")
    };
    for (tag, duration, expected) in [
        ("en", Minutes(2), "in about 2 minutes"),
        ("ru", Seconds(10), "примерно через 10 секунд"),
        ("ru", Minutes(3), "примерно через 3 минуты"),
        ("ru", Minutes(5), "примерно через 5 минут"),
        ("ru", Hours(21), "примерно через 21 час"),
        ("uk", Hours(22), "приблизно через 22 години"),
        ("uk", Days(5), "приблизно через 5 днів"),
        ("pl", Minutes(2), "za około 2 minuty"),
        ("pl", Hours(12), "za około 12 godzin"),
        ("cs", Days(2), "asi za 2 dny"),
        ("cs", Days(22), "asi za 22 dní"),
        ("ro", Seconds(15), "peste aproximativ 15 secunde"),
        ("ro", Minutes(20), "peste aproximativ 20 de minute"),
        ("ar", Hours(2), "بعد نحو ساعتين"),
        ("ar", Minutes(5), "بعد نحو 5 دقائق"),
        ("ar", Minutes(45), "بعد نحو 45 دقيقة"),
        ("ar", Days(12), "بعد نحو 12 يومًا"),
        ("he", Days(2), "בעוד כיומיים"),
        ("he", Days(3), "בעוד כ־3 ימים"),
        ("hu", Minutes(2), "körülbelül 2 perc múlva"),
    ] {
        assert_eq!(when(&[], &[], tag, duration), expected);
    }
    // Texts of the operator have forms too, those of the language in which they are.
    let slovak: &[(&str, &str)] = &[
        ("when.minutes", "o {n} minút"),
        ("when.minutes.few", "o {n} minúty"),
    ];
    let own = &[("sk", slovak), ("de", slovak), ("qaa", &[])][..];
    assert_eq!(when(own, &[], "sk", Minutes(3)), "o 3 minúty");
    assert_eq!(when(own, &[], "sk", Minutes(5)), "o 5 minút");
    assert_eq!(when(own, &[], "qaa", Minutes(3)), "o 3 minút");
    // A text without forms wins over built-in forms.
    let page = &[("when.hours", "{n} h")][..];
    assert_eq!(when(&[], page, "ru", Hours(2)), "2 h");
    assert_eq!(when(&[("ru", page)], &[], "ru", Hours(2)), "2 h");
    let page = &[("when.hours", "{n} h"), ("when.hours.few", "{n} hh")][..];
    assert_eq!(when(&[], page, "ru", Hours(2)), "2 hh");
    assert_eq!(when(&[], page, "de", Hours(2)), "2 h");
}

#[test]
fn a_placeholder_that_nothing_replaces_is_wrong() {
    for (key, text, wrong) in [
        ("when.minutes", "in {n} minutes", None),
        ("when.minutes", "in {m} minutes", Some("{m}")),
        ("when.minutes", "{n} or {n} minutes", Some("{n}")),
        ("when.minutes", "in some minutes", None),
        ("when.minutes.few", "in {when}", Some("{when}")),
        ("when.minutes.two", "in two minutes", None),
        ("when.minute", "in {n} minute", Some("{n}")),
        ("hint.again", "Come back {when}.", None),
        ("hint.again", "Come back later.", Some("")),
        ("hint.check", "Come back in {n}.", Some("{n}")),
        ("title.502", "Back {when}", Some("{when}")),
        // No page means these, so that they are text.
        ("title.502", "{dev} {} {Name} { when }", None),
    ] {
        assert_eq!(wrong_placeholder(key, text), wrong, "{key}: {text}");
    }
}
