//! How many clients wait, and how often each of them may check in.
//!
//! Nobody knows when an outage ends, so a hint is no appointment: it is the next time to ask. A request
//! that the filter rejects costs the proxy some tens of microseconds and the upstream nothing, so one Envoy
//! answers some hundred check-ins per second (`retry.check_ins`), and the interval grows only if more
//! clients wait than may check in that often.
//!
//! What counts is the number of clients that really wait: each address once, however often it asks. A
//! client that asks fifty times a second moves nobody else's hint. Where many clients have one address,
//! their requests tell: a quarter of them counts as clients, so that all rejections together stay below
//! four times `check_ins`.
//!
//! Addresses are not kept: a sketch estimates how many different ones there were (HyperLogLog; Flajolet,
//! Fusy, Gandouet and Meunier, 2007), with an error of about 7 %. Sketches of several workers and of
//! several windows of time can be united.

use std::time::Duration;

use crate::breaker::ClientId;
use crate::rng::{Rng, SplitMix64};
use crate::time::{Timestamp, CLOCK_SLACK};

/// Clients are counted in windows of this length.
const WINDOW: Duration = Duration::from_secs(5);
/// Number of windows that are kept: the longest interval that is known exactly, and the present window.
const WINDOWS: usize = 13;
/// Number of registers of a sketch; a power of two.
const REGISTERS: usize = 256;
/// The bits of a hash that choose a register.
const REGISTER_BITS: u32 = REGISTERS.trailing_zeros();
/// Number of ranks: from 0, of a register that no client has chosen, to that of a hash whose other bits are 0.
const RANKS: usize = (u64::BITS - REGISTER_BITS) as usize + 2;
/// The constant of the estimate for this number of registers.
const ALPHA: f64 = 0.7213 / (1.0 + 1.079 / REGISTERS as f64);
/// One request in so many counts as a client, if that is more than there are addresses.
const REQUESTS_OF_CLIENT: f64 = 4.0;
/// The interval is computed again after this time, or after this number of clients: united sketches cost
/// more than all else that a rejection does.
const RECOMPUTE_AFTER: Duration = Duration::from_millis(50);
const RECOMPUTE_CLIENTS: u32 = 50;
/// Clients are told this part of the interval, in the mean. (A crowd is told seven tenths: it checks in up to a
/// seventh more often than `retry.check_ins`, and more of those who are let in are of those who wait.)
const MEAN_PART: f64 = 0.8;

/// The clients of one window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    /// The number of the window since the Unix epoch.
    number: u64,
    /// The number of requests.
    requests: u32,
    registers: [u8; REGISTERS],
}

impl Window {
    const fn new(number: u64) -> Self {
        Self {
            number,
            requests: 0,
            registers: [0; REGISTERS],
        }
    }

    fn add(&mut self, client: ClientId) {
        self.requests = self.requests.saturating_add(1);
        // The number of a client is not mixed well enough.
        let hash = SplitMix64::new(client.0.into()).next_u64();
        let place = (hash >> (u64::BITS - REGISTER_BITS)) as usize;
        let zeros = (hash << REGISTER_BITS).leading_zeros();
        let rank = u8::try_from(zeros.saturating_add(1)).unwrap_or(u8::MAX);
        if let Some(register) = self.registers.get_mut(place) {
            *register = rank.max(*register);
        }
    }

    fn unite(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        for (register, &rank) in self.registers.iter_mut().zip(&other.registers) {
            *register = rank.max(*register);
        }
    }
}

/// The clients of several windows, counted together.
struct United {
    requests: u32,
    registers: [u8; REGISTERS],
    /// The number of registers of each rank. The estimate is asked for after each window, and needs no more
    /// than this.
    of_rank: [u32; RANKS],
}

impl United {
    fn new() -> Self {
        let mut of_rank = [0; RANKS];
        of_rank[0] = REGISTERS as u32;
        Self {
            requests: 0,
            registers: [0; REGISTERS],
            of_rank,
        }
    }

    fn add(&mut self, window: &Window) {
        self.requests = self.requests.saturating_add(window.requests);
        for (register, &rank) in self.registers.iter_mut().zip(&window.registers) {
            if rank <= *register {
                continue;
            }
            let before = std::mem::replace(register, rank);
            if let Some(registers) = self.of_rank.get_mut(rank_index(before)) {
                *registers = registers.saturating_sub(1);
            }
            if let Some(registers) = self.of_rank.get_mut(rank_index(rank)) {
                *registers = registers.saturating_add(1);
            }
        }
    }

    /// Estimates the number of different clients.
    fn clients(&self) -> f64 {
        let count = REGISTERS as f64;
        // Each register counts 2^-rank.
        let ranks = self.of_rank.iter().rev();
        let sum = ranks.fold(0.0, |sum, &registers| sum / 2.0 + f64::from(registers));
        let estimate = ALPHA * count * count / sum;
        let free = f64::from(self.of_rank[0]);
        if estimate <= 2.5 * count && free > 0.0 {
            // Few clients: by the number of registers that none of them has chosen.
            count * (count / free).ln()
        } else {
            estimate
        }
    }
}

/// Returns the place of a rank in a list of all ranks. (Another worker may have written a higher one than there is.)
fn rank_index(rank: u8) -> usize {
    usize::from(rank).min(RANKS - 1)
}

/// The clients that were told to come back in the last minute, over all workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// By number of the window, modulo [`WINDOWS`].
    windows: [Window; WINDOWS],
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            windows: [Window::new(0); WINDOWS],
        }
    }
}

impl Waiting {
    fn window(&mut self, number: u64) -> Option<&mut Window> {
        let place = place(number);
        let window = self.windows.get_mut(place)?;
        if window.number != number {
            *window = Window::new(number);
        }
        Some(window)
    }

    /// Counts a client that is told to come back.
    fn add(&mut self, client: ClientId, now: Timestamp) {
        if let Some(window) = self.window(number(now)) {
            window.add(client);
        }
    }

    /// Forgets windows that lie ahead of `now`, as after the clock was set back: they would keep the
    /// clients that wait now from being counted.
    pub fn follow_clock(&mut self, now: Timestamp) {
        let newest = number(now.saturating_add(CLOCK_SLACK));
        for window in self.windows.iter_mut().filter(|w| w.number > newest) {
            *window = Window::new(0);
        }
    }

    /// Adds the clients that another one has counted.
    pub fn unite(&mut self, other: &Self) {
        for window in other.windows.iter().filter(|window| window.requests > 0) {
            let place = place(window.number);
            let is_newer = |own: &&mut Window| window.number >= own.number;
            if let Some(own) = self.windows.get_mut(place).filter(is_newer) {
                if own.number != window.number {
                    *own = Window::new(window.number);
                }
                own.unite(window);
            }
        }
    }

    /// Returns the least interval in which the clients that wait check in no more often than this, or the
    /// longest one that is known. It is the same as that in which they are counted: a client that waits
    /// came once in it.
    fn interval(&self, check_ins: u32, now: Timestamp) -> Duration {
        let per_second = f64::from(check_ins.max(1)) * MEAN_PART;
        let newest = number(now);
        let mut all = United::new();
        let mut needed = 0.0;
        for back in 0..WINDOWS as u64 {
            let number = newest.saturating_sub(back);
            let place = place(number);
            if let Some(window) = self.windows.get(place).filter(|w| w.number == number) {
                all.add(window);
            }
            let requests = f64::from(all.requests) / REQUESTS_OF_CLIENT;
            needed = all.clients().max(requests) / per_second;
            // The present window may have just begun.
            if needed <= WINDOW.as_secs_f64() * back as f64 {
                break;
            }
        }
        Duration::try_from_secs_f64(needed).unwrap_or(Duration::MAX)
    }

    /// Encodes the windows, one after the other.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(std::mem::size_of::<Self>());
        for window in &self.windows {
            out.extend_from_slice(&window.number.to_le_bytes());
            out.extend_from_slice(&window.requests.to_le_bytes());
            out.extend_from_slice(&window.registers);
        }
        out
    }

    /// Decodes windows. Returns `None` for bytes of another length.
    pub fn decode(bytes: &[u8]) -> Option<Box<Self>> {
        let mut waiting = Box::<Self>::default();
        let mut rest = bytes;
        for window in &mut waiting.windows {
            let (number, after) = rest.split_first_chunk()?;
            let (requests, after) = after.split_first_chunk()?;
            let (registers, after) = after.split_first_chunk()?;
            *window = Window {
                number: u64::from_le_bytes(*number),
                requests: u32::from_le_bytes(*requests),
                registers: *registers,
            };
            rest = after;
        }
        rest.is_empty().then_some(waiting)
    }
}

/// The clients that wait, as one worker knows them.
#[derive(Debug, Default)]
pub struct WaitingClients {
    /// The clients of all workers as of the last exchange, and those of this one since. In a box, as is the
    /// next one: they are large, and used only in trouble.
    known: Option<Box<Waiting>>,
    /// The clients of this worker since the last exchange.
    added: Option<Box<Waiting>>,
    /// The interval as last computed, and for which bound.
    interval: Duration,
    check_ins: u32,
    computed_at: Timestamp,
    /// The number of clients that were counted since then.
    since: u32,
}

impl WaitingClients {
    /// Counts a client that is told to come back. Returns the interval between two of its check-ins, if at
    /// most `check_ins` of all clients come in a second.
    pub fn interval(&mut self, client: ClientId, check_ins: u32, now: Timestamp) -> Duration {
        self.added.get_or_insert_default().add(client, now);
        let known = self.known.get_or_insert_default();
        known.add(client, now);
        self.since = self.since.saturating_add(1);
        let is_old = now.saturating_since(self.computed_at) >= RECOMPUTE_AFTER
            || now < self.computed_at
            || self.since >= RECOMPUTE_CLIENTS
            || self.check_ins != check_ins;
        if is_old {
            self.interval = known.interval(check_ins, now);
            (self.computed_at, self.check_ins, self.since) = (now, check_ins, 0);
        }
        self.interval
    }

    /// Takes the clients since the last exchange, if there were any.
    pub fn take_added(&mut self) -> Option<Box<Waiting>> {
        self.added.take()
    }

    /// Makes the clients of all workers those that this one knows.
    pub fn set_known(&mut self, all: Box<Waiting>) {
        self.known = Some(all);
    }
}

fn number(now: Timestamp) -> u64 {
    let window = WINDOW.as_millis() as u64;
    now.as_millis().checked_div(window).unwrap_or_default()
}

/// Returns where the window of this number is kept.
fn place(number: u64) -> usize {
    number.checked_rem(WINDOWS as u64).unwrap_or_default() as usize
}

#[cfg(test)]
mod tests;
