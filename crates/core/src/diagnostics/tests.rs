use super::*;

#[test]
fn quoted_text_cannot_break_a_log_line() {
    assert_eq!(quoted("a\nb\"\u{202e}\\"), "\"a\\u{a}b\\\"\\u{202e}\\\\\"");
    let long = quoted(&"ä".repeat(1000));
    assert!(long.ends_with("…\"") && long.len() < 70, "{long}");
}

#[test]
fn only_a_similar_name_is_suggested() {
    for (name, expected) in [
        ("windows", Some("window")),
        ("WINDW", Some("window")),
        ("widnow", Some("window")),
        ("min-request", Some("min_requests")),
        ("mod", Some("mode")),
        ("colour", None),
        ("", None),
    ] {
        let suggestion = nearest(name, ["window", "mode", "min_requests"]);
        assert_eq!(suggestion.as_deref(), expected, "{name}");
    }
}

#[test]
fn of_equally_similar_names_the_first_is_suggested() {
    assert_eq!(nearest("cat", ["bat", "hat"]).as_deref(), Some("bat"));
}

#[test]
fn a_very_long_name_gets_no_suggestion() {
    let name = "a".repeat(NAME_BYTES + 1);
    assert_eq!(nearest(&name, [name.as_str()]), None);
}
