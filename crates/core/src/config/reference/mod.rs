//! The JSON Schema and the reference page of the configuration, made from the tables of options, so
//! that they cannot say anything else than the filter does.

mod page;
mod schema;

use crate::prelude::*;
pub use page::page;
pub use schema::schema;

use super::json::Json;

/// A typical configuration, shown by the reference page.
pub const EXAMPLE: &str = include_str!("example.json");

/// JSON for people: two spaces for each level, keys in the given order, a line end at the end.
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
        Json::List(items) => {
            let parts: Vec<_> = items
                .iter()
                .map(|item| item.to_value().to_string())
                .collect();
            out.push_str(&format!("[{}]", parts.join(", ")));
        }
        Json::Object(entries) if !entries.is_empty() => {
            write_all(entries, ('{', '}'), level, out, |(key, value), out| {
                out.push_str(&Json::String(key.clone()).to_value().to_string());
                out.push_str(": ");
                write(value, level.saturating_add(1), out);
            });
        }
        _ => out.push_str(&json.to_value().to_string()),
    }
}

/// Whether a value gets lines of its own in a list.
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
mod tests {
    use super::super::{kind::Field, kind::Kind, kind::Word, table, Config, Json};

    #[test]
    fn pretty_json_is_the_same_json() {
        let text = r#"{"a":[],"b":{},"c":[1,"x"],"d":[{"e":[[2]]},null],"f":"ä\"\n"}"#;
        let json = Json::parse(text.as_bytes()).unwrap();
        let pretty = super::pretty(&json);
        assert_eq!(Json::parse(pretty.as_bytes()).unwrap(), json);
        assert!(pretty.starts_with(
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [1, \"x\"],\n  \"d\": [\n    {\n"
        ));
    }

    /// Every field and word of the tables, with its path; shared tables only once.
    fn each(fields: &'static [Field], path: &str, see: &mut impl FnMut(String, &'static str)) {
        for field in fields {
            let path = format!("{path}.{}", field.key);
            see(path.clone(), field.doc);
            each_kind(&field.kind, &path, see);
        }
    }

    fn each_kind(kind: &'static Kind, path: &str, see: &mut impl FnMut(String, &'static str)) {
        match kind {
            Kind::Object(fields) => each(fields, path, see),
            Kind::Map { of, .. } | Kind::List { of, .. } => each_kind(of, path, see),
            Kind::Either(first, second) => {
                each_kind(first, path, see);
                each_kind(second, path, see);
            }
            Kind::Words(words) => {
                for Word { name, doc, .. } in *words {
                    see(format!("{path} {name}"), doc);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_option_and_word_has_its_sentence() {
        let mut count = 0;
        each(table::ROOT, "", &mut |path, doc| {
            count += 1;
            assert!(!doc.is_empty() && !doc.contains("  "), "{path}");
            // An option has a whole sentence, a word of an option a part of one.
            let is_word = path.contains(' ');
            assert_eq!(doc.ends_with('.'), !is_word, "{path}: {doc}");
        });
        assert!(count > 100, "{count}");
    }

    #[test]
    fn the_example_is_a_configuration() {
        let config = Config::from_json(super::EXAMPLE.as_bytes()).unwrap();
        assert_ne!(config, Config::default());
    }
}
