//! The native companion command `tidegate`.
fn main() {}
