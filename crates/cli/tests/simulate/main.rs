//! Tests of `tidegate simulate`.

mod arguments;
mod breakers;
mod documentation;
mod hints;
mod support;
