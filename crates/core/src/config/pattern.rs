//! Patterns: strings with one wildcard, for hosts, paths, header names and Envoy's own names.
//!
//! One wildcard and no more, because that is what can be matched in linear time and read at a glance.

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
mod tests;
