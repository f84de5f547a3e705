//! `application/problem+json` (RFC 9457): the page for programs.
//!
//! Members: `type`, `title`, `status`, `detail`, `instance`, and the extensions `reason`, `retryable`,
//! `retry_after` (seconds, rounded up), `retry_after_ms`, `request_id`, `timestamp`; for an open circuit
//! `tripped_by`, for a maintenance `until`. A member that is unknown, not exposed or does not apply is
//! left out; it is never `null`.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::page::bindings::{Bindings, BoundTemplate};
use crate::page::date;
use crate::page::status_phrase::status_phrase;
use crate::template::{Output, Position};
use crate::time::{saturating_millis, seconds_rounded_up};

/// The type that says no more than the status (RFC 9457 §4.2.1).
const BLANK: &str = "about:blank";
/// The content type.
pub(in crate::page) const CONTENT_TYPE: &str = "application/problem+json; charset=utf-8";
/// Room for most documents.
const CAPACITY: usize = 768;

/// What all problem documents of a route have in common.
#[derive(Debug, Clone, Copy)]
pub(in crate::page) struct Problem<'t> {
    /// The beginning of `type`, or all of it if it is [`BLANK`].
    type_base: &'t str,
}

impl<'t> Problem<'t> {
    /// Returns documents whose types begin with `type_base`, or are `about:blank`.
    pub(in crate::page) fn new(type_base: &'t str) -> Self {
        Self { type_base }
    }

    /// Returns the document for these bindings, with the members that a template adds.
    pub(in crate::page) fn render(
        self,
        bindings: &Bindings<'_>,
        added: Option<&BoundTemplate>,
    ) -> String {
        let mut out = Output::with_capacity(CAPACITY);
        for (name, member) in self.members(bindings) {
            let separator = if out.len() == 0 { "{\"" } else { ",\"" };
            out.markup(separator).markup(name).markup("\":");
            match member {
                Member::Text(text) => out.markup("\"").put(Position::Json, &text).markup("\""),
                Member::Number(number) => out.number(number),
                Member::Boolean(true) => out.markup("true"),
                Member::Boolean(false) => out.markup("false"),
            };
        }
        // They begin with a comma.
        if let Some(added) = added {
            added.render(bindings, &mut out);
        }
        out.markup("}\n");
        out.into_string()
    }

    /// Returns the members for these bindings, in order.
    pub(super) fn members<'b>(self, bindings: &Bindings<'b>) -> Vec<(&'static str, Member<'b>)> {
        let values = bindings.values;
        let reason = values.kind.reason.as_str();
        let (kind, title): (Cow<'_, str>, _) = if self.type_base == BLANK {
            // RFC 9457 §4.2.1: the title of about:blank is the status phrase.
            (BLANK.into(), status_phrase(values.kind.status))
        } else {
            let title = bindings
                .of_kind
                .messages
                .for_reason("problem", values.kind.reason);
            let kind = format!("{}{reason}", self.type_base);
            (kind.into(), title.unwrap_or_default())
        };
        let text = |text: &'b str| Member::Text(text.into());
        let request_id = values.request_id();
        let mut members = vec![
            ("type", Member::Text(kind)),
            ("title", text(title)),
            ("status", Member::Number(values.kind.status.into())),
            ("detail", text(bindings.of_kind.message())),
        ];
        // Only a UUID is a URI without further knowledge (RFC 9562 §4). Other ids are in `request_id`.
        if let Some(id) = request_id.filter(|id| is_uuid(id)) {
            members.push(("instance", Member::Text(format!("urn:uuid:{id}").into())));
        }
        members.push(("reason", text(reason)));
        if let Some(cause) = values.kind.tripped_by {
            members.push(("tripped_by", text(cause.as_str())));
        }
        if let Some(until) = values.until {
            members.push(("until", Member::Text(date::rfc3339(until).into())));
        }
        members.push(("retryable", Member::Boolean(values.kind.is_retryable)));
        if let Some(retry_after) = values.retry_after {
            let seconds = seconds_rounded_up(retry_after);
            members.push(("retry_after", Member::Number(seconds)));
            let ms = saturating_millis(retry_after);
            members.push(("retry_after_ms", Member::Number(ms)));
        }
        if let Some(id) = request_id {
            members.push(("request_id", text(id)));
        }
        if let Some(time) = values.time {
            members.push(("timestamp", Member::Text(date::rfc3339(time).into())));
        }
        members
    }
}

/// The value of a member.
#[derive(Debug)]
pub(super) enum Member<'a> {
    Text(Cow<'a, str>),
    Number(u64),
    Boolean(bool),
}

/// Returns whether `text` is a UUID: 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
