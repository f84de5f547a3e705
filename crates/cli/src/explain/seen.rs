//! Names that came up among the requests of a route (releases, hosts): when, and how often they failed.

/// A name, where it came up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) name: Box<str>,
    pub(super) requests: u64,
    pub(super) failures: u64,
    pub(super) first_ms: u64,
    pub(super) last_ms: u64,
    pub(super) first_failure_ms: Option<u64>,
    /// Requests with any name that the log has before the first with this one.
    pub(super) before: u64,
    /// Requests with any name that the log has up to the last with this one.
    pub(super) until: u64,
}

/// Names, of which only so many are told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) list: Vec<Seen>,
    /// Requests with any name.
    pub(super) requests: u64,
    /// Those whose name is not told apart.
    pub(super) others: u64,
}

impl Names {
    /// Takes a request; at most `limit` names are told apart.
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

    /// Takes what a later part of the log has.
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
