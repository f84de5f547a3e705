use super::*;
use std::collections::BTreeSet;
use wasm_encoder::{
    CodeSection, CustomSection, ExportKind, Function, FunctionSection, MemorySection, MemoryType,
    TypeSection,
};

const LIST: &[Export] = &[
    Export {
        name: "memory",
        reason: "test",
    },
    Export {
        name: "wanted",
        reason: "test",
    },
];

/// Builds a module with a memory, the functions `wanted` and `unwanted`, and a custom section.
fn sample(exported: &[&str]) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    for _ in 0..2 {
        functions.function(0);
        let mut body = Function::new([]);
        body.instructions().end();
        code.function(&body);
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    for name in exported {
        match *name {
            "memory" => exports.export(name, ExportKind::Memory, 0),
            "wanted" => exports.export(name, ExportKind::Func, 1),
            _ => exports.export(name, ExportKind::Func, 0),
        };
    }
    let mut module = Module::new();
    module.section(&types).section(&functions);
    module.section(&memories).section(&exports).section(&code);
    module.section(&CustomSection {
        name: "name".into(),
        data: b"kept"[..].into(),
    });
    module.finish()
}

#[test]
fn only_the_export_section_changes() {
    let kept = keep_exports(&sample(&["memory", "wanted", "unwanted"]), LIST);
    assert_eq!(kept, Ok(sample(&["memory", "wanted"])));
}

#[test]
fn a_second_run_changes_nothing() {
    let once = keep_exports(&sample(&["memory", "unwanted", "wanted"]), LIST).expect("valid");
    assert_eq!(keep_exports(&once, LIST), Ok(once.clone()));
}

#[test]
fn exported_functions_are_counted_without_memories() {
    assert_eq!(
        count_exported_functions(&sample(&["memory", "wanted", "unwanted"])),
        Ok(2)
    );
}

#[test]
fn a_listed_export_that_is_missing_is_an_error() {
    let error = keep_exports(&sample(&["memory"]), LIST).expect_err("`wanted` is missing");
    assert_eq!(error, ExportsError::Missing(vec!["wanted"]));
    assert_eq!(
        error.to_string(),
        "the module does not export wanted; restore the callback in src/, or remove it from crates/exports/src/list.rs"
    );
}

#[test]
fn bytes_that_are_not_a_module_are_refused() {
    let truncated = &sample(&["memory", "wanted"])[..40];
    for bytes in [&b""[..], b"\0asm", b"hello, world", truncated] {
        let error = keep_exports(bytes, LIST).expect_err("not a module");
        assert!(matches!(error, ExportsError::Malformed(_)), "{error:?}");
    }
}

#[test]
fn the_list_names_each_export_once_with_a_reason() {
    let names: BTreeSet<_> = list::KEPT.iter().map(|export| export.name).collect();
    assert_eq!(names.len(), list::KEPT.len());
    assert!(list::KEPT.iter().all(|export| !export.reason.is_empty()));
}

/// A callback that `src/` implements and the list lacks would never be called, without any error; a
/// listed callback that does nothing costs a call on every request.
#[test]
fn the_list_holds_exactly_the_callbacks_that_the_filter_implements() {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/../../src");
    let mut implemented = BTreeSet::new();
    for entry in std::fs::read_dir(sources).expect("the folder of the filter") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a source file");
        let names = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("fn on_")?.split('(').next());
        // The SDK's traits say `on_http_` where the interface of the host does not.
        implemented.extend(names.map(|name| match name.strip_prefix("http_") {
            Some(rest) if name != "http_call_response" => format!("proxy_on_{rest}"),
            _ => format!("proxy_on_{name}"),
        }));
    }
    let names = list::KEPT.iter().map(|export| export.name);
    let listed: BTreeSet<String> = names
        .filter(|name| !list::SDK.contains(name))
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, implemented);
}
