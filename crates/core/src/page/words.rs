//! What a page says, looked up when it is rendered: a language is a few static texts and what the
//! operator changed, and no copy of anything is kept for each page and language.
//!
//! The operator's words always win over built-in ones: those of the page, then those of the
//! language. Within one list the most particular key wins.

use super::language::{Language, Languages};
use super::locales::{shared_message, Locale, EN, SHARED};
use super::when::When;
use crate::reason::Reason;

/// Keys for which every list may have one text that fits always, and one for each reason.
const BY_REASON: &[&str] = &["title", "message", "next"];
/// What the keys of the operator's own texts begin with.
const OWN: &str = "own.";

/// Keys and texts, built in or the operator's.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pairs<'a> {
    BuiltIn(&'static Locale),
    Own(&'a [(String, String)]),
}

impl<'a> Pairs<'a> {
    /// The text of the key `head`, or `head.tail`.
    pub(super) fn find(self, head: &str, tail: &str) -> Option<&'a str> {
        match self {
            Pairs::BuiltIn(locale) => locale
                .strings()
                .find(|(key, _)| is_key(key, head, tail))
                .map(|(_, text)| text),
            Pairs::Own(all) => all
                .iter()
                .find(|(key, _)| is_key(key, head, tail))
                .map(|(_, text)| text.as_str()),
        }
    }
}

/// Whether `key` is `head`, or `head.tail`.
fn is_key(key: &str, head: &str, tail: &str) -> bool {
    match key
        .strip_prefix(head)
        .and_then(|rest| rest.strip_prefix('.'))
    {
        Some(rest) => !tail.is_empty() && rest == tail,
        None => tail.is_empty() && key == head,
    }
}

/// Whether `key` is one that a text can have.
pub(crate) fn is_known(key: &str) -> bool {
    let is_particular = || {
        let (head, tail) = key.split_once('.')?;
        let is_reason = Reason::ALL.iter().any(|reason| reason.as_str() == tail);
        let is_status = head == "title" && crate::config::value::status(tail).is_some();
        Some((BY_REASON.contains(&head) && is_reason) || is_status)
    };
    key.starts_with(OWN)
        || BY_REASON.contains(&key)
        || SHARED.contains(&key)
        || EN.find(key).is_some()
        || is_particular().unwrap_or(false)
}

/// Every key of English, and those for a text that fits always.
pub fn keys() -> impl Iterator<Item = &'static str> {
    let english = EN.strings().map(|(key, _)| key);
    english.chain(SHARED).chain(BY_REASON.iter().copied())
}

/// A sentence with a place to fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap<'a> {
    /// The text before the place.
    pub(super) before: &'a str,
    /// The text after it.
    pub(super) after: &'a str,
}

impl<'a> Gap<'a> {
    fn new(text: &'a str, place: &str) -> Self {
        let (before, after) = text.split_once(place).unwrap_or((text, ""));
        Self { before, after }
    }
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
    fn first(&self, find: impl Fn(Pairs<'a>) -> Option<&'a str>) -> Option<&'a str> {
        let mut at = 0;
        let mut list = Pairs::Own(self.page);
        loop {
            if let Some(text) = find(list) {
                return Some(text);
            }
            list = self.languages.words(self.language, at)?;
            at = at.saturating_add(1);
        }
    }

    /// The text of a key; nothing where no language has it.
    pub(super) fn text(&self, key: &str) -> &'a str {
        self.first(|list| list.find(key, "")).unwrap_or_default()
    }

    /// What happened. A list may have one text for several reasons.
    pub(super) fn message(&self, reason: Reason) -> Option<&'a str> {
        self.first(|list| {
            let find = |tail| list.find("message", tail);
            find(reason.as_str())
                .or_else(|| find(shared_message(reason)))
                .or_else(|| find(""))
        })
    }

    /// The text of a key for a reason.
    pub(super) fn of_reason(&self, head: &str, reason: Reason) -> Option<&'a str> {
        self.first(|list| {
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
            std::str::from_utf8(digits)
                .ok()
                .and_then(|tail| list.find("title", tail))
        };
        let title = self.first(|list| {
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
            false => self.first(|list| list.find("next", "")),
        };
        said.unwrap_or_else(|| {
            self.text(if retryable {
                "next.passes"
            } else {
                "next.ours_to_fix"
            })
        })
    }

    /// The phrase for a wait, and the number that stands in its gap.
    pub(super) fn when(&self, when: When) -> (Gap<'a>, Option<u64>) {
        let (key, number) = match when {
            When::Moments => ("when.moments", None),
            When::Seconds(n) => ("when.seconds", Some(n)),
            When::Minute => ("when.minute", None),
            When::Minutes(n) => ("when.minutes", Some(n)),
            When::Hour => ("when.hour", None),
            When::Hours(n) => ("when.hours", Some(n)),
            When::Days(n) => ("when.days", Some(n)),
        };
        (Gap::new(self.text(key), "{n}"), number)
    }

    /// The sentence that says when to come back; `check`: and to check first.
    pub(super) fn hint(&self, check: bool) -> Gap<'a> {
        Gap::new(
            self.text(if check { "hint.check" } else { "hint.again" }),
            "{when}",
        )
    }
}

fn digit(value: u16) -> u8 {
    u8::try_from(value % 10).map_or(b'0', |digit| b'0'.saturating_add(digit))
}
