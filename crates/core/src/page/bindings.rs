//! The values that the variables of a template have on one page.

use std::cell::OnceCell;
use std::sync::Arc;

use super::exposed::ExposedValues;
use super::messages::{reason_in_words, Messages};
use super::names::Variable;
use super::status_phrase::status_phrase;
use super::template_names::TemplateNames;
use super::{date, CoarseDuration, Gate};
use crate::failure::Reason;
use crate::http::language::primary;
use crate::template::{Output, Template, Value};
use crate::time::{saturating_millis, seconds_rounded_up, Timestamp};

/// A template whose variables are known.
#[derive(Debug, Default)]
pub(super) struct BoundTemplate {
    template: Arc<Template>,
    /// The variables, in the order of the template.
    variables: Vec<Variable>,
}

impl BoundTemplate {
    /// Resolves the variables of a template.
    pub(super) fn new(template: Arc<Template>, names: &TemplateNames) -> Self {
        let variables = template.variables().iter();
        let variables = variables.map(|name| names.variable(name));
        Self {
            variables: variables.collect(),
            template,
        }
    }

    /// Returns the template.
    pub(super) fn template(&self) -> &Template {
        &self.template
    }

    /// Appends the page for these bindings to `out`. Each variable is evaluated when the page first needs
    /// it, and once. Returns the number of operations of the template that were executed.
    pub(super) fn render(&self, bindings: &Bindings<'_>, out: &mut Output) -> usize {
        let variables = self.variables.iter();
        let values: Vec<_> = variables
            .map(|variable| (variable, OnceCell::new()))
            .collect();
        let value = |number: usize| {
            let (variable, value) = values.get(number)?;
            Some(value.get_or_init(|| bindings.value(variable)))
        };
        self.template.render(value, out)
    }
}

/// The values of one page.
#[derive(Debug)]
pub(super) struct Bindings<'a> {
    pub(super) values: &'a ExposedValues<'a>,
    pub(super) messages: Messages<'a>,
    /// The text before and after the time in the hint, once it is known.
    around_when: OnceCell<(&'a str, &'a str)>,
    /// When the request failed, for programs, once it is needed; empty if that is unknown.
    timestamp: OnceCell<String>,
}

impl<'a> Bindings<'a> {
    pub(super) fn new(values: &'a ExposedValues<'a>, messages: Messages<'a>) -> Self {
        Self {
            values,
            messages,
            around_when: OnceCell::new(),
            timestamp: OnceCell::new(),
        }
    }

    /// Returns the reason whose texts describe the failure.
    fn words_for(&self) -> Reason {
        reason_in_words(self.values.reason, self.values.status)
    }

    /// Returns what happened: what the operator says about the maintenance, else what the language says.
    pub(super) fn message(&self) -> &'a str {
        let message = || self.messages.message(self.words_for());
        let notice = self.values.notice;
        let notice = notice.map(|notice| notice.get(&self.messages.language.tag));
        notice.or_else(message).unwrap_or_default()
    }

    /// Returns the heading.
    pub(super) fn title(&self) -> &'a str {
        let values = self.values;
        let is_retryable = values.retry_after.is_some();
        self.messages
            .title(self.words_for(), values.status, is_retryable)
    }

    /// Returns what became of a request that may have changed something; otherwise an empty text.
    pub(super) fn sent(&self) -> &'a str {
        match self.values {
            values if values.is_safe => "",
            values if values.is_unsent => self.messages.text("unsafe.not_processed"),
            _ => self.messages.text("unsafe.unknown"),
        }
    }

    /// Returns what to do: when to come back, or what happens next.
    pub(super) fn advice(&self) -> String {
        match self.values.retry_after {
            Some(_) => self.hint(),
            None => self.messages.next(self.words_for(), false).to_owned(),
        }
    }

    /// Returns the value of a variable.
    fn value<'v>(&'v self, variable: &'v Variable) -> Value<'v> {
        let (values, messages) = (self.values, self.messages);
        let is_retryable = values.retry_after.is_some();
        let text = match variable {
            Variable::Status => return Value::Number(values.status.into()),
            Variable::RetryAfter => return number(values.retry_after.map(seconds_rounded_up)),
            Variable::RetryAfterMs => return number(values.retry_after.map(saturating_millis)),
            Variable::MaxAttempts => {
                return number(values.auto_retry.map(|page| page.max_attempts.into()));
            }
            Variable::CapMs => {
                return number(values.auto_retry.map(|page| saturating_millis(page.cap)));
            }
            Variable::RetryAt => {
                let retry_at = values.retry_at.and_then(Timestamp::to_utc);
                return time(retry_at.map(date::rfc3339));
            }
            Variable::Until => return time(values.until.map(date::rfc3339)),
            Variable::UntilTime => return time(values.until.map(date::readable)),
            Variable::Timestamp => return Value::Verbatim(self.timestamp().into()),
            Variable::Time => {
                return time(values.time.map(|_| date::for_people(self.timestamp())));
            }
            Variable::Reason => return token(values.reason.as_str()),
            Variable::TrippedBy => return token(values.tripped_by.map_or("", Reason::as_str)),
            Variable::Source => return token(values.source.as_str()),
            Variable::Gate => return token(values.gate.map_or("", Gate::as_str)),
            Variable::When => return Value::Joined(self.when()),
            Variable::Hint if is_retryable => return Value::Joined(self.hint()),
            Variable::Address => return Value::Joined(self.address()),
            Variable::StatusText => status_phrase(values.status),
            Variable::Title => self.title(),
            Variable::Message => self.message(),
            Variable::Fault => messages.fault(self.words_for()),
            Variable::Sent => self.sent(),
            Variable::Next => messages.next(self.words_for(), is_retryable),
            Variable::Gap => gap(&messages.language.tag),
            Variable::HintBefore if is_retryable => self.around_when().0,
            Variable::HintAfter if is_retryable => self.around_when().1,
            Variable::HintBefore | Variable::HintAfter => "",
            Variable::Hint if self.must_check() => messages.text("unsafe.check"),
            Variable::Hint => "",
            Variable::Retryable => truth(is_retryable),
            Variable::CanRetry => truth(is_retryable && values.is_safe),
            Variable::Planned => truth(values.reason == Reason::Maintenance),
            Variable::AtHome => truth(values.is_at_home),
            Variable::AutoRetry => truth(values.auto_retry.is_some()),
            Variable::RequestId => values.request_id().unwrap_or_default(),
            Variable::Lang => &messages.language.tag,
            Variable::Dir => messages.language.dir,
            Variable::Method => values.method,
            Variable::SafeMethod => truth(values.is_safe),
            Variable::Host => values.host.as_deref().unwrap_or_default(),
            Variable::Path => values.path.as_deref().unwrap_or_default(),
            Variable::Text(key) => messages.text(key),
            Variable::Localized(text) => text.get(&messages.language.tag),
        };
        Value::Text(text)
    }

    /// Returns whether the visitor has to check first what became of the request.
    fn must_check(&self) -> bool {
        !self.values.is_safe && !self.values.is_unsent
    }

    /// Returns the text before and after the time in the hint.
    fn around_when(&self) -> (&'a str, &'a str) {
        let hint = || self.messages.hint(self.must_check());
        *self.around_when.get_or_init(hint)
    }

    /// Returns when the request failed, for programs.
    fn timestamp(&self) -> &str {
        let time = || self.values.time.map(date::rfc3339).unwrap_or_default();
        self.timestamp.get_or_init(time)
    }

    /// Returns when to come back, as a phrase; empty if trying again does not help.
    fn when(&self) -> String {
        let wait = self.values.wait.map(CoarseDuration::from);
        wait.map(|wait| self.messages.when(wait))
            .unwrap_or_default()
    }

    /// Returns when to come back, as a sentence.
    fn hint(&self) -> String {
        let (before, after) = self.around_when();
        let until = self.values.until.map(date::readable);
        let until = until.map(|until| format!(" ({until})")).unwrap_or_default();
        [before, &self.when(), &until, after].concat()
    }

    /// Returns the exposed parts of the address.
    fn address(&self) -> String {
        let host = self.values.host.as_deref().unwrap_or_default();
        let path = self.values.path.as_deref().unwrap_or_default();
        [host, path].concat()
    }
}

/// Returns the value of a number; empty if there is none.
fn number<'v>(number: Option<u64>) -> Value<'v> {
    number.map_or(Value::Text(""), Value::Number)
}

/// Returns the value of a time; empty if there is none.
fn time<'v>(time: Option<String>) -> Value<'v> {
    Value::Verbatim(time.unwrap_or_default().into())
}

/// Returns the value of a token of this program: letters, digits and `_`.
fn token<'v>(token: &'static str) -> Value<'v> {
    Value::Verbatim(token.into())
}

/// Returns what stands between two sentences of a language.
pub(super) fn gap(language: &str) -> &'static str {
    match primary(language) {
        "ja" | "zh" => "",
        _ => " ",
    }
}

fn truth(condition: bool) -> &'static str {
    if condition {
        "true"
    } else {
        "false"
    }
}
