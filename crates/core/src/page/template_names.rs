//! The names that the templates of one configuration can use.

#[cfg(test)]
mod tests;

use super::messages::{is_known, is_own, nearest_key};
use super::names::{KindVariable, Role, Variable, NAMES, TEXT_PREFIX};
use super::{builtin, members, palette};
use crate::config::{Brand, Config, Json, Link, LocalizedText, Logo};
use crate::diagnostics::nearest;
use crate::template::escape::is_safe_url;
use crate::template::{
    Field, List, Meaning, Names, Parser, Syntax, Template, TemplateError, UnknownName,
};

/// The constant whose value is a URL of an image, which the configuration has checked.
const LOGO: &str = "brand.logo";

/// The names that the templates of one configuration can use.
#[derive(Debug)]
pub(crate) struct TemplateNames {
    /// The names and values of `brand.*` and `vars.*`.
    constants: Vec<(String, String)>,
    /// The names and values of texts that differ by language: some of `vars.*`, and labels of links.
    localized: Vec<(String, LocalizedText)>,
    /// The links of the brand: label and URL.
    links: Vec<Vec<Field>>,
    delimiters: (String, String),
    /// The keys of the operator's own texts, which begin with `own.`.
    own_keys: Vec<String>,
    /// The template of `retry`.
    retry: String,
}

impl TemplateNames {
    /// Returns the names for these settings.
    pub(crate) fn new(
        brand: &Brand,
        vars: &[(String, LocalizedText)],
        delimiters: &(String, String),
        own_keys: Vec<String>,
    ) -> Self {
        let mut names = Self {
            constants: Vec::new(),
            localized: Vec::new(),
            links: Vec::new(),
            delimiters: delimiters.clone(),
            own_keys,
            retry: builtin::retry(),
        };
        for link in &brand.links {
            names.add_link(link);
        }
        names.add_brand(brand);
        for (name, text) in vars {
            let name = format!("vars.{name}");
            match text.single() {
                Some(text) => names.add(name, text),
                None => names.localized.push((name, text.clone())),
            }
        }
        names
    }

    /// Returns the names of a whole configuration, for one of its brands.
    pub(super) fn of(config: &Config, brand: &Brand) -> Self {
        let languages = config.locales.strings.iter().map(|(_, strings)| strings);
        let pages = config.pages.iter().map(|page| &page.strings);
        let own_keys = languages
            .chain(pages)
            .flatten()
            .map(|(key, _)| key)
            .filter(|key| is_own(key));
        let own_keys = own_keys.cloned().collect();
        Self::new(brand, &config.vars, &config.delimiters, own_keys)
    }

    /// Returns the names for the built-in pages: with the standard delimiters, and with their parts.
    pub(super) fn for_built_in(mut self) -> Self {
        self.delimiters = ("{{".to_owned(), "}}".to_owned());
        for (name, text) in builtin::constants() {
            self.constants.push((name.to_owned(), text));
        }
        self
    }

    fn add_link(&mut self, link: &Link) {
        if link.label.single() == Some("") || !is_safe_url(&link.url) {
            return;
        }
        let label = match link.label.single() {
            Some(label) => Field::Constant(label.to_owned()),
            None => {
                // No template can use this name: `resolve` does not know it.
                let name = format!("links.{}.label", self.links.len());
                self.localized.push((name.clone(), link.label.clone()));
                Field::Variable(name)
            }
        };
        // In the order of `LABEL` and `URL`.
        self.links
            .push(vec![label, Field::Constant(link.url.clone())]);
    }

    fn add_brand(&mut self, brand: &Brand) {
        let (logo, logo_svg) = match &brand.logo {
            Some(Logo::DataUri(uri)) => (uri.as_str(), ""),
            Some(Logo::Svg(svg)) => ("", svg.as_str()),
            None => ("", ""),
        };
        let safe = |url: &Option<String>| url.clone().filter(|url| is_safe_url(url));
        let home_url = safe(&brand.home_url).unwrap_or_default();
        let status_url = safe(&brand.status_url).unwrap_or_default();
        let has_links = !self.links.is_empty() || !status_url.is_empty();
        let hex = |color: Option<crate::config::Color>| color.map(|color| color.to_hex());
        for (name, text) in [
            ("brand.name", brand.name.as_str()),
            (LOGO, logo),
            ("brand.logo_svg", logo_svg),
            ("brand.home_url", &home_url),
            ("brand.status_url", &status_url),
            ("brand.any_link", if has_links { "true" } else { "" }),
            ("brand.palette", &palette::css(brand)),
            ("brand.color", &hex(brand.color).unwrap_or_default()),
            (
                "brand.color_dark",
                &hex(brand.color_dark).unwrap_or_default(),
            ),
        ] {
            self.add(name.to_owned(), text);
        }
    }

    fn add(&mut self, name: String, text: &str) {
        self.constants.push((name, text.to_owned()));
    }

    /// Compiles a template.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn read(
        &self,
        syntax: Syntax,
        source: &str,
    ) -> Result<Template, Vec<TemplateError>> {
        Template::compile(self, syntax, source)
    }

    /// Returns what is wrong with a template.
    pub(super) fn check(&self, syntax: Syntax, source: &str) -> Vec<TemplateError> {
        self.read(syntax, source).err().unwrap_or_default()
    }

    /// Compiles the members that a template adds to problem documents.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(super) fn read_members(
        &self,
        members: &[(String, Json)],
    ) -> Result<Template, Vec<TemplateError>> {
        let mut parser = Parser::new(self, Syntax::Json);
        members::read(&mut parser, members);
        parser.finish()
    }

    /// Returns what is wrong with all members together.
    pub(crate) fn check_members(&self, members: &[(String, Json)]) -> Vec<TemplateError> {
        self.read_members(members).err().unwrap_or_default()
    }

    /// Returns what a variable of a template stands for. One without a meaning, which no checked template
    /// has, is empty on every page.
    pub(super) fn variable(&self, name: &str) -> Variable {
        let mut localized = self.localized.iter();
        match localized.find(|(other, _)| other == name) {
            Some((_, text)) => KindVariable::Localized(text.clone()).into(),
            None => Variable::from_name(name)
                .unwrap_or_else(|| KindVariable::Text(String::new()).into()),
        }
    }

    /// Resolves the name of a text.
    fn text(&self, key: &str) -> Result<Meaning<'_>, UnknownName> {
        let is_configured = self.own_keys.iter().any(|own| own == key);
        if is_configured || (!is_own(key) && is_known(key)) {
            return Ok(Meaning::Variable);
        }
        let meant = nearest_key(key, &self.own_keys);
        Err(UnknownName {
            why: "no such text",
            did_you_mean: meant.map(|key| format!("{TEXT_PREFIX}{key}")),
        })
    }
}

impl Names for TemplateNames {
    fn delimiters(&self) -> (&str, &str) {
        (&self.delimiters.0, &self.delimiters.1)
    }

    fn resolve(&self, name: &str) -> Result<Meaning<'_>, UnknownName> {
        if let Some(key) = name.strip_prefix(TEXT_PREFIX) {
            return self.text(key);
        }
        if let Some((_, text)) = self.constants.iter().find(|(other, _)| other == name) {
            return Ok(match name {
                LOGO => Meaning::CheckedUrl(text),
                _ => Meaning::Constant(text),
            });
        }
        if name.starts_with("vars.") && self.localized.iter().any(|(other, _)| other == name) {
            return Ok(Meaning::Variable);
        }
        let known = NAMES.iter().find(|known| known.name == name);
        match known.map(|known| &known.role) {
            Some(Role::Variable(_)) => Ok(Meaning::Variable),
            Some(Role::List) => Ok(Meaning::List),
            Some(Role::Field(field)) => Ok(Meaning::Field(*field)),
            Some(Role::Retry) => Ok(Meaning::Part(&self.retry)),
            Some(Role::Constant | Role::Prefix) | None => {
                let vars = self.localized.iter().map(|(name, _)| name);
                let vars = vars.filter(|name| name.starts_with("vars."));
                let constants = self.constants.iter().map(|(name, _)| name);
                let constants = constants.chain(vars).map(String::as_str);
                let names = NAMES.iter().map(|known| known.name).chain(constants);
                Err(UnknownName {
                    why: "no such name",
                    did_you_mean: nearest(name, names),
                })
            }
        }
    }

    fn list(&self) -> List<'_> {
        List {
            name: "links",
            items: &self.links,
        }
    }

    fn constants(&self) -> &'static str {
        "`brand.*`, and `vars.*` with one text for all languages,"
    }
}
