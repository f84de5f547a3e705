use proptest::prelude::*;
use serde_json::{Map, Number, Value as Json};

use super::node::{Node, Value};
use super::read;

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
        let yaml = read::yaml(&node.to_json(), 0).unwrap();
        prop_assert_eq!(yaml.iter().map(back).collect::<Vec<_>>(), [json]);
    }

    #[test]
    fn any_document_can_be_read(any in ".{0,60}", odd in "[a&*:{}\\[\\]|>'\" \\n?-]{0,40}") {
        for text in [any, odd] {
            let _ = (read::json(&text, 0).is_ok(), read::yaml(&text, 0).is_ok());
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
        let node = read::yaml(&format!("a: {word}"), 0).unwrap();
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
        let node = read::yaml(yaml, 0).unwrap();
        let inner = node[0].get("a").unwrap();
        let inner = inner.get("b").unwrap_or(inner);
        assert_eq!(inner.inside(line, 1), Some(expected), "{yaml}");
    }
}
