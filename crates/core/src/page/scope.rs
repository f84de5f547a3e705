//! What the names of a template stand for in one answer.

use crate::prelude::*;
use core::cell::Cell;

use super::escape::Body;
use super::phrase::status_phrase;
use super::shown::Shown;
use super::template::names::{Item, Value};
use super::template::Position;
use super::time::Utc;
use super::when::When;
use super::words::{self, Words};

/// Texts that are looked up once, however often a template shows them: all values, and more words
/// than the built-in page has. What comes behind is looked up each time.
const KEPT: usize = 128;

/// The values of one answer.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) shown: &'a Shown<'a>,
    pub(super) words: Words<'a>,
    /// By the number of the item.
    kept: [Cell<Option<&'a str>>; KEPT],
    /// How often a text was looked up.
    #[cfg(test)]
    pub(super) looked_up: Cell<usize>,
}

impl<'a> Scope<'a> {
    /// Of these facts, in these words.
    pub(super) fn new(shown: &'a Shown<'a>, words: Words<'a>) -> Self {
        Self {
            shown,
            words,
            kept: [const { Cell::new(None) }; KEPT],
            #[cfg(test)]
            looked_up: Cell::new(0),
        }
    }

    /// What happened: what the operator says of the maintenance, else the language.
    pub(super) fn message(&self) -> &'a str {
        let said = || self.words.message(self.shown.reason);
        self.shown.notice.or_else(said).unwrap_or_default()
    }

    /// Whether somebody has to check first what became of the request.
    fn must_check(&self) -> bool {
        !self.shown.safe && !self.shown.never_sent()
    }

    fn is_retryable(&self) -> bool {
        self.shown.retry_after_ms.is_some()
    }

    /// Values that are one text.
    fn text(&self, item: Item, keys: &[String]) -> &'a str {
        let kept = self.kept.get(item.number());
        if let Some(text) = kept.and_then(Cell::get) {
            return text;
        }
        #[cfg(test)]
        self.looked_up.set(self.looked_up.get() + 1);
        let text = self.look_up(item, keys);
        if let Some(kept) = kept {
            kept.set(Some(text));
        }
        text
    }

    fn look_up(&self, item: Item, keys: &[String]) -> &'a str {
        let (shown, words) = (self.shown, self.words);
        let hint = || words.hint(self.must_check());
        match item.value {
            Value::StatusText => status_phrase(shown.status),
            Value::Title => words.title(shown.reason, shown.status, self.is_retryable()),
            Value::Message => self.message(),
            Value::Fault => words.fault(shown.reason),
            Value::Sent if shown.safe => "",
            Value::Sent if shown.never_sent() => words.text("unsafe.not_processed"),
            Value::Sent => words.text("unsafe.unknown"),
            Value::Next => words.next(shown.reason, self.is_retryable()),
            Value::HintBefore if self.is_retryable() => hint().0,
            Value::HintAfter if self.is_retryable() => hint().1,
            Value::When => match shown.wait_ms {
                Some(ms) => words.text(words::when(When::from_ms(ms)).0),
                None => "",
            },
            Value::Hint if self.must_check() => words.text("unsafe.check"),
            Value::Reason => shown.reason.as_str(),
            Value::TrippedBy => shown.tripped_by.map_or("", |reason| reason.as_str()),
            Value::Source => shown.source.as_str(),
            Value::Retryable => truth(self.is_retryable()),
            Value::AutoRetry => truth(shown.auto.is_some()),
            Value::CanRetry => truth(self.is_retryable() && shown.safe),
            Value::RequestId => shown.request_id.unwrap_or_default(),
            Value::Lang => &words.language.tag,
            Value::Dir => words.language.dir,
            Value::Method => shown.method,
            Value::SafeMethod => truth(shown.safe),
            Value::Host => shown.host.as_deref().unwrap_or_default(),
            Value::Path => shown.path.as_deref().unwrap_or_default(),
            Value::Word => keys.get(item.word).map_or("", |key| words.text(key)),
            _ => "",
        }
    }

    fn number(&self, value: Value) -> Option<u64> {
        match value {
            Value::Status => Some(u64::from(self.shown.status)),
            Value::RetryAfter => Some(self.shown.retry_after_ms?.div_ceil(1000)),
            Value::RetryAfterMs => self.shown.retry_after_ms,
            Value::MaxAttempts => Some(u64::from(self.shown.auto?.max_attempts)),
            Value::CapMs => Some(crate::millis::millis(self.shown.auto?.cap)),
            _ => None,
        }
    }

    fn time(&self, value: Value) -> Option<Utc> {
        match value {
            Value::RetryAt => self.shown.retry_at,
            Value::Until | Value::UntilTime => self.shown.until,
            Value::Timestamp | Value::Time => self.shown.time,
            _ => None,
        }
    }

    /// Whether there is something: a text that is not empty, a number, `true`.
    pub(super) fn has(&self, item: Item, keys: &[String]) -> bool {
        match item.value {
            Value::Address => self.shown.host.is_some() || self.shown.path.is_some(),
            Value::Hint if self.is_retryable() => true,
            value if self.number(value).is_some() || self.time(value).is_some() => true,
            _ => !matches!(self.text(item, keys), "" | "false"),
        }
    }

    /// Whether a value can differ between answers of one [`Kind`](super::kind::Kind).
    pub(super) fn varies(&self, item: Item) -> bool {
        match item.value {
            Value::TrippedBy
            | Value::RetryAfter
            | Value::RetryAfterMs
            | Value::RetryAt
            | Value::MaxAttempts
            | Value::CapMs
            | Value::When
            | Value::Hint
            | Value::Until
            | Value::UntilTime
            | Value::RequestId
            | Value::Timestamp
            | Value::Time
            | Value::Method
            | Value::Host
            | Value::Path
            | Value::Address => true,
            Value::Message => self.shown.notice.is_some(),
            _ => false,
        }
    }

    /// Writes a value.
    pub(super) fn put(&self, out: &mut Body, item: Item, at: Position, keys: &[String]) {
        let value = item.value;
        let piece = |out: &mut Body, value: Value| {
            out.put(inside(at), self.text(value.into(), keys));
        };
        if let Some(number) = self.number(value) {
            out.number(number);
        } else if let Some(time) = self.time(value) {
            if matches!(value, Value::Time | Value::UntilTime) {
                time.write_readable(out);
            } else {
                time.write_rfc3339(out);
            }
        } else {
            match (value, self.shown.wait_ms) {
                (Value::When, Some(ms)) => self.when(out, ms, at),
                (Value::Hint, Some(ms)) => {
                    piece(out, Value::HintBefore);
                    self.when(out, ms, at);
                    if let Some(until) = self.shown.until {
                        out.markup(" (");
                        until.write_readable(out);
                        out.markup(")");
                    }
                    piece(out, Value::HintAfter);
                }
                (Value::Address, _) => {
                    piece(out, Value::Host);
                    piece(out, Value::Path);
                }
                _ => out.put(at, self.text(item, keys)),
            }
        }
    }

    fn when(&self, out: &mut Body, ms: u64, at: Position) {
        let at = inside(at);
        let text = self.text(Value::When.into(), &[]);
        match crate::text::split_once(text, "{n}") {
            Some((before, after)) => {
                out.put(at, before);
                out.number(words::when(When::from_ms(ms)).1);
                out.put(at, after);
            }
            None => out.put(at, text),
        }
    }
}

/// Of a text in pieces no scheme can be checked: in a link, it is no link of its own.
fn inside(at: Position) -> Position {
    match at {
        Position::Link => Position::Query,
        other => other,
    }
}

fn truth(fact: bool) -> &'static str {
    if fact {
        "true"
    } else {
        "false"
    }
}
