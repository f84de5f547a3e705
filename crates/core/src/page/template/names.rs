//! Every name that a template can hold, once: the parser, the suggestions of its errors and the
//! documentation read this table.

/// A fact that differs from answer to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::page) enum Value {
    Status,
    StatusText,
    Title,
    Message,
    Fault,
    Sent,
    Next,
    Hint,
    HintBefore,
    When,
    HintAfter,
    Reason,
    TrippedBy,
    Source,
    Retryable,
    CanRetry,
    AutoRetry,
    MaxAttempts,
    CapMs,
    RetryAfter,
    RetryAfterMs,
    RetryAt,
    Until,
    UntilTime,
    RequestId,
    Timestamp,
    Time,
    Lang,
    Dir,
    Method,
    SafeMethod,
    Host,
    Path,
    Address,
    /// A text by its key.
    Word,
}

/// A value that a template shows or asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::page) struct Item {
    pub(in crate::page) value: Value,
    /// Of a [`Value::Word`]: number of its key in the template's list; else 0.
    pub(in crate::page) word: usize,
}

impl Item {
    /// A number that no other item of the template has, from 0.
    pub(in crate::page) fn number(self) -> usize {
        // `Word` is the last of the values.
        (self.value as usize).wrapping_add(self.word)
    }
}

impl From<Value> for Item {
    fn from(value: Value) -> Self {
        Self { value, word: 0 }
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::page) enum Meaning {
    /// It differs from answer to answer.
    Value(Value),
    /// The configuration says it: of the brand, or computed from it.
    Constant,
    /// The link at hand, inside of `each links`.
    OfLink,
    /// The list of links, for `if` and `each`.
    Links,
    /// What begins so, followed by a key of the operator's choice or of the wording.
    Prefix,
}

/// A name of templates.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    /// The name.
    pub name: &'static str,
    pub(in crate::page) meaning: Meaning,
    /// What it stands for; empty without the feature `reference`.
    pub doc: &'static str,
}

const fn value(name: &'static str, value: Value, doc: &'static str) -> Name {
    Name {
        name,
        meaning: Meaning::Value(value),
        doc,
    }
}

const fn name(name: &'static str, meaning: Meaning, doc: &'static str) -> Name {
    Name { name, meaning, doc }
}

/// Every name, in the order of the documentation.
pub static NAMES: &[Name] = &[
    value("status", Value::Status, "The status of the page: `502`."),
    value("status_text", Value::StatusText, "Its phrase: `Bad Gateway`."),
    value("title", Value::Title, "The heading."),
    value("message", Value::Message, "What happened, in one plain sentence; of a maintenance, what the configuration says."),
    value("fault", Value::Fault, "Whose fault it is, and that it is not the visitor's device."),
    value("sent", Value::Sent, "What became of a request that may have changed something; else empty."),
    value("next", Value::Next, "What happens next."),
    value("hint", Value::Hint, "When to come back, in one sentence, with `until_time` if there is one; where trying again does not help, what to check, or nothing."),
    value("hint_before", Value::HintBefore, "What stands in `hint` before `when`; empty where there is no time."),
    value("when", Value::When, "The time of `hint`: `in about 15 seconds`; of a maintenance that says when it ends, until then."),
    value("hint_after", Value::HintAfter, "What stands in `hint` after `when`."),
    value("reason", Value::Reason, "The reason, as one token: `connection_refused`."),
    value("tripped_by", Value::TrippedBy, "Of an open circuit: the reason that opened it."),
    value("source", Value::Source, "Who answered: `proxy` or `upstream`."),
    value("retryable", Value::Retryable, "Whether trying again can help: `true` or `false`."),
    value("can_retry", Value::CanRetry, "Whether the page may offer to try again: `retryable`, and the request was safe to repeat."),
    value(
        "auto_retry",
        Value::AutoRetry,
        "Whether the page may come back by itself: `can_retry`, and `retry.page.auto` allows it.",
    ),
    value(
        "max_attempts",
        Value::MaxAttempts,
        "How often a page that comes back by itself may ask: `retry.page.max_attempts`.",
    ),
    value(
        "cap_ms",
        Value::CapMs,
        "Its longest wait between two attempts, in milliseconds: `retry.page.cap`.",
    ),
    value("retry_after", Value::RetryAfter, "When to come back, in seconds; empty where trying again does not help."),
    value("retry_after_ms", Value::RetryAfterMs, "The same in milliseconds."),
    value("retry_at", Value::RetryAt, "The same as a point in time (RFC 3339)."),
    value("until", Value::Until, "Of a maintenance: when it ends (RFC 3339)."),
    value("until_time", Value::UntilTime, "The same for people: `2026-12-01 06:00:00 UTC`."),
    value("request_id", Value::RequestId, "The request id to quote to support, where `security.expose` lists it."),
    value("timestamp", Value::Timestamp, "When it failed (RFC 3339), where `security.expose` lists it."),
    value("time", Value::Time, "The same for people: `2026-08-23 10:15:30 UTC`."),
    value("lang", Value::Lang, "The language of the page, for `<html lang>`."),
    value("dir", Value::Dir, "Its direction, for `<html dir>`: `ltr` or `rtl`."),
    value("method", Value::Method, "The method of the request, if it is one of letters."),
    value("safe_method", Value::SafeMethod, "Whether the method is GET or HEAD: `true` or `false`."),
    value("host", Value::Host, "The host of the request, where `security.expose` lists it."),
    value("path", Value::Path, "The path of the request without its query, where `security.expose` lists it."),
    value("address", Value::Address, "`host` and `path`, as far as they are exposed."),
    name("t.", Meaning::Prefix, "A text of the page's language by its key: `{{t.label.request_id}}`, or `{{t.own.…}}` for one of your own."),
    name("vars.", Meaning::Prefix, "What the configuration says under `vars`."),
    name("brand.name", Meaning::Constant, "The name of the site."),
    name("brand.logo", Meaning::Constant, "The logo, if it is a `data:` URI."),
    name("brand.logo_svg", Meaning::Constant, "The logo, if it is an inline `<svg>`: `{{{brand.logo_svg}}}`."),
    name("brand.color", Meaning::Constant, "The accent colour of a light page."),
    name("brand.color_dark", Meaning::Constant, "The accent colour of a dark page."),
    name("brand.home_url", Meaning::Constant, "Where the home page is."),
    name("brand.status_url", Meaning::Constant, "Where the status page is."),
    name("brand.any_link", Meaning::Constant, "Whether there is a status page or any of `links`."),
    name("brand.palette", Meaning::Constant, "The colours of the built-in page as CSS variables, light and dark, readable whatever the brand's colour is: `--back --text --soft --line --fill --on-fill --ink`."),
    name("links", Meaning::Links, "The links of the brand, for `#each` and `#if`."),
    name("label", Meaning::OfLink, "Inside of `#each links`: what the link says."),
    name("url", Meaning::OfLink, "Inside of `#each links`: where it leads."),
];
