//! The reference page, as Markdown: an example, and a table of options for each section of the
//! configuration.

use super::super::options::Config;
use super::super::section::Section;
use super::super::shape::{Absent, Field, Shape};
use super::super::{limits, notation};
use super::one_line;
use crate::failure::Reason;

const INTRODUCTION: &str = "\
The configuration of the filter is one JSON object: the `configuration` of the Wasm plugin in Envoy, or \
`pluginConfig` of an Istio `WasmPlugin`. All options are optional. `{}`, or no configuration at all, gives \
every route a neutral page set and a circuit breaker.

`tidegate check FILE` reports everything that is wrong with a configuration. It uses the parser of the \
filter. Editors can use `schema/config.schema.json`, and for a source \
`schema/source.schema.json` ([pages.md](pages.md#tidegate-init-dir)). The filter refuses a configuration with a mistake, \
writes each mistake to Envoy's log, and keeps the configuration in force.

* A **duration** is a whole number with a unit: `\"250ms\"`, `\"5s\"`, `\"2m\"`, `\"1h\"`.
* A **status** is a number or a string: `502`, `\"502\"`, `\"502-504\"`, `\"5xx\"`. Only failures (400 to \
599) are allowed.
* In a **pattern**, `*` matches any number of characters. It is the only wildcard.
* A whole number may have a fraction of zero (`502.0`), because a protobuf `Struct` writes numbers so.
* The filter reads no files, so it refuses `{ \"file\": ... }` in place of a text. `tidegate bundle` \
replaces such references by the content of the files.
";

/// Returns the reference page.
pub fn page() -> String {
    let fields = Config::fields();
    let (sections, options): (Vec<_>, Vec<_>) =
        fields.iter().partition(|field| !field.options.is_empty());
    let mut out = String::from("# Configuration\n\n");
    out.push_str(
        "<!-- Written by `tidegate reference` from the definitions in the core; do not edit. -->\n\n",
    );
    out.push_str(INTRODUCTION);
    out.push_str("\n## Example\n\n```json\n");
    out.push_str(super::EXAMPLE);
    out.push_str("```\n\n## The top level\n\n");
    out.push_str(&rows_table(options));
    for field in sections {
        out.push_str(&format!("\n## `{}`\n\n{}", field.key, field.doc));
        out.push_str(&format!("\n{}\n", container(&field.shape)));
        out.push_str(&rows_table(&field.options));
    }
    out.push_str(&sizes());
    out
}

fn sizes() -> String {
    let kib = |bytes: usize| match bytes / 1024 {
        1024 => "1 MiB".to_owned(),
        kib => format!("{kib} KiB"),
    };
    format!(
        "\n## Sizes\n\nA configuration has at most {}, a template {}, the logo {}. There are at most {} \
         templates, {} languages, {} brands, {} routes and {} pages. Other limits are in the tables above.\n",
        kib(limits::CONFIG_BYTES),
        kib(limits::TEMPLATE_BYTES),
        kib(limits::LOGO_BYTES),
        limits::TEMPLATES,
        limits::LOCALES,
        limits::BRANDS,
        limits::ROUTES,
        limits::PAGES,
    )
}

/// Describes what holds the options of a chapter together, unless it is a plain object.
fn container(shape: &Shape) -> String {
    match shape {
        Shape::List { max, .. } => format!("\nA list of up to {max} objects of:\n"),
        Shape::Map { keys, max, .. } => {
            let keys = keys.allowed;
            format!("\nAn object of up to {max} objects; a key is {keys}. Each has:\n")
        }
        _ => String::new(),
    }
}

fn rows_table<'a>(fields: impl IntoIterator<Item = &'a Field>) -> String {
    let mut out = String::from("| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
    for field in fields {
        row(field, "", &mut out);
    }
    out
}

/// Writes the row of an option, and the rows of the options inside of it.
fn row(field: &Field, prefix: &str, out: &mut String) {
    let key = format!("{prefix}{}", field.key);
    let allowed = match (&field.absent, &field.shape) {
        (Absent::TopLevel, Shape::Object) => format!("any of [`{0}`](#{0})", field.key),
        (_, shape) => allowed(shape),
    };
    let default = match &field.absent {
        Absent::TopLevel => "that of the top level".to_owned(),
        Absent::OptionOf(section) => format!("that of `{section}`"),
        Absent::Required => "must be given".to_owned(),
        Absent::Default(json) => format!("`{}`", one_line(json)),
        Absent::None => "none".to_owned(),
        Absent::Parts => "as below".to_owned(),
    };
    let meaning = format!("{}{}", field.doc, words(&field.shape).unwrap_or_default());
    let cells = [format!("`{key}`"), allowed, default, meaning];
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    out.push_str(&format!("| {} |\n", cells.join(" | ")));
    if !matches!(field.absent, Absent::TopLevel | Absent::OptionOf(_)) {
        let mark = match field.shape {
            Shape::List { .. } => "[].",
            _ => ".",
        };
        for inner in &field.options {
            row(inner, &format!("{key}{mark}"), out);
        }
    }
}

fn allowed(shape: &Shape) -> String {
    match shape {
        Shape::Words(words) => {
            let names = words.iter().map(|word| format!("`\"{}\"`", word.name));
            names.collect::<Vec<_>>().join(", ")
        }
        Shape::Reason => "a reason".to_owned(),
        Shape::Status => "a status".to_owned(),
        Shape::Duration { min, max } => format!(
            "`\"{}\"` to `\"{}\"`",
            notation::duration_text(*min),
            notation::duration_text(*max)
        ),
        Shape::Null => "`null`".to_owned(),
        Shape::Bool => "`true`, `false`".to_owned(),
        Shape::List { of, min, max } if min == max => format!("list of {max}: {}", allowed(of)),
        Shape::List { of, max, .. } => format!("list of up to {max}: {}", allowed(of)),
        Shape::Map { keys, of, max } => format!(
            "object of up to {max}; a key: {}; a value: {}",
            keys.allowed,
            allowed(of)
        ),
        Shape::Either(first, second) => format!("{}, or {}", allowed(first), allowed(second)),
        Shape::Text(rule) => format!("{} (up to {} bytes)", rule.allowed, rule.max),
        _ => shape.allowed(),
    }
}

/// Describes the words of an option.
fn words(shape: &Shape) -> Option<String> {
    match shape {
        Shape::Words(words) => {
            let lines = words.iter();
            let lines = lines.map(|word| format!("<br>`{}`: {}", word.name, fragment(word.doc)));
            Some(lines.collect())
        }
        Shape::Reason => {
            let all = Reason::ALL
                .iter()
                .map(|reason| format!("`{}`", reason.as_str()));
            let all = all.collect::<Vec<_>>().join(", ");
            Some(format!("<br>One of {all}."))
        }
        Shape::List { of, .. } => words(of),
        Shape::Either(first, second) => words(first).or_else(|| words(second)),
        _ => None,
    }
}

/// Turns a sentence into what can follow a colon: without its period, and without its capital unless
/// the first word is an abbreviation.
fn fragment(sentence: &str) -> String {
    let sentence = sentence.trim().trim_end_matches('.');
    let mut characters = sentence.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            let rest = sentence.strip_prefix(first).unwrap_or_default();
            format!("{}{rest}", first.to_lowercase())
        }
        _ => sentence.to_owned(),
    }
}
