//! The reference page, as Markdown: what is not in force yet, an example, and a table of options for
//! each part of the configuration.

use super::super::kind::{Absent, Field, Kind};
use super::super::{limits, table, value};
use crate::prelude::*;
use crate::reason::Reason;

const INTRODUCTION: &str = "\
The filter has one JSON object as its configuration: the `configuration` of the Wasm plugin in Envoy, \
`pluginConfig` of an Istio `WasmPlugin`. Everything in it is optional: `{}` is a good neutral page \
set for every route, and so is no configuration at all.

`tidegate check FILE` tells everything that is wrong with a configuration, with the parser of the \
filter itself; an editor can use `schema/config.schema.json`. The filter refuses a configuration with \
any mistake in it, says each of them in Envoy's log, and goes on with the one that it has.

* A **duration** is a whole number with a unit: `\"250ms\"`, `\"5s\"`, `\"2m\"`, `\"1h\"`.
* A **status** is a number or a string: `502`, `\"502\"`, `\"502-504\"`, `\"5xx\"`. Only failures (400 to \
599) can be named.
* In a **pattern**, `*` stands for any run of characters, and is the only wildcard.
* A whole number may be written with a fraction of zero (`502.0`), as a protobuf `Struct` does.
* Where text is expected, the filter takes no `{ \"file\": ... }`: it reads no files. `tidegate bundle` \
puts their content in place.
";

/// The reference page.
pub fn page() -> String {
    let mut out = String::from("# Configuration\n\n");
    out.push_str(
        "<!-- Written by `tidegate reference` from the tables of the core; do not edit. -->\n\n",
    );
    out.push_str(INTRODUCTION);
    out.push_str("\n## Example\n\n```json\n");
    out.push_str(super::EXAMPLE);
    out.push_str("```\n\n## The top level\n\n");
    out.push_str(&rows_table(table::ROOT, &|field| !is_part(&field.kind)));
    for field in table::ROOT.iter().filter(|field| is_part(&field.kind)) {
        out.push_str(&format!("\n## `{}`\n\n{}", field.key, field.doc));
        out.push_str(&format!("\n{}\n", shape(&field.kind)));
        out.push_str(&rows_table(part_fields(&field.kind), &|_| true));
    }
    out.push_str(&sizes());
    out
}

fn sizes() -> String {
    let kib = |bytes: usize| match bytes.wrapping_div(1024) {
        1024 => "1 MiB".to_owned(),
        kib => format!("{kib} KiB"),
    };
    format!(
        "\n## Sizes\n\nA configuration has at most {}, a template {}, the logo {}. There are at most {} \
         templates, {} languages, {} routes and {} pages. What else is limited is said above.\n",
        kib(limits::CONFIG_BYTES),
        kib(limits::TEMPLATE_BYTES),
        kib(limits::LOGO_BYTES),
        limits::TEMPLATES,
        limits::LOCALES,
        limits::ROUTES,
        limits::PAGES,
    )
}

/// Whether a kind has options of its own, and so a chapter of its own at the top level.
fn is_part(kind: &Kind) -> bool {
    !part_fields(kind).is_empty()
}

/// The options within a kind.
fn part_fields(kind: &Kind) -> &'static [Field] {
    match kind {
        Kind::Object(fields) => fields,
        Kind::List { of, .. } | Kind::Map { of, .. } => part_fields(of),
        Kind::Either(first, second) => match part_fields(first) {
            [] => part_fields(second),
            fields => fields,
        },
        _ => &[],
    }
}

/// What holds the options of a chapter together, where that is not a plain object.
fn shape(kind: &Kind) -> String {
    match kind {
        Kind::List { max, .. } => format!("\nA list of up to {max} objects of:\n"),
        Kind::Map { keys, max, .. } => {
            format!(
                "\nAn object of up to {max} objects; a key is {}. Each has:\n",
                keys.allowed
            )
        }
        _ => String::new(),
    }
}

fn rows_table(fields: &'static [Field], wanted: &dyn Fn(&Field) -> bool) -> String {
    let mut out = String::from("| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
    for field in fields.iter().filter(|field| wanted(field)) {
        row(field, "", &mut out);
    }
    out
}

/// The row of an option, and those of the options within it.
fn row(field: &'static Field, prefix: &str, out: &mut String) {
    let key = format!("{prefix}{}", field.key);
    let mut meaning = field.doc.to_owned();
    if let Some(words) = words(&field.kind) {
        meaning.push_str(&words);
    }
    let (allowed, default) = match field.absent {
        Absent::TopLevel => {
            let allowed = match field.kind {
                Kind::Object(_) => format!("any of [`{0}`](#{0})", field.key),
                _ => allowed(&field.kind),
            };
            (allowed, "that of the top level".to_owned())
        }
        Absent::Required => (allowed(&field.kind), "must be given".to_owned()),
        Absent::Default(json) => (allowed(&field.kind), format!("`{json}`")),
        Absent::None => (allowed(&field.kind), "none".to_owned()),
        Absent::Parts => (allowed(&field.kind), "as below".to_owned()),
    };
    let cells = [format!("`{key}`"), allowed, default, meaning];
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    out.push_str(&format!("| {} |\n", cells.join(" | ")));
    if !matches!(field.absent, Absent::TopLevel) {
        let mark = match field.kind {
            Kind::List { .. } => "[].",
            _ => ".",
        };
        for inner in part_fields(&field.kind) {
            row(inner, &format!("{key}{mark}"), out);
        }
    }
}

fn allowed(kind: &Kind) -> String {
    match kind {
        Kind::Words(words) => {
            let names: Vec<_> = words
                .iter()
                .map(|word| format!("`\"{}\"`", word.name))
                .collect();
            names.join(", ")
        }
        Kind::Reason => "a reason".to_owned(),
        Kind::Status => "a status".to_owned(),
        Kind::Duration((min, max)) => {
            format!(
                "`\"{}\"` to `\"{}\"`",
                value::duration_text(*min),
                value::duration_text(*max)
            )
        }
        Kind::Null => "`null`".to_owned(),
        Kind::Bool => "`true`, `false`".to_owned(),
        Kind::List { of, min, max } if min == max => format!("list of {max}: {}", allowed(of)),
        Kind::List { of, max, .. } => format!("list of up to {max}: {}", allowed(of)),
        Kind::Map { keys, of, max, .. } => {
            format!(
                "object of up to {max}; a key: {}; a value: {}",
                keys.allowed,
                allowed(of)
            )
        }
        Kind::Either(first, second) => format!("{}, or {}", allowed(first), allowed(second)),
        Kind::Text(rule) => format!("{} (up to {} bytes)", rule.allowed, rule.max),
        _ => kind.allowed(),
    }
}

/// What the words of an option mean.
fn words(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Words(words) => {
            let mut out = String::new();
            for word in *words {
                out.push_str(&format!("<br>`{}`: {}", word.name, word.doc));
            }
            Some(out)
        }
        Kind::Reason => {
            let all = Reason::ALL
                .iter()
                .map(|reason| format!("`{}`", reason.as_str()));
            Some(format!(
                "<br>One of {}.",
                all.collect::<Vec<_>>().join(", ")
            ))
        }
        Kind::List { of, .. } => words(of),
        Kind::Either(first, second) => words(first).or_else(|| words(second)),
        _ => None,
    }
}
