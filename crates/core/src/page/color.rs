//! The colours of the built-in page: the brand's, as far as people can read them.
//!
//! A brand colour is chosen for a logo, not for text on a page. Where it is too weak for that, the
//! page uses the nearest shade of it that is not (WCAG 2.2: 1.4.3 Contrast, 1.4.11 Non-text
//! contrast). The button has the brand's own colour, whatever it is, inside a readable outline.

use crate::config::Color;

/// Text needs this contrast with what is behind it (WCAG 2.2, 1.4.3, level AA).
const TEXT: f64 = 4.5;

const WHITE: Color = rgb(0xff, 0xff, 0xff);
const BLACK: Color = rgb(0, 0, 0);

/// A colour from its channels.
const fn rgb(r: u8, g: u8, b: u8) -> Color {
    Color { r, g, b }
}

/// The ground of a page, and the brand's colour where the configuration names none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground {
    /// Behind everything.
    pub(super) back: Color,
    /// The brand's colour of a site that has none.
    pub(super) neutral: Color,
}

/// The light page.
pub(super) const LIGHT: Ground = Ground {
    back: rgb(0xfa, 0xfb, 0xfc),
    neutral: rgb(0x0f, 0x67, 0x7d),
};
/// The dark page.
pub(super) const DARK: Ground = Ground {
    back: rgb(0x10, 0x17, 0x1f),
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

/// `color`, or the nearest shade of it that can be read on `back`.
fn readable(color: Color, back: Color) -> Color {
    let target = opposite(back);
    (0..=32_u8)
        .map(|step| mix(color, target, step))
        .find(|&shade| contrast(shade, back) >= TEXT)
        .unwrap_or(target)
}

/// Black or white, whichever stands out more from `back`: one of them always has at least 4.58.
fn opposite(back: Color) -> Color {
    if contrast(WHITE, back) >= contrast(BLACK, back) {
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

/// Contrast ratio, from 1 to 21 (WCAG 2.2, "contrast ratio").
fn contrast(a: Color, b: Color) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Relative luminance, from 0 to 1 (WCAG 2.2, "relative luminance").
fn luminance(color: Color) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.040_45 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn contrast_is_that_of_wcag() {
        for (a, b, expected) in [
            (WHITE, BLACK, 21.0),
            (WHITE, WHITE, 1.0),
            (WHITE, rgb(0x76, 0x76, 0x76), 4.54),
            (rgb(0xff, 0, 0), WHITE, 4.0),
            (rgb(0, 0, 0xff), WHITE, 8.59),
        ] {
            assert!((contrast(a, b) - expected).abs() < 0.01, "{a:?} {b:?}");
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
        assert_ne!(Accent::new(Some(yellow), LIGHT).ink, yellow);
        assert_eq!(Accent::new(Some(yellow), DARK).ink, yellow);
        assert_eq!(Accent::new(Some(yellow), DARK).on_fill, BLACK);
    }

    proptest! {
        #[test]
        fn any_brand_can_be_read(r in any::<u8>(), g in any::<u8>(), b in any::<u8>()) {
            for ground in [LIGHT, DARK] {
                let accent = Accent::new(Some(rgb(r, g, b)), ground);
                prop_assert!(contrast(accent.on_fill, accent.fill) >= TEXT);
                prop_assert!(contrast(accent.ink, ground.back) >= TEXT);
            }
        }
    }
}
