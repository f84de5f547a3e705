//! The filter configuration: one JSON object in, types that cannot be invalid out.
//!
//! [`Config::from_json`] is the only way in, for the filter and for the command alike, so that what
//! `tidegate check` accepts is what the filter accepts. Every error is reported at once, each with
//! its key path; nothing is silently repaired.

mod defaults;
mod pattern;
mod types;

pub use pattern::Pattern;
pub use types::*;
