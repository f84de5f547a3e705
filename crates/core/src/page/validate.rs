//! Checks of a configuration that need the pages: whether its templates and texts can be served.

use std::sync::Arc;

use super::languages::is_spoken;
use super::messages::{is_known, nearest_key};
use super::template_names::TemplateNames;
use crate::config::{
    self, found, is_decimal, is_text_key, key, Config, ConfigErrors, ErrorKind, Json,
    TemplateSource, Validator, DIRECTION,
};
use crate::diagnostics::quoted;
use crate::template::{Syntax, TemplateError};

impl Config {
    /// Reads a configuration.
    ///
    /// Reads no bytes at all as `{}`: Envoy gives none if no configuration is set.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong with it.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ConfigErrors> {
        config::read(bytes, validate)
    }
}

/// Checks the templates and texts of a configuration, and keeps the parsed templates.
fn validate(config: &mut Config, v: &mut Validator) {
    templates(config, v);
    v.key(key!(Config.pages), |v| {
        for (index, page) in config.pages.iter().enumerate() {
            v.item(index, |v| {
                v.key(key!(PageRule.strings), |v| known_keys(&page.strings, v));
            });
        }
    });
    v.key(key!(Config.locales), |v| {
        v.key(key!(Locales.strings), |v| {
            for (language, strings) in &config.locales.strings {
                v.key(language, |v| known_keys(strings, v));
            }
        });
        default_language(config, v);
    });
}

fn templates(config: &mut Config, v: &mut Validator) {
    let (open, close) = &config.delimiters;
    if v.has_error_within(key!(Config.delimiters)) || open == close {
        // Without delimiters there are no tags to check.
        return;
    }
    let names = TemplateNames::of(config);
    v.key(key!(Config.templates), |v| {
        for (name, template) in &mut config.templates {
            v.key(name, |v| {
                let html = &mut template.html;
                v.key(key!(Template.html), |v| {
                    source(&names, Syntax::Html, html, v)
                });
                let text = &mut template.text;
                v.key(key!(Template.text), |v| {
                    source(&names, Syntax::Text, text, v)
                });
                v.key(key!(Template.problem), |v| {
                    members(&names, &template.problem, v);
                });
            });
        }
    });
}

fn source(
    names: &TemplateNames,
    syntax: Syntax,
    source: &mut Option<TemplateSource>,
    v: &mut Validator,
) {
    let Some(source) = source else {
        return;
    };
    match names.read(syntax, &source.text) {
        Ok(program) => source.program = Some(Arc::new(program)),
        Err(errors) => refuse_template(errors, v),
    }
}

fn refuse_template(errors: Vec<TemplateError>, v: &mut Validator) {
    for error in errors {
        v.refuse(ErrorKind::Template(error));
    }
}

/// Checks each string of the members, and then all of them together: they may exceed a limit that
/// none of them exceeds alone.
fn members(names: &TemplateNames, members: &[(String, Json)], v: &mut Validator) {
    let before = v.total();
    for (key, json) in members {
        v.key(key, |v| member(names, json, v));
    }
    if v.total() == before {
        refuse_template(names.check_members(members), v);
    }
}

fn member(names: &TemplateNames, json: &Json, v: &mut Validator) {
    match json {
        Json::String(text) => refuse_template(names.check(Syntax::Json, text), v),
        Json::Number(number) if !is_decimal(*number) => v.refuse(ErrorKind::Value {
            found: found(json),
            why: "",
            allowed: "a number below 10^12 with at most six decimals".to_owned(),
            did_you_mean: None,
        }),
        Json::List(items) => {
            for (index, item) in items.iter().enumerate() {
                v.item(index, |v| member(names, item, v));
            }
        }
        Json::Object(entries) => {
            for (key, json) in entries {
                v.key(key, |v| member(names, json, v));
            }
        }
        _ => {}
    }
}

/// Refuses keys that no text has.
fn known_keys(strings: &[(String, String)], v: &mut Validator) {
    for (key, _) in strings {
        // A key of another shape was refused before.
        if is_known(key) || key == DIRECTION || !is_text_key(key) {
            continue;
        }
        let error = ErrorKind::UnknownKey {
            keys: Vec::new(),
            allowed: "a key of the built-in texts, or one that begins with `own.`".to_owned(),
            did_you_mean: nearest_key(key, &[]),
        };
        v.refuse_key(key, error);
    }
}

/// Refuses a default language without texts.
fn default_language(config: &Config, v: &mut Validator) {
    let locales = &config.locales;
    let own = locales.strings.iter().map(|(tag, _)| tag.as_str());
    if !is_spoken(&locales.default, own) {
        let error = ErrorKind::Value {
            found: quoted(&locales.default),
            why: "no such language",
            allowed: "a built-in language, or one of `strings`".to_owned(),
            did_you_mean: None,
        };
        v.refuse_key(key!(Locales.default), error);
    }
}
