use super::*;

#[test]
fn a_value_cannot_break_a_log_line() {
    assert_eq!(quoted("a\nb\"\u{202e}\\"), "\"a\\u{a}b\\\"\\u{202e}\\\\\"");
    let long = quoted(&"ä".repeat(1000));
    assert!(long.ends_with("…\"") && long.len() < 70, "{long}");
}
