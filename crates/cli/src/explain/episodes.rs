//! Groups failures of a route for one reason into episodes, separated by gaps without failures.
//! Failures may come in any order. The number of episodes is limited: beyond the limit, the two
//! with the smallest gap between them are merged.

/// Number of episodes that are kept for a route and reason. The first ones matter most to find a
/// cause; a failure that comes and goes more often than this is flapping.
pub(super) const MAX_EPISODES: usize = 8;
use super::classes::Classes;

/// Number of hosts of an episode that are counted separately.
const MAX_HOSTS: usize = 8;
/// Number of classes of an episode that are counted separately.
const MAX_CLASSES: usize = 16;

/// The first failure of an episode, to find it in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct First {
    /// Number of the file.
    pub(super) file: usize,
    /// From 1.
    pub(super) line: u64,
    pub(super) request_id: Box<str>,
    pub(super) host: Box<str>,
    pub(super) details: Box<str>,
}

/// A period in which a route failed for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Episode {
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
    pub(super) failures: u64,
    pub(super) first: First,
    /// Failures by host.
    pub(super) hosts: Vec<(Box<str>, u64)>,
    /// Failures of hosts that are not counted separately.
    pub(super) other_hosts: u64,
    /// Failures by the class of their path.
    pub(super) classes: Classes<u64, MAX_CLASSES>,
}

impl Episode {
    fn take(&mut self, other: Episode) {
        if other.from_ms < self.from_ms {
            self.first = other.first;
        }
        self.from_ms = self.from_ms.min(other.from_ms);
        self.to_ms = self.to_ms.max(other.to_ms);
        self.failures += other.failures;
        for (host, failures) in other.hosts {
            self.count(&host, failures);
        }
        self.other_hosts += other.other_hosts;
        self.classes.absorb(other.classes);
    }

    fn add(&mut self, host: &str, class: Option<&str>) {
        self.failures += 1;
        self.count(host, 1);
        if let Some(class) = class {
            *self.classes.at(class) += 1;
        }
    }

    fn count(&mut self, host: &str, failures: u64) {
        if host.is_empty() {
            return;
        }
        if let Some((_, count)) = self.hosts.iter_mut().find(|(known, _)| &**known == host) {
            *count += failures;
        } else if self.hosts.len() < MAX_HOSTS {
            self.hosts.push((host.into(), failures));
        } else {
            self.other_hosts += failures;
        }
    }
}

/// All episodes of one route and reason, in the order of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Episodes {
    pub(super) list: Vec<Episode>,
    /// How often two episodes were merged because there were too many.
    pub(super) folded: u64,
}

impl Episodes {
    /// Adds a failure. `first` describes it, in case it is the first of an episode; `class` is `None`
    /// if the log has no path.
    pub(super) fn add(
        &mut self,
        at_ms: u64,
        host: &str,
        class: Option<&str>,
        gap_ms: u64,
        first: impl FnOnce() -> First,
    ) {
        let host = super::cut(host);
        // Nearly always it belongs to the last episode.
        if let Some(last) = self.list.last_mut() {
            let reach = last.from_ms..=last.to_ms.saturating_add(gap_ms);
            if reach.contains(&at_ms) {
                last.to_ms = last.to_ms.max(at_ms);
                last.add(host, class);
                return;
            }
        }
        let mut episode = Episode {
            from_ms: at_ms,
            to_ms: at_ms,
            failures: 0,
            first: first(),
            hosts: Vec::new(),
            other_hosts: 0,
            classes: Classes::default(),
        };
        episode.add(host, class);
        self.insert(episode, gap_ms);
    }

    /// Merges the episodes of another part of the log.
    pub(super) fn absorb(&mut self, other: Episodes, gap_ms: u64) {
        for episode in other.list {
            self.insert(episode, gap_ms);
        }
        self.folded += other.folded;
    }

    fn insert(&mut self, mut episode: Episode, gap_ms: u64) {
        // The episodes within its reach are neighbours: they are merged into one in their place.
        let before = |known: &Episode| known.to_ms.saturating_add(gap_ms) < episode.from_ms;
        let start = self.list.partition_point(before);
        let reach = episode.to_ms.saturating_add(gap_ms);
        let behind = self.list.get(start..).unwrap_or_default();
        let count = behind
            .iter()
            .take_while(|known| known.from_ms <= reach)
            .count();
        let mut reached = self.list.drain(start..start + count);
        if let Some(mut known) = reached.next() {
            // The earlier one stays, with its first failure.
            known.take(episode);
            episode = known;
        }
        for known in reached {
            episode.take(known);
        }
        self.list.insert(start, episode);
        if self.list.len() > MAX_EPISODES {
            self.fold();
        }
    }

    fn fold(&mut self) {
        let gaps = self.list.windows(2).enumerate();
        let smallest = gaps.min_by_key(|(_, pair)| match pair {
            [before, after] => after.from_ms.saturating_sub(before.to_ms),
            _ => u64::MAX,
        });
        let Some((at, _)) = smallest else { return };
        let after = self.list.remove(at + 1);
        if let Some(before) = self.list.get_mut(at) {
            before.take(after);
        }
        self.folded += 1;
    }
}

#[cfg(test)]
mod tests;
