//! When visitors arrive for the first time.

use super::rng::Stream;
use super::scenario::BEFORE_MS;
use super::world::{Setup, SLICE_MS};

/// The visitors of a run who have not come yet: the usual ones, who arrive at random, and a crowd,
/// spread evenly over the incident.
#[derive(Debug)]
pub(crate) struct Arrivals {
    rate: f64,
    crowd: u64,
    crowd_left: u64,
    incident_ms: u64,
    rng: Stream,
}

impl Arrivals {
    /// Creates the arrivals of a run. They depend on nothing but the setup and the seed, so that all
    /// breakers and all kinds of hints have the same visitors.
    pub(crate) fn new(setup: &Setup, seed: u64) -> Self {
        Self {
            rate: setup.rate,
            crowd: setup.crowd,
            crowd_left: setup.crowd,
            incident_ms: (setup.incident.end_ms - BEFORE_MS).max(1),
            rng: Stream::new(seed, 1),
        }
    }

    /// Returns the number of visitors who arrive in the slice that starts at `now_ms`.
    pub(crate) fn next(&mut self, now_ms: u64) -> u32 {
        let mut coming = self.rng.count(self.rate * SLICE_MS as f64 / 1000.0);
        if let Some(into_ms) = now_ms.checked_sub(BEFORE_MS) {
            let until_ms = (into_ms + SLICE_MS).min(self.incident_ms);
            let due = self.crowd * until_ms / self.incident_ms;
            let now = due - (self.crowd - self.crowd_left);
            self.crowd_left -= now;
            coming += u32::try_from(now).unwrap_or(u32::MAX);
        }
        coming
    }
}
