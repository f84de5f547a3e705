//! The releases that the responses of a route name.
//!
//! Most failures begin with a change. A response may name the release of the upstream that made it;
//! the log then shows the releases before and after a failure began.

use std::time::Duration;

use crate::time::Timestamp;

/// Longer names are cut: a name only has to differ from others.
const MAX_BYTES: usize = 64;
/// During a rollout the old release still responds. It counts as rolled back if the new one was not
/// seen for this time.
const ROLLBACK_AFTER: Duration = Duration::from_secs(60);

/// The releases of one route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Releases {
    /// The current release; `None` if no response named one.
    pub current: Option<String>,
    /// The release before it.
    pub previous: Option<String>,
    /// When the current release was first seen.
    pub since: Timestamp,
    /// When the current release was last seen.
    last_seen: Timestamp,
}

impl Releases {
    /// Sets back all times, as the clock was.
    pub(super) fn set_back(&mut self, back: Duration) {
        self.since = self.since.saturating_sub(back);
        self.last_seen = self.last_seen.saturating_sub(back);
    }

    /// Notes the release that a response names. Ignores an empty name.
    pub fn note(&mut self, release: &[u8], now: Timestamp) {
        let release = release.get(..MAX_BYTES).unwrap_or(release);
        // A name that is not UTF-8 could not be compared with its lossy conversion.
        let Ok(release) = std::str::from_utf8(release) else {
            return;
        };
        if release.is_empty() {
            return;
        }
        if self.current.as_deref() == Some(release) {
            self.last_seen = now;
            return;
        }
        let is_previous = self.previous.as_deref() == Some(release);
        if is_previous && now < self.last_seen.saturating_add(ROLLBACK_AFTER) {
            return;
        }
        self.previous = self.current.replace(release.to_owned());
        (self.since, self.last_seen) = (now, now);
    }
}

#[cfg(test)]
mod tests;
