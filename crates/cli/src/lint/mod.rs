//! Warns of what the filter accepts but an operator should change: in pages, colors, sizes and rules.

mod effect;
mod own_pages;

use tidegate_core::config::{limits, Brand, Color, Config, Csp, Logo};
use tidegate_core::template_tags;

use crate::findings::{Finding, Findings};
use crate::markup;
use crate::source::{finding, finding_in, Node, Source, Value};

/// Minimum contrast of text (WCAG 2.2, 1.4.3, level AA).
const TEXT_CONTRAST: f64 = 4.5;

/// Returns all warnings about a source with these errors. `as_it_is`: the filter gets it without a bundle.
pub(crate) fn lint(source: &Source, errors: &Findings, as_it_is: bool) -> Vec<Finding> {
    let mut findings = effect::lint(source, errors, crate::time::now());
    pages(source, as_it_is, &mut findings);
    colors(source, &mut findings);
    logos(source, &mut findings);
    findings.extend(own_pages::lint(source));
    findings
}

/// Creates a warning about a key.
pub(crate) fn warning(source: &Source, key: &str, what: String) -> Finding {
    finding(&source.files, source.document.find(key), what).into_warning()
}

/// Returns the key paths of the HTML templates.
pub(crate) fn html_keys(config: &Config) -> Vec<String> {
    let templates = config.templates.iter();
    templates
        .filter(|(_, template)| template.html.is_some())
        .map(|(name, _)| template_key(name, "html"))
        .collect()
}

/// Returns the key path of a template.
pub(crate) fn template_key(name: &str, form: &str) -> String {
    format!("{}.{form}", effect::key_path("templates", name))
}

/// Returns whether the filter serves the pages of a source with a policy of its own.
pub(crate) fn has_policy(source: &Source) -> bool {
    source.config.security.csp == Csp::Auto
}

/// Returns the HTML template at a key, with the line ends that a browser makes of it.
pub(crate) fn html(source: &Source, key: &str) -> Option<Node> {
    let mut node = source.document.at(key).cloned()?;
    if let Value::Text(text, _) = &mut node.value {
        *text = markup::with_usual_newlines(text);
    }
    Some(node)
}

fn pages(source: &Source, as_it_is: bool, findings: &mut Vec<Finding>) {
    let serving = markup::Serving {
        has_policy: has_policy(source),
        as_it_is,
    };
    let delimiters = &source.config.delimiters;
    for key in html_keys(&source.config) {
        let Some(node) = html(source, &key) else {
            continue;
        };
        let html = node.text().unwrap_or_default();
        for lint in markup::lint(html, delimiters, serving) {
            let finding = finding_in(&source.files, &node, &key, lint.at, lint.what);
            findings.push(finding.into_warning());
        }
    }
}

/// Warns of brand colors that are readable as lines but not as text, if a template uses them
/// directly.
fn colors(source: &Source, findings: &mut Vec<Finding>) {
    for (at, brand) in brands(source) {
        colors_of(source, &at, brand, findings);
    }
}

/// Returns the brand of the top level and those of `brands`, with their key paths.
fn brands(source: &Source) -> impl Iterator<Item = (String, &Brand)> {
    let rules = source.config.brands.iter().enumerate();
    let rules = rules.map(|(number, rule)| (format!("brands[{number}]"), &rule.brand));
    std::iter::once(("brand".to_owned(), &source.config.brand)).chain(rules)
}

fn colors_of(source: &Source, at: &str, brand: &Brand, findings: &mut Vec<Finding>) {
    for (key, color, page) in [
        ("color", brand.color, Color::LIGHT_PAGE),
        ("color_dark", brand.color_dark, Color::DARK_PAGE),
    ] {
        let (name, path) = (format!("brand.{key}"), format!("{at}.{key}"));
        // Of a rule that gives no colour, it is that of the top level.
        if source.document.at(&path).is_none() {
            continue;
        }
        let is_used = source.config.templates.iter().any(|(_, template)| {
            let html = template.html.as_ref().map_or("", |html| html.text.as_str());
            let (open, close) = &source.config.delimiters;
            let mut tags = template_tags(html, open, close);
            tags.any(|tag| {
                let inner = html[tag.content].trim_matches(|c: char| !c.is_alphanumeric());
                inner == name
            })
        });
        let Some(color) = color.filter(|color| is_used && color.contrast(page) < TEXT_CONTRAST)
        else {
            continue;
        };
        let what = format!(
            "{path}: {} has a contrast of {:.2}:1 on a page of {}; text needs \
             {TEXT_CONTRAST}:1; `{{{{{{brand.palette}}}}}}` has a readable shade of it",
            color.to_hex(),
            (color.contrast(page) * 100.0).floor() / 100.0,
            page.to_hex(),
        );
        findings.push(warning(source, &path, what));
    }
}

/// Warns of `<text>` in a logo, which each device draws in a font and a width of its own.
fn logos(source: &Source, findings: &mut Vec<Finding>) {
    for (at, brand) in brands(source) {
        let key = format!("{at}.logo");
        match &brand.logo {
            // No other element that a logo may have begins so.
            Some(Logo::Svg(svg)) if svg.contains("<text") && source.document.at(&key).is_some() => {
                let what = format!(
                    "{key}: <text> is drawn in a font of the visitor's device and may not \
                     fit the logo; convert it to paths"
                );
                findings.push(warning(source, &key, what));
            }
            _ => {}
        }
    }
}

/// Returns whether more than nine tenths of a limit are used.
pub(crate) fn is_close(bytes: usize, limit: usize) -> bool {
    bytes <= limit && bytes > limit / 10 * 9
}

/// Warns of templates and configurations that are close to their limits.
pub(crate) fn sizes(source: &Source, bundle: &crate::bundle::Bundle) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (key, bytes) in &bundle.templates {
        if is_close(*bytes, limits::TEMPLATE_BYTES) {
            let limit = limits::TEMPLATE_BYTES;
            let what = format!("{key}: {bytes} of {limit} bytes of a template are used");
            findings.push(warning(source, key, what));
        }
    }
    if is_close(bundle.json.len(), limits::CONFIG_BYTES) {
        let (bytes, limit) = (bundle.json.len(), limits::CONFIG_BYTES);
        let what = format!("{bytes} of {limit} bytes of a configuration are used");
        findings.push(finding(&source.files, source.document.mark, what).into_warning());
    }
    findings
}
