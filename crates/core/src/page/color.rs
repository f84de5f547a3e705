//! The colours of the built-in page: the brand's, as far as people can read them.
//!
//! A brand colour is chosen for a logo, not for text on a page. Where it is too weak for that, the
//! page uses the nearest shade of it that is not (WCAG 2.2: 1.4.3 Contrast, 1.4.11 Non-text
//! contrast). The button has the brand's own colour, whatever it is, inside a readable outline.

use super::escape::Body;
use crate::config::{Brand, Color};
use crate::prelude::*;

/// Text needs this contrast with what is behind it (WCAG 2.2, 1.4.3, level AA).
const TEXT: f64 = 4.5;

const WHITE: Color = rgb(0xff, 0xff, 0xff);
const BLACK: Color = rgb(0, 0, 0);

/// A colour from its channels.
const fn rgb(r: u8, g: u8, b: u8) -> Color {
    Color { r, g, b }
}

/// The colours of a page that are the same for every brand, and what stands in for a brand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground {
    /// Behind everything.
    pub(super) back: Color,
    /// Of text.
    pub(super) text: Color,
    /// Of text that is less important.
    pub(super) soft: Color,
    /// Of rules between parts: decoration.
    pub(super) line: Color,
    /// The brand's colour of a site that has none.
    pub(super) neutral: Color,
}

/// The light page.
pub(super) const LIGHT: Ground = Ground {
    back: Color::LIGHT_PAGE,
    text: rgb(0x16, 0x20, 0x2a),
    soft: rgb(0x52, 0x60, 0x70),
    line: rgb(0xd3, 0xdb, 0xe3),
    neutral: rgb(0x0f, 0x67, 0x7d),
};
/// The dark page.
pub(super) const DARK: Ground = Ground {
    back: Color::DARK_PAGE,
    text: rgb(0xe9, 0xef, 0xf4),
    soft: rgb(0xa5, 0xb3, 0xc0),
    line: rgb(0x2e, 0x3b, 0x48),
    neutral: rgb(0x7c, 0xcb, 0xdc),
};

/// The brand's colours on one ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accent {
    /// Of the button.
    pub(super) fill: Color,
    /// Of the text on it.
    pub(super) on_fill: Color,
    /// Of links, outlines and lines on the ground, the button's outline among them.
    pub(super) ink: Color,
}

impl Accent {
    /// The colours on `ground` for a brand.
    pub(super) fn new(brand: Option<Color>, ground: Ground) -> Self {
        let fill = brand.unwrap_or(ground.neutral);
        Self {
            fill,
            on_fill: opposite(fill),
            ink: readable(fill, ground.back),
        }
    }
}

/// The style rules that name the colours of a brand's pages, light and dark.
pub(super) fn palette(brand: &Brand) -> String {
    let mut out = Body::default();
    out.markup("\n:root{");
    colors(&mut out, brand.color, LIGHT);
    out.markup("}\n@media (prefers-color-scheme:dark){:root{");
    colors(&mut out, brand.color_dark.or(brand.color), DARK);
    out.markup("}}\n");
    String::from_utf8(out.into_bytes()).unwrap_or_default()
}

/// A colour as CSS writes it; empty: none.
pub(super) fn hex(color: Option<Color>) -> String {
    let mut out = Body::default();
    if let Some(color) = color {
        out.color(color);
    }
    String::from_utf8(out.into_bytes()).unwrap_or_default()
}

fn colors(out: &mut Body, brand: Option<Color>, ground: Ground) {
    let accent = Accent::new(brand, ground);
    for (name, color) in [
        ("--back:", ground.back),
        (";--text:", ground.text),
        (";--soft:", ground.soft),
        (";--line:", ground.line),
        (";--fill:", accent.fill),
        (";--on-fill:", accent.on_fill),
        (";--ink:", accent.ink),
    ] {
        out.markup(name).color(color);
    }
}

/// `color`, or the nearest shade of it that can be read on `back`.
fn readable(color: Color, back: Color) -> Color {
    let target = opposite(back);
    (0..=32_u8)
        .map(|step| mix(color, target, step))
        .find(|&shade| shade.contrast(back) >= TEXT)
        .unwrap_or(target)
}

/// Black or white, whichever stands out more from `back`: one of them always has at least 4.58.
fn opposite(back: Color) -> Color {
    if WHITE.contrast(back) >= BLACK.contrast(back) {
        WHITE
    } else {
        BLACK
    }
}

/// `from` with `step` 32nds of `to`.
fn mix(from: Color, to: Color, step: u8) -> Color {
    let step = u32::from(step);
    let channel = |from: u8, to: u8| {
        let sum = u32::from(from)
            .wrapping_mul(32_u32.wrapping_sub(step))
            .wrapping_add(u32::from(to).wrapping_mul(step));
        u8::try_from(sum / 32).unwrap_or(u8::MAX)
    };
    rgb(
        channel(from.r, to.r),
        channel(from.g, to.g),
        channel(from.b, to.b),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_page_itself_can_be_read() {
        for ground in [LIGHT, DARK] {
            for ink in [ground.text, ground.soft, ground.neutral] {
                assert!(
                    ink.contrast(ground.back) >= TEXT,
                    "{ink:?} on {:?}",
                    ground.back
                );
            }
        }
    }

    #[test]
    fn a_strong_colour_stays_as_it_is() {
        let blue = rgb(0x0b, 0x5f, 0xff);
        let accent = Accent::new(Some(blue), LIGHT);
        assert_eq!((accent.fill, accent.ink), (blue, blue));
        assert_eq!(accent.on_fill, WHITE);
    }

    #[test]
    fn a_weak_colour_is_made_readable() {
        let yellow = rgb(0xff, 0xd4, 0);
        // The nearest shade that can be read: a step less of black could not.
        let ink = Accent::new(Some(yellow), LIGHT).ink;
        assert_eq!(ink, rgb(0x87, 0x70, 0));
        assert!(ink.contrast(LIGHT.back) < 5.0);
        assert_eq!(Accent::new(Some(yellow), LIGHT).fill, yellow);
        assert_eq!(Accent::new(Some(yellow), DARK).ink, yellow);
        assert_eq!(Accent::new(Some(yellow), DARK).on_fill, BLACK);
    }

    proptest! {
        #[test]
        fn any_brand_can_be_read(r in any::<u8>(), g in any::<u8>(), b in any::<u8>()) {
            for ground in [LIGHT, DARK] {
                let accent = Accent::new(Some(rgb(r, g, b)), ground);
                prop_assert!(accent.on_fill.contrast(accent.fill) >= TEXT);
                prop_assert!(accent.ink.contrast(ground.back) >= TEXT);
            }
        }
    }
}
