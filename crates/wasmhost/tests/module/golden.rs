//! Goldens: expectations in files beside the tests.

/// Compares with `tests/goldens/<name>`; `UPDATE_EXPECT=1` rewrites it.
pub(crate) fn check(name: &str, actual: &str) {
    expect_test::expect_file![format!("../goldens/{name}")].assert_eq(actual);
}
