//! Patterns for hosts, paths, header names and names of Envoy's configuration. `*` is the only
//! wildcard, so that a pattern is easy to read and matching takes bounded time.
//!
//! Patterns are in the operator's hand, texts in that of clients: the time to match a text grows linearly
//! with its length, and the length of texts is limited. Of a path, 4 KB are kept (`filter/kept_headers.rs`).

use memchr::memmem;

/// A longer host matches no pattern but `*`. A DNS name has at most 253 bytes (RFC 1035, 2.3.4), and may be
/// written with a dot at its end.
const HOST_BYTES: usize = 260;

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
    /// It takes time linear in the lengths of both, because it never goes back: it searches each part
    /// between two `*` from the end of the part before.
    pub fn matches(&self, text: &[u8]) -> bool {
        self.is_any() || self.matches_by(text, u8::eq, memmem::find)
    }

    /// Returns whether the pattern matches a host. The case of ASCII letters is ignored.
    pub fn matches_host(&self, host: &[u8]) -> bool {
        let find = |text: &[u8], part: &[u8]| {
            memmem::find(&text.to_ascii_lowercase(), &part.to_ascii_lowercase())
        };
        let is_host = host.len() <= HOST_BYTES;
        self.is_any() || (is_host && self.matches_by(host, u8::eq_ignore_ascii_case, find))
    }

    fn matches_by(
        &self,
        text: &[u8],
        same: impl Fn(&u8, &u8) -> bool,
        find: impl Fn(&[u8], &[u8]) -> Option<usize>,
    ) -> bool {
        let are_same = |a: &[u8], b: &[u8]| a.iter().zip(b).all(|(a, b)| same(a, b));
        // Most texts that do not match begin differently, so this is compared first, and the first byte before all
        // others.
        let pattern = self.0.as_bytes();
        if let (Some(part), Some(byte)) = (pattern.first(), text.first()) {
            if *part != b'*' && !same(part, byte) {
                return false;
            }
        }
        let mut pairs = pattern.iter().zip(text);
        let differ = |(part, byte): (&u8, &u8)| *part == b'*' || !same(part, byte);
        let head = pairs.position(differ);
        let head = head.unwrap_or_else(|| pattern.len().min(text.len()));
        let (Some((_, pattern)), Some((_, rest))) =
            (pattern.split_at_checked(head), text.split_at_checked(head))
        else {
            return false;
        };
        let pattern = match pattern.split_first() {
            None => return rest.is_empty(),
            Some((b'*', pattern)) => pattern,
            Some(_) => return false,
        };
        let mut parts = pattern.split(|&byte| byte == b'*');
        let last = parts.next_back().unwrap_or_default();
        let Some(at) = rest.len().checked_sub(last.len()) else {
            return false;
        };
        let Some((mut middle, tail)) = rest.split_at_checked(at) else {
            return false;
        };
        if !are_same(last, tail) {
            return false;
        }
        // The leftmost match of a part leaves the most room for the parts after it.
        for part in parts.filter(|part| !part.is_empty()) {
            let Some(found) = find(middle, part) else {
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
