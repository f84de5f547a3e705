//! The filter configuration: one JSON object in, types that cannot be invalid out.
//!
//! [`Config::from_json`](crate::config::Config::from_json) is the only way in, for the filter and for
//! the command, so that what `tidegate check` accepts is what the filter accepts. All errors are
//! reported at once, each with its key path. No value is silently repaired.
//!
//! [`options`] is the one definition of every option. A document is parsed ([`json`]), its options
//! are read into types ([`section`], [`option`]), and values that depend on each other are compared
//! ([`semantics`]). The JSON Schema and the reference page ([`reference`]) come from the same
//! definitions.

mod color;
mod error;
mod json;
pub mod limits;
mod logo;
mod notation;
mod option;
mod options;
mod pattern;
pub mod reference;
mod section;
mod semantics;
mod shape;
mod strings;
mod svg;
mod validator;
mod yaml;

pub use crate::template::TemplateError;
pub use color::Color;
pub(crate) use error::found;
pub use error::{ConfigError, ConfigErrors, ErrorKind};
pub use json::Json;
pub(crate) use notation::{is_decimal, number, status};
pub use options::*;
pub use pattern::Pattern;
pub(crate) use section::key;
pub(crate) use semantics::{unique_keys, DIRECTION};
pub(crate) use strings::is_text_key;
pub use validator::push_key;
pub(crate) use validator::Validator;
pub use yaml::YamlReading;

/// Reads a configuration. Returns what is valid of it, and what is wrong with it.
///
/// `check` adds what this module cannot know: whether templates and texts are right.
pub(crate) fn read(
    bytes: &[u8],
    check: impl FnOnce(&mut Config, &mut Validator),
) -> (Config, Result<(), ConfigErrors>) {
    let mut v = Validator::new();
    let mut config = Config::default();
    match document(bytes) {
        Ok(json) => {
            v.section(&mut config, &json);
            inherit(&mut config, &json);
            semantics::check(&config, &json, &mut v);
            check(&mut config, &mut v);
        }
        Err(kind) => v.refuse(kind),
    }
    normalize(&mut config);
    (config, v.into_result())
}

fn document(bytes: &[u8]) -> Result<Json, ErrorKind> {
    if bytes.len() > limits::CONFIG_BYTES {
        return Err(ErrorKind::TooLarge);
    }
    if bytes.trim_ascii().is_empty() {
        return Ok(Json::Object(Vec::new()));
    }
    Json::parse(bytes)
}

/// Lets the rules of `routes` and `brands` inherit the settings of the top level. This comes after
/// everything is read, because the settings may follow the rules in the document.
fn inherit(config: &mut Config, document: &Json) {
    let rules = |key| document.get(key).map_or(&[][..], Json::items);
    for (rule, json) in config.routes.iter_mut().zip(rules(key!(Config.routes))) {
        rule.inherit(config.mode, &config.policy, json);
    }
    for (rule, json) in config.brands.iter_mut().zip(rules(key!(Config.brands))) {
        rule.inherit(&config.brand, json);
    }
}

/// Sorts what has no order of its own in the document, lowers the case of header names, and completes texts
/// by language.
fn normalize(config: &mut Config) {
    config.templates.sort_by(|(a, _), (b, _)| a.cmp(b));
    config.vars.sort_by(|(a, _), (b, _)| a.cmp(b));
    let default = &config.locales.default;
    let messages = config.routes.iter_mut().filter_map(|rule| {
        let maintenance = rule.maintenance.as_mut()?;
        maintenance.message.as_mut()
    });
    let brands = config.brands.iter_mut().map(|rule| &mut rule.brand);
    let links = std::iter::once(&mut config.brand).chain(brands);
    let labels = links.flat_map(|brand| brand.links.iter_mut().map(|link| &mut link.label));
    let vars = config.vars.iter_mut().map(|(_, text)| text);
    for text in messages.chain(labels).chain(vars) {
        text.settle(default);
    }
    for (name, _) in &mut config.headers.set {
        name.make_ascii_lowercase();
    }
    config.headers.set.sort();
}
