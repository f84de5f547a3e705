//! Sets of HTTP status codes.

use std::fmt;

/// A set of status codes from 100 to 599, as the configuration writes them: `502`, `"502-504"`, `"5xx"`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct StatusSet([u64; 8]);

impl StatusSet {
    /// The lowest status that a set can hold.
    pub const MIN: u16 = 100;
    /// The highest status that a set can hold.
    pub const MAX: u16 = 599;

    /// Returns the empty set.
    pub const fn empty() -> Self {
        Self([0; 8])
    }

    /// Adds the statuses from `low` to `high`, both included; ignores those out of range.
    pub fn insert_range(&mut self, low: u16, high: u16) {
        for status in low.max(Self::MIN)..=high.min(Self::MAX) {
            if let Some((word, bit)) = Self::place(status) {
                if let Some(slot) = self.0.get_mut(word) {
                    *slot |= bit;
                }
            }
        }
    }

    /// Adds the statuses of another set.
    pub fn insert_all(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    /// Returns whether the set contains `status`.
    pub fn contains(&self, status: u16) -> bool {
        Self::place(status)
            .and_then(|(word, bit)| self.0.get(word).map(|slot| slot & bit != 0))
            .unwrap_or(false)
    }

    /// Returns whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// Returns the word and the bit of a status.
    fn place(status: u16) -> Option<(usize, u64)> {
        if status > Self::MAX {
            return None;
        }
        let offset = status.checked_sub(Self::MIN)?;
        Some((usize::from(offset >> 6), 1_u64 << (offset & 63)))
    }
}

impl fmt::Debug for StatusSet {
    /// Writes the statuses as ranges, for goldens and failing tests.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = formatter.debug_list();
        let mut first = None;
        for status in Self::MIN..=Self::MAX.wrapping_add(1) {
            match (first, self.contains(status)) {
                (None, true) => first = Some(status),
                (Some(low), false) => {
                    list.entry(&(low..=status.wrapping_sub(1)));
                    first = None;
                }
                _ => {}
            }
        }
        list.finish()
    }
}

#[cfg(test)]
mod tests;
