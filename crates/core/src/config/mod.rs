//! The filter configuration: one JSON object in, types that cannot be invalid out.
//!
//! [`Config::from_json`] is the only way in, for the filter and for the command alike, so that what
//! `tidegate check` accepts is what the filter accepts. Every error is reported at once, each with
//! its key path; nothing is silently repaired.
//!
//! The way of a document: [`json`] keeps it as it was written; [`check`] walks it along the tables of
//! options in [`table`], the one definition of every option; [`cross`] checks what needs two values;
//! [`build`] makes the types. The JSON Schema and the reference page come from the same tables.

mod build;
mod check;
mod color;
mod cross;
mod error;
mod json;
use crate::prelude::*;
pub use json::Json;
mod kind;
pub mod limits;
mod logo;
mod nearest;
mod pattern;
#[cfg(feature = "reference")]
pub mod reference;
mod svg;
mod table;
mod text;
mod types;
pub(crate) mod value;
mod view;

pub use check::push_key;
pub use color::Color;
pub use error::{ConfigError, ConfigErrors, Fault};
pub(crate) use pattern::Ends;
pub use pattern::Pattern;
pub use types::*;

use view::View;

impl Config {
    /// Reads a configuration.
    ///
    /// Nothing at all (Envoy gives no bytes where no configuration is set) is the same as `{}`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, at once.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ConfigErrors> {
        let mut walk = check::Walk::new();
        let json = match document(bytes) {
            Ok(json) => json,
            Err(fault) => {
                walk.refuse(fault);
                return Err(walk.findings.errors);
            }
        };
        walk.check(&table::DOCUMENT, &json);
        let root = View::root(&json);
        cross::check(&mut walk, root);
        let check::Findings { errors, programs } = walk.findings;
        if errors.total() > 0 {
            return Err(errors);
        }
        Ok(build::config(root, programs))
    }
}

impl Default for Config {
    /// The configuration of `{}`.
    fn default() -> Self {
        build::config(View::root(&Json::Object(Vec::new())), Vec::new())
    }
}

fn document(bytes: &[u8]) -> Result<Json, Fault> {
    if bytes.len() > limits::CONFIG_BYTES {
        return Err(Fault::TooLarge);
    }
    if bytes.trim_ascii().is_empty() {
        return Ok(Json::Object(Vec::new()));
    }
    Json::parse(bytes)
}
