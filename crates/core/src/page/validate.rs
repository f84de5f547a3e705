//! Checks of a configuration that need the pages: whether its templates and texts can be served.

use std::sync::Arc;

use super::languages::is_spoken;
use super::messages::{is_known, is_own, nearest_key, placeholder, wrong_placeholder};
use super::template_names::TemplateNames;
use crate::config::{
    self, found, is_decimal, is_text_key, key, Brand, Config, ConfigErrors, ErrorKind, Json,
    LocalizedText, TemplateSource, Validator, DIRECTION,
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
        let (config, result) = Self::examine(bytes);
        result.map(|()| config)
    }

    /// Reads a configuration that may have errors. Returns what is valid of it, with the default of every
    /// option that is not, and everything that is wrong with it.
    ///
    /// This is for tools that report more than errors. The filter uses [`Config::from_json`].
    pub fn examine(bytes: &[u8]) -> (Self, Result<(), ConfigErrors>) {
        config::read(bytes, validate)
    }
}

/// Checks the templates and texts of a configuration, and keeps the parsed templates.
fn validate(config: &mut Config, v: &mut Validator) {
    templates(config, v);
    v.key(key!(Config.pages), |v| {
        for (index, page) in config.pages.iter().enumerate() {
            v.item(index, |v| {
                v.key(key!(PageRule.strings), |v| texts(&page.strings, v));
            });
        }
    });
    v.key(key!(Config.locales), |v| {
        v.key(key!(Locales.strings), |v| {
            for (language, strings) in &config.locales.strings {
                v.key(language, |v| texts(strings, v));
            }
        });
        default_language(config, v);
    });
    localized_texts(config, v);
}

/// Checks the texts by language.
fn localized_texts(config: &Config, v: &mut Validator) {
    v.key(key!(Config.brand), |v| labels(config, &config.brand, v));
    v.key(key!(Config.brands), |v| {
        for (index, rule) in config.brands.iter().enumerate() {
            v.item(index, |v| {
                // Others are those of the top level.
                if v.is_given(key!(Brand.links)) {
                    labels(config, &rule.brand, v);
                }
            });
        }
    });
    v.key(key!(Config.routes), |v| {
        for (index, rule) in config.routes.iter().enumerate() {
            let maintenance = rule.maintenance.as_ref();
            let Some(message) = maintenance.and_then(|m| m.message.as_ref()) else {
                continue;
            };
            v.item(index, |v| {
                v.key(key!(RouteRule.maintenance), |v| {
                    localized_text(config, key!(Maintenance.message), message, v);
                });
            });
        }
    });
    v.key(key!(Config.vars), |v| {
        for (name, text) in &config.vars {
            localized_text(config, name, text, v);
        }
    });
}

/// Checks the labels of the links of a brand.
fn labels(config: &Config, brand: &Brand, v: &mut Validator) {
    v.key(key!(Brand.links), |v| {
        for (index, link) in brand.links.iter().enumerate() {
            v.item(index, |v| {
                localized_text(config, key!(Link.label), &link.label, v);
            });
        }
    });
}

/// Checks the text at a key: refuses texts in a language that no page has, and a text that the default
/// language lacks, which all languages without one of their own would show.
fn localized_text(config: &Config, key: &str, text: &LocalizedText, v: &mut Validator) {
    let Some(texts) = text.by_language() else {
        return;
    };
    let is_refused = v.has_error_within(key);
    let own = config.locales.strings.iter().map(|(tag, _)| tag.as_str());
    v.key(key, |v| {
        config::unique_keys(texts, v);
        for (tag, _) in texts.iter().filter(|(tag, _)| !is_spoken(tag, own.clone())) {
            if !v.has_error_within(tag) {
                v.refuse_key(tag, no_such_language(tag, "locales.strings"));
            }
        }
        let default = &config.locales.default;
        if text.find(default).is_none() && !is_refused && is_spoken(default, own.clone()) {
            let allowed = "a text for pages in other languages (`locales.default`)".to_owned();
            v.refuse_key(default, ErrorKind::Missing { allowed });
        }
    });
}

/// Returns the error about the tag of a language that is neither built in nor one of `strings`.
fn no_such_language(tag: &str, strings: &str) -> ErrorKind {
    ErrorKind::Value {
        yaml: None,
        found: quoted(tag),
        why: "no such language",
        allowed: format!("a built-in language, or one of `{strings}`"),
        did_you_mean: None,
    }
}

fn templates(config: &mut Config, v: &mut Validator) {
    let (open, close) = &config.delimiters;
    if v.has_error_within(key!(Config.delimiters)) || open == close {
        // Without delimiters there are no tags to check.
        return;
    }
    let brands = brands(config).map(|brand| TemplateNames::of(config, brand));
    let brands: Vec<_> = brands.collect();
    v.key(key!(Config.templates), |v| {
        for (name, template) in &mut config.templates {
            v.key(name, |v| {
                let html = &mut template.html;
                v.key(key!(Template.html), |v| {
                    source(&brands, Syntax::Html, html, v)
                });
                let text = &mut template.text;
                v.key(key!(Template.text), |v| {
                    source(&brands, Syntax::Text, text, v)
                });
                v.key(key!(Template.problem), |v| {
                    members(&brands, &template.problem, v);
                });
            });
        }
    });
}

/// Returns the brand of the top level, then those of `brands`.
fn brands(config: &Config) -> impl Iterator<Item = &Brand> {
    std::iter::once(&config.brand).chain(config.brands.iter().map(|rule| &rule.brand))
}

/// Checks a template with the names of each brand, and keeps what it becomes.
fn source(
    brands: &[TemplateNames],
    syntax: Syntax,
    source: &mut Option<TemplateSource>,
    v: &mut Validator,
) {
    let Some(source) = source else {
        return;
    };
    for (number, names) in brands.iter().enumerate() {
        match names.read(syntax, &source.text) {
            Ok(program) => {
                // Most templates show little of a brand, and every worker holds a copy of all of them.
                let same = source.programs.iter().find(|other| ***other == program);
                let program = same.cloned().unwrap_or_else(|| Arc::new(program));
                source.programs.push(program);
            }
            Err(errors) => return refuse_template(errors, number, v),
        }
    }
}

/// Refuses a template that is wrong with the brand of this number: 0 is that of the top level.
fn refuse_template(errors: Vec<TemplateError>, brand: usize, v: &mut Validator) {
    for mut error in errors {
        if let Some(rule) = brand.checked_sub(1) {
            error.why = format!("{} (with `{}[{rule}]`)", error.why, key!(Config.brands)).into();
        }
        v.refuse(ErrorKind::Template(error));
    }
}

/// Checks each string of the members, and then all of them together: they may exceed a limit that
/// none of them exceeds alone.
fn members(brands: &[TemplateNames], members: &[(String, Json)], v: &mut Validator) {
    let before = v.total();
    // A string alone is as right with one brand as with another.
    if let Some(names) = brands.first() {
        for (key, json) in members {
            v.key(key, |v| member(names, json, v));
        }
    }
    for (number, names) in brands.iter().enumerate() {
        if v.total() == before {
            refuse_template(names.check_members(members), number, v);
        }
    }
}

fn member(names: &TemplateNames, json: &Json, v: &mut Validator) {
    match json {
        Json::String(text) => refuse_template(names.check(Syntax::Json, text), 0, v),
        Json::Number(number) if !is_decimal(*number) => v.refuse(ErrorKind::Value {
            yaml: None,
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

/// Refuses keys that no text has, and placeholders that nothing replaces.
fn texts(strings: &[(String, String)], v: &mut Validator) {
    for (key, text) in strings {
        // A key of another shape was refused before.
        if key == DIRECTION || is_own(key) || !is_text_key(key) {
            continue;
        }
        if is_known(key) {
            v.key(key, |v| placeholders(key, text, v));
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

/// Refuses placeholders that the page does not replace in this text.
fn placeholders(key: &str, text: &str, v: &mut Validator) {
    let Some(wrong) = wrong_placeholder(key, text) else {
        return;
    };
    let allowed = match placeholder(key) {
        Some(placeholder) => format!("`{placeholder}`, once"),
        None => "a text without a placeholder".to_owned(),
    };
    let (found, why) = match wrong {
        "" => (quoted(text), "no placeholder"),
        wrong => (quoted(wrong), "not replaced by anything here"),
    };
    v.refuse(ErrorKind::Value {
        yaml: None,
        found,
        why,
        allowed,
        did_you_mean: None,
    });
}

/// Refuses a default language without texts.
fn default_language(config: &Config, v: &mut Validator) {
    let locales = &config.locales;
    let own = locales.strings.iter().map(|(tag, _)| tag.as_str());
    if !is_spoken(&locales.default, own) {
        let error = no_such_language(&locales.default, key!(Locales.strings));
        v.refuse_key(key!(Locales.default), error);
    }
}
