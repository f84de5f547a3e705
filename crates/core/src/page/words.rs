//! What each text of the pages is, for people who change or translate them.

#[cfg(test)]
mod tests;

use super::locales::{self, shared_message, Locale, EN};
use super::messages::{placeholder, without_form};
use super::plural::FORMS;
use crate::failure::Reason;
use crate::http::language::lookup;

/// A text of the pages, which `locales.strings` and `pages[].strings` can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The key.
    pub key: String,
    /// The built-in text.
    pub text: &'static str,
    /// What the text is, in one line.
    pub doc: String,
    /// Whether the language has no such text, so that pages show the English one.
    pub is_english: bool,
}

/// Returns every text of a built-in language in the order of English, plural forms behind their general
/// text; `None` if the language is not built in.
pub fn words(tag: &str) -> Option<Vec<Word>> {
    let number = lookup(tag, locales::ALL.iter().map(|locale| locale.tag))?;
    let locale = locales::ALL.get(number)?;
    Some(
        EN.strings
            .iter()
            .flat_map(|(key, english)| of_key(locale, key, english))
            .collect(),
    )
}

/// Returns the text for a key, and its plural forms.
fn of_key(locale: &Locale, key: &'static str, english: &'static str) -> Vec<Word> {
    let found = locale.find(key);
    let general = Word {
        key: key.to_owned(),
        text: found.unwrap_or(english),
        doc: doc(key),
        is_english: found.is_none(),
    };
    let forms = FORMS.iter().filter_map(|form| {
        let form = format!("{key}.{form}");
        let text = locale.find(&form)?;
        Some(Word {
            doc: doc(&form),
            key: form,
            text,
            is_english: false,
        })
    });
    std::iter::once(general).chain(forms).collect()
}

/// Returns what the text for a key is.
fn doc(key: &str) -> String {
    if let Some((_, doc)) = DOCS.iter().find(|(known, _)| *known == key) {
        return (*doc).to_owned();
    }
    let general = without_form(key);
    if general != key {
        let form = key
            .strip_prefix(general)
            .unwrap_or_default()
            .trim_start_matches('.');
        return format!("The plural form `{form}` of `{general}`.");
    }
    let (group, detail) = key.split_once('.').unwrap_or((key, ""));
    let reasons: Vec<String> = match Reason::from_token(detail) {
        Some(reason) => vec![format!("`{}`", reason.as_str())],
        None => shared_by(detail),
    };
    let number = if reasons.len() == 1 {
        "reason"
    } else {
        "reasons"
    };
    let which = format!("for the {number} {}", reasons.join(", "));
    match group {
        "title" => format!("The heading {which}."),
        "message" => format!("What happened, {which}."),
        "next" => format!("What happens next, {which}."),
        "problem" => format!("The title of JSON, XML and Markdown, for programmers, {which}."),
        _ => String::new(),
    }
}

/// Returns the reasons that have a message in common.
fn shared_by(message: &str) -> Vec<String> {
    let reasons = Reason::ALL.iter().filter(|reason| {
        let has_own = EN.find(&format!("message.{}", reason.as_str())).is_some();
        !has_own && shared_message(**reason) == message
    });
    reasons
        .map(|reason| format!("`{}`", reason.as_str()))
        .collect()
}

/// Returns the placeholder of a text, with what it stands for.
pub fn placeholder_doc(key: &str) -> Option<&'static str> {
    Some(match placeholder(key)? {
        "{n}" => "`{n}` is the number.",
        _ => "`{when}` is one of the texts `when.…`.",
    })
}

/// What texts are that have no reason in their key.
#[rustfmt::skip] // One line for each text.
const DOCS: &[(&str, &str)] = &[
    ("title.502", "The heading with the status 502, if trying again helps."),
    ("title.503", "The heading with the status 503, if trying again helps."),
    ("title.504", "The heading with the status 504, if trying again helps."),
    ("title.404", "The heading with the status 404."),
    ("title.4xx", "The heading with any other status from 400 to 499."),
    ("title.5xx", "The heading with any other status from 500 on, and with each of them if trying again does not help."),
    ("fault.ours", "Whose fault it is: the site's."),
    ("fault.planned", "The same in a maintenance."),
    ("fault.nobody", "The same if neither the site nor the visitor's device is the cause."),
    ("next.passes", "What happens next, if trying again helps and the reason has no text of its own."),
    ("next.ours_to_fix", "What happens next, if trying again does not help."),
    ("unsafe.unknown", "After a form: nobody knows whether it was processed."),
    ("unsafe.not_processed", "After a form: it was certainly not processed."),
    ("unsafe.check", "After a form that may have been processed, if trying again does not help."),
    ("hint.again", "When to come back."),
    ("hint.check", "The same after a form that may have been processed."),
    ("when.moments", "Up to five seconds."),
    ("when.seconds", "Six seconds and more."),
    ("when.minute", "About a minute."),
    ("when.minutes", "Two minutes and more."),
    ("when.hour", "About an hour."),
    ("when.hours", "Two hours and more."),
    ("when.days", "Two days and more."),
    ("action.retry", "The button that loads the page again."),
    ("action.home", "The link to the home page."),
    ("link.status", "The link to the status page."),
    ("links.label", "The name of the list of links, for screen readers."),
    ("support.quote", "The sentence before the details."),
    ("label.error", "The label of the status."),
    ("label.reason", "The label of the reason."),
    ("label.request_id", "The label of the request id."),
    ("label.time", "The label of the time of the failure."),
    ("label.address", "The label of host and path."),
    ("auto.note", "Beside the countdown: what the page does by itself."),
    ("auto.stop", "The button that stops it."),
    ("auto.resume", "The same button afterwards."),
    ("auto.stopped", "The visitor has stopped it."),
    ("auto.gave_up", "The page has stopped by itself, after `retry.page.max_attempts`."),
    ("auto.back", "The site is back, and the page loads."),
    ("auto.offline", "The browser says that it has no network."),
    ("auto.crowd", "Many clients wait and are let in step by step."),
];
