use super::*;

#[test]
fn weights_are_read_in_thousandths() {
    for (text, want) in [
        ("1", Some(1000)),
        ("0", Some(0)),
        ("0.", Some(0)),
        ("0.5", Some(500)),
        ("0.05", Some(50)),
        ("0.123", Some(123)),
        ("0.1239", Some(123)),
        ("1.000", Some(1000)),
        ("1.5", Some(1000)),
        ("", None),
        (".5", None),
        ("0,5", None),
        ("0.5a", None),
        ("-1", None),
        ("2", None),
    ] {
        assert_eq!(parse_weight(text.as_bytes()), want, "{text:?}");
    }
}
