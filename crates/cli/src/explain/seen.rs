//! Records when names (releases, hosts) occurred in the requests of a route, and how often these
//! failed.

/// A name, and when it occurred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) name: Box<str>,
    pub(super) requests: u64,
    pub(super) failures: u64,
    pub(super) first_ms: u64,
    pub(super) last_ms: u64,
    pub(super) first_failure_ms: Option<u64>,
    /// Number of requests with any name before the first one with this name.
    pub(super) before: u64,
    /// Number of requests with any name up to the last one with this name.
    pub(super) until: u64,
}

/// A limited number of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) list: Vec<Seen>,
    /// Number of requests with any name.
    pub(super) requests: u64,
    /// Number of requests whose names exceed the limit.
    pub(super) others: u64,
}

impl Names {
    /// Adds a request; keeps at most `limit` names.
    pub(super) fn add(&mut self, name: &str, at_ms: u64, failed: bool, limit: usize) {
        let before = self.requests;
        self.requests += 1;
        let name = super::cut(name);
        if let Some(seen) = self.list.iter_mut().find(|seen| &*seen.name == name) {
            seen.requests += 1;
            seen.first_ms = seen.first_ms.min(at_ms);
            seen.last_ms = seen.last_ms.max(at_ms);
            seen.until = self.requests;
            if failed {
                seen.failures += 1;
                seen.first_failure_ms = earlier(seen.first_failure_ms, Some(at_ms));
            }
        } else if self.list.len() < limit {
            self.list.push(Seen {
                name: name.into(),
                requests: 1,
                failures: failed.into(),
                first_ms: at_ms,
                last_ms: at_ms,
                first_failure_ms: failed.then_some(at_ms),
                before,
                until: self.requests,
            });
        } else {
            self.others += 1;
        }
    }

    /// Merges a later part of the log.
    pub(super) fn absorb(&mut self, later: Names, limit: usize) {
        for mut other in later.list {
            other.before += self.requests;
            other.until += self.requests;
            if let Some(seen) = self.list.iter_mut().find(|seen| seen.name == other.name) {
                seen.requests += other.requests;
                seen.failures += other.failures;
                seen.first_ms = seen.first_ms.min(other.first_ms);
                seen.last_ms = seen.last_ms.max(other.last_ms);
                seen.first_failure_ms = earlier(seen.first_failure_ms, other.first_failure_ms);
                seen.until = other.until;
            } else if self.list.len() < limit {
                self.list.push(other);
            } else {
                self.others += other.requests;
            }
        }
        self.requests += later.requests;
        self.others += later.others;
    }
}

fn earlier(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    [a, b].into_iter().flatten().min()
}
