//! The clients, and when they return.

use clap::ValueEnum;
use serde::Serialize;

use tidegate_core::rng::Rng as _;

use super::paths::Asker;
use super::proxy::{Proxy, Rejected};
use super::rng::Stream;

/// When clients come back that do not follow the hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restless {
    /// After 1 to 6 seconds, as a person reloads a page.
    Reload,
    /// After one second, as a program asks.
    EverySecond,
}

impl Restless {
    fn wait_ms(self, rng: &mut Stream) -> u64 {
        match self {
            Self::Reload => 1_000 + rng.below(5_000),
            Self::EverySecond => 1_000,
        }
    }
}

/// A client that wants one request to be served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    /// Its address, and what it asks for each time that it comes.
    pub(crate) asker: Asker,
    /// Attempts left; `u32::MAX` means unlimited.
    pub(crate) tries_left: u32,
    /// Whether it follows the retry hint.
    pub(crate) obeys: bool,
    /// Whether it has been here before.
    pub(crate) is_back: bool,
    /// Whether one of its requests failed, or was rejected, because of the incident.
    pub(crate) was_turned_away: bool,
    /// When it first arrived, in milliseconds since the start.
    pub(crate) since_ms: u64,
}

/// The clients that will return.
#[derive(Debug)]
pub(crate) struct Returning {
    slice_ms: u64,
    restless: Restless,
    by_slice: Vec<Vec<Client>>,
    waiting: u64,
    /// Clients that used their last attempt.
    pub(crate) gave_up: u64,
}

impl Returning {
    /// Creates an empty calendar for a run of `duration_ms`.
    pub(crate) fn new(duration_ms: u64, slice_ms: u64, restless: Restless) -> Self {
        let slices = (duration_ms / slice_ms) as usize;
        Self {
            slice_ms,
            restless,
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

    /// Schedules the return of a client that was not served and got this hint.
    pub(crate) fn turn_away(
        &mut self,
        client: Client,
        now_ms: u64,
        hint_ms: u64,
        rng: &mut Stream,
    ) {
        // Without tries left it does not return: nothing is drawn.
        let wait_ms = if client.obeys || client.tries_left == 0 {
            hint_ms
        } else {
            self.restless.wait_ms(rng)
        };
        self.schedule(client, now_ms, wait_ms);
    }

    /// Schedules the return of a client that got no hint.
    pub(crate) fn come_back(&mut self, client: Client, now_ms: u64, rng: &mut Stream) {
        let wait_ms = Restless::Reload.wait_ms(rng);
        self.schedule(client, now_ms, wait_ms);
    }

    /// A client that returns after the end of the run still counts as waiting.
    fn schedule(&mut self, mut client: Client, now_ms: u64, wait_ms: u64) {
        if client.tries_left == 0 {
            self.gave_up += 1;
            return;
        }
        if client.tries_left != u32::MAX {
            client.tries_left -= 1;
        }
        client.is_back = true;
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
pub enum HintKind {
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
    /// At the next check-in: this filter
    CheckIns,
}

impl HintKind {
    /// Returns its display name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Fixed5 => "5 s for everybody",
            Self::Fixed30 => "30 s for everybody",
            Self::Jittered => "5 to 10 s by chance",
            Self::CheckIns => "check-ins (Tidegate)",
        }
    }

    /// Returns the hint of a client that was not served, in milliseconds from now.
    pub(crate) fn ms(self, proxy: &mut Proxy, rejected: Rejected, rng: &mut Stream) -> u64 {
        match self {
            Self::Fixed5 => 5_000,
            Self::Fixed30 => 30_000,
            Self::Jittered => 5_000 + rng.next_u64() % 5_000,
            Self::CheckIns => proxy.hint_ms(rejected, rng),
        }
    }
}
