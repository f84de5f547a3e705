use super::*;

#[test]
fn a_colour_has_three_or_six_hexadecimal_digits() {
    let color = |r, g, b| Some(Color { r, g, b });
    for (text, expected) in [
        ("#0b5fff", color(0x0b, 0x5f, 0xff)),
        ("#0B5FFF", color(0x0b, 0x5f, 0xff)),
        ("#0af", color(0x00, 0xaa, 0xff)),
        ("0b5fff", None),
        ("#0b5ff", None),
        ("#0b5fff00", None),
        ("#0b5ffg", None),
        ("#", None),
        ("blue", None),
        ("#äää", None),
        ("#+0b5ff", None),
    ] {
        assert_eq!(Color::parse(text), expected, "{text}");
    }
    assert_eq!(
        Color {
            r: 1,
            g: 0xab,
            b: 0
        }
        .to_hex(),
        "#01ab00"
    );
}

#[test]
fn contrast_is_that_of_wcag() {
    let contrast = |a, b| Color::parse(a).unwrap().contrast(Color::parse(b).unwrap());
    // The reference values of common contrast checkers.
    for (a, b, expected) in [
        ("#000", "#fff", 21.0),
        ("#fff", "#fff", 1.0),
        ("#767676", "#fff", 4.54),
        ("#949494", "#fff", 3.03),
        ("#f00", "#fff", 3.998),
        ("#00f", "#fff", 8.592),
    ] {
        assert!(
            (contrast(a, b) - expected).abs() < 0.01,
            "{a} {b} {}",
            contrast(a, b)
        );
        assert_eq!(contrast(a, b), contrast(b, a));
    }
}

#[test]
fn the_linear_value_is_that_of_a_power() {
    for channel in 11..=255_u8 {
        let expected = ((f64::from(channel) / 255.0 + 0.055) / 1.055).powf(2.4);
        assert!((linear(channel) - expected).abs() < 1e-12, "{channel}");
    }
}
