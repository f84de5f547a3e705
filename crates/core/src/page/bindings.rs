//! The values that the variables of a template have on one page.

use std::cell::OnceCell;
use std::sync::Arc;

use super::exposed::ExposedValues;
use super::kind::PageKind;
use super::messages::{reason_in_words, Messages};
use super::names::{KindVariable, Variable};
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

    /// Returns this template with the values of a kind as constants.
    pub(super) fn specialize(&self, of_kind: &KindBindings<'_>) -> Self {
        let values: Vec<_> = self.variables.iter().map(|_| OnceCell::new()).collect();
        let template = self.template.specialize(|number| {
            let variable = self.variables.get(number)?;
            let Variable::OfKind(variable) = variable else {
                return None;
            };
            let value: &OnceCell<_> = values.get(number)?;
            Some(value.get_or_init(|| of_kind.value(variable)))
        });
        let names = self.template.variables();
        let variable = |name| {
            let number = names.iter().position(|other| other == name)?;
            self.variables.get(number).cloned()
        };
        Self {
            variables: template.variables().iter().filter_map(variable).collect(),
            template: Arc::new(template),
        }
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

/// The values that all pages of a kind have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct KindBindings<'a> {
    pub(super) kind: &'a PageKind,
    pub(super) messages: Messages<'a>,
}

impl<'a> KindBindings<'a> {
    /// Returns the reason whose texts describe the failure.
    fn words_for(&self) -> Reason {
        reason_in_words(self.kind.reason, self.kind.status)
    }

    /// Returns what happened.
    pub(super) fn message(&self) -> &'a str {
        self.messages.message(self.words_for())
    }

    /// Returns the heading.
    pub(super) fn title(&self) -> &'a str {
        let kind = self.kind;
        self.messages
            .title(self.words_for(), kind.status, kind.is_retryable)
    }

    /// Returns what became of a request that may have changed something; otherwise an empty text.
    pub(super) fn sent(&self) -> &'a str {
        match self.kind {
            kind if kind.is_safe => "",
            kind if kind.is_unsent => self.messages.text("unsafe.not_processed"),
            _ => self.messages.text("unsafe.unknown"),
        }
    }

    /// Returns what happens next.
    fn next(&self) -> &'a str {
        self.messages.next(self.words_for(), self.kind.is_retryable)
    }

    /// Returns the text before and after the time in the hint.
    fn around_when(&self) -> (&'a str, &'a str) {
        self.messages.hint(self.kind.must_check())
    }

    /// Returns the value of a variable.
    fn value<'v>(&self, variable: &'v KindVariable) -> Value<'v>
    where
        'a: 'v,
    {
        let (kind, messages) = (self.kind, self.messages);
        let text = match variable {
            KindVariable::Status => return Value::Number(kind.status.into()),
            KindVariable::MaxAttempts => {
                let retry = kind.auto_retry;
                return number(retry.map(|retry| retry.max_attempts.into()));
            }
            KindVariable::CapMs => {
                let retry = kind.auto_retry;
                return number(retry.map(|retry| saturating_millis(retry.cap)));
            }
            KindVariable::Reason => return token(kind.reason.as_str()),
            KindVariable::TrippedBy => return token(kind.tripped_by.map_or("", Reason::as_str)),
            KindVariable::Source => return token(kind.source.as_str()),
            KindVariable::Gate => return token(kind.gate.map_or("", Gate::as_str)),
            KindVariable::StatusText => status_phrase(kind.status),
            KindVariable::Title => self.title(),
            KindVariable::Message => self.message(),
            KindVariable::Fault => messages.fault(self.words_for()),
            KindVariable::Sent => self.sent(),
            KindVariable::Next => self.next(),
            KindVariable::Gap => gap(&messages.language.tag),
            KindVariable::HintBefore if kind.is_retryable => self.around_when().0,
            KindVariable::HintAfter if kind.is_retryable => self.around_when().1,
            KindVariable::HintBefore | KindVariable::HintAfter => "",
            KindVariable::Retryable => truth(kind.is_retryable),
            KindVariable::CanRetry => truth(kind.is_retryable && kind.is_safe),
            KindVariable::Planned => truth(kind.reason == Reason::Maintenance),
            KindVariable::AtHome => truth(kind.is_at_home),
            KindVariable::AutoRetry => truth(kind.auto_retry.is_some()),
            KindVariable::Lang => &messages.language.tag,
            KindVariable::Dir => messages.language.dir,
            KindVariable::SafeMethod => truth(kind.is_safe),
            KindVariable::Text(key) => messages.text(key),
            KindVariable::Localized(text) => text.get(&messages.language.tag),
        };
        Value::Text(text)
    }
}

/// The values of one page.
#[derive(Debug)]
pub(super) struct Bindings<'a> {
    pub(super) values: &'a ExposedValues<'a>,
    pub(super) of_kind: KindBindings<'a>,
    /// When the request failed, for programs, once it is needed; empty if that is unknown.
    timestamp: OnceCell<String>,
}

impl<'a> Bindings<'a> {
    pub(super) fn new(values: &'a ExposedValues<'a>, messages: Messages<'a>) -> Self {
        Self {
            values,
            of_kind: KindBindings {
                kind: &values.kind,
                messages,
            },
            timestamp: OnceCell::new(),
        }
    }

    /// Returns what to do: when to come back, or what happens next.
    pub(super) fn advice(&self) -> String {
        match self.values.retry_after {
            Some(_) => self.hint(),
            None => self.of_kind.next().to_owned(),
        }
    }

    /// Returns the value of a variable.
    fn value<'v>(&'v self, variable: &'v Variable) -> Value<'v> {
        let values = self.values;
        let text = match variable {
            Variable::OfKind(variable) => return self.of_kind.value(variable),
            Variable::RetryAfter => return number(values.retry_after.map(seconds_rounded_up)),
            Variable::RetryAfterMs => return number(values.retry_after.map(saturating_millis)),
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
            Variable::When => return Value::Joined(self.when()),
            Variable::Hint if values.kind.is_retryable => return Value::Joined(self.hint()),
            Variable::Address => return Value::Joined(self.address()),
            Variable::Hint if values.kind.must_check() => {
                self.of_kind.messages.text("unsafe.check")
            }
            Variable::Hint => "",
            Variable::RequestId => values.request_id().unwrap_or_default(),
            Variable::Method => values.method,
            Variable::Host => values.host.as_deref().unwrap_or_default(),
            Variable::Path => values.path.as_deref().unwrap_or_default(),
        };
        Value::Text(text)
    }

    /// Returns when the request failed, for programs.
    fn timestamp(&self) -> &str {
        let time = || self.values.time.map(date::rfc3339).unwrap_or_default();
        self.timestamp.get_or_init(time)
    }

    /// Returns when to come back, as a phrase; empty if trying again does not help.
    fn when(&self) -> String {
        let wait = self.values.wait.map(CoarseDuration::from);
        wait.map(|wait| self.of_kind.messages.when(wait))
            .unwrap_or_default()
    }

    /// Returns when to come back, as a sentence.
    fn hint(&self) -> String {
        let (before, after) = self.of_kind.around_when();
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
