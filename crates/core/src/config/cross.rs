//! Checks that need more than one value: names that must exist or be unique, durations that bound
//! each other. Values that are wrong by themselves are left out here, they are told already.

use super::check::Walk;
use super::error::{quoted, Fault};
use super::json::Json;
use super::limits;
use super::nearest::nearest;
use super::table;
use super::value::duration_text;
use super::view::View;
use crate::page::{self, Env, Syntax};
use crate::prelude::*;
use crate::text::count;

/// Checks a whole document.
pub(super) fn check(walk: &mut Walk, root: View<'_>) {
    policy(walk, root);
    walk.key("routes", |walk| routes(walk, root));
    walk.key("templates", |walk| {
        let env = env(root);
        let all = root.entries("templates");
        for (name, template) in all.get(..limits::TEMPLATES).unwrap_or(all) {
            walk.key(name, |walk| {
                needs_a_form(walk, template);
                if let Some(env) = &env {
                    sources(walk, env, template);
                }
            });
        }
    });
    walk.key("pages", |walk| {
        for (index, page) in root.elements("pages").iter().enumerate() {
            walk.item(index, |walk| {
                known_template(walk, root, page, "template");
                if let Some(strings) = page.get("strings") {
                    walk.key("strings", |walk| known_keys(walk, strings));
                }
            });
        }
    });
    delimiters(walk, root);
    walk.key("locales", |walk| {
        let locales = root.section("locales");
        walk.key("strings", |walk| {
            unique_keys(walk, locales.entries("strings"));
            for (language, strings) in locales.entries("strings") {
                walk.key(language, |walk| {
                    direction(walk, strings);
                    known_keys(walk, strings);
                });
            }
        });
        spoken_default(walk, locales);
    });
    walk.key("headers", |walk| {
        walk.key("set", |walk| {
            unique_keys(walk, root.section("headers").entries("set"))
        });
    });
}

fn routes(walk: &mut Walk, root: View<'_>) {
    let rules = root.elements("routes");
    for (index, rule) in rules.iter().enumerate().take(limits::ROUTES) {
        walk.item(index, |walk| {
            let earlier = rules
                .iter()
                .take(index)
                .position(|other| name_of(other) == name_of(rule));
            if let (Some(name), Some(first)) = (name_of(rule), earlier) {
                let first = ["`routes[", &count(first), "]`"].joined();
                walk.key("name", |walk| {
                    walk.refuse(Fault::NameTaken {
                        found: quoted(name),
                        first,
                    });
                });
            }
            known_template(walk, root, rule, "page");
            policy(walk, View::element(table::ROUTE, rule, Some(root)));
        });
    }
}

fn name_of(rule: &Json) -> Option<&str> {
    rule.get("name").and_then(Json::text)
}

/// The durations of a policy that bound each other.
fn policy(walk: &mut Walk, view: View<'_>) {
    walk.key("retry", |walk| hints(walk, view.section("retry")));
    walk.key("breaker", |walk| {
        walk.key("open", |walk| {
            open_times(walk, view.section("breaker").section("open"))
        });
    });
}

fn hints(walk: &mut Walk, retry: View<'_>) {
    let Some(max) = retry.duration("max") else {
        return;
    };
    let mut longest = None;
    for (key, hint, here) in retry.after() {
        if hint <= max {
            continue;
        }
        if here {
            let fault = order(hint, "at most", "max".to_owned(), max);
            walk.key("after", |walk| walk.refuse_key(&key, fault));
        } else if longest.as_ref().is_none_or(|(_, other)| *other < hint) {
            longest = Some((key, hint));
        }
    }
    if let (Some((key, hint)), Some(_)) = (longest, retry.own("max")) {
        let fault = order(max, "at least", ["after.", &key].joined(), hint);
        walk.refuse_key("max", fault);
    }
}

fn open_times(walk: &mut Walk, open: View<'_>) {
    let (Some(base), Some(max)) = (open.duration("base"), open.duration("max")) else {
        return;
    };
    if base <= max {
        return;
    }
    if open.own("max").is_some() {
        let fault = order(max, "at least", "base".to_owned(), base);
        walk.refuse_key("max", fault);
    } else if open.own("base").is_some() {
        let fault = order(base, "at most", "max".to_owned(), max);
        walk.refuse_key("base", fault);
    }
}

fn order(
    found: core::time::Duration,
    bound: &'static str,
    other: String,
    value: core::time::Duration,
) -> Fault {
    let text = |time: core::time::Duration| duration_text(crate::millis::millis(time));
    Fault::Order {
        found: text(found),
        bound,
        other,
        value: text(value),
    }
}

/// A template that is named must be there.
fn known_template(walk: &mut Walk, root: View<'_>, json: &Json, key: &str) {
    let Some(name) = json.get(key).and_then(Json::text) else {
        return;
    };
    let templates = root.entries("templates");
    if templates.iter().all(|(template, _)| template != name) {
        let mut names = templates.iter().map(|(template, _)| template.as_str());
        let fault = Fault::UnknownName {
            found: quoted(name),
            of: "templates",
            did_you_mean: nearest(name, &mut names),
        };
        walk.refuse_key(key, fault);
    }
}

/// A template of nothing is a mistake.
fn needs_a_form(walk: &mut Walk, template: &Json) {
    if matches!(template, Json::Object(entries) if entries.is_empty()) {
        walk.refuse(Fault::Value {
            found: super::error::found(template),
            why: "",
            allowed: "an object with `html`, `text` or `problem`".to_owned(),
            did_you_mean: None,
        });
    }
}

/// What templates are read with; a value that is wrong by itself is no value here. `None` where
/// nobody can say what a tag is.
fn env(root: View<'_>) -> Option<Env> {
    let delimiters = match root.texts("delimiters").as_slice() {
        [open, close] if open != close => (open.clone(), close.clone()),
        _ => return None,
    };
    let mut vars = Vec::new();
    for (key, json) in root.entries("vars") {
        vars.push((key.clone(), json.text().unwrap_or_default().to_owned()));
    }
    let mut own_keys = Vec::new();
    let mut add = |strings: &Json| {
        for (key, _) in strings.entries() {
            if page::is_own_key(key) {
                own_keys.push(key.clone());
            }
        }
    };
    for (_, strings) in root.section("locales").entries("strings") {
        add(strings);
    }
    for page in root.elements("pages") {
        page.get("strings").map(&mut add);
    }
    let brand = super::build::brand(root.section("brand"));
    Some(Env::new(&brand, &vars, &delimiters, own_keys))
}

/// The sources of a template must be right.
fn sources(walk: &mut Walk, env: &Env, template: &Json) {
    for (key, syntax) in [("html", Syntax::Html), ("text", Syntax::Text)] {
        if let Some(source) = template.get(key) {
            walk.key(key, |walk| source_is_right(walk, env, syntax, source));
        }
    }
    if let Some(members) = template.get("problem") {
        walk.key("problem", |walk| {
            let before = walk.findings.errors.total();
            strings_are_right(walk, env, members);
            if walk.findings.errors.total() == before {
                // Each may be right by itself, and all of them too much.
                for error in env.check_members(members.entries()) {
                    walk.refuse(Fault::Template(error));
                }
            }
        });
    }
}

fn source_is_right(walk: &mut Walk, env: &Env, syntax: Syntax, source: &Json) {
    let source = source.text().unwrap_or_default();
    if source.len() > limits::TEMPLATE_BYTES {
        return;
    }
    match env.read(syntax, source) {
        Ok(_) if syntax == Syntax::Json => {}
        Ok(program) => walk.findings.programs.push(program),
        Err(errors) => {
            for error in errors {
                walk.refuse(Fault::Template(error));
            }
        }
    }
}

fn strings_are_right(walk: &mut Walk, env: &Env, json: &Json) {
    source_is_right(walk, env, Syntax::Json, json);
    if matches!(json, Json::Number(number) if !super::value::is_decimal(*number)) {
        walk.refuse(Fault::Value {
            found: super::error::found(json),
            why: "",
            allowed: "a number below a million millions with at most six decimals".to_owned(),
            did_you_mean: None,
        });
    }
    for (key, json) in json.entries() {
        walk.key(key, |walk| strings_are_right(walk, env, json));
    }
    for (index, json) in json.items().iter().enumerate() {
        walk.item(index, |walk| strings_are_right(walk, env, json));
    }
}

/// Texts that no page has are misspelt ones.
fn known_keys(walk: &mut Walk, strings: &Json) {
    if strings.file_reference().is_some() {
        return;
    }
    for (key, _) in strings.entries() {
        // A key of another shape is told already.
        if page::is_known_key(key) || key == "dir" || super::text::STRING_KEY.read(key).is_err() {
            continue;
        }
        let fault = Fault::UnknownKey {
            keys: Vec::new(),
            allowed: "a key of the built-in texts, or one that begins with `own.`".to_owned(),
            did_you_mean: page::nearest_key(key, &[]),
        };
        walk.refuse_key(key, fault);
    }
}

/// There must be words in the default language.
fn spoken_default(walk: &mut Walk, locales: View<'_>) {
    let Some(tag) = locales.text("default") else {
        return;
    };
    let own = locales.entries("strings").iter();
    if !page::is_spoken(&tag, own.map(|(tag, _)| tag.as_str())) {
        let fault = Fault::Value {
            found: quoted(&tag),
            why: "no such language",
            allowed: "a built-in language, or one of `strings`".to_owned(),
            did_you_mean: None,
        };
        walk.refuse_key("default", fault);
    }
}

/// What opens a tag may not be what closes it.
fn delimiters(walk: &mut Walk, root: View<'_>) {
    if let [open, close] = root.elements("delimiters") {
        if open.text().is_some() && open.text() == close.text() {
            let fault = Fault::Value {
                found: super::error::found(close),
                why: "the same as what opens a tag",
                allowed: "something else than what opens a tag".to_owned(),
                did_you_mean: None,
            };
            walk.key("delimiters", |walk| walk.item(1, |walk| walk.refuse(fault)));
        }
    }
}

/// The key `dir` of a language is not a text, but a direction.
fn direction(walk: &mut Walk, strings: &Json) {
    match strings.get("dir") {
        Some(found @ Json::String(text)) if text != "ltr" && text != "rtl" => {
            let fault = Fault::Value {
                found: super::error::found(found),
                why: "",
                allowed: "\"ltr\" or \"rtl\"".to_owned(),
                did_you_mean: nearest(text, &mut ["ltr", "rtl"].into_iter()),
            };
            walk.refuse_key("dir", fault);
        }
        _ => {}
    }
}

/// Keys that are the same in any case may stand there once.
fn unique_keys(walk: &mut Walk, entries: &[(String, Json)]) {
    // Of more than a limit allows, the number is told already.
    for (index, (key, _)) in entries.iter().enumerate().take(limits::HEADERS) {
        let mut earlier = entries.iter().take(index);
        // The very same key is told already.
        if let Some((first, _)) =
            earlier.find(|(other, _)| other.eq_ignore_ascii_case(key) && other != key)
        {
            let fault = Fault::NameTaken {
                found: quoted(key),
                first: quoted(first),
            };
            walk.refuse_key(key, fault);
        }
    }
}
