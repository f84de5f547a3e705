//! What operators see of the filter: metrics with labels, alerts, the dashboard.

mod alerts;
mod dashboard;
mod docs;
mod idle;
mod labels;
mod live;
mod many;
mod stage;

use tidegate_e2e::workspace;

/// Compares a file of the workspace with what it is made of; writes it where goldens are written.
fn golden(path: &str, made: &str) {
    let file = workspace().join(path);
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&file, made).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        found, made,
        "{path} is not what its source makes: UPDATE_GOLDENS=1"
    );
}
