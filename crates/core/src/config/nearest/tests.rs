use super::*;

#[test]
fn only_near_names_are_suggested() {
    let keys = ["window", "mode", "min_requests"];
    let nearest = |found| nearest(found, keys.into_iter());
    for (found, expected) in [
        ("windows", Some("window")),
        ("WINDOW", Some("window")),
        ("widnow", Some("window")),
        ("min-request", Some("min_requests")),
        ("mod", Some("mode")),
        ("colour", None),
        ("widths", None),
        ("", None),
    ] {
        assert_eq!(nearest(found).as_deref(), expected, "{found}");
    }
}

#[test]
fn the_first_of_equally_near_names_is_suggested() {
    assert_eq!(
        nearest("cat", ["car", "cap"].into_iter()).as_deref(),
        Some("car")
    );
}

#[test]
fn a_very_long_name_has_no_suggestion() {
    let long = "a".repeat(limits::NAME_BYTES + 1);
    assert_eq!(nearest(&long, [&*long].into_iter()), None);
}
