//! Checks that need more than one value: names that must exist or be unique, durations that bound
//! each other. A value that was refused on its own is not compared with others.

use std::time::Duration;

use super::error::{found, ErrorKind};
use super::json::Json;
use super::limits;
use super::notation::duration_text;
use super::options::{BreakerOpen, Config, Policy, Retry};
use super::section::key;
use super::validator::Validator;
use crate::diagnostics::{nearest, quoted};

/// Checks a whole configuration, and what of its document does not show in the types.
pub(super) fn check(config: &Config, document: &Json, v: &mut Validator) {
    policy(&config.policy, v);
    v.key(key!(Config.routes), |v| routes(config, v));
    v.key(key!(Config.templates), |v| {
        let templates = document.get(key!(Config.templates));
        let templates = templates.map_or(&[][..], Json::entries);
        for (name, template) in templates.iter().take(limits::TEMPLATES) {
            v.key(name, |v| needs_a_form(template, v));
        }
    });
    v.key(key!(Config.pages), |v| {
        for (index, page) in config.pages.iter().enumerate() {
            let template = page.template.as_deref();
            v.item(index, |v| {
                known_template(config, template, key!(PageRule.template), v)
            });
        }
    });
    delimiters(config, v);
    v.key(key!(Config.locales), |v| {
        v.key(key!(Locales.strings), |v| {
            let languages = &config.locales.strings;
            unique_keys(languages, v);
            for (language, strings) in languages {
                v.key(language, |v| direction(strings, v));
            }
        });
    });
    v.key(key!(Config.headers), |v| {
        v.key(key!(Headers.set), |v| unique_keys(&config.headers.set, v));
    });
}

fn routes(config: &Config, v: &mut Validator) {
    let rules = &config.routes;
    for (index, rule) in rules.iter().enumerate() {
        let mut earlier = rules.iter().take(index);
        let first = earlier.position(|other| other.name == rule.name);
        v.item(index, |v| {
            if let Some(first) = first.filter(|_| !rule.name.is_empty()) {
                let error = ErrorKind::NameTaken {
                    found: quoted(&rule.name),
                    first: format!("`routes[{first}]`"),
                };
                v.refuse_key(key!(RouteRule.name), error);
            }
            known_template(config, rule.page.as_deref(), key!(RouteRule.page), v);
            policy(&rule.policy, v);
        });
    }
}

/// Compares the durations of a policy.
fn policy(policy: &Policy, v: &mut Validator) {
    v.key(key!(Policy.retry), |v| hints(&policy.retry, v));
    v.key(key!(Policy.breaker), |v| {
        v.key(key!(Breaker.open), |v| {
            open_times(&policy.breaker.open, v);
        });
    });
}

/// Refuses hints that are longer than `max`. The error is at the value that is given here; of inherited
/// hints it names the longest.
fn hints(retry: &Retry, v: &mut Validator) {
    let (after, max) = (key!(Retry.after), key!(Retry.max));
    if v.is_refused(max) {
        return;
    }
    let mut longest: Option<(String, Duration)> = None;
    for (key, hint) in retry.after.by_key() {
        if hint <= retry.max {
            continue;
        }
        if v.key(after, |v| v.is_given(&key)) {
            let error = order(hint, "at most", max.to_owned(), retry.max);
            v.key(after, |v| v.refuse_key(&key, error));
        } else if longest.as_ref().is_none_or(|(_, other)| *other < hint) {
            longest = Some((key, hint));
        }
    }
    if let (Some((key, hint)), true) = (longest, v.is_given(max)) {
        let error = order(retry.max, "at least", format!("{after}.{key}"), hint);
        v.refuse_key(max, error);
    }
}

fn open_times(open: &BreakerOpen, v: &mut Validator) {
    let (base, max) = (key!(BreakerOpen.base), key!(BreakerOpen.max));
    if open.base <= open.max || v.is_refused(base) || v.is_refused(max) {
        return;
    }
    if v.is_given(max) {
        let error = order(open.max, "at least", base.to_owned(), open.base);
        v.refuse_key(max, error);
    } else if v.is_given(base) {
        let error = order(open.base, "at most", max.to_owned(), open.max);
        v.refuse_key(base, error);
    }
}

fn order(found: Duration, bound: &'static str, other: String, value: Duration) -> ErrorKind {
    ErrorKind::Order {
        found: duration_text(found),
        bound,
        other,
        value: duration_text(value),
    }
}

/// Refuses the name of a template that does not exist.
fn known_template(config: &Config, name: Option<&str>, key: &str, v: &mut Validator) {
    let Some(name) = name else {
        return;
    };
    let names = || config.templates.iter().map(|(name, _)| name.as_str());
    if names().all(|template| template != name) {
        let error = ErrorKind::UnknownName {
            found: quoted(name),
            of: key!(Config.templates),
            did_you_mean: nearest(name, names()),
        };
        v.refuse_key(key, error);
    }
}

/// Refuses a template without any form.
fn needs_a_form(template: &Json, v: &mut Validator) {
    if matches!(template, Json::Object(entries) if entries.is_empty()) {
        v.refuse(ErrorKind::Value {
            yaml: None,
            found: found(template),
            why: "",
            allowed: "an object with `html`, `text` or `problem`".to_owned(),
            did_you_mean: None,
        });
    }
}

/// Refuses an opener that equals the closer.
fn delimiters(config: &Config, v: &mut Validator) {
    let (open, close) = &config.delimiters;
    if open == close && !open.is_empty() {
        let error = ErrorKind::Value {
            yaml: None,
            found: quoted(close),
            why: "the same as the opener",
            allowed: "a closer that differs from the opener".to_owned(),
            did_you_mean: None,
        };
        v.key(key!(Config.delimiters), |v| v.item(1, |v| v.refuse(error)));
    }
}

/// The key in the strings of a language that is a direction and not a text.
pub(crate) const DIRECTION: &str = "dir";

/// Refuses a direction other than `ltr` and `rtl`.
fn direction(strings: &[(String, String)], v: &mut Validator) {
    let Some((_, text)) = strings.iter().find(|(key, _)| key == DIRECTION) else {
        return;
    };
    if text != "ltr" && text != "rtl" && !v.has_error_within(DIRECTION) {
        let error = ErrorKind::Value {
            yaml: None,
            found: quoted(text),
            why: "",
            allowed: "\"ltr\" or \"rtl\"".to_owned(),
            did_you_mean: nearest(text, ["ltr", "rtl"]),
        };
        v.refuse_key(DIRECTION, error);
    }
}

/// Refuses keys that differ only in case.
pub(crate) fn unique_keys<T>(entries: &[(String, T)], v: &mut Validator) {
    for (index, (key, _)) in entries.iter().enumerate() {
        let mut earlier = entries.iter().take(index);
        let first = earlier.find(|(other, _)| other.eq_ignore_ascii_case(key));
        if let Some((first, _)) = first {
            let error = ErrorKind::NameTaken {
                found: quoted(key),
                first: quoted(first),
            };
            v.refuse_key(key, error);
        }
    }
}
