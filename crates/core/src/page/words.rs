//! What a page says, looked up when it is rendered: a language is a few static texts and what the
//! operator changed, and no copy of anything is kept for each page and language.
//!
//! The operator's words always win over built-in ones: those of the page, then those of the
//! language. Within one list the most particular key wins.

use super::language::{Language, Languages};
use super::locales::{shared_message, EN, SHARED};
use super::when::When;
use crate::config::nearest;
use crate::prelude::*;
use crate::reason::Reason;
use crate::text::split_once;

/// Keys for which every list may have one text that fits always, and one for each reason.
const BY_REASON: &[&str] = &["title", "message", "next"];
/// What the keys of the operator's own texts begin with.
const OWN: &str = "own.";

/// Keys and texts, built in or the operator's.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pairs<'a> {
    BuiltIn(&'a [(&'static str, &'static str)]),
    Own(&'a [(String, String)]),
}

impl<'a> Pairs<'a> {
    /// The text of the key `head`, or `head.tail`.
    pub(super) fn find(self, head: &str, tail: &str) -> Option<&'a str> {
        let dot = if tail.is_empty() { "" } else { "." };
        let length = head.len().wrapping_add(dot.len()).wrapping_add(tail.len());
        let is_it = |key: &str| {
            let rest = key.strip_prefix(head);
            rest.and_then(|rest| rest.strip_prefix(dot)) == Some(tail)
        };
        // Loops, and lengths first: this is most of the work of a page, and most keys that are another
        // one have another length.
        match self {
            Pairs::BuiltIn(all) => {
                for (key, text) in all {
                    if key.len() == length && is_it(key) {
                        return Some(text);
                    }
                }
            }
            Pairs::Own(all) => {
                for (key, text) in all {
                    if key.len() == length && is_it(key) {
                        return Some(text);
                    }
                }
            }
        }
        None
    }
}

/// Whether `key` is one that a text can have.
pub(crate) fn is_known(key: &str) -> bool {
    let is_particular = || {
        let (head, tail) = split_once(key, ".")?;
        let is_reason = Reason::ALL.iter().any(|reason| reason.as_str() == tail);
        let is_status = head == "title" && crate::config::status(tail).is_some();
        Some((BY_REASON.contains(&head) && is_reason) || is_status)
    };
    is_own(key)
        || BY_REASON.contains(&key)
        || SHARED.contains(&key)
        || EN.find(key).is_some()
        || is_particular().unwrap_or(false)
}

/// Whether `key` is for a text of the operator's own.
pub(crate) fn is_own(key: &str) -> bool {
    key.starts_with(OWN)
}

/// Every key of English, and those that hold for several reasons.
pub fn keys() -> Vec<&'static str> {
    let mut keys: Vec<_> = BY_REASON.to_vec();
    keys.extend(SHARED);
    for (key, _) in EN.strings() {
        keys.push(key);
    }
    keys
}

/// The key that was probably meant.
pub(crate) fn nearest_key(key: &str, own: &[String]) -> Option<String> {
    let mut keys: Vec<&str> = keys();
    for own in own {
        keys.push(own);
    }
    nearest(key, keys.into_iter())
}

/// The words of one page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) languages: &'a Languages,
    pub(super) language: &'a Language,
    /// What is said on this page only.
    pub(super) page: &'a [(String, String)],
}

impl<'a> Words<'a> {
    /// The first list for which `find` has something.
    fn first(&self, find: &dyn Fn(Pairs<'a>) -> Option<&'a str>) -> Option<&'a str> {
        let mut at = 0;
        let mut list = Pairs::Own(self.page);
        loop {
            if let Some(text) = find(list) {
                return Some(text);
            }
            list = self.languages.words(self.language, at)?;
            at = at.wrapping_add(1);
        }
    }

    /// The text of a key; nothing where no language has it.
    pub(super) fn text(&self, key: &str) -> &'a str {
        self.first(&|list| list.find(key, "")).unwrap_or_default()
    }

    /// What happened. A list may have one text for several reasons.
    pub(super) fn message(&self, reason: Reason) -> Option<&'a str> {
        self.first(&|list| {
            let find = |tail| list.find("message", tail);
            find(reason.as_str())
                .or_else(|| find(shared_message(reason)))
                .or_else(|| find(""))
        })
    }

    /// The text of a key for a reason.
    pub(super) fn of_reason(&self, head: &str, reason: Reason) -> Option<&'a str> {
        self.first(&|list| {
            let particular = list.find(head, reason.as_str());
            particular.or_else(|| list.find(head, ""))
        })
    }

    /// The heading. The titles of 5xx statuses say that it will pass by itself, so that they are not
    /// for failures that do not (`retryable`).
    pub(super) fn title(&self, reason: Reason, status: u16, retryable: bool) -> &'a str {
        let hundreds = digit(status / 100);
        let exact = [hundreds, digit(status / 10), digit(status)];
        let class = [hundreds, b'x', b'x'];
        let find = |list: Pairs<'a>, digits: &[u8]| {
            core::str::from_utf8(digits)
                .ok()
                .and_then(|tail| list.find("title", tail))
        };
        let title = self.first(&|list| {
            list.find("title", reason.as_str())
                .or_else(|| find(list, &exact).filter(|_| retryable || status < 500))
                .or_else(|| find(list, &class))
                .or_else(|| list.find("title", ""))
        });
        title.unwrap_or_else(|| self.text("title.5xx"))
    }

    /// Whose fault it is.
    pub(super) fn fault(&self, reason: Reason) -> &'a str {
        self.text(match reason {
            Reason::Maintenance => "fault.planned",
            Reason::DestinationNotFound => "fault.nobody",
            _ => "fault.ours",
        })
    }

    /// What happens next.
    pub(super) fn next(&self, reason: Reason, retryable: bool) -> &'a str {
        let is_particular =
            retryable || matches!(reason, Reason::Maintenance | Reason::DestinationNotFound);
        let said = match is_particular {
            true => self.of_reason("next", reason),
            false => self.first(&|list| list.find("next", "")),
        };
        said.unwrap_or_else(|| {
            self.text(if retryable {
                "next.passes"
            } else {
                "next.ours_to_fix"
            })
        })
    }

    /// The sentence that says when to come back, around `{when}`; `check`: and to check first.
    pub(super) fn hint(&self, check: bool) -> (&'a str, &'a str) {
        let text = self.text(if check { "hint.check" } else { "hint.again" });
        split_once(text, "{when}").unwrap_or((text, ""))
    }
}

/// The key of the phrase for a wait, and the number that stands in it.
pub(super) fn when(when: When) -> (&'static str, u64) {
    match when {
        When::Moments => ("when.moments", 0),
        When::Seconds(n) => ("when.seconds", n),
        When::Minute => ("when.minute", 1),
        When::Minutes(n) => ("when.minutes", n),
        When::Hour => ("when.hour", 1),
        When::Hours(n) => ("when.hours", n),
        When::Days(n) => ("when.days", n),
    }
}

fn digit(value: u16) -> u8 {
    u8::try_from(value % 10).map_or(b'0', |digit| b'0'.wrapping_add(digit))
}

#[cfg(test)]
mod tests {
    use super::super::locales::ALL;
    use super::*;
    use crate::config::Locales;

    /// Asks in a language of a configuration, on a page with these words.
    fn ask<T>(
        own: &[(&str, &[(&str, &str)])],
        page: &[(&str, &str)],
        tag: &str,
        read: impl Fn(&Words<'_>) -> T,
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
        let page = list(page);
        read(&Words {
            language: languages.get(languages.of_tag(tag.as_bytes())).unwrap(),
            languages: &languages,
            page: &page,
        })
    }

    #[test]
    fn every_reason_has_its_words_in_every_language() {
        for locale in ALL {
            ask(&[], &[], locale.tag, |words| {
                assert_eq!(words.language.tag, locale.tag);
                for &reason in Reason::ALL {
                    for text in [
                        words.message(reason).unwrap(),
                        words.of_reason("problem", reason).unwrap(),
                        words.fault(reason),
                        words.next(reason, true),
                        words.next(reason, false),
                        words.title(reason, 502, true),
                    ] {
                        assert!(!text.is_empty(), "{}: {}", locale.tag, reason.as_str());
                    }
                }
            });
        }
    }

    #[test]
    fn the_most_particular_title_wins() {
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
            let title = ask(&[], &[], "en", |words| {
                words.title(reason, status, retryable).to_owned()
            });
            assert_eq!(Some(title.as_str()), EN.find(key), "{key}");
        }
    }

    #[test]
    fn the_operators_words_win_and_those_of_the_page_most_of_all() {
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
            ask(own, page, tag, |words| {
                words.title(Reason::ConnectionRefused, 502, true).to_owned()
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
        let text = |tag, key| ask(own, &[], tag, |words| words.text(key).to_owned());
        for (tag, key, expected) in [
            ("de-CH", "own.a", "de a"),
            ("qaa", "own.a", "de a"),
            // What neither the language nor the default has, English has.
            ("qaa", "own.b", "en b"),
            ("fr", "own.b", "en b"),
            ("fr", "own.c", ""),
        ] {
            assert_eq!(text(tag, key), expected, "{tag} {key}");
        }
        let next = |tag, reason, retryable| {
            ask(own, &[], tag, |words| {
                words.next(reason, retryable).to_owned()
            })
        };
        assert_eq!(next("de-CH", Reason::CircuitOpen, true), "ch next");
        assert_eq!(next("qaa", Reason::CircuitOpen, true), "qaa next");
        assert_eq!(next("qaa", Reason::TlsProtocolError, false), "qaa next");
        let message = ask(own, &[], "de", |words| {
            words.message(Reason::Maintenance).unwrap().to_owned()
        });
        assert_eq!(message, "de");
    }

    #[test]
    fn keys_are_told_from_misspelt_ones() {
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
        assert!(keys().into_iter().all(is_known));
    }
}
