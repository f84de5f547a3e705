//! What operators see: metrics with labels, alerts, the dashboard.

mod alerts;
mod dashboard;
mod docs;
mod fresh;
mod idle;
mod labels;
mod live;
mod many;
mod stage;

use expect_test::expect_file;
use tidegate_e2e::workspace;

/// Compares a generated file of the workspace with its source. `UPDATE_EXPECT=1` writes the file.
fn golden(path: &str, made: &str) {
    expect_file![workspace().join(path)].assert_eq(made);
}
