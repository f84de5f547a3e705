//! Patterns for hosts, paths, header names and names of Envoy's configuration. `*` is the only
//! wildcard, so that a pattern is easy to read and matching takes bounded time.

/// A string in which `*` matches any number of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub(super) String);

impl Pattern {
    /// Returns the pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the pattern matches everything.
    pub fn is_any(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte == b'*')
    }

    /// Returns whether the pattern matches the whole of `text`. Case matters.
    ///
    /// It takes at most `pattern length × text length` comparisons for any text, because it never
    /// goes back: it searches each part between two `*` from the end of the part before.
    pub fn matches(&self, text: &[u8]) -> bool {
        self.matches_by(text, |a, b| a == b)
    }

    /// Does the same as [`Pattern::matches`], but ignores the case of ASCII letters (hosts, header
    /// names).
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
        // Most texts that do not match begin differently, so this is compared first.
        let Some((head, rest)) = text.split_at_checked(first.len()) else {
            return false;
        };
        if !same(first, head) {
            return false;
        }
        let Some(last) = parts.next_back() else {
            return rest.is_empty();
        };
        let Some(at) = rest.len().checked_sub(last.len()) else {
            return false;
        };
        let Some((mut middle, tail)) = rest.split_at_checked(at) else {
            return false;
        };
        if !same(last, tail) {
            return false;
        }
        // The leftmost match of a part leaves the most room for the parts after it.
        for part in parts.filter(|part| !part.is_empty()) {
            let Some(found) = middle
                .windows(part.len())
                .position(|window| same(part, window))
            else {
                return false;
            };
            middle = middle
                .get(found.saturating_add(part.len())..)
                .unwrap_or_default();
        }
        true
    }
}

#[cfg(test)]
mod tests;
