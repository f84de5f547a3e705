//! The clients: when they come back.

use tidegate_core::config::Retry;
use tidegate_core::hint::Facts;
use tidegate_core::pace::Pacer;

use super::rng::Rng;

/// Who does as he pleases comes back after 1 to 6 seconds: the time in which a person reloads.
const RESTLESS_MS: (u64, u64) = (1_000, 5_000);

/// Somebody who wants one request served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    /// Further tries before going away for good; `u32::MAX`: never.
    pub(crate) tries_left: u32,
    /// Whether it comes back when it is told to.
    pub(crate) obeys: bool,
    /// Whether it has been here before.
    pub(crate) is_back: bool,
}

/// Those who will come back.
#[derive(Debug)]
pub(crate) struct Returning {
    slice_ms: u64,
    by_slice: Vec<Vec<Client>>,
    waiting: u64,
    /// Those who tried for the last time.
    pub(crate) gave_up: u64,
}

impl Returning {
    /// Nobody, over a run of `duration_ms`.
    pub(crate) fn new(duration_ms: u64, slice_ms: u64) -> Self {
        let slices = (duration_ms / slice_ms) as usize;
        Self {
            slice_ms,
            by_slice: vec![Vec::new(); slices],
            waiting: 0,
            gave_up: 0,
        }
    }

    /// How many wait to come back.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Those who come in the slice that begins at `now_ms`.
    pub(crate) fn take(&mut self, now_ms: u64) -> Vec<Client> {
        let slot = (now_ms / self.slice_ms) as usize;
        let clients = self.by_slice.get_mut(slot).map(std::mem::take);
        let clients = clients.unwrap_or_default();
        self.waiting -= clients.len() as u64;
        clients
    }

    /// A client was not served. Who returns after the end of the run still waits then.
    pub(crate) fn turn_away(
        &mut self,
        mut client: Client,
        now_ms: u64,
        hint_ms: u64,
        rng: &mut Rng,
    ) {
        if client.tries_left == 0 {
            self.gave_up += 1;
            return;
        }
        if client.tries_left != u32::MAX {
            client.tries_left -= 1;
        }
        client.is_back = true;
        let wait_ms = if client.obeys {
            hint_ms
        } else {
            RESTLESS_MS.0 + rng.below(RESTLESS_MS.1)
        };
        self.waiting += 1;
        let slot = ((now_ms + wait_ms) / self.slice_ms) as usize;
        // Not in the slice that is being worked off.
        let slot = slot.max((now_ms / self.slice_ms) as usize + 1);
        if let Some(clients) = self.by_slice.get_mut(slot) {
            clients.push(client);
        }
    }
}

/// The hints of the filter: those of the core, for a rejected or failed request.
#[derive(Debug)]
pub(crate) struct Hints(Retry);

impl Hints {
    /// Hints by these settings.
    pub(crate) fn new(retry: &Retry) -> Self {
        Self(retry.clone())
    }

    /// When a client is told to come back, in milliseconds from now. `remaining_ms`: for how much
    /// longer the circuit is open; 0: not known.
    pub(crate) fn ms(&self, now_ms: u64, remaining_ms: u64, seed: u64) -> u64 {
        let facts = Facts {
            status: 503,
            remaining_ms: (remaining_ms > 0).then_some(remaining_ms),
            upstream: None,
            now_ms: Some(now_ms),
            seed,
        };
        hint(&self.0, &facts).ms
    }
}
