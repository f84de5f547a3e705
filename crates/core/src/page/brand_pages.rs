//! The pages of one brand: what does not differ between its requests, prepared once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::bindings::BoundTemplate;
use super::messages::Messages;
use super::template_names::{LocalizedNames, TemplateNames};
use super::{builtin, csp};
use crate::config::{Brand, Config, Security, TemplateSource};
use crate::template::{Syntax, Template};

/// The bytes that the built-in pages with the texts of a language as constants may take, over all brands
/// and languages. Clients choose both, and a brand may have a large logo.
const LOCALIZED_BYTES: usize = 8 << 20;

/// Counts what is left of [`LOCALIZED_BYTES`].
#[derive(Debug)]
pub(super) struct Room(AtomicUsize);

impl Room {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(LOCALIZED_BYTES))
    }

    /// Takes some bytes. Returns whether there were as many.
    fn take(&self, bytes: usize) -> bool {
        let less = |room: usize| room.checked_sub(bytes);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.is_ok()
    }
}

/// An HTML template and the policy that allows its inline blocks.
#[derive(Debug)]
pub(super) struct HtmlPage {
    pub(super) template: BoundTemplate,
    pub(super) csp: Option<String>,
}

impl HtmlPage {
    fn new(template: BoundTemplate, security: &Security, is_own: bool) -> Self {
        let (styles, scripts) = (template.template().styles(), template.template().scripts());
        Self {
            csp: csp::policy(security, &styles, &scripts, is_own),
            template,
        }
    }
}

/// A page of the operator's own, in the formats that it has.
#[derive(Debug)]
pub(super) struct OwnPage {
    pub(super) html: Option<HtmlPage>,
    pub(super) text: Option<BoundTemplate>,
    pub(super) members: Option<BoundTemplate>,
}

/// All pages of a brand.
#[derive(Debug)]
pub(super) struct BrandPages {
    pub(super) home_url: Option<String>,
    /// The built-in HTML page, which looks up its texts.
    pub(super) html: HtmlPage,
    /// The built-in HTML page of each language that was asked for, with the texts of the language as
    /// constants. Looking up and escaping them on every page would be half of its cost.
    localized: Vec<OnceLock<BoundTemplate>>,
    /// The names that the built-in page can use.
    names: TemplateNames,
    /// The policy of a built-in page without its script.
    pub(super) csp_without_script: Option<String>,
    pub(super) text: BoundTemplate,
    /// In the order of `templates`.
    pub(super) own: Vec<OwnPage>,
}

impl BrandPages {
    /// Prepares the pages of a brand: that with this number among `brand` and `brands`, in that order. A
    /// template that is invalid, which no checked configuration has, is replaced by the built-in page.
    pub(super) fn new(config: &Config, brand: &Brand, number: usize, languages: usize) -> Self {
        let security = &config.security;
        let names = TemplateNames::of(config, brand);
        let read = |syntax, source: &Option<TemplateSource>| {
            let source = source.as_ref()?;
            let template = match source.programs.get(number) {
                Some(template) => template.clone(),
                // The configuration was built by hand.
                None => Arc::new(names.read(syntax, &source.text).ok()?),
            };
            Some(BoundTemplate::new(template, &names))
        };
        let own = config.templates.iter().map(|(_, template)| {
            let has_members = !template.problem.is_empty();
            let members = has_members.then(|| names.read_members(&template.problem));
            OwnPage {
                html: read(Syntax::Html, &template.html)
                    .map(|template| HtmlPage::new(template, security, true)),
                text: read(Syntax::Text, &template.text),
                members: members
                    .and_then(Result::ok)
                    .map(|members| BoundTemplate::new(Arc::new(members), &names)),
            }
        });
        let own = own.collect();
        let names = names.for_built_in();
        let built_in = |syntax, source| {
            let template = names.read(syntax, source).unwrap_or_default();
            BoundTemplate::new(Arc::new(template), &names)
        };
        let html = built_in(Syntax::Html, builtin::HTML);
        let text = built_in(Syntax::Text, builtin::TEXT);
        Self {
            home_url: brand.home_url.clone(),
            localized: std::iter::repeat_with(OnceLock::new)
                .take(languages)
                .collect(),
            csp_without_script: csp::policy(security, &html.template().styles(), &[], false),
            html: HtmlPage::new(html, security, false),
            names,
            text,
            own,
        }
    }

    /// Returns the built-in HTML page for the language with this number, compiled with its texts unless
    /// this page has texts of its own, or the pages in all languages take too much room.
    pub(super) fn built_in(
        &self,
        language: usize,
        messages: Messages<'_>,
        room: &Room,
    ) -> &BoundTemplate {
        let general = &self.html.template;
        let localized = self.localized.get(language);
        let Some(localized) = localized.filter(|_| messages.page.is_none()) else {
            return general;
        };
        if localized.get().is_none() && !room.take(general.template().text_len()) {
            return general;
        }
        localized.get_or_init(|| {
            let names = LocalizedNames {
                names: &self.names,
                messages,
            };
            let template = Template::compile(&names, Syntax::Html, builtin::HTML);
            BoundTemplate::new(Arc::new(template.unwrap_or_default()), &self.names)
        })
    }
}

#[cfg(test)]
mod tests;
