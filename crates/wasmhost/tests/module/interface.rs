//! The functions that the module exports and imports.

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
