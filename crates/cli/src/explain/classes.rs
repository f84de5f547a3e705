//! Counts by the class of a path: host and path segments, as the breaker counts
//! (`tidegate_core::breaker::PathClass`).
//!
//! The number of classes is limited. Clients can make up paths, and some paths have the number of a
//! user or an order in them. So from twice the limit on, the classes with the lowest counts are
//! merged into the prefixes they share: `/users/1`, `/users/2`, … become `/users`. Nothing is lost
//! but the names; a class with many requests keeps its own.

use std::cmp::Reverse;
use std::hash::BuildHasher;

use tidegate_core::breaker::class::MAX_DEPTH;

use super::timeline::Timeline;

/// A count that can be merged with another.
pub(super) trait Count: Default {
    /// Returns the total, which decides what keeps its name.
    fn total(&self) -> u64;
    /// Adds another count.
    fn merge(&mut self, other: Self);
}

impl Count for u64 {
    fn total(&self) -> u64 {
        *self
    }

    fn merge(&mut self, other: Self) {
        *self += other;
    }
}

impl<const STEPS: usize> Count for Timeline<STEPS> {
    fn total(&self) -> u64 {
        Self::total(self)
    }

    fn merge(&mut self, other: Self) {
        self.absorb(other);
    }
}

/// Counts by class, at most twice `LIMIT`. Each request counts for one name: its class, or a prefix
/// of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Classes<V, const LIMIT: usize> {
    /// Hashes of the names: comparing a few dozen of them is faster than a map, and takes less memory.
    hashes: Vec<u64>,
    /// In the order in which they were first seen.
    counts: Vec<(String, V)>,
}

impl<V: Count, const LIMIT: usize> Classes<V, LIMIT> {
    /// Returns the count of a class.
    pub(super) fn at(&mut self, class: &str) -> &mut V {
        let hash = hash(class);
        let at = self.position(hash, class).unwrap_or_else(|| {
            self.make_room();
            self.push(hash, class.to_owned(), V::default())
        });
        &mut self.counts[at].1
    }

    fn position(&self, hash: u64, class: &str) -> Option<usize> {
        let at = self.hashes.iter().position(|known| *known == hash)?;
        if self.counts[at].0 == class {
            return Some(at);
        }
        // Two names have this hash.
        self.counts.iter().position(|(known, _)| known == class)
    }

    fn push(&mut self, hash: u64, class: String, count: V) -> usize {
        if self.counts.is_empty() {
            // A route that clients made up has only one.
            self.hashes.reserve_exact(1);
            self.counts.reserve_exact(1);
        }
        self.hashes.push(hash);
        self.counts.push((class, count));
        self.counts.len() - 1
    }

    /// Merges a later part of the log.
    pub(super) fn absorb(&mut self, later: Self) {
        if self.counts.is_empty() {
            *self = later;
            return;
        }
        for (hash, (class, count)) in later.hashes.into_iter().zip(later.counts) {
            match self.position(hash, &class) {
                Some(at) => self.counts[at].1.merge(count),
                None => {
                    self.make_room();
                    match self.position(hash, &class) {
                        Some(at) => self.counts[at].1.merge(count),
                        None => {
                            self.push(hash, class, count);
                        }
                    }
                }
            }
        }
    }

    /// Returns the counts of all classes that begin with a prefix.
    pub(super) fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a V)> {
        let all = self.counts.iter().map(|(name, count)| (&**name, count));
        all.filter(move |(name, _)| is_below(name, prefix))
    }

    /// Makes room for another name.
    fn make_room(&mut self) {
        if self.counts.len() >= 2 * LIMIT {
            self.fold();
        }
    }

    /// Merges the lowest counts into prefixes, until the limit is kept.
    fn fold(&mut self) {
        let mut all = std::mem::take(&mut self.counts);
        // A prefix has no name of its own to lose.
        all.sort_by_cached_key(|(name, count)| Reverse((is_whole(name), count.total())));
        let few = all.drain(all.len().min(LIMIT / 2)..);
        let mut few: Vec<_> = few
            .map(|(name, count)| (depth(&name), name, count))
            .collect();
        self.counts = all;
        while few.len() > LIMIT / 2 {
            let deepest = few.iter().map(|(depth, ..)| *depth).max().unwrap_or(0);
            for (depth, name, _) in &mut few {
                if *depth == deepest {
                    name.truncate(parent(name).len());
                    *depth = depth.saturating_sub(1);
                }
            }
            few.sort_by(|(_, a, _), (_, b, _)| a.cmp(b));
            few.dedup_by(|(_, later, count), (_, name, merged)| {
                let is_equal = later == name;
                if is_equal {
                    merged.merge(std::mem::take(count));
                }
                is_equal
            });
        }
        let few = few.into_iter().map(|(_, name, count)| (name, count));
        self.counts.extend(few);
        self.hashes.clear();
        let hashes = self.counts.iter().map(|(name, _)| hash(name));
        self.hashes.extend(hashes);
    }
}

fn hash(name: &str) -> u64 {
    foldhash::fast::FixedState::default().hash_one(name)
}

/// Returns whether a class or prefix begins with a prefix. All begin with the empty one.
pub(super) fn is_below(name: &str, prefix: &str) -> bool {
    let rest = name.strip_prefix(prefix);
    rest.is_some_and(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

/// Returns the prefix that has one more component of the name than `prefix`; `None` if the name has
/// no more.
pub(super) fn next<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    if !is_below(name, prefix) || name.len() == prefix.len() {
        return None;
    }
    let start = match prefix.is_empty() {
        true => 0,
        false => prefix.len() + 1,
    };
    let length = name.get(start..)?.find('/');
    name.get(..length.map_or(name.len(), |length| start + length))
}

/// Returns whether this is the class of a path, not a prefix of several. (Where a long name was cut
/// within a component, it counts as a prefix.)
pub(super) fn is_whole(name: &str) -> bool {
    name.ends_with('/') || depth(name) == MAX_DEPTH
}

fn depth(name: &str) -> usize {
    match name.is_empty() {
        true => 0,
        false => 1 + memchr::memchr_iter(b'/', name.as_bytes()).count(),
    }
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(parent, _)| parent)
}

#[cfg(test)]
mod tests;
