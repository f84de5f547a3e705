//! The pages of one brand: what does not differ between its requests, prepared once.

use std::sync::Arc;

use super::bindings::BoundTemplate;
use super::template_names::TemplateNames;
use super::{builtin, csp};
use crate::config::{Brand, Config, Security, TemplateSource};
use crate::template::Syntax;

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
    /// Its number among `brand` and `brands`, in that order.
    pub(super) number: usize,
    pub(super) home_url: Option<String>,
    /// The built-in HTML page.
    pub(super) html: HtmlPage,
    /// The policy of a built-in page without its script.
    pub(super) csp_without_script: Option<String>,
    pub(super) text: BoundTemplate,
    /// In the order of `templates`.
    pub(super) own: Vec<OwnPage>,
}

impl BrandPages {
    /// Prepares the pages of a brand: that with this number among `brand` and `brands`, in that order. A
    /// template that is invalid, which no checked configuration has, is replaced by the built-in page.
    pub(super) fn new(config: &Config, brand: &Brand, number: usize) -> Self {
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
            number,
            home_url: brand.home_url.clone(),
            csp_without_script: csp::policy(security, &html.template().styles(), &[], false),
            html: HtmlPage::new(html, security, false),
            text,
            own,
        }
    }
}
