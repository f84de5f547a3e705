//! The class of a request: its host and the segments of its path.
//!
//! One route often serves many things that fail separately: hosts behind a wildcard domain, the
//! services of an API, one broken page. A single circuit of the whole route would reject the
//! requests for all of them. Therefore failures are counted by class, and the circuit that opens is
//! that of the narrowest prefix that explains them.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::http::uri::{without_port, without_query};

/// Maximum number of components of a class: the host and four segments of the path.
pub const MAX_DEPTH: usize = 5;
/// Longer names are cut: the rest of a component belongs to the same class.
const MAX_BYTES: usize = 200;

/// The host and the first segments of the path of a request, as in `shop.example/api/v1`.
///
/// Its prefixes name circuits: with no component that of the route, with one that of a host.
/// A path that ends above the maximum depth ends with an empty segment, so that `/users` itself
/// differs from what is below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct PathClass {
    name: String,
    depth: u8,
    /// Where each component ends in the name; zero beyond the depth.
    ends: [u8; MAX_DEPTH],
}

impl PathClass {
    /// The class without components, which stands for the route as a whole.
    pub const ROUTE: Self = Self {
        name: String::new(),
        depth: 0,
        ends: [0; MAX_DEPTH],
    };

    /// Returns the class of a request by its `:authority` and `:path`.
    pub fn of_request(authority: &[u8], path: &[u8]) -> Self {
        let mut class = Self::default();
        class.set_to_request(authority, path);
        class
    }

    /// Becomes the class of a request, like [`PathClass::of_request`], and reuses its memory.
    pub fn set_to_request(&mut self, authority: &[u8], path: &[u8]) {
        self.truncate(0);
        // Nearly always enough.
        let length = authority.len().saturating_add(path.len());
        self.name.reserve(length.saturating_add(2).min(MAX_BYTES));
        let host = text(without_port(authority));
        // The route has the empty name.
        self.push(if host.is_empty() { "-" } else { &host });
        self.name.make_ascii_lowercase();
        let path = text(without_query(path));
        let path = path.strip_prefix('/').unwrap_or(&path);
        for segment in path.split('/') {
            if !self.push(segment) {
                return;
            }
        }
        if !path.ends_with('/') && !path.is_empty() {
            self.push("");
        }
    }

    /// Returns the number of components.
    pub fn depth(&self) -> usize {
        self.depth.into()
    }

    /// Returns whether the path goes on after the first `depth` components: not if it ends there.
    pub fn goes_on(&self, depth: usize) -> bool {
        let next = depth.saturating_add(1);
        match next.cmp(&self.depth()) {
            Ordering::Less => true,
            Ordering::Equal => !self.name.ends_with('/'),
            Ordering::Greater => false,
        }
    }

    /// Returns the name of the first `depth` components; the whole name if there are fewer.
    pub fn prefix(&self, depth: usize) -> &str {
        let last = depth.checked_sub(1);
        let end = match last {
            None => 0,
            Some(_) if depth >= self.depth() => self.name.len(),
            Some(last) => self.ends.get(last).map_or(0, |&end| end.into()),
        };
        self.name.get(..end).unwrap_or(&self.name)
    }

    /// Keeps the first `depth` components.
    pub fn truncate(&mut self, depth: usize) {
        let end = self.prefix(depth).len();
        self.name.truncate(end);
        for end in self.ends.iter_mut().skip(depth) {
            *end = 0;
        }
        self.depth = self.depth.min(u8::try_from(depth).unwrap_or(u8::MAX));
    }

    /// Adds a component. Returns whether there is room for another one.
    fn push(&mut self, component: &str) -> bool {
        if self.depth() > 0 {
            self.name.push('/');
        }
        let mut room = MAX_BYTES.saturating_sub(self.name.len());
        if let Some(rest) = room.checked_sub(component.len()) {
            room = rest;
            self.name.push_str(component);
        } else {
            let mut end = room;
            while !component.is_char_boundary(end) {
                end = end.saturating_sub(1);
            }
            room = 0;
            self.name.push_str(component.get(..end).unwrap_or_default());
        }
        let last = self.depth();
        if let Some(end) = self.ends.get_mut(last) {
            *end = u8::try_from(self.name.len()).unwrap_or(u8::MAX);
            self.depth = self.depth.saturating_add(1);
        }
        room > 0 && self.depth() < MAX_DEPTH
    }
}

/// Converts to text. `from_utf8_lossy` alone takes twice the time for text that is valid.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

#[cfg(test)]
mod tests;
