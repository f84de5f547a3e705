//! Every name that a template can use. The parser, its suggestions, the renderer and the documentation
//! read this table.

use crate::config::LocalizedText;

/// A value that differs from page to page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Variable {
    /// A value that is the same on all pages of a kind.
    OfKind(KindVariable),
    Hint,
    When,
    RetryAfter,
    RetryAfterMs,
    RetryAt,
    Until,
    UntilTime,
    RequestId,
    Timestamp,
    Time,
    Method,
    Host,
    Path,
    Address,
}

/// A value that is the same on all pages of a kind ([`PageKind`](super::kind::PageKind)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KindVariable {
    Status,
    StatusText,
    Title,
    Message,
    Fault,
    Sent,
    Next,
    Gap,
    HintBefore,
    HintAfter,
    Reason,
    TrippedBy,
    Source,
    Retryable,
    CanRetry,
    AutoRetry,
    Planned,
    AtHome,
    MaxAttempts,
    CapMs,
    Gate,
    Lang,
    Dir,
    SafeMethod,
    /// A text of the page's language, by its key.
    Text(String),
    /// A text of the configuration that differs by language.
    Localized(LocalizedText),
}

impl Variable {
    /// Returns the variable with this name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        if let Some(key) = name.strip_prefix(TEXT_PREFIX) {
            return Some(KindVariable::Text(key.to_owned()).into());
        }
        match &NAMES.iter().find(|known| known.name == name)?.role {
            Role::Variable(variable) => Some(variable.clone()),
            _ => None,
        }
    }
}

impl From<KindVariable> for Variable {
    fn from(variable: KindVariable) -> Self {
        Self::OfKind(variable)
    }
}

/// What the names of a language's texts begin with.
pub(super) const TEXT_PREFIX: &str = "t.";
/// The fields of a link, by their number.
pub(super) const LABEL: usize = 0;
pub(super) const URL: usize = 1;

/// What kind of thing a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Variable(Variable),
    /// A value that follows from the configuration alone.
    Constant,
    /// A field of the current link, inside `#each links`.
    Field(usize),
    /// The list of links.
    List,
    /// What makes a page come back by itself.
    Retry,
    /// The beginning of names, which a key of the operator's choice or of the wording completes.
    Prefix,
}

/// A name of templates.
#[derive(Debug, Clone)]
pub struct Name {
    /// The name.
    pub name: &'static str,
    pub(super) role: Role,
    /// What it stands for.
    pub doc: &'static str,
}

const fn variable(name: &'static str, variable: Variable, doc: &'static str) -> Name {
    Name {
        name,
        role: Role::Variable(variable),
        doc,
    }
}

const fn of_kind(name: &'static str, of_kind: KindVariable, doc: &'static str) -> Name {
    variable(name, Variable::OfKind(of_kind), doc)
}

const fn name(name: &'static str, role: Role, doc: &'static str) -> Name {
    Name { name, role, doc }
}

/// Every name, in the order of the documentation.
#[rustfmt::skip] // One line for each name.
pub static NAMES: &[Name] = &[
    of_kind("status", KindVariable::Status, "The status of the page: `502`."),
    of_kind("status_text", KindVariable::StatusText, "The phrase of the status: `Bad Gateway`."),
    of_kind("title", KindVariable::Title, "The heading."),
    of_kind("message", KindVariable::Message, "What happened, in one sentence. In a maintenance, the message that the configuration sets."),
    of_kind("fault", KindVariable::Fault, "Whose fault the failure is, and that the visitor's device is not the cause."),
    of_kind("sent", KindVariable::Sent, "What became of a request that may have changed something; otherwise empty."),
    of_kind("next", KindVariable::Next, "What happens next."),
    of_kind("gap", KindVariable::Gap, "What stands between two sentences, such as `next` and `hint`: a blank, or nothing in Chinese and Japanese."),
    variable("hint", Variable::Hint, "When to come back, in one sentence, with `until_time` if there is one. If trying again does not help: what to check, or nothing."),
    of_kind("hint_before", KindVariable::HintBefore, "The text of `hint` before `when`; empty if there is no time."),
    variable("when", Variable::When, "The time in `hint`: `in about 15 seconds`. In a maintenance with an end: the time until then."),
    of_kind("hint_after", KindVariable::HintAfter, "The text of `hint` after `when`."),
    of_kind("reason", KindVariable::Reason, "The reason, as one token: `connection_refused`."),
    of_kind("tripped_by", KindVariable::TrippedBy, "The reason why the circuit opened, if it is open."),
    of_kind("source", KindVariable::Source, "Where the failing response came from: `proxy` or `upstream`."),
    of_kind("retryable", KindVariable::Retryable, "Whether trying again can help: `true` or `false`."),
    of_kind("can_retry", KindVariable::CanRetry, "Whether the page may offer to try again: `retryable`, and the request is safe to repeat."),
    of_kind("planned", KindVariable::Planned, "Whether the failure is a maintenance: `true` or `false`."),
    of_kind("at_home", KindVariable::AtHome, "Whether the request was a GET of `brand.home_url`, so that a link to it would lead to the same failure: `true` or `false`."),
    of_kind("auto_retry", KindVariable::AutoRetry, "Whether the page may retry automatically: `can_retry`, and `retry.page.auto` allows it."),
    of_kind("max_attempts", KindVariable::MaxAttempts, "The number of automatic retries after which a page stops: `retry.page.max_attempts`."),
    of_kind("cap_ms", KindVariable::CapMs, "The longest wait after an automatic retry that got no response, in milliseconds: `retry.page.cap`."),
    name("retry", Role::Retry, "`{{{retry}}}`: what makes a page come back by itself, as the built-in page does: a countdown, a button that stops it, and the script. Nothing if `auto_retry` is `false`."),
    of_kind("gate", KindVariable::Gate, "In a maintenance: `wait`. While the circuit is not closed: `wait`, or `crowd` if many clients wait and are let in step by step; otherwise empty."),
    variable("retry_after", Variable::RetryAfter, "When to come back, in seconds; empty if trying again does not help."),
    variable("retry_after_ms", Variable::RetryAfterMs, "The same in milliseconds."),
    variable("retry_at", Variable::RetryAt, "The same as a point in time (RFC 3339)."),
    variable("until", Variable::Until, "The end of the maintenance (RFC 3339)."),
    variable("until_time", Variable::UntilTime, "The same for people: `2026-12-01 06:00:00 UTC`."),
    variable("request_id", Variable::RequestId, "The request id to quote to support, if `security.expose` lists it."),
    variable("timestamp", Variable::Timestamp, "When the request failed (RFC 3339), if `security.expose` lists it."),
    variable("time", Variable::Time, "The same for people: `2026-08-23 10:15:30 UTC`."),
    of_kind("lang", KindVariable::Lang, "The language of the page, for `<html lang>`."),
    of_kind("dir", KindVariable::Dir, "The writing direction of the page, for `<html dir>`: `ltr` or `rtl`."),
    variable("method", Variable::Method, "The method of the request, if it consists of letters."),
    of_kind("safe_method", KindVariable::SafeMethod, "Whether the method is GET or HEAD: `true` or `false`."),
    variable("host", Variable::Host, "The host of the request, if `security.expose` lists it."),
    variable("path", Variable::Path, "The path of the request without its query, if `security.expose` lists it."),
    variable("address", Variable::Address, "`host` and `path`, as far as they are exposed."),
    name("t.", Role::Prefix, "A text of the page's language, by its key: `{{t.label.request_id}}`, or `{{t.own.…}}` for one of your own."),
    name("vars.", Role::Prefix, "A text that the configuration sets in `vars`."),
    name("brand.name", Role::Constant, "The name of the site."),
    name("brand.logo", Role::Constant, "The logo, if it is a `data:` URI."),
    name("brand.logo_svg", Role::Constant, "The logo, if it is an inline `<svg>`: `{{{brand.logo_svg}}}`."),
    name("brand.color", Role::Constant, "The accent colour of a light page."),
    name("brand.color_dark", Role::Constant, "The accent colour of a dark page."),
    name("brand.home_url", Role::Constant, "The URL of the home page."),
    name("brand.status_url", Role::Constant, "The URL of the status page."),
    name("brand.any_link", Role::Constant, "Whether there is a status page or any of `links`."),
    name("brand.palette", Role::Constant, "The colours of the built-in page as CSS variables, light and dark, readable with any brand colour: `--back --text --soft --line --fill --on-fill --ink`."),
    name("links", Role::List, "The links of the brand, for `#each` and `#if`."),
    name("label", Role::Field(LABEL), "Inside `#each links`: the label of the link."),
    name("url", Role::Field(URL), "Inside `#each links`: the URL of the link."),
];
