use super::*;
use proptest::prelude::*;

#[test]
fn the_page_without_a_brand_is_readable() {
    for scheme in [LIGHT, DARK] {
        for ink in [scheme.text, scheme.secondary, scheme.neutral] {
            let background = scheme.background;
            assert!(
                ink.contrast(background) >= TEXT_CONTRAST,
                "{ink:?} on {background:?}"
            );
        }
    }
}

#[test]
fn a_readable_brand_colour_stays_as_it_is() {
    let blue = rgb(0x0b, 0x5f, 0xff);
    let accent = Accent::new(Some(blue), LIGHT);
    assert_eq!((accent.fill, accent.ink), (blue, blue));
    assert_eq!(accent.on_fill, WHITE);
}

#[test]
fn a_weak_brand_colour_gets_the_nearest_readable_shade() {
    let yellow = rgb(0xff, 0xd4, 0);
    // With one step less of black, the contrast would be below 4.5.
    let ink = Accent::new(Some(yellow), LIGHT).ink;
    assert_eq!(ink, rgb(0x87, 0x70, 0));
    assert!(ink.contrast(LIGHT.background) < 5.0);
    assert_eq!(Accent::new(Some(yellow), LIGHT).fill, yellow);
    assert_eq!(Accent::new(Some(yellow), DARK).ink, yellow);
    assert_eq!(Accent::new(Some(yellow), DARK).on_fill, BLACK);
}

proptest! {
    #[test]
    fn any_brand_colour_is_readable(r in any::<u8>(), g in any::<u8>(), b in any::<u8>()) {
        for scheme in [LIGHT, DARK] {
            let accent = Accent::new(Some(rgb(r, g, b)), scheme);
            prop_assert!(accent.on_fill.contrast(accent.fill) >= TEXT_CONTRAST);
            prop_assert!(accent.ink.contrast(scheme.background) >= TEXT_CONTRAST);
        }
    }
}
