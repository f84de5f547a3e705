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
            let place = Self::place(status);
            if let Some((word, bit)) = place.and_then(|(at, bit)| Some((self.0.get_mut(at)?, bit)))
            {
                *word |= bit;
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
        let place = Self::place(status);
        let word = place.and_then(|(at, bit)| Some((self.0.get(at)?, bit)));
        word.is_some_and(|(word, bit)| word & bit != 0)
    }

    /// Returns the statuses as ranges, in order: the lowest and the highest status of each.
    pub(crate) fn ranges(&self) -> Vec<(u16, u16)> {
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        for status in (Self::MIN..=Self::MAX).filter(|status| self.contains(*status)) {
            match ranges.last_mut() {
                Some((_, high)) if high.checked_add(1) == Some(status) => *high = status,
                _ => ranges.push((status, status)),
            }
        }
        ranges
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
        let ranges = self.ranges();
        let ranges = ranges.iter().map(|(low, high)| low..=high);
        formatter.debug_list().entries(ranges).finish()
    }
}

#[cfg(test)]
mod tests;
