//! `templates`: the operator's own pages.

use std::fmt;
use std::sync::Arc;

use crate::config::option::{any, map, text, Mapped, OptionType, Text};
use crate::config::section::{options, OptionTypeExt};
use crate::config::{limits, strings, Json};
use crate::template::Template as CompiledTemplate;

options! {
    /// A page of the operator's own.
    pub struct Template {
        /// The page as HTML.
        html: Option<TemplateSource> = source().optional(),

        /// The page as text for a terminal.
        text: Option<TemplateSource> = source().optional(),

        /// Additional members of problem+json. Strings in them are templates.
        problem: Vec<(String, Json)> =
            map(&strings::PROBLEM_MEMBER, any(), limits::PROBLEM_MEMBERS).default(Vec::new()),
    }
}

/// The source of a template.
#[derive(Clone)]
pub struct TemplateSource {
    /// The source as it was written.
    pub text: String,
    /// The programs that the validation made of it, so that it is parsed once: that for `brand`, then
    /// those for each of `brands`. They are one program if the template does not show the brand.
    pub(crate) programs: Vec<Arc<CompiledTemplate>>,
}

impl fmt::Debug for TemplateSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(formatter)
    }
}

impl PartialEq for TemplateSource {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

fn source() -> Mapped<Text, TemplateSource> {
    text(&strings::TEMPLATE).map(
        |text| TemplateSource {
            text,
            programs: Vec::new(),
        },
        |source| source.text.clone(),
    )
}
