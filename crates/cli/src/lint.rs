//! What is unwise in a source that the filter accepts: of its pages, its colours, its sizes.

use tidegate_core::config::{limits, Color, Csp};

use crate::markup;
use crate::source::{finding, finding_in, Finding, Source};

/// Contrast that text needs with what is behind it (WCAG 2.2, 1.4.3, level AA).
const TEXT_CONTRAST: f64 = 4.5;

/// Everything that is unwise.
pub(crate) fn lint(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    pages(source, &mut findings);
    colors(source, &mut findings);
    findings
}

/// The key paths of the HTML templates.
pub(crate) fn html_keys(source: &Source) -> Vec<String> {
    let templates = source.config.templates.iter();
    templates
        .filter(|(_, template)| template.html.is_some())
        .map(|(name, _)| template_key(name, "html"))
        .collect()
}

/// The key path of a template.
pub(crate) fn template_key(name: &str, form: &str) -> String {
    let mut key = "templates".to_owned();
    tidegate_core::config::push_key(&mut key, name);
    format!("{key}.{form}")
}

fn pages(source: &Source, findings: &mut Vec<Finding>) {
    let has_policy = source.config.security.csp == Csp::Auto;
    let delimiters = &source.config.delimiters;
    for key in html_keys(source) {
        let Some(node) = source.document.at(&key) else {
            continue;
        };
        let html = node.text().unwrap_or_default();
        for lint in markup::lint(html, delimiters, has_policy) {
            let what = format!("warning: {}", lint.what);
            findings.push(finding_in(&source.files, node, &key, lint.at, what));
        }
    }
}

/// Colours that are fine for a line and too weak for words, where a template uses them as they are.
fn colors(source: &Source, findings: &mut Vec<Finding>) {
    let brand = &source.config.brand;
    for (key, color, page) in [
        ("color", brand.color, Color::LIGHT_PAGE),
        ("color_dark", brand.color_dark, Color::DARK_PAGE),
    ] {
        let name = format!("brand.{key}");
        let is_used = source.config.templates.iter().any(|(_, template)| {
            let html = template.html.as_ref().map_or("", |html| html.text.as_str());
            let mut tags = markup::tags(html, &source.config.delimiters).into_iter();
            tags.any(|tag| {
                let inner = html[tag].trim_matches(|c: char| !c.is_alphanumeric());
                inner == name
            })
        });
        let Some(color) = color.filter(|color| is_used && color.contrast(page) < TEXT_CONTRAST)
        else {
            continue;
        };
        let what = format!(
            "{name}: warning: {} has a contrast of {:.2}:1 on a page of {}; text needs \
             {TEXT_CONTRAST}:1; `{{{{{{brand.palette}}}}}}` has a readable shade of it",
            color.to_hex(),
            (color.contrast(page) * 100.0).floor() / 100.0,
            page.to_hex(),
        );
        findings.push(finding(&source.files, source.document.find(&name), what));
    }
}

/// Whether something has used nine tenths of what it may.
pub(crate) fn is_close(bytes: usize, limit: usize) -> bool {
    bytes <= limit && bytes > limit / 10 * 9
}

/// What is close to its limit, of the configuration that the filter gets.
pub(crate) fn sizes(source: &Source, bundle: &crate::bundle::Bundle) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (key, bytes) in &bundle.templates {
        if is_close(*bytes, limits::TEMPLATE_BYTES) {
            let limit = limits::TEMPLATE_BYTES;
            let what = format!("{key}: warning: {bytes} of {limit} bytes of a template are used");
            findings.push(finding(&source.files, source.document.find(key), what));
        }
    }
    if is_close(bundle.json.len(), limits::CONFIG_BYTES) {
        let (bytes, limit) = (bundle.json.len(), limits::CONFIG_BYTES);
        let what = format!("warning: {bytes} of {limit} bytes of a configuration are used");
        findings.push(finding(&source.files, source.document.mark, what));
    }
    findings
}
