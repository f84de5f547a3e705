//! Small modules, built by hand, trimmed and read back.

use super::*;
use wasm_encoder::{
    ConstExpr, CustomSection, DataSection, Elements, EntityType, ExportKind, Function,
    MemorySection, MemoryType, RefType, TableSection, TableType, TypeSection,
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

/// One function type, two imports and six functions:
/// `wanted` (2) calls `helper` (3), which calls the import `used` (1); `unwanted` (4) calls
/// `lonely` (5) and the import `unused` (0); `by_table` (6) is only in the table; `start` (7) starts.
fn sample() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut imports = ImportSection::new();
    imports.import("env", "unused", EntityType::Function(0));
    imports.import("env", "used", EntityType::Function(0));
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    for calls in [&[3][..], &[1], &[5, 0], &[], &[], &[]] {
        functions.function(0);
        let mut body = Function::new([]);
        for callee in calls {
            body.instructions().call(*callee);
        }
        body.instructions().end();
        code.function(&body);
    }
    let mut tables = TableSection::new();
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: 2,
        maximum: None,
        shared: false,
    });
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("wanted", ExportKind::Func, 2);
    exports.export("unwanted", ExportKind::Func, 4);
    let mut elements = ElementSection::new();
    elements.active(
        None,
        &ConstExpr::i32_const(1),
        Elements::Functions([6][..].into()),
    );
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(16), *b"kept as it is");
    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&tables);
    module.section(&memories).section(&exports);
    module.section(&wasm_encoder::StartSection { function_index: 7 });
    module.section(&elements).section(&code).section(&data);
    module.section(&CustomSection {
        name: "producers".into(),
        data: b"somebody"[..].into(),
    });
    module.finish()
}

/// The names and numbers that a module shows and uses, as text.
fn outline(module: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.expect("a readable module") {
            Payload::ImportSection(section) => {
                for import in section {
                    lines.push(format!("import {}", import.expect("import").name));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.expect("export");
                    lines.push(format!("export {} {}", export.name, export.index));
                }
            }
            Payload::StartSection { func, .. } => lines.push(format!("start {func}")),
            Payload::ElementSection(section) => {
                let mut seen = References::default();
                seen.parse_element_section(&mut ElementSection::new(), section)
                    .expect("elements");
                lines.push(format!("table {:?}", seen.functions));
            }
            Payload::CodeSectionEntry(body) => {
                let mut seen = References::default();
                seen.parse_function_body(&mut CodeSection::new(), body)
                    .expect("body");
                lines.push(format!("body calls {:?}", seen.functions));
            }
            Payload::DataSection(section) => lines.push(format!("data {}", section.count())),
            Payload::CustomSection(section) => lines.push(format!("custom {}", section.name())),
            _ => {}
        }
    }
    lines
}

#[test]
fn keeps_what_the_listed_exports_reach_and_renumbers_it() {
    let trimmed = trim(&sample(), LIST).expect("a good module");
    // `used` becomes 0. Those with nothing to call are shorter: `by_table` becomes 1, `start` 2; then,
    // of the same size and so in the order that they had, `wanted` 3 and `helper` 4.
    assert_eq!(
        outline(&trimmed),
        [
            "import used",
            "export memory 0",
            "export wanted 3",
            "start 2",
            "table {1}",
            "body calls {}",
            "body calls {}",
            "body calls {4}",
            "body calls {0}",
            "data 1",
        ]
    );
}

#[test]
fn trimming_twice_changes_nothing_more() {
    let once = trim(&sample(), LIST).expect("a good module");
    assert_eq!(trim(&once, LIST).expect("still a good module"), once);
}

#[test]
fn counts_what_a_module_shows() {
    let before = surface(&sample()).expect("a good module");
    assert_eq!(
        before,
        Surface {
            exports: 2,
            imports: 2
        }
    );
    let after = surface(&trim(&sample(), LIST).expect("a good module")).expect("a good module");
    assert_eq!(
        after,
        Surface {
            exports: 1,
            imports: 1
        }
    );
}

#[test]
fn a_listed_export_that_is_not_there_is_an_error() {
    let list = [
        LIST,
        &[Export {
            name: "proxy_on_typo",
            reason: "test",
        }],
    ]
    .concat();
    let error = trim(&sample(), &list).expect_err("the name does not exist");
    assert_eq!(error, TrimError::MissingExports(vec!["proxy_on_typo"]));
    assert_eq!(
        error.to_string(),
        "the module does not export proxy_on_typo; either the adapter lost it, or it has to leave the list in crates/trim/src/exports.rs"
    );
}

#[test]
fn what_is_no_module_is_refused() {
    let truncated = &sample()[..60];
    for bytes in [&b""[..], b"\0asm", b"hello, world", truncated] {
        let error = trim(bytes, LIST).expect_err("no module");
        assert!(matches!(error, TrimError::Malformed(_)), "{error:?}");
    }
}

#[test]
fn the_list_names_each_export_once() {
    let names: BTreeSet<_> = exports::KEPT.iter().map(|export| export.name).collect();
    assert_eq!(names.len(), exports::KEPT.len());
    assert!(exports::KEPT.iter().all(|export| !export.reason.is_empty()));
}

/// A callback that the adapter implements and the list lacks would never be called, without a word;
/// one that it lists for nothing costs a call on every request.
#[test]
fn the_list_holds_exactly_the_callbacks_that_the_adapter_implements() {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/../../src");
    let mut implemented = BTreeSet::new();
    for entry in std::fs::read_dir(sources).expect("the adapter's folder") {
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
    let names = exports::KEPT.iter().map(|export| export.name);
    let listed: BTreeSet<String> = names
        .filter(|name| !exports::SDK.contains(name))
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, implemented);
}
