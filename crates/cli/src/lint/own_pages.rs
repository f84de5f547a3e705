//! Warns of what only pages of the operator's own can lack: the way back, and the logo.

use tidegate_core::config::{Logo, Template};
use tidegate_core::{page, template_tags};

use super::effect::key_path;
use super::{html_keys, template_key, warning};
use crate::findings::Finding;
use crate::source::{finding_in, Source};

/// The names with which a page of its own script comes back.
const SCRIPTED: [&str; 4] = ["auto_retry", "max_attempts", "cap_ms", "retry_after_ms"];

/// Returns the warnings.
pub(super) fn lint(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    way_back(source, &mut findings);
    logo(source, &mut findings);
    texts(source, &mut findings);
    findings
}

/// Returns the names in the tags of the HTML of a template, with whether each tag is raw.
fn names<'s>(source: &'s Source, template: &'s Template) -> Vec<(&'s str, bool)> {
    let html = template.html.as_ref().map_or("", |html| html.text.as_str());
    let (open, close) = &source.config.delimiters;
    template_tags(html, open, close)
        .map(|tag| {
            (
                html[tag.content].trim().trim_start_matches("#if "),
                tag.is_raw,
            )
        })
        .collect()
}

/// Warns of pages that do not come back by themselves.
fn way_back(source: &Source, findings: &mut Vec<Finding>) {
    if !source.config.policy.retry.page.auto {
        return;
    }
    for (name, template) in &source.config.templates {
        let comes_back = names(source, template)
            .iter()
            .any(|(name, is_raw)| (*is_raw && *name == "retry") || SCRIPTED.contains(&name.trim()));
        if template.html.is_none() || comes_back || is_final(source, name) {
            continue;
        }
        let key = template_key(name, "html");
        let Some(node) = source.document.at(&key) else {
            continue;
        };
        let (open, close) = &source.config.delimiters;
        let what = format!(
            "this page does not come back by itself: put {open}{{retry}}{close} where a \
             paragraph can stand"
        );
        findings.push(finding_in(&source.files, node, &key, 0, what).into_warning());
    }
}

/// Returns whether a template is only for failures that do not pass by themselves.
fn is_final(source: &Source, name: &str) -> bool {
    let config = &source.config;
    let is_of_route = config
        .routes
        .iter()
        .any(|route| route.page.as_deref() == Some(name));
    let rules = config.pages.iter();
    let mut rules = rules
        .filter(|rule| rule.template.as_deref() == Some(name))
        .peekable();
    let has_rules = rules.peek().is_some();
    has_rules
        && !is_of_route
        && rules.all(|rule| {
            let reasons = &rule.matches.reasons;
            !reasons.is_empty() && !reasons.iter().any(|reason| reason.is_retryable())
        })
}

/// Warns of a logo that no page shows.
fn logo(source: &Source, findings: &mut Vec<Finding>) {
    let (open, close) = &source.config.delimiters;
    let (name, tag) = match &source.config.brand.logo {
        Some(Logo::Svg(_)) => ("brand.logo_svg", format!("{open}{{brand.logo_svg}}{close}")),
        Some(Logo::DataUri(_)) => (
            "brand.logo",
            format!("<img src=\"{open}brand.logo{close}\" alt=\"{open}brand.name{close}\">"),
        ),
        None => return,
    };
    let mut templates = source.config.templates.iter();
    let is_shown = templates.any(|(_, template)| {
        let mut names = names(source, template).into_iter();
        names.any(|(found, _)| found == name)
    });
    if is_shown || html_keys(&source.config).is_empty() {
        return;
    }
    let key = "brand.logo";
    let what = format!("{key}: no template shows this logo; use {tag}");
    findings.push(warning(source, key, what));
}

/// Warns of texts that leave out their number.
fn texts(source: &Source, findings: &mut Vec<Finding>) {
    let languages = source.config.locales.strings.iter();
    let languages = languages.map(|(tag, texts)| (key_path("locales.strings", tag), texts));
    let rules = source.config.pages.iter().enumerate();
    let rules = rules.map(|(number, rule)| (format!("pages[{number}].strings"), &rule.strings));
    for (table, texts) in languages.chain(rules) {
        for (name, text) in texts {
            let Some(placeholder) = page::placeholder(name) else {
                continue;
            };
            // These forms can say their number: "in two hours".
            let says_number = [".zero", ".one", ".two"]
                .iter()
                .any(|form| name.ends_with(form));
            if text.contains(placeholder) || says_number {
                continue;
            }
            let key = key_path(&table, name);
            let what = format!("{key}: a text without `{placeholder}` does not say when");
            findings.push(warning(source, &key, what));
        }
    }
}
