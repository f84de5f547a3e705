//! The texts of a page, looked up when it is rendered.
//!
//! Texts of the operator have precedence over built-in ones: first those of the page, then those of the
//! language. Within one table the most specific key wins.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::coarse_duration::CoarseDuration;
use super::languages::{Language, Languages};
use super::locales::{shared_message, Locale, EN};
use super::plural::{self, FORMS};
use crate::config::{status, LocalizedText};
use crate::diagnostics::nearest;
use crate::failure::Reason;
use crate::http::language::primary;

/// Keys that every table may have in general (`title`) and for a single reason (`title.dns_error`).
const BY_REASON: &[&str] = &["title", "message", "next"];
/// Stands for a number in a text.
const NUMBER: &str = "{n}";
/// Stands for one of the texts `when.*`.
const WHEN: &str = "{when}";
/// What the keys of the operator's own texts begin with.
const OWN: &str = "own.";

/// Texts by key: those of one language, or of one page.
///
/// The keys are split at their first dot, so that a page can look up a group (`title`) for its reason or
/// status without joining a key. Both tables are short, and few of their keys have the same length, so that
/// searching them is cheaper than comparing keys in a map.
#[derive(Debug, Default)]
pub(super) struct Texts {
    groups: Vec<(Cow<'static, str>, Group)>,
    /// The tag of the language; empty for texts of one page, which are for all languages.
    language: String,
}

/// The texts whose keys have the same first part, by the rest of the key.
#[derive(Debug, Default)]
struct Group(Vec<(Cow<'static, str>, Cow<'static, str>)>);

impl Group {
    /// Returns the text for a detail: for the key `group.detail`.
    fn get(&self, detail: &str) -> Option<&str> {
        value(&self.0, detail).map(|text| &**text)
    }

    fn insert(&mut self, detail: Cow<'static, str>, text: Cow<'static, str>) {
        match value_mut(&mut self.0, &detail) {
            Some(known) => *known = text,
            None => self.0.push((detail, text)),
        }
    }

    /// Returns the text for the group in general: for the key `group`.
    fn general(&self) -> Option<&str> {
        self.get("")
    }
}

impl Texts {
    /// Returns the texts of a built-in language.
    pub(super) fn built_in(locale: &Locale) -> Self {
        let mut texts = Self::default().in_language(locale.tag);
        for (key, text) in locale.strings {
            let (group, detail) = split_key(key);
            texts.insert(group.into(), detail.into(), (*text).into());
        }
        texts
    }

    /// Returns the texts that an operator configured.
    pub(super) fn configured(strings: &[(String, String)]) -> Self {
        let mut texts = Self::default();
        for (key, text) in strings {
            let (group, detail) = split_key(key);
            let (group, detail) = (group.to_owned(), detail.to_owned());
            texts.insert(group.into(), detail.into(), text.clone().into());
        }
        texts
    }

    /// Returns these texts as those of a language.
    pub(super) fn in_language(self, tag: &str) -> Self {
        Self {
            language: tag.to_owned(),
            ..self
        }
    }

    fn insert(
        &mut self,
        group: Cow<'static, str>,
        detail: Cow<'static, str>,
        text: Cow<'static, str>,
    ) {
        match value_mut(&mut self.groups, &group) {
            Some(known) => known.insert(detail, text),
            None => {
                let mut new = Group::default();
                new.insert(detail, text);
                self.groups.push((group, new));
            }
        }
    }

    /// Returns the text for a key.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let (group, detail) = split_key(key);
        self.group(group)?.get(detail)
    }

    fn group(&self, name: &str) -> Option<&Group> {
        value(&self.groups, name)
    }
}

/// Returns the value of a key in a short table.
fn value<'t, T>(table: &'t [(Cow<'static, str>, T)], key: &str) -> Option<&'t T> {
    let mut entries = table.iter();
    entries
        .find(|(known, _)| known == key)
        .map(|(_, value)| value)
}

/// Returns the value of a key in a short table, to be changed.
fn value_mut<'t, T>(table: &'t mut [(Cow<'static, str>, T)], key: &str) -> Option<&'t mut T> {
    let mut entries = table.iter_mut();
    entries
        .find(|(known, _)| known == key)
        .map(|(_, value)| value)
}

/// Splits a key at its first dot.
fn split_key(key: &str) -> (&str, &str) {
    // For a few bytes, this is cheaper than `split_once`, which prepares a search in any text.
    let dot = key.bytes().position(|byte| byte == b'.');
    let halves = dot.and_then(|dot| key.split_at_checked(dot));
    halves.map_or((key, ""), |(group, rest)| {
        (group, rest.strip_prefix('.').unwrap_or_default())
    })
}

/// Returns whether texts can have this key.
pub(crate) fn is_known(key: &str) -> bool {
    let is_specific = |(group, detail): (&str, &str)| {
        let is_reason = Reason::from_token(detail).is_some();
        (BY_REASON.contains(&group) && is_reason) || (group == "title" && status(detail).is_some())
    };
    is_own(key)
        || BY_REASON.contains(&key)
        || EN.find(without_form(key)).is_some()
        || key.split_once('.').is_some_and(is_specific)
}

/// Returns the key of the general text for that of a plural form.
pub(super) fn without_form(key: &str) -> &str {
    let is_form =
        |(key, form): &(&str, &str)| FORMS.contains(form) && placeholder(key) == Some(NUMBER);
    let split = key.rsplit_once('.').filter(is_form);
    split.map_or(key, |(key, _)| key)
}

/// Returns the placeholder that the text for a key contains once. Only these texts have one.
pub fn placeholder(key: &str) -> Option<&'static str> {
    match key {
        "hint.again" | "hint.check" => Some(WHEN),
        "when.seconds" | "when.minutes" | "when.hours" | "when.days" => Some(NUMBER),
        _ => Some(NUMBER).filter(|_| without_form(key) != key),
    }
}

/// Returns what is wrong with the placeholders of a text: the first one that is not replaced, or an empty
/// text for one that is missing and cannot be.
pub(super) fn wrong_placeholder<'t>(key: &str, text: &'t str) -> Option<&'t str> {
    let wanted = placeholder(key);
    let mut is_there = false;
    for found in placeholders(text) {
        match wanted {
            Some(wanted) if found == wanted && !is_there => is_there = true,
            None if found != WHEN && found != NUMBER => {}
            _ => return Some(found),
        }
    }
    // The time stands at its place, and so needs one.
    (wanted == Some(WHEN) && !is_there).then_some("")
}

/// Returns the names in braces of a text, with their braces.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('{').filter_map(|(at, _)| {
        let rest = text.get(at..)?;
        let name = rest.strip_prefix('{')?.split_once('}')?.0;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase());
        rest.get(..name.len().saturating_add(2)).filter(|_| is_name)
    })
}

/// Returns whether `key` is one of the operator's own.
pub(crate) fn is_own(key: &str) -> bool {
    key.starts_with(OWN)
}

/// Returns the key that was probably meant, of the known keys and these.
pub(crate) fn nearest_key(key: &str, own: &[String]) -> Option<String> {
    let english = EN.strings.iter().map(|(key, _)| (*key).to_owned());
    let general = BY_REASON.iter().map(|group| (*group).to_owned());
    let by_reason = BY_REASON.iter().flat_map(|group| {
        let reasons = Reason::ALL.iter();
        reasons.map(move |reason| format!("{group}.{}", reason.as_str()))
    });
    let keys: Vec<String> = general.chain(english).chain(by_reason).collect();
    nearest(key, keys.iter().chain(own).map(String::as_str))
}

/// The texts of one page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Messages<'a> {
    pub(super) languages: &'a Languages,
    pub(super) language: &'a Language,
    /// The texts of this page alone.
    pub(super) page: Option<&'a Texts>,
    /// What the operator says about the maintenance.
    pub(super) notice: Option<&'a LocalizedText>,
}

impl<'a> Messages<'a> {
    /// Returns the result of `find` for the first table in which it finds a text.
    fn first(&self, find: impl Fn(&'a Texts) -> Option<&'a str>) -> Option<&'a str> {
        let language = self.languages.texts(self.language);
        self.page.into_iter().chain(language).find_map(find)
    }

    /// Returns the text for a key; empty if there is none.
    pub(super) fn text(&self, key: &str) -> &'a str {
        self.first(|texts| texts.get(key)).unwrap_or_default()
    }

    /// Returns what happened: what the operator says about the maintenance, else what the language says. A table
    /// may have one text for several reasons.
    pub(super) fn message(&self, reason: Reason) -> &'a str {
        if let Some(notice) = self.notice {
            return notice.get(&self.language.tag);
        }
        let message = self.first(|texts| {
            let messages = texts.group("message")?;
            messages
                .get(reason.as_str())
                .or_else(|| messages.get(shared_message(reason)))
                .or_else(|| messages.general())
        });
        message.unwrap_or_default()
    }

    /// Returns the text of a group for a reason.
    pub(super) fn for_reason(&self, group: &str, reason: Reason) -> Option<&'a str> {
        self.first(|texts| {
            let group = texts.group(group)?;
            group.get(reason.as_str()).or_else(|| group.general())
        })
    }

    /// Returns the heading. The titles of 5xx statuses promise that the failure passes by itself, so that
    /// they apply to retryable failures only.
    pub(super) fn title(&self, reason: Reason, status: u16, is_retryable: bool) -> &'a str {
        let is_exact = is_retryable || status < 500;
        let title = self.first(|texts| {
            let titles = texts.group("title")?;
            let exact = || titles.get(itoa::Buffer::new().format(status));
            let of_class = || {
                let class = [itoa::Buffer::new().format(status / 100), "xx"].concat();
                titles.get(&class)
            };
            titles
                .get(reason.as_str())
                .or_else(|| exact().filter(|_| is_exact))
                .or_else(|| {
                    titles
                        .get("404")
                        .filter(|_| reason == Reason::DestinationNotFound)
                })
                .or_else(of_class)
                .or_else(|| titles.general())
        });
        title.unwrap_or_else(|| self.text("title.5xx"))
    }

    /// Returns whose fault the failure is.
    pub(super) fn fault(&self, reason: Reason) -> &'a str {
        self.text(match reason {
            Reason::Maintenance => "fault.planned",
            Reason::DestinationNotFound
            | Reason::RateLimited
            | Reason::Unauthorized
            | Reason::Forbidden
            | Reason::ClientError => "fault.nobody",
            _ => "fault.ours",
        })
    }

    /// Returns what happens next.
    pub(super) fn next(&self, reason: Reason, is_retryable: bool) -> &'a str {
        let is_specific = match reason {
            Reason::Maintenance
            | Reason::DestinationNotFound
            | Reason::Unauthorized
            | Reason::Forbidden => true,
            // What is wrong with a request that may be sent again, is not its content.
            Reason::ClientError => !is_retryable,
            _ => is_retryable,
        };
        let next = match is_specific {
            true => self.for_reason("next", reason),
            false => self.first(|texts| texts.get("next")),
        };
        next.unwrap_or_else(|| match is_retryable {
            true => self.text("next.passes"),
            false => self.text("next.ours_to_fix"),
        })
    }

    /// Returns the sentence that says when to come back, as what is before and after the time. With
    /// `must_check`, it also asks the visitor to check first.
    pub(super) fn hint(&self, must_check: bool) -> (&'a str, &'a str) {
        let text = self.text(if must_check {
            "hint.check"
        } else {
            "hint.again"
        });
        split_at_placeholder(text, WHEN).unwrap_or((text, ""))
    }

    /// Returns the phrase for a duration, as in "in about 15 seconds".
    pub(super) fn when(&self, duration: CoarseDuration) -> String {
        let (unit, number) = match duration {
            CoarseDuration::Moments => ("moments", None),
            CoarseDuration::Seconds(n) => ("seconds", Some(n)),
            CoarseDuration::Minute => ("minute", None),
            CoarseDuration::Minutes(n) => ("minutes", Some(n)),
            CoarseDuration::Hour => ("hour", None),
            CoarseDuration::Hours(n) => ("hours", Some(n)),
            CoarseDuration::Days(n) => ("days", Some(n)),
        };
        let text = self.first(|texts| {
            let group = texts.group("when")?;
            let form = number.and_then(|number| plural::form(self.language_of(texts), number));
            form.and_then(|form| group.get(&[unit, ".", form].concat()))
                .or_else(|| group.get(unit))
        });
        let text = text.unwrap_or_default();
        match (split_at_placeholder(text, NUMBER), number) {
            (Some((before, after)), Some(n)) => {
                [before, itoa::Buffer::new().format(n), after].concat()
            }
            _ => text.to_owned(),
        }
    }

    /// Returns the primary subtag of the language in which texts are.
    fn language_of<'t>(&'t self, texts: &'t Texts) -> &'t str {
        let tag = match texts.language.as_str() {
            "" => &self.language.tag,
            tag => tag,
        };
        primary(tag)
    }
}

/// Returns the reason whose texts describe a failure. An upstream that does not know an address (404, 410)
/// says what a proxy without a route says.
pub(super) fn reason_in_words(reason: Reason, status: u16) -> Reason {
    match (reason, status) {
        (Reason::ClientError, 404 | 410) => Reason::DestinationNotFound,
        _ => reason,
    }
}

/// Splits a text at its first placeholder. Looking for the brace first is cheaper than `split_once` with a
/// string, which prepares a search for any text: every page does this several times.
fn split_at_placeholder<'t>(text: &'t str, placeholder: &str) -> Option<(&'t str, &'t str)> {
    let mut braces = text.match_indices('{');
    braces.find_map(|(at, _)| {
        let (before, rest) = text.split_at_checked(at)?;
        Some((before, rest.strip_prefix(placeholder)?))
    })
}
