//! Small modules, built by hand, trimmed and read back.

use super::*;
use wasm_encoder::{
    ConstExpr, CustomSection, DataSection, Elements, EntityType, ExportKind, Function,
    MemorySection, MemoryType, RefType, TableSection, TableType, TypeSection, ValType,
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
    // `used` becomes 0. Those with nothing to call are shorter, and the same: `by_table` and `start`
    // become 1; then, alike and so in the order that they had, `wanted` 2 and `helper` 3.
    assert_eq!(
        outline(&trimmed),
        [
            "import used",
            "export memory 0",
            "export wanted 2",
            "start 1",
            "table {1}",
            "body calls {}",
            "body calls {3}",
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
fn functions_that_call_the_same_are_the_same() {
    // 0 and 1 call 2 and 3, which are the same; 4 is not, for its type.
    let mut types = TypeSection::new();
    types.ty().function([], []);
    types.ty().function([ValType::I64], []);
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    for (ty, callee) in [(0, Some(2)), (0, Some(3)), (0, None), (0, None), (1, None)] {
        functions.function(ty);
        let mut body = Function::new([]);
        if let Some(callee) = callee {
            body.instructions().call(callee);
        }
        body.instructions().end();
        code.function(&body);
    }
    let mut exports = ExportSection::new();
    for (index, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        exports.export(name, ExportKind::Func, index as u32);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions);
    module.section(&exports).section(&code);
    let list = ["a", "b", "c", "d", "e"].map(|name| Export {
        name,
        reason: "test",
    });
    let trimmed = trim(&module.finish(), &list).expect("a good module");
    assert_eq!(
        outline(&trimmed),
        [
            "export a 2",
            "export b 2",
            "export c 0",
            "export d 0",
            "export e 1",
            "body calls {}",
            "body calls {}",
            "body calls {0}",
        ]
    );
}

#[test]
fn locals_are_together_by_type_and_the_most_used_first() {
    // A parameter (0) and the locals 1: i32, 2: i64, 3: i32, of which the last is used most.
    let mut body = Function::new([(1, ValType::I32), (1, ValType::I64), (1, ValType::I32)]);
    for local in [3, 0, 1, 3, 2, 3] {
        body.instructions().local_get(local).drop();
    }
    body.instructions().i32_const(7).local_tee(3).local_set(1);
    body.instructions().end();
    let raw = body.into_raw_body();
    let body = FunctionBody::new(wasmparser::BinaryReader::new(&raw, 0));
    let found = locals::in_order(&mut References::default(), &body, 1).expect("a good body");
    let mut expected = Function::new([(2, ValType::I32), (1, ValType::I64)]);
    for local in [1, 0, 2, 1, 3, 1] {
        expected.instructions().local_get(local).drop();
    }
    expected
        .instructions()
        .i32_const(7)
        .local_tee(1)
        .local_set(2);
    expected.instructions().end();
    assert_eq!(found.into_raw_body(), expected.into_raw_body());
}

#[test]
fn hints_about_alignment_are_cut_and_places_stay() {
    for (align, expected) in [(0, 0), (1, 1), (2, 1), (3, 1)] {
        let arg = wasmparser::MemArg {
            align,
            max_align: 3,
            offset: 40,
            memory: 0,
        };
        let arg = least_hint(arg);
        assert_eq!((arg.align, arg.offset, arg.memory_index), (expected, 40, 0));
    }
}

#[test]
fn alike_functions_become_neighbours() {
    let functions =
        ["abcdefgh", "123456", "abcdefxyz", "1234567", "0"].map(|f| f.as_bytes().to_vec());
    assert_eq!(order::by_likeness(&functions), [4, 1, 3, 0, 2]);
    assert_eq!(order::by_likeness(&[]), []);
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
