use super::Pattern;
use proptest::prelude::*;

#[test]
fn a_star_matches_any_run_of_bytes() {
    let table: &[(&str, &str, bool)] = &[
        ("", "", true),
        ("", "a", false),
        ("a", "a", true),
        ("a", "A", false),
        ("a", "ab", false),
        ("*", "", true),
        ("*", "anything", true),
        ("**", "", true),
        ("/.well-known/*", "/.well-known/", true),
        ("/.well-known/*", "/.well-known/acme/x", true),
        ("/.well-known/*", "/.well-known", false),
        ("*.example", "shop.example", true),
        ("*.example", ".example", true),
        ("*.example", "example", false),
        ("*.example", "shop.example.org", false),
        ("a*a", "a", false),
        ("a*a", "aa", true),
        ("a*b*c", "a-b-c", true),
        ("a*b*c", "abc", true),
        ("a*b*c", "acb", false),
        ("a*ab*b", "aab", false),
        ("a*ab*b", "aabb", true),
        ("*ab*ab*", "abab", true),
        ("*ab*ab*", "aba", false),
    ];
    for &(pattern, text, expected) in table {
        let pattern = Pattern(pattern.to_owned());
        assert_eq!(
            pattern.matches(text.as_bytes()),
            expected,
            "{pattern:?} {text:?}"
        );
    }
}

#[test]
fn case_is_ignored_only_when_asked() {
    let pattern = Pattern("*.Shop.example".to_owned());
    assert!(!pattern.matches(b"a.shop.EXAMPLE"));
    assert!(pattern.matches_host(b"a.shop.EXAMPLE"));
    assert!(pattern.matches_host(b"\xff.shop.example"));
}

/// Returns whether the pattern matches, by the exponential definition.
fn exponential(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) if exponential(rest, text) => true,
        (Some((b'*', _)), Some((_, shorter))) => exponential(pattern, shorter),
        (Some((a, rest)), Some((b, shorter))) => a == b && exponential(rest, shorter),
        _ => false,
    }
}

proptest! {
    #[test]
    fn matching_agrees_with_the_exponential_definition(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
        prop_assert_eq!(
            Pattern(pattern.clone()).matches(text.as_bytes()),
            exponential(pattern.as_bytes(), text.as_bytes())
        );
    }
}
