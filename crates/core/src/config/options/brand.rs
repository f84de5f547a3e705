//! `brand`: the appearance of the pages.

use crate::config::option::{color, color_dark, list_of, object, text, Mapped, OptionType, Text};
use crate::config::section::{options, OptionTypeExt};
use crate::config::{limits, strings, Color};

options! {
    /// The appearance of the pages.
    pub struct Brand {
        /// The name of the site. Empty: no name is shown.
        name: String = text(&strings::LINE).default(String::new()),

        /// The logo, as part of the page, so that it needs no further request. An inline `<svg>`
        /// may hold only elements that draw: no scripts, event handlers, style sheets, comments, or
        /// references to anything outside of it.
        logo: Option<Logo> = logo().optional(),

        /// The accent colour of light pages. Its contrast with their background, `#fafbfc`, must be
        /// at least 3:1.
        color: Option<Color> = color().optional(),

        /// The accent colour of dark pages. Its contrast with their background, `#10171f`, must be
        /// at least 3:1.
        color_dark: Option<Color> = color_dark().optional(),

        /// The target of the links to the home page. Without it, pages have no such link.
        home_url: Option<String> = text(&strings::PAGE_URL).optional(),

        /// The target of the link to the status page. Without it, pages have no such link.
        status_url: Option<String> = text(&strings::PAGE_URL).optional(),

        /// Further links, in this order.
        links: Vec<Link> = list_of(object(), 0..=limits::LINKS).default(Vec::new()),
    }

    /// A link of the page.
    pub struct Link {
        /// The text of the link.
        label: String = text(&strings::LABEL).required(),

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

fn logo() -> Mapped<Text, Logo> {
    text(&strings::LOGO).map(
        |text| match text.starts_with('<') {
            true => Logo::Svg(text),
            false => Logo::DataUri(text),
        },
        |logo| match logo {
            Logo::DataUri(text) | Logo::Svg(text) => text.clone(),
        },
    )
}
