//! `examples/own-pages` is what its source builds, and docs/pages.md uses the names of the code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use snapbox::Data;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/own-pages")
}

/// Returns the output of a command in the folder of the example.
fn printed(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    let output = command.args(args).current_dir(example()).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_example_is_what_its_source_makes() {
    let module = "../../dist/tidegate.wasm";
    for (file, args) in [
        ("filter.json", &["bundle", "tidegate.yaml"][..]),
        (
            "envoy.yaml",
            &[
                "bundle",
                "tidegate.yaml",
                "--as",
                "envoy",
                "--module",
                module,
            ],
        ),
    ] {
        let golden = Data::read_from(&example().join(file), None).raw();
        snapbox::assert_data_eq!(printed(args), golden);
    }
}

/// Our names in the table of other products' names exist.
#[test]
fn names_of_other_products_map_to_existing_names() {
    let page = fs::read_to_string(example().join("../../docs/pages.md")).unwrap();
    let (_, rest) = page.split_once("<!-- other names -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- end of other names -->").unwrap();
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert!(rows.len() > 10);
    for row in rows {
        assert_eq!(row.matches('|').count(), 6, "{row}");
        let ours = row.split('|').nth(1).unwrap();
        for name in ours.split(',').map(|name| name.trim().trim_matches('`')) {
            let mut names = tidegate_core::page::NAMES.iter();
            assert!(names.any(|known| known.name == name), "{name}");
        }
    }
}
