//! The colours of the built-in page: those of the brand, as far as people can read them.
//!
//! A brand colour is chosen for a logo, not for text on a page. If it is too weak for text, the page
//! uses the nearest readable shade (WCAG 2.2: 1.4.3 Contrast, 1.4.11 Non-text contrast). The button has
//! the brand's own colour in any case, inside a readable outline.

#[cfg(test)]
mod tests;

use crate::config::{Brand, Color};

/// The contrast that text needs with its background (WCAG 2.2, 1.4.3, level AA).
const TEXT_CONTRAST: f64 = 4.5;

const WHITE: Color = rgb(0xff, 0xff, 0xff);
const BLACK: Color = rgb(0, 0, 0);

/// Returns the colour with these channels.
const fn rgb(r: u8, g: u8, b: u8) -> Color {
    Color { r, g, b }
}

/// The colours of a page that do not depend on the brand.
#[derive(Debug, Clone, Copy)]
struct Scheme {
    background: Color,
    text: Color,
    /// The colour of text that is less important.
    secondary: Color,
    /// The colour of lines between parts of the page, which are decoration.
    line: Color,
    /// Replaces the brand's colour if there is none.
    neutral: Color,
}

/// The light page.
const LIGHT: Scheme = Scheme {
    background: Color::LIGHT_PAGE,
    text: rgb(0x16, 0x20, 0x2a),
    secondary: rgb(0x52, 0x60, 0x70),
    line: rgb(0xd3, 0xdb, 0xe3),
    neutral: rgb(0x0f, 0x67, 0x7d),
};
/// The dark page.
const DARK: Scheme = Scheme {
    background: Color::DARK_PAGE,
    text: rgb(0xe9, 0xef, 0xf4),
    secondary: rgb(0xa5, 0xb3, 0xc0),
    line: rgb(0x2e, 0x3b, 0x48),
    neutral: rgb(0x7c, 0xcb, 0xdc),
};

/// The brand's colours on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Accent {
    /// The colour of the button.
    fill: Color,
    /// The colour of the text on the button.
    on_fill: Color,
    /// The colour of links, outlines and lines on the background, including the outline of the button.
    ink: Color,
}

impl Accent {
    /// Returns the colours of a brand on a page.
    fn new(brand: Option<Color>, scheme: Scheme) -> Self {
        let fill = brand.unwrap_or(scheme.neutral);
        Self {
            fill,
            on_fill: opposite(fill),
            ink: readable(fill, scheme.background),
        }
    }
}

/// Returns the CSS rules that define the colours of a brand's pages, light and dark.
pub(super) fn css(brand: &Brand) -> String {
    let light = variables(brand.color, LIGHT);
    let dark = variables(brand.color_dark.or(brand.color), DARK);
    format!("\n:root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n")
}

fn variables(brand: Option<Color>, scheme: Scheme) -> String {
    let accent = Accent::new(brand, scheme);
    let variables = [
        ("back", scheme.background),
        ("text", scheme.text),
        ("soft", scheme.secondary),
        ("line", scheme.line),
        ("fill", accent.fill),
        ("on-fill", accent.on_fill),
        ("ink", accent.ink),
    ];
    variables
        .map(|(name, color)| format!("--{name}:{}", color.to_hex()))
        .join(";")
}

/// Returns `color`, or the nearest shade of it that is readable on `background`.
fn readable(color: Color, background: Color) -> Color {
    let target = opposite(background);
    (0..=32_u8)
        .map(|step| mix(color, target, step))
        .find(|&shade| shade.contrast(background) >= TEXT_CONTRAST)
        .unwrap_or(target)
}

/// Returns black or white, whichever has more contrast with `background`. It is always at least 4.58.
fn opposite(background: Color) -> Color {
    if WHITE.contrast(background) >= BLACK.contrast(background) {
        WHITE
    } else {
        BLACK
    }
}

/// Returns `from` with `step` 32nds of `to`.
fn mix(from: Color, to: Color, step: u8) -> Color {
    let step = u32::from(step);
    let channel = |from: u8, to: u8| {
        let sum = u32::from(from)
            .saturating_mul(32_u32.saturating_sub(step))
            .saturating_add(u32::from(to).saturating_mul(step));
        u8::try_from(sum / 32).unwrap_or(u8::MAX)
    };
    rgb(
        channel(from.r, to.r),
        channel(from.g, to.g),
        channel(from.b, to.b),
    )
}
