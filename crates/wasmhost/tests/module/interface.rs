//! What the module and Envoy may call of each other.

use super::{golden, host};

fn lines<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| format!("{name}\n")).collect()
}

/// Every exported callback is called by Envoy, whatever it does, and costs a microsecond or more.
#[test]
fn exports_are_those_in_use() {
    golden::check("exports.txt", &lines(&host().exports()));
}

/// A host that lacks one of these cannot load the module. Some are never called: the SDK's default
/// methods name them, and this host would trap at their call.
#[test]
fn imports_are_those_in_use() {
    golden::check("imports.txt", &lines(&host().imports()));
}
