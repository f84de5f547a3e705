use super::super::section::Section;
use super::super::shape::{Field, Shape};
use super::super::{Config, Json};

#[test]
fn pretty_json_is_the_same_json() {
    let text = r#"{"a":[],"b":{},"c":[1,"x"],"d":[{"e":[[2]]},null],"f":"ä\"\n"}"#;
    let json = Json::parse(text.as_bytes()).unwrap();
    let pretty = super::pretty(&json);
    assert_eq!(Json::parse(pretty.as_bytes()).unwrap(), json);
    assert!(pretty
        .starts_with("{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [1, \"x\"],\n  \"d\": [\n    {\n"));
}

/// Every option and word, with its path.
fn each(fields: &[Field], path: &str, see: &mut impl FnMut(String, &str)) {
    for field in fields {
        let path = format!("{path}.{}", field.key);
        see(path.clone(), &field.doc);
        each_inside(&field.shape, &path, see);
        each(&field.options, &path, see);
    }
}

fn each_inside(shape: &Shape, path: &str, see: &mut impl FnMut(String, &str)) {
    match shape {
        Shape::Map { of, .. } | Shape::List { of, .. } => each_inside(of, path, see),
        Shape::Either(first, second) => {
            each_inside(first, path, see);
            each_inside(second, path, see);
        }
        Shape::Words(words) => {
            for word in words {
                see(format!("{path} {}", word.name), word.doc.trim());
            }
        }
        _ => {}
    }
}

#[test]
fn every_option_and_word_has_its_sentence() {
    let mut count = 0;
    each(&Config::fields(), "", &mut |path, doc| {
        count += 1;
        assert!(!doc.is_empty() && !doc.contains("  "), "{path}");
        assert!(doc.ends_with('.'), "{path}: {doc}");
    });
    assert!(count > 100, "{count}");
}

#[test]
fn the_example_is_a_configuration() {
    let config = Config::from_json(super::EXAMPLE.as_bytes()).unwrap();
    assert_ne!(config, Config::default());
}
