//! Generated files are up to date, and the schema agrees with the parser.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jsonschema::error::ValidationErrorKind;
use jsonschema::ValidationError;
use serde_json::Value;
use snapbox::Data;
use tidegate_core::config::{reference, Config, ConfigError, ErrorKind};
use tidegate_core::page::Pages;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn committed(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn printed(command: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(command)
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_committed_schema_is_the_generated_one() {
    assert!(
        printed(&["schema"]) == committed("schema/config.schema.json"),
        "run `make docs`"
    );
}

#[test]
fn the_committed_schema_of_a_source_is_the_generated_one() {
    assert!(
        printed(&["schema", "--source"]) == committed("schema/source.schema.json"),
        "run `make docs`"
    );
}

#[test]
fn the_committed_reference_is_the_generated_one() {
    assert!(
        printed(&["reference"]) == committed("docs/configuration.md"),
        "run `make docs`"
    );
}

#[test]
fn the_committed_help_is_the_generated_one() {
    assert!(
        printed(&["reference", "--command"]) == committed("docs/command.md"),
        "run `make docs`"
    );
}

#[test]
fn the_committed_runbooks_are_the_generated_ones() {
    assert!(
        printed(&["explain", "--runbooks"]) == committed("docs/runbooks.md"),
        "run `make docs`"
    );
}

#[test]
fn the_example_of_the_reference_is_accepted() {
    let page = committed("docs/configuration.md");
    let examples: Vec<_> = page
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(examples, [reference::EXAMPLE]);
    Config::from_json(examples[0].as_bytes()).unwrap();
}

/// Converts a JSON pointer to a key path.
fn key_path(pointer: &str, document: &Value) -> String {
    let mut path = String::new();
    let mut at = document;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        at = match at {
            Value::Array(items) => {
                path.push_str(&format!("[{step}]"));
                &items[step.parse::<usize>().unwrap()]
            }
            _ => {
                let dot = if path.is_empty() { "" } else { "." };
                path.push_str(&format!("{dot}{step}"));
                &at[&step]
            }
        };
    }
    path
}

/// Returns the path of the object of a key. For a key that is unknown, removed or missing, the schema
/// names only the object.
fn parent(path: &str) -> &str {
    let end = if path.ends_with(']') {
        path.rfind('[')
    } else {
        path.rfind('.')
    };
    path.split_at(end.unwrap_or(0)).0
}

fn is_about_a_key(error: &ConfigError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnknownKey { .. } | ErrorKind::RemovedKey { .. } | ErrorKind::Missing { .. }
    ) || error.at().ends_with("\"]")
        || parent(error.at()).ends_with("headers.set")
        || parent(error.at()).ends_with("problem")
        || parent(error.at()).ends_with("strings")
}

/// Returns where the schema finds errors; in a choice, also those of each alternative.
fn places<'a>(
    errors: impl Iterator<Item = &'a ValidationError<'a>>,
    document: &Value,
    found: &mut BTreeSet<String>,
) {
    for error in errors {
        found.insert(key_path(error.instance_path().as_str(), document));
        if let ValidationErrorKind::AnyOf { context } = error.kind() {
            places(context.iter().flatten(), document, found);
        }
    }
}

/// Checks all goldens of the parser against the schema. What the schema rejects, the parser rejects
/// at the same place; a golden lists what only the parser rejects.
#[test]
fn the_schema_says_what_the_parser_does_as_far_as_a_schema_can() {
    let schema: Value = serde_json::from_str(&committed("schema/config.schema.json")).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let cases = root().join("crates/core/tests/config");
    let (mut accepted, mut refused) = (0, 0);
    let mut only_parser = BTreeSet::new();
    for entry in fs::read_dir(cases).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(&path).unwrap();
        let Ok(document) = serde_json::from_slice::<Value>(&bytes) else {
            continue;
        };
        let mut found = BTreeSet::new();
        places(
            schema.iter_errors(&document).collect::<Vec<_>>().iter(),
            &document,
            &mut found,
        );
        match Config::from_json(&bytes) {
            Ok(_) => {
                assert_eq!(found, BTreeSet::new(), "{name} is accepted by the parser");
                accepted += 1;
            }
            Err(errors) => {
                // A schema cannot check templates.
                let is_inside =
                    |error: &&ConfigError| matches!(error.kind(), ErrorKind::Template(_));
                for error in errors.iter().filter(|error| !is_inside(error)) {
                    let at = if is_about_a_key(error) {
                        parent(error.at())
                    } else {
                        error.at()
                    };
                    if found.contains(at) || found.contains(error.at()) {
                        refused += 1;
                    } else {
                        only_parser.insert(format!("{name}: {error}\n"));
                    }
                }
                for place in found {
                    let explained = errors.iter().any(|error| error.at().starts_with(&place));
                    assert!(explained, "{name}: only the schema refuses {place}");
                }
            }
        }
    }
    assert!(accepted >= 3 && refused > 100, "{accepted} {refused}");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/beyond_the_schema.txt");
    let only_parser: String = only_parser.into_iter().collect();
    snapbox::assert_data_eq!(only_parser, Data::read_from(&golden, None).raw());
}

/// Returns the table of docs/pages.md, from the names of the template engine.
fn names_of_templates() -> String {
    let mut table = String::from("| name | what it stands for |\n| --- | --- |\n");
    for name in tidegate_core::page::NAMES {
        let more = if name.name.ends_with('.') { "…" } else { "" };
        table.push_str(&format!("| `{}{more}` | {} |\n", name.name, name.doc));
    }
    table
}

#[test]
fn the_committed_names_of_templates_are_those_of_the_engine() {
    let page = committed("docs/pages.md");
    let (before, rest) = page.split_once("<!-- names").unwrap();
    let (note, rest) = rest.split_once("-->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of names -->").unwrap();
    let table = names_of_templates();
    let expected = format!("{before}<!-- names{note}-->\n{table}<!-- end of names -->{after}");
    let golden = Data::read_from(&root().join("docs/pages.md"), None).raw();
    snapbox::assert_data_eq!(expected, golden);
}

/// Returns the table of docs/pages.md, from the texts of the pages.
fn keys_of_texts() -> String {
    let mut table = String::from("| key | what it is | in English |\n| --- | --- | --- |\n");
    for word in tidegate_core::page::words("en").unwrap() {
        let placeholder = tidegate_core::page::placeholder_doc(&word.key);
        let placeholder = placeholder.map(|doc| format!(" {doc}")).unwrap_or_default();
        let (key, doc, text) = (&word.key, &word.doc, word.text);
        table.push_str(&format!("| `{key}` | {doc}{placeholder} | {text} |\n"));
    }
    table
}

#[test]
fn the_committed_keys_of_texts_are_those_of_the_filter() {
    let page = committed("docs/pages.md");
    let (before, rest) = page.split_once("<!-- words").unwrap();
    let (note, rest) = rest.split_once("-->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of words -->").unwrap();
    let table = keys_of_texts();
    let expected = format!("{before}<!-- words{note}-->\n{table}<!-- end of words -->{after}");
    let golden = Data::read_from(&root().join("docs/pages.md"), None).raw();
    snapbox::assert_data_eq!(expected, golden);
}

#[test]
fn the_languages_of_the_pages_are_the_built_in_ones() {
    let page = committed("docs/pages.md");
    let (_, rest) = page.split_once("<!-- languages").unwrap();
    let (list, _) = rest.split_once("<!-- end of languages -->").unwrap();
    let listed: BTreeSet<_> = list.split('`').skip(1).step_by(2).collect();
    let pages = Pages::new(&Config::default());
    assert_eq!(listed, pages.languages().collect());
}

#[test]
fn the_example_of_the_pages_is_accepted_without_warnings() {
    let page = committed("docs/pages.md");
    let example = page.split("```json\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let file = tempfile::NamedTempFile::with_suffix(".json").unwrap();
    fs::write(file.path(), example).unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    let output = check.args(["check", "--strict"]).arg(file.path()).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "1 file checked: 0 errors\n");
}

#[test]
fn the_limits_of_the_pages_are_those_of_the_filter() {
    use tidegate_core::config::limits;
    let page = committed("docs/pages.md");
    for text in [
        format!(
            "{} KiB, and {} KiB",
            limits::TEMPLATE_BYTES >> 10,
            limits::PAGE_BYTES >> 10
        ),
        format!("| {},000 |", limits::TEMPLATE_TAGS / 1000),
        format!("| blocks within each other | {} |", limits::TEMPLATE_DEPTH),
        format!("texts of `vars` | {} each |", limits::TEMPLATES),
        format!("{} MiB", limits::CONFIG_BYTES >> 20),
    ] {
        assert!(page.contains(&text), "{text}");
    }
    let others = [limits::LOCALES, limits::VARS, limits::BRANDS];
    assert_eq!(others, [limits::TEMPLATES; 3]);
    let logo = format!("| a logo | {} KiB, ", limits::LOGO_BYTES >> 10);
    assert!(page.contains(&logo), "{logo}");
}
