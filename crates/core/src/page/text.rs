//! Plain text: a few lines for a terminal, or one line for an upgrade.

use super::escape::Body;
use super::phrase::status_phrase;
use super::shown::Shown;
use super::when::When;
use super::words::{Gap, Words};
use crate::prelude::*;

/// Room for the longest text; more would only cost one more allocation.
const CAPACITY: usize = 512;
/// Room for one line.
const LINE_CAPACITY: usize = 96;

/// A few lines: status and title, what happened, when to come back, what to quote.
pub(super) fn render(words: &Words, shown: &Shown<'_>) -> Vec<u8> {
    let mut body = Body::with_capacity(CAPACITY);
    let said = words.reason(shown.reason);
    status(&mut body, shown.status);
    body.markup(": ")
        .plain(words.title(shown.reason, shown.status, shown.retry_after_ms.is_some()))
        .markup("\n\n")
        .plain(shown.notice.unwrap_or(said.message))
        .markup("\n");
    if !shown.safe {
        body.plain(if shown.never_sent() {
            words.not_safe.not_processed
        } else {
            words.not_safe.unknown
        });
        body.markup("\n");
    }
    let check = !shown.safe && !shown.never_sent();
    match shown.retry_after_ms {
        Some(ms) => {
            let hint = if check { words.check_then } else { words.again };
            body.plain(hint.before);
            when(&mut body, words.when(When::from_ms(ms)));
            body.plain(hint.after);
        }
        None => {
            body.plain(said.next_final);
            if check {
                body.markup("\n").plain(words.not_safe.check);
            }
        }
    }
    body.markup("\n\n")
        .plain(words.labels.reason)
        .markup(": ")
        .markup(shown.reason.as_str());
    if let Some(cause) = shown.tripped_by {
        body.markup(" (").markup(cause.as_str()).markup(")");
    }
    body.markup("\n");
    if let Some(id) = shown.request_id {
        body.plain(words.labels.request_id)
            .markup(": ")
            .plain(id)
            .markup("\n");
    }
    if let Some(time) = shown.time {
        body.plain(words.labels.time).markup(": ");
        time.write_rfc3339(&mut body);
        body.markup("\n");
    }
    body.into_bytes()
}

/// One line: `503 Service Unavailable (circuit_open)`.
pub(super) fn line(shown: &Shown<'_>) -> Vec<u8> {
    let mut body = Body::with_capacity(LINE_CAPACITY);
    status(&mut body, shown.status);
    body.markup(" (")
        .markup(shown.reason.as_str())
        .markup(")\n");
    body.into_bytes()
}

fn status(body: &mut Body, status: u16) {
    body.number(u64::from(status))
        .markup(" ")
        .markup(status_phrase(status));
}

fn when(body: &mut Body, (gap, number): (Gap, Option<u64>)) {
    body.plain(gap.before);
    if let Some(number) = number {
        body.number(number);
    }
    body.plain(gap.after);
}
