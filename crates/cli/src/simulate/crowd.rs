//! The clients, and when they return.

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;
use tidegate_core::config::Retry;
use tidegate_core::retry::FailureInfo;
use tidegate_core::time::Timestamp;
use tidegate_core::worker::Worker;

use super::rng::{Fixed, Stream};
use super::shared::{Shared, EPOCH_MS, ROUTE};

/// Clients that do not follow the hint return after 1 to 6 seconds, as a person reloads a page.
const RESTLESS_MS: (u64, u64) = (1_000, 5_000);

/// A client that wants one request to be served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    /// Attempts left; `u32::MAX` means unlimited.
    pub(crate) tries_left: u32,
    /// Whether it follows the retry hint.
    pub(crate) obeys: bool,
    /// Whether it has been here before.
    pub(crate) is_back: bool,
    /// When it first arrived, in milliseconds since the start.
    pub(crate) since_ms: u64,
}

/// The clients that will return.
#[derive(Debug)]
pub(crate) struct Returning {
    slice_ms: u64,
    by_slice: Vec<Vec<Client>>,
    waiting: u64,
    /// Clients that used their last attempt.
    pub(crate) gave_up: u64,
}

impl Returning {
    /// Creates an empty calendar for a run of `duration_ms`.
    pub(crate) fn new(duration_ms: u64, slice_ms: u64) -> Self {
        let slices = (duration_ms / slice_ms) as usize;
        Self {
            slice_ms,
            by_slice: vec![Vec::new(); slices],
            waiting: 0,
            gave_up: 0,
        }
    }

    /// Returns the number of clients that wait to return.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Takes the clients that return in the slice that starts at `now_ms`.
    pub(crate) fn take(&mut self, now_ms: u64) -> Vec<Client> {
        let slot = (now_ms / self.slice_ms) as usize;
        let clients = self.by_slice.get_mut(slot).map(std::mem::take);
        let clients = clients.unwrap_or_default();
        self.waiting -= clients.len() as u64;
        clients
    }

    /// Schedules the return of a client that was not served. A client that returns after the end of
    /// the run still counts as waiting.
    pub(crate) fn turn_away(
        &mut self,
        mut client: Client,
        now_ms: u64,
        hint_ms: u64,
        rng: &mut Stream,
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
        // Not in the current slice.
        let slot = slot.max((now_ms / self.slice_ms) as usize + 1);
        if let Some(clients) = self.by_slice.get_mut(slot) {
            clients.push(client);
        }
    }
}

/// The kinds of retry hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HintKind {
    /// After 5 s
    #[value(name = "fixed-5s")]
    #[serde(rename = "fixed-5s")]
    Fixed5,
    /// After 30 s
    #[value(name = "fixed-30s")]
    #[serde(rename = "fixed-30s")]
    Fixed30,
    /// After 5 to 10 s, by chance
    Jittered,
    /// In a slot of its own: this filter
    Paced,
}

impl HintKind {
    /// All kinds, in the order of the tables.
    pub(crate) const ALL: [Self; 4] = [Self::Fixed5, Self::Fixed30, Self::Jittered, Self::Paced];

    /// Returns its display name.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Fixed5 => "5 s for everybody",
            Self::Fixed30 => "30 s for everybody",
            Self::Jittered => "5 to 10 s by chance",
            Self::Paced => "paced (Tidegate)",
        }
    }
}

/// Computes the retry hints, on each worker.
#[derive(Debug)]
pub(crate) struct Hints {
    kind: HintKind,
    retry: Retry,
    workers: Vec<Worker>,
    shared: Shared,
}

impl Hints {
    /// Hints of a kind; those of the filter by these settings.
    pub(crate) fn new(kind: HintKind, retry: &Retry, workers: usize) -> Self {
        Self {
            kind,
            retry: retry.clone(),
            workers: (0..workers)
                .map(|_| Worker::new("tidegate", Vec::new()))
                .collect(),
            shared: Shared::default(),
        }
    }

    /// A request was served.
    pub(crate) fn served(&mut self, worker: usize) {
        if let Some(worker) = self.workers.get_mut(worker) {
            if worker.should_sample() {
                worker.sample(&ROUTE.into(), b"", None);
            }
        }
    }

    /// Runs the tick of a worker, 20 times a second. `draw`: the random number, in [0, 1).
    pub(crate) fn tick(&mut self, worker: usize, now_ms: u64, draw: f64) {
        if let Some(worker) = self.workers.get_mut(worker) {
            let now = Timestamp::from_millis(EPOCH_MS + now_ms);
            worker.tick(&mut self.shared, now, &mut Fixed::unit(draw));
        }
    }

    /// Returns the hint of a client, in milliseconds from now. `remaining_ms`: for how much longer
    /// the circuit is open; 0: not known.
    pub(crate) fn ms(&mut self, worker: usize, now_ms: u64, remaining_ms: u64, seed: u64) -> u64 {
        let failure = FailureInfo {
            status: 503,
            remaining: (remaining_ms > 0).then(|| Duration::from_millis(remaining_ms)),
            retry_after: None,
            now: Some(Timestamp::from_millis(EPOCH_MS + now_ms)),
        };
        match (self.kind, self.workers.get_mut(worker)) {
            (HintKind::Fixed5, _) => 5_000,
            (HintKind::Fixed30, _) => 30_000,
            (HintKind::Jittered, _) => 5_000 + seed % 5_000,
            (HintKind::Paced, Some(worker)) => {
                let (host, rng) = (&mut self.shared, &mut Fixed::number(seed));
                let hint = worker.hint(host, &ROUTE.into(), &self.retry, &failure, rng);
                hint.delay().as_millis() as u64
            }
            (HintKind::Paced, None) => 0,
        }
    }
}
