//! `brand`: the appearance of the pages.

use super::localized::{localized, LocalizedText};
use crate::config::json::file_reference;
use crate::config::logo::names_a_picture;
use crate::config::option::{color, list_of, object, text, OptionType, Refusal};
use crate::config::section::{options, OptionTypeExt};
use crate::config::shape::Shape;
use crate::config::{limits, strings, Color, Json, Validator};

options! {
    /// The appearance of the pages.
    pub struct Brand {
        /// The name of the site. Empty: no name is shown.
        name: String = text(&strings::LINE).default(String::new()),

        /// The logo, as part of the page, so that it needs no further request. An inline `<svg>`
        /// may hold only elements that draw: no scripts, event handlers, style sheets, comments, or
        /// references to anything outside of it.
        logo: Option<Logo> = logo().optional(),

        /// The accent colour of light pages: of the bar at the top and the button. Text on it is
        /// black or white. Links and outlines have the nearest shade of it that is readable.
        color: Option<Color> = color().optional(),

        /// The accent colour of dark pages. Without it, they have `color`, and the shades of it
        /// that are readable on a dark page.
        color_dark: Option<Color> = color().optional(),

        /// The target of the links to the home page. Without it, pages have no such link.
        home_url: Option<String> = text(&strings::PAGE_URL).optional(),

        /// The target of the link to the status page. Without it, pages have no such link.
        status_url: Option<String> = text(&strings::PAGE_URL).optional(),

        /// Further links, in this order.
        links: Vec<Link> = list_of(object(), 0..=limits::LINKS).default(Vec::new()),
    }

    /// A link of the page.
    pub struct Link {
        /// The text of the link, or an object with a text for each language.
        label: LocalizedText = localized(&strings::LABEL).required(),

        /// The target of the link.
        url: String = text(&strings::LINK_URL).required(),
    }
}

/// A logo that is part of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logo {
    /// A `data:image/…` URI.
    DataUri(String),
    /// An inline `<svg>` that only draws.
    Svg(String),
}

/// The type of a logo.
#[derive(Debug)]
struct LogoType;

impl OptionType for LogoType {
    type Value = Logo;

    fn shape(&self) -> Shape {
        Shape::Text(&strings::LOGO)
    }

    /// Reads a logo. The name of a picture is refused with the reference that was probably meant.
    fn read(&self, json: &Json, _: &mut Validator) -> Result<Logo, Refusal> {
        let text = json.text().ok_or_else(Refusal::plain)?;
        match strings::LOGO.check(text) {
            Ok(()) if text.starts_with('<') => Ok(Logo::Svg(text.to_owned())),
            Ok(()) => Ok(Logo::DataUri(text.to_owned())),
            Err(_) if names_a_picture(text) => Err(Refusal::Value {
                why: "the name of a file",
                did_you_mean: Some(file_reference(text)),
            }),
            Err(refusal) => Err(refusal),
        }
    }

    fn write(&self, logo: &Logo) -> Json {
        let (Logo::DataUri(text) | Logo::Svg(text)) = logo;
        Json::String(text.clone())
    }
}

fn logo() -> LogoType {
    LogoType
}
