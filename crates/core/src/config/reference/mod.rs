//! The JSON Schema and the reference page of the configuration, made from the definitions of the
//! options, so that they say what the filter does.

mod page;
mod schema;

pub use page::page;
pub use schema::{schema, source_schema};

use super::json::Json;

/// A typical configuration, shown by the reference page.
pub const EXAMPLE: &str = include_str!("example.json");

/// Writes JSON for people: two spaces for each level, short lists on one line, a line end at the end.
fn pretty(json: &Json) -> String {
    let mut out = String::new();
    write(json, 0, &mut out);
    out.push('\n');
    out
}

fn write(json: &Json, level: usize, out: &mut String) {
    match json {
        Json::List(items) if !items.is_empty() && items.iter().any(is_large) => {
            write_all(items, ('[', ']'), level, out, |item, out| {
                write(item, level.saturating_add(1), out);
            });
        }
        Json::Object(entries) if !entries.is_empty() => {
            write_all(entries, ('{', '}'), level, out, |(key, value), out| {
                out.push_str(&Json::String(key.clone()).to_string());
                out.push_str(": ");
                write(value, level.saturating_add(1), out);
            });
        }
        _ => out.push_str(&one_line(json)),
    }
}

/// Writes JSON on one line, with spaces where people put them.
fn one_line(json: &Json) -> String {
    match json {
        Json::List(items) => {
            let items: Vec<_> = items.iter().map(one_line).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(entries) if !entries.is_empty() => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", Json::String(key.clone()), one_line(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        _ => json.to_string(),
    }
}

/// Returns whether a value gets lines of its own in a list.
fn is_large(json: &Json) -> bool {
    !json.entries().is_empty() || !json.items().is_empty()
}

fn write_all<T>(
    parts: &[T],
    (open, close): (char, char),
    level: usize,
    out: &mut String,
    mut part: impl FnMut(&T, &mut String),
) {
    out.push(open);
    for (index, item) in parts.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(level.saturating_add(1)));
        part(item, out);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(level));
    out.push(close);
}

#[cfg(test)]
mod tests;
