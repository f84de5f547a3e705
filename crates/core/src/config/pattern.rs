//! Patterns: strings with one wildcard, for hosts, paths, header names and Envoy's own names.
//!
//! One wildcard and no more, because that is what can be matched in linear time and read at a glance.

use crate::prelude::*;

/// A string in which `*` stands for any run of bytes, the empty one included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub(super) String);

impl Pattern {
    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern matches everything.
    pub fn is_any(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte == b'*')
    }

    /// Whether the whole of `text` is what the pattern says; letters by case.
    ///
    /// Takes at most `pattern length × text length` comparisons, whatever the text is, and never goes
    /// back: each part between two `*` is searched from where the one before it ended.
    pub fn matches(&self, text: &[u8]) -> bool {
        self.matches_by(text, |a, b| a == b)
    }

    /// As [`Pattern::matches`], with ASCII letters equal in either case (hosts, header names).
    pub fn matches_ignore_case(&self, text: &[u8]) -> bool {
        self.matches_by(text, |a, b| a.eq_ignore_ascii_case(&b))
    }

    fn matches_by(&self, text: &[u8], equal: impl Fn(u8, u8) -> bool) -> bool {
        if self.is_any() {
            return true;
        }
        let same =
            |a: &[u8], b: &[u8]| a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| equal(a, b));
        let mut parts = self.0.as_bytes().split(|&byte| byte == b'*');
        let first = parts.next().unwrap_or_default();
        let Some(last) = parts.next_back() else {
            return same(first, text);
        };
        let Some((head, rest)) = text.split_at_checked(first.len()) else {
            return false;
        };
        let Some(at) = rest.len().checked_sub(last.len()) else {
            return false;
        };
        let Some((mut middle, tail)) = rest.split_at_checked(at) else {
            return false;
        };
        if !same(first, head) || !same(last, tail) {
            return false;
        }
        // The leftmost place of each part leaves the most room for those after it.
        for part in parts.filter(|part| !part.is_empty()) {
            let Some(found) = middle
                .windows(part.len())
                .position(|window| same(part, window))
            else {
                return false;
            };
            middle = middle
                .get(found.wrapping_add(part.len())..)
                .unwrap_or_default();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use proptest::prelude::*;

    #[test]
    fn matches_what_it_says() {
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
        assert!(pattern.matches_ignore_case(b"a.shop.EXAMPLE"));
        assert!(pattern.matches_ignore_case(b"\xff.shop.example"));
    }

    /// The obvious exponential definition.
    fn model(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) if model(rest, text) => true,
            (Some((b'*', _)), Some((_, shorter))) => model(pattern, shorter),
            (Some((a, rest)), Some((b, shorter))) => a == b && model(rest, shorter),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_obvious_definition(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(
                Pattern(pattern.clone()).matches(text.as_bytes()),
                model(pattern.as_bytes(), text.as_bytes())
            );
        }
    }
}
