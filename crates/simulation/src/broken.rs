//! The requests for a path that fails.

use tidegate_core::breaker::ClientId;

use super::hammer::Hammer;
use super::paths::{address, ONE_CLIENT};
use super::scenario::Askers;

/// One client that asks for it all the time.
const ONE: Hammer = Hammer {
    per_second: 40,
    from_ms: 0,
};
/// The page of a visitor asks when it is loaded and again after each such time, in milliseconds...
const POLL_MS: u64 = 5_000;
/// ...this many times in all.
const POLLS: u64 = 3;

/// Who will ask for the path, and when.
#[derive(Debug)]
pub(crate) struct BrokenPath {
    slice_ms: u64,
    by_slice: Vec<Vec<ClientId>>,
}

impl BrokenPath {
    /// Creates an empty calendar for a run of `duration_ms`.
    pub(crate) fn new(duration_ms: u64, slice_ms: u64) -> Self {
        let slices = (duration_ms / slice_ms) as usize;
        Self {
            slice_ms,
            by_slice: vec![Vec::new(); slices],
        }
    }

    /// A visitor with this address loads a page.
    pub(crate) fn open_page(&mut self, address: ClientId, now_ms: u64) {
        for poll in 0..POLLS {
            let slot = ((now_ms + poll * POLL_MS) / self.slice_ms) as usize;
            if let Some(askers) = self.by_slice.get_mut(slot) {
                askers.push(address);
            }
        }
    }

    /// Takes the clients that ask in the slice that starts at `now_ms`.
    pub(crate) fn take(&mut self, askers: Option<Askers>, now_ms: u64) -> Vec<ClientId> {
        let slot = (now_ms / self.slice_ms) as usize;
        let polls = self.by_slice.get_mut(slot).map(std::mem::take);
        match askers {
            None => Vec::new(),
            Some(Askers::Visitors) => polls.unwrap_or_default(),
            Some(Askers::OneClient) => {
                let count = ONE.count(now_ms, self.slice_ms);
                (0..count).map(|_| address(ONE_CLIENT)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests;
