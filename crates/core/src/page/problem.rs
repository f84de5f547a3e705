//! `application/problem+json` (RFC 9457): the page for programs.
//!
//! Members: `type`, `title`, `status`, `detail`, `instance`, and the extensions `reason`,
//! `retryable`, `retry_after` (seconds, rounded up), `retry_after_ms`, `request_id`, `timestamp`; of an
//! open circuit `tripped_by`, of a maintenance `until`.
//! What is not known, not exposed or does not apply is left out, never `null`.

use super::escape::{Body, Part};
use super::phrase::status_phrase;
use super::scope::Scope;
use super::template::Program;
use crate::prelude::*;

/// The type that says no more than the status (RFC 9457 §4.2.1).
const BLANK: &str = "about:blank";
/// Room for the longest document; more would only cost one more allocation.
const CAPACITY: usize = 768;

/// What all problem documents of a configuration share.
#[derive(Debug)]
pub(super) struct Problem {
    /// What `type` begins with; `None`: `type` is `about:blank`.
    type_base: Option<Part>,
}

impl Problem {
    /// Prepares documents whose types begin with `type_base`, or are `about:blank`.
    pub(super) fn new(type_base: &str) -> Self {
        let part = |base| {
            let mut body = Body::default();
            body.json(base);
            body.into_part()
        };
        Self {
            type_base: (type_base != BLANK).then(|| part(type_base)),
        }
    }

    /// Makes the document, with the members that a template adds.
    pub(super) fn render(&self, scope: &Scope<'_>, members: Option<&Program>) -> Vec<u8> {
        let mut body = Body::with_capacity(CAPACITY);
        let shown = scope.shown;
        let reason = shown.reason.as_str();
        body.markup("{\"type\":\"");
        match &self.type_base {
            Some(base) => body.part(base).markup(reason),
            None => body.markup(BLANK),
        };
        body.markup("\",\"title\":\"");
        // RFC 9457 §4.2.1: the title of about:blank is the status phrase.
        match &self.type_base {
            Some(_) => {
                let title = scope.words.of_reason("problem", shown.reason);
                body.json(title.unwrap_or_default())
            }
            None => body.markup(status_phrase(shown.status)),
        };
        body.markup("\",\"status\":")
            .number(u64::from(shown.status))
            .markup(",\"detail\":\"")
            .json(scope.message());
        // Only a UUID makes a URI of its own kind (RFC 9562 §4); what other ids mean is for the
        // operator to know, and `request_id` carries them.
        if let Some(id) = shown.request_id.filter(|id| is_uuid(id)) {
            body.markup("\",\"instance\":\"urn:uuid:").json(id);
        }
        body.markup("\",\"reason\":\"").markup(reason);
        if let Some(cause) = shown.tripped_by {
            body.markup("\",\"tripped_by\":\"").markup(cause.as_str());
        }
        if let Some(until) = shown.until {
            body.markup("\",\"until\":\"");
            until.write_rfc3339(&mut body);
        }
        body.markup("\",\"retryable\":");
        match shown.retry_after_ms {
            Some(ms) => body
                .markup("true,\"retry_after\":")
                .number(ms.div_ceil(1000))
                .markup(",\"retry_after_ms\":")
                .number(ms),
            None => body.markup("false"),
        };
        if let Some(id) = shown.request_id {
            body.markup(",\"request_id\":\"").json(id).markup("\"");
        }
        if let Some(time) = shown.time {
            body.markup(",\"timestamp\":\"");
            time.write_rfc3339(&mut body);
            body.markup("\"");
        }
        if let Some(members) = members {
            members.write(scope, &mut body);
        }
        body.markup("}\n");
        body.into_bytes()
    }
}

/// Whether `text` is a UUID as text: 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::is_uuid;

    #[test]
    fn uuids_are_told_from_other_ids() {
        for (text, expected) in [
            ("6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11", true),
            ("6F1C0C3E-6B0F-4A52-9D2E-0A8F2F6A1B11", true),
            ("6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b1", false),
            ("6f1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b111", false),
            ("6f1c0c3e06b0f-4a52-9d2e-0a8f2f6a1b11", false),
            ("6g1c0c3e-6b0f-4a52-9d2e-0a8f2f6a1b11", false),
            ("", false),
        ] {
            assert_eq!(is_uuid(text), expected, "{text}");
        }
    }
}
