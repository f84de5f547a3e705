//! Expectations kept in files beside the tests.

use std::path::PathBuf;

/// Compares with `tests/goldens/<name>`, or writes it with `UPDATE_GOLDENS=1`.
pub(crate) fn check(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/goldens")
        .join(name);
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{name} is no longer what it was.\n--- expected\n{expected}\n--- actual\n{actual}\n\
         If the change is meant: UPDATE_GOLDENS=1 cargo test -p tidegate-wasmhost, and say why in \
         the commit."
    );
}
