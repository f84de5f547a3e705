//! `application/problem+json` (RFC 9457): the page for programs.
//!
//! Members: `type`, `title`, `status`, `detail`, `instance`, and the extensions `reason`, `retryable`,
//! `retry_after` (seconds, rounded up), `retry_after_ms`, `request_id`, `timestamp`; for an open circuit
//! `tripped_by`, for a maintenance `until`. A member that is unknown, not exposed or does not apply is
//! left out; it is never `null`.

#[cfg(test)]
mod tests;

use super::bindings::{Bindings, BoundTemplate};
use super::date;
use super::status_phrase::status_phrase;
use crate::template::{Output, Position};
use crate::time::{saturating_millis, seconds_rounded_up};

/// The type that says no more than the status (RFC 9457 §4.2.1).
const BLANK: &str = "about:blank";
/// Room for most documents.
const CAPACITY: usize = 768;

/// What all problem documents of a configuration have in common.
#[derive(Debug)]
pub(super) struct Problem {
    /// The beginning of `type`, or all of it if it is [`BLANK`].
    type_base: String,
}

impl Problem {
    /// Returns documents whose types begin with `type_base`, or are `about:blank`.
    pub(super) fn new(type_base: &str) -> Self {
        Self {
            type_base: type_base.to_owned(),
        }
    }

    /// Returns the document for these bindings, with the members that a template adds.
    pub(super) fn render(
        &self,
        bindings: &Bindings<'_>,
        members: Option<&BoundTemplate>,
    ) -> String {
        let values = bindings.values;
        let reason = values.reason.as_str();
        let mut out = Document::default();
        if self.type_base == BLANK {
            // RFC 9457 §4.2.1: the title of about:blank is the status phrase.
            out.text("type", BLANK);
            out.text("title", status_phrase(values.status));
        } else {
            let title = bindings.messages.for_reason("problem", values.reason);
            out.text("type", &format!("{}{reason}", self.type_base));
            out.text("title", title.unwrap_or_default());
        }
        out.number("status", values.status.into());
        out.text("detail", bindings.message());
        // Only a UUID is a URI without further knowledge (RFC 9562 §4). Other ids are in `request_id`.
        if let Some(id) = values.request_id.filter(|id| is_uuid(id)) {
            out.text("instance", &format!("urn:uuid:{id}"));
        }
        out.text("reason", reason);
        if let Some(cause) = values.tripped_by {
            out.text("tripped_by", cause.as_str());
        }
        if let Some(until) = values.until {
            out.text("until", &date::rfc3339(until));
        }
        out.boolean("retryable", values.retry_after.is_some());
        if let Some(retry_after) = values.retry_after {
            out.number("retry_after", seconds_rounded_up(retry_after));
            out.number("retry_after_ms", saturating_millis(retry_after));
        }
        if let Some(id) = values.request_id {
            out.text("request_id", id);
        }
        if let Some(time) = values.time {
            out.text("timestamp", &date::rfc3339(time));
        }
        out.finish(bindings, members)
    }
}

/// A JSON object under construction.
struct Document(Output);

impl Default for Document {
    fn default() -> Self {
        Self(Output::with_capacity(CAPACITY))
    }
}

impl Document {
    fn key(&mut self, key: &'static str) -> &mut Output {
        let separator = if self.0.len() == 0 { "{\"" } else { ",\"" };
        self.0.markup(separator).markup(key).markup("\":")
    }

    fn text(&mut self, key: &'static str, text: &str) {
        let out = self.key(key).markup("\"");
        out.put(Position::Json, text).markup("\"");
    }

    fn number(&mut self, key: &'static str, number: u64) {
        self.key(key).number(number);
    }

    fn boolean(&mut self, key: &'static str, boolean: bool) {
        self.key(key).markup(if boolean { "true" } else { "false" });
    }

    /// Returns the object with the members of a template, which begin with a comma.
    fn finish(mut self, bindings: &Bindings<'_>, members: Option<&BoundTemplate>) -> String {
        if let Some(members) = members {
            members.render(bindings, &mut self.0);
        }
        self.0.markup("}\n");
        self.0.into_string()
    }
}

/// Returns whether `text` is a UUID: 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
