//! Warns of what a configuration contains without effect: rules behind rules that match everything,
//! maintenances that are over, templates and constants that nothing uses.

use tidegate_core::config::{BrandRule, Config, Json, PageMatch, RouteMatch};
use tidegate_core::template_tags;
use tidegate_core::time::Timestamp;

use super::warning;
use crate::findings::{Finding, Findings};
use crate::source::Source;

/// Returns all warnings. `errors`: those of the source, whose rules are not what they should be.
pub(super) fn lint(source: &Source, errors: &Findings, now: Timestamp) -> Vec<Finding> {
    let is_right = |section: &str| {
        let mut list = errors.list.iter();
        !list.any(|error| error.what.starts_with(section))
    };
    let mut found = Vec::new();
    if is_right("routes") {
        routes(&source.config, now, &mut found);
    }
    if is_right("brands") {
        brands(&source.config, &mut found);
    }
    if is_right("pages") {
        let matches = source.config.pages.iter().map(|rule| &rule.matches);
        let matches: Vec<&PageMatch> = matches.collect();
        hidden("pages", &matches, "", &mut found);
    }
    if errors.errors() == 0 {
        unused_templates(&source.config, &mut found);
        unused_vars(&source.config, &mut found);
    }
    let found = found.into_iter();
    found
        .map(|(key, what)| warning(source, &key, format!("{key}: {what}")))
        .collect()
}

/// A key path, and what is said about it.
type Found = Vec<(String, String)>;

/// Finds rules of `brands` that no host reaches, because an earlier rule matches all of theirs.
fn brands(config: &Config, found: &mut Found) {
    for (number, rule) in config.brands.iter().enumerate() {
        let mut earlier = config.brands.iter().take(number);
        let hides = |earlier: &BrandRule| earlier.matches.covers(&rule.matches);
        if let Some(first) = earlier.position(hides) {
            found.push((
                format!("brands[{number}]"),
                format!("is never used: `brands[{first}]` matches all its hosts"),
            ));
        }
    }
}

fn routes(config: &Config, now: Timestamp, found: &mut Found) {
    let matches: Vec<&RouteMatch> = config.routes.iter().map(|rule| &rule.matches).collect();
    let all = hidden(
        "routes",
        &matches,
        ", unless the metadata of an Envoy route names it",
        found,
    );
    for (number, rule) in config.routes.iter().enumerate() {
        let Some(maintenance) = &rule.maintenance else {
            continue;
        };
        if maintenance.until.is_some_and(|until| until <= now) {
            found.push((
                format!("routes[{number}].maintenance.until"),
                "is in the past, so the rule puts nothing into maintenance".to_owned(),
            ));
        } else if all == Some(number) && number + 1 < matches.len() {
            found.push((
                format!("routes[{number}].maintenance"),
                "puts every request into maintenance, since the rule has no conditions".to_owned(),
            ));
        }
    }
}

/// Warns of rules that never apply, since the first rule that matches does. Returns the number of the
/// first rule without conditions.
fn hidden<M: Default + PartialEq>(
    section: &str,
    matches: &[&M],
    unless: &str,
    found: &mut Found,
) -> Option<usize> {
    let none = M::default();
    let all = matches.iter().position(|rule| **rule == none);
    let tried = all.map_or(matches.len(), |all| all + 1);
    for number in 0..tried {
        let same = |before: &usize| matches.get(*before) == matches.get(number);
        if let Some(first) = (0..number).find(same) {
            let what =
                format!("has the conditions of {section}[{first}], so it never applies{unless}");
            found.push((format!("{section}[{number}]"), what));
        }
    }
    if tried < matches.len() {
        let after = match matches.len() - tried {
            1 => format!("{section}[{tried}] never applies"),
            _ => format!("{section}[{tried}] and the rules after it never apply"),
        };
        let what = format!("has no conditions, so {after}{unless}");
        found.push((format!("{section}[{}]", tried - 1), what));
    }
    all
}

fn unused_templates(config: &Config, found: &mut Found) {
    let of_pages = config.pages.iter().map(|rule| rule.template.as_ref());
    let of_routes = config.routes.iter().map(|rule| rule.page.as_ref());
    let used: Vec<&String> = of_pages.chain(of_routes).flatten().collect();
    for (name, _) in &config.templates {
        if !used.contains(&name) {
            let what =
                "no rule of `pages` or `routes` uses it; only the metadata of an Envoy route can";
            found.push((key_path("templates", name), what.to_owned()));
        }
    }
}

fn unused_vars(config: &Config, found: &mut Found) {
    for (name, _) in &config.vars {
        let wanted = format!("vars.{name}");
        let mut templates = config.templates.iter();
        let is_used = templates.any(|(_, template)| {
            let sources = template.html.iter().chain(&template.text);
            sources
                .map(|source| source.text.as_str())
                .any(|text| names(text, &wanted, config))
                || template
                    .problem
                    .iter()
                    .any(|(_, member)| is_in(member, &wanted, config))
        });
        if !is_used {
            let what = format!("no template shows `{wanted}`");
            found.push((key_path("vars", name), what));
        }
    }
}

/// Returns whether a tag of a template contains a name.
fn names(text: &str, wanted: &str, config: &Config) -> bool {
    let (open, close) = &config.delimiters;
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    template_tags(text, open, close).any(|tag| {
        let content = text.get(tag.content).unwrap_or_default();
        content
            .split(|c: char| !is_part(c))
            .any(|word| word == wanted)
    })
}

/// Returns whether a tag in a string of a member of problem+json contains a name.
fn is_in(member: &Json, wanted: &str, config: &Config) -> bool {
    match member {
        Json::String(text) => names(text, wanted, config),
        Json::List(items) => items.iter().any(|item| is_in(item, wanted, config)),
        Json::Object(entries) => entries
            .iter()
            .any(|(_, value)| is_in(value, wanted, config)),
        _ => false,
    }
}

/// Returns the key path of a name in a section.
pub(super) fn key_path(section: &str, name: &str) -> String {
    let mut key = section.to_owned();
    tidegate_core::config::push_key(&mut key, name);
    key
}
