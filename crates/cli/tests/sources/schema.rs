//! The schema of a source says what the command reads, as far as a schema can.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, TestRunner};
use serde_json::{json, Value};

use crate::{text, Folder};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn schema() -> Validator {
    let schema = fs::read_to_string(root().join("schema/source.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// Returns the key paths at which the schema refuses a document, and why.
fn refused(schema: &Validator, document: &Value) -> Vec<String> {
    let errors = schema.iter_errors(document);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// The source of `tidegate init` and that of the example name their schema, or could.
#[test]
fn sources_of_the_starter_and_the_example_are_valid() {
    let schema = schema();
    for path in [
        "crates/cli/src/starter/tidegate.yaml",
        "examples/own-pages/tidegate.yaml",
    ] {
        let source = fs::read_to_string(root().join(path)).unwrap();
        let document: Value = serde_yaml_ng::from_str(&source).unwrap();
        assert_eq!(refused(&schema, &document), [] as [&str; 0], "{path}");
    }
}

#[test]
fn init_writes_the_schema_that_the_source_names() {
    let folder = Folder::new(&[]);
    assert!(folder.run(&["init", "own"]).status.success());
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let source = read("own/tidegate.yaml");
    let line = source.lines().next().unwrap();
    let name = line
        .strip_prefix("# yaml-language-server: $schema=")
        .unwrap();
    let printed = folder.run(&["schema", "--source"]).stdout;
    assert_eq!(read(&format!("own/{name}")), text(&printed));
}

/// Mistakes that a schema can see. The command refuses each too.
#[test]
fn the_schema_refuses_mistakes() {
    let schema = schema();
    let folder = Folder::new(&[("a.html", "a"), ("words.yaml", "title: a\n")]);
    for source in [
        // Keys.
        "bran: {}",
        "brand: { colour: \"#fff\" }",
        "templates: { a: { htm: { file: a.html } } }",
        "templates: { a: { html: { file: a.html, more: 1 } } }",
        "templates: { a: { html: { files: a.html } } }",
        "brand: { links: [{ label: a }] }",
        // Types.
        "brand: a",
        "pages: { template: a }",
        "retry: { after: 5 }",
        "intercept: { statuses: 502 }",
        "templates: { a: { html: 1 } }",
        "templates: { a: { html: { file: 1 } } }",
        // Values.
        "version: 2",
        "mode: enforced",
        "breaker: { window: 10 s }",
        "breaker: { failure_ratio: 2 }",
        "brand: { color: red }",
        "intercept: { statuses: [200] }",
        // References to files.
        "templates: { a: { html: { file: /a.html } } }",
        "templates: { a: { html: { file: \"\" } } }",
        "templates: { file: a.html }",
        "brand: { name: { file: a.html } }",
        "brand: { links: [{ label: { file: a.html }, url: / }] }",
        "routes: [{ maintenance: { message: { file: a.html } } }]",
        "locales: { strings: { file: words.yaml } }",
        "locales: { file: words.yaml }",
        "pages: [{ file: words.yaml }]",
        "pages: { file: words.yaml }",
    ] {
        folder.write("s.yaml", source.as_bytes());
        let (code, said) = folder.fails(&["check", "s.yaml"]);
        assert_eq!(code, Some(1), "{source}: the command says {said}");
        let document: Value = serde_yaml_ng::from_str(source).unwrap();
        assert_ne!(refused(&schema, &document), [] as [&str; 0], "{source}");
    }
}

/// Returns documents that the command accepts: goldens of the parser, the example, the starter.
fn accepted() -> Vec<Value> {
    let mut documents = Vec::new();
    for entry in fs::read_dir(root().join("crates/core/tests/config")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|its| its == "json") && path.with_extension("ok").exists() {
            let bytes = fs::read(&path).unwrap();
            documents.push(serde_json::from_slice(&bytes).unwrap());
        }
    }
    documents.sort_by_key(Value::to_string);
    let files = json!({
        "brand": { "logo": { "file": "logo.svg" } },
        "brands": [{ "match": { "hosts": ["a.example"] }, "logo": { "file": "logo.svg" } }],
        "vars": { "a": { "file": "a.txt" }, "b": { "en": { "file": "a.txt" }, "de": "b" } },
        "templates": { "a": { "html": { "file": "a.html" }, "text": { "file": "a.txt" } } },
        "pages": [{ "template": "a", "strings": { "file": "words.yaml" } }],
        "locales": { "strings": { "de": { "file": "words.yaml" } } },
    });
    documents.push(files);
    documents
}

/// Returns the pointers to all values in a document.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    let step = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                pointers(value, &format!("{at}/{}", step(key)), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                pointers(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// What the command accepts, the schema accepts: each document as it is, and with any of its values replaced.
#[test]
fn the_schema_accepts_what_the_command_accepts() {
    let schema = schema();
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'/>";
    let folder = Folder::new(&[
        ("a.html", "<p>{{title}}</p>"),
        ("a.txt", "{{title}}"),
        ("logo.svg", svg),
        ("words.yaml", "title: a\n"),
    ]);
    let is_accepted = |document: &Value| {
        folder.write("s.yaml", document.to_string().as_bytes());
        folder.run(&["check", "s.yaml"]).status.success()
    };
    let documents = accepted();
    assert!(documents.len() >= 4);
    let mut places = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        assert!(is_accepted(document), "{document:#}");
        assert_eq!(refused(&schema, document), [] as [&str; 0], "{document:#}");
        let mut found = Vec::new();
        pointers(document, "", &mut found);
        places.extend(found.into_iter().map(|pointer| (index, pointer)));
    }
    let values = [
        json!({ "file": "a.html" }),
        json!({ "file": "a.txt" }),
        json!({ "file": "logo.svg" }),
        json!({ "file": "words.yaml" }),
        json!({}),
        json!([]),
        json!("a"),
        json!("5s"),
        json!(""),
        json!("5xx"),
        json!(1),
        json!(502),
        json!(0.5),
        json!(true),
        Value::Null,
    ];
    let strategy = (
        prop::sample::select(places),
        prop::sample::select(values.to_vec()),
    );
    let (mut kept, mut all) = (0_u32, 0_u32);
    let mut runner = TestRunner::new(Runs::with_cases(400));
    runner
        .run(&strategy, |((index, pointer), value)| {
            let mut document = documents[index].clone();
            *document.pointer_mut(&pointer).unwrap() = value;
            if is_accepted(&document) {
                let refused = refused(&schema, &document);
                prop_assert!(refused.is_empty(), "{pointer}: {refused:?}");
            }
            Ok(())
        })
        .unwrap();
    // The other way is the table of mistakes: a schema knows no relations of two values. But it is no empty schema.
    for (index, document) in documents.iter().enumerate() {
        let mut found = Vec::new();
        pointers(document, "", &mut found);
        for pointer in found.iter().filter(|pointer| !pointer.is_empty()) {
            let mut wrong = documents[index].clone();
            *wrong.pointer_mut(pointer).unwrap() = json!({ "\u{1}": [] });
            all += 1;
            kept += u32::from(refused(&schema, &wrong).is_empty());
        }
    }
    // Members of problem documents may be anything.
    assert!(all > 100 && kept < all / 10, "{kept} of {all}");
}
