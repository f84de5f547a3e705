use proptest::prelude::*;
use serde_json::{Map, Number, Value as Json};

use super::node::{Node, Value};
use super::read::{self, Dialect};

fn json() -> impl Strategy<Value = Json> {
    let text = prop_oneof![
        ".{0,8}",
        "[a-z:#{}\\[\\],&*!|>'\"%@` \\n\\t-]{0,12}",
        Just("\u{1f600}\u{85}\u{2028}\u{feff}\u{7f}".to_owned()),
        Just("no".to_owned()),
        Just("---".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1.0e9..1.0e9).prop_map(Json::from),
        text.clone().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((text.clone(), inner), 0..4)
                .prop_map(|entries| Json::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn back(node: &Node) -> Json {
    serde_json::from_str(&node.to_json()).unwrap()
}

proptest! {
    #[test]
    fn json_survives_reading_and_writing(json in json(), pretty: bool) {
        let text = match pretty {
            true => serde_json::to_string_pretty(&json).unwrap(),
            false => json.to_string(),
        };
        let node = read::json(&text, 0).unwrap();
        prop_assert_eq!(back(&node), json.clone());
        // The output is also YAML of the same meaning.
        let yaml = read::yaml(&node.to_json(), 0, Dialect::Core).unwrap();
        prop_assert_eq!(yaml.iter().map(back).collect::<Vec<_>>(), [json]);
    }

    #[test]
    fn any_document_can_be_read(any in ".{0,60}", odd in "[a&*:{}\\[\\]|>'\" \\n?-]{0,40}") {
        for text in [any, odd] {
            let _ = (read::json(&text, 0).is_ok(), read::yaml(&text, 0, Dialect::Core).is_ok());
        }
    }
}

#[test]
fn unquoted_yaml_scalars_follow_the_core_schema() {
    for (word, expected) in [
        ("~", Value::Null),
        ("", Value::Null),
        ("true", Value::Bool(true)),
        ("no", Value::Text("no".to_owned(), false)),
        ("5xx", Value::Text("5xx".to_owned(), false)),
        ("502-504", Value::Text("502-504".to_owned(), false)),
        ("2026-12-01", Value::Text("2026-12-01".to_owned(), false)),
        (
            "[~]",
            Value::List(vec![Node {
                mark: mark(1, 5),
                value: Value::Null,
            }]),
        ),
        ("502", Value::Number(502.into())),
        ("+0.50", Value::Number(Number::from_f64(0.5).unwrap())),
        ("1e3", Value::Number(Number::from_f64(1000.0).unwrap())),
        ("1e999", Value::Text("1e999".to_owned(), false)),
        ("'502'", Value::Text("502".to_owned(), false)),
        ("!!str 502", Value::Text("502".to_owned(), false)),
    ] {
        let node = read::yaml(&format!("a: {word}"), 0, Dialect::Core).unwrap();
        assert_eq!(node[0].get("a").unwrap().value, expected, "{word}");
    }
}

fn mark(line: usize, column: usize) -> super::Mark {
    super::Mark {
        file: 0,
        line,
        column,
    }
}

/// The lines of a block scalar are lines of its file.
#[test]
fn places_in_block_scalars_are_places_of_the_file() {
    for (yaml, line, expected) in [
        ("a: |\n  x\n   y\n", 2, mark(3, 3)),
        ("a:\n    b: |-\n\n      x\n", 2, mark(4, 7)),
        ("a: |2\n   x\n", 1, mark(2, 3)),
    ] {
        let node = read::yaml(yaml, 0, Dialect::Core).unwrap();
        let inner = node[0].get("a").unwrap();
        let inner = inner.get("b").unwrap_or(inner);
        assert_eq!(inner.inside(line, 1), Some(expected), "{yaml}");
    }
}

/// What go-yaml makes of a resource.
#[test]
fn scalars_of_resources_are_what_kubernetes_makes_of_them() {
    let text = |text: &str| Value::Text(text.to_owned(), false);
    for (word, expected) in [
        ("off", Value::Bool(false)),
        ("No", Value::Bool(false)),
        ("y", Value::Bool(true)),
        ("TRUE", Value::Bool(true)),
        ("oFF", text("oFF")),
        ("'off'", text("off")),
        ("!!str off", text("off")),
        ("#0b5fff", Value::Null),
        ("5", Value::Number(5.into())),
        ("1e3", Value::Number(Number::from_f64(1000.0).unwrap())),
        ("2026-12-01", text("2026-12-01")),
    ] {
        let node = read::yaml(&format!("a: {word}"), 0, Dialect::Kubernetes).unwrap();
        assert_eq!(node[0].get("a").unwrap().value, expected, "{word}");
    }
    let document = "base: &base {a: 1, no: 2}\nb: {<<: *base, a: 3}\nc: {<<: [*base, {d: 4}]}\n";
    for (dialect, expected) in [
        (
            Dialect::Kubernetes,
            r#"{"base":{"a":1,"false":2},"b":{"a":3,"false":2},"c":{"a":1,"false":2,"d":4}}"#,
        ),
        (
            Dialect::Core,
            r#"{"base":{"a":1,"no":2},"b":{"<<":{"a":1,"no":2},"a":3},"c":{"<<":[{"a":1,"no":2},{"d":4}]}}"#,
        ),
    ] {
        let node = read::yaml(document, 0, dialect).unwrap();
        let expected: Json = serde_json::from_str(expected).unwrap();
        assert_eq!(back(&node[0]), expected, "{dialect:?}");
    }
}
