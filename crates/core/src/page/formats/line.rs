//! One line of text, for an upgrade or CONNECT.

use crate::page::exposed::ExposedValues;
use crate::page::status_phrase::status_phrase;

/// Returns the line: `503 Service Unavailable (circuit_open)`.
pub(in crate::page) fn render(values: &ExposedValues<'_>) -> String {
    let phrase = status_phrase(values.kind.status);
    format!(
        "{} {phrase} ({})\n",
        values.kind.status,
        values.kind.reason.as_str()
    )
}
