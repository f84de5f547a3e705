//! The functions that the module exports and imports, and what it must not contain.

use serde_json::Value;
use tidegate_core::config::reference;

use super::{golden, host};

fn lines<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| format!("{name}\n")).collect()
}

/// Envoy calls every exported callback, which costs a microsecond or more.
#[test]
fn the_module_exports_only_what_it_uses() {
    golden::check("exports.txt", &lines(&host().exports()));
}

/// A host without one of these cannot load the module. Some are never called: the SDK's default methods
/// name them, and this host would trap at their call.
#[test]
fn the_module_imports_no_other_host_calls() {
    golden::check("imports.txt", &lines(&host().imports()));
}

/// Every VM would keep them in its memory, and V8 would compile what makes them, at each start of Envoy.
#[test]
fn the_module_contains_no_descriptions_of_options() {
    let module = std::fs::read(tidegate_wasmhost::module_path()).unwrap();
    let module = String::from_utf8_lossy(&module);
    let schema: Value = serde_json::from_str(&reference::schema()).unwrap();
    let mut descriptions = Vec::new();
    collect_descriptions(&schema, &mut descriptions);
    assert!(descriptions.len() > 100, "{}", descriptions.len());
    for description in descriptions {
        assert!(!module.contains(description), "{description}");
    }
}

fn collect_descriptions<'a>(schema: &'a Value, into: &mut Vec<&'a str>) {
    match schema {
        Value::Object(entries) => {
            into.extend(entries.get("description").and_then(Value::as_str));
            entries
                .values()
                .for_each(|value| collect_descriptions(value, into));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_descriptions(item, into)),
        _ => {}
    }
}
