//! What all workers share about one route: one record of fixed size.
//!
//! Everything that moves a breaker is a method of [`Record`], with the time and a draw of chance as
//! arguments; which worker calls it does not matter. The bytes are versioned: a record of another
//! version is not understood, and whoever does not understand it admits and counts.

use crate::breaker::probes::{Lease, Probes, MAX_PERMITS};
use crate::breaker::ramp::Ramp;
use crate::breaker::window::{Counts, Window, BUCKETS};
use crate::config::Breaker as Settings;
use crate::millis::millis;
use crate::prelude::*;
use crate::reason::Reason;

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum State {
    /// Traffic passes.
    #[default]
    Closed,
    /// Traffic is rejected.
    Open,
    /// Probes pass, the rest is rejected.
    HalfOpen,
    /// A growing share of the traffic passes.
    Ramp,
}

impl State {
    /// The token: `closed`, `open`, `half_open`, `ramp`.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Closed => "closed",
            State::Open => "open",
            State::HalfOpen => "half_open",
            State::Ramp => "ramp",
        }
    }
}

/// Failures in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run {
    /// How many.
    pub count: u32,
    /// When the first of them was, in milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// When the last of them was.
    pub last_ms: u64,
}

impl Run {
    /// One more failure at `now_ms`.
    pub fn fail(&mut self, now_ms: u64) {
        if self.count == 0 {
            self.since_ms = now_ms;
        }
        self.count = self.count.saturating_add(1);
        self.last_ms = self.last_ms.max(now_ms);
    }
}

/// What all workers share about one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where the breaker stands.
    pub state: State,
    /// Grows with each change of state and each cut of the ramp; what was admitted under another
    /// one is not counted.
    pub generation: u32,
    /// When the state was entered, in milliseconds since the Unix epoch.
    pub changed_ms: u64,
    /// While open: until when. While half-open: until when it waits for somebody to probe.
    pub until_ms: u64,
    /// The next open time is `base * 2^exponent`.
    pub exponent: u8,
    /// Why it tripped last.
    pub tripped_by: Reason,
    /// The probes that are out, and those that came back well.
    pub probes: Probes,
    /// During the ramp: where it stands.
    pub ramp: Ramp,
    /// During the ramp: when the next step is due.
    pub step_ms: u64,
    /// During the ramp: outcomes since the last step.
    pub step: Counts,
    /// While closed: failures in a row.
    pub run: Run,
    /// While closed: the last success that was told of.
    pub last_success_ms: u64,
    /// While closed: the outcomes of the window.
    pub window: Window,
    /// Width of a bucket in milliseconds; the shape of the window.
    pub bucket_ms: u32,
}

/// First byte of a record: its version.
const VERSION: u8 = 1;

/// Size of a record in bytes.
pub const SIZE: usize = 1 + 1 + 1 + 1 // version, state, exponent, reason
    + 4 + 4 // generation, bucket_ms
    + 3 * 4 + 2 + 1 // ramp
    + 8 * 3 // changed, until, step
    + 1 + MAX_PERMITS * 8 // probes
    + 12 // step counts
    + 4 + 8 + 8 + 8 // run, last success
    + 8 + BUCKETS * 12; // window

impl Record {
    /// A closed breaker of which nothing is known, for a window of the shape of `settings`.
    pub fn new(settings: &Settings) -> Self {
        Self {
            state: State::Closed,
            generation: 0,
            changed_ms: 0,
            until_ms: 0,
            exponent: 0,
            tripped_by: Reason::ProxyInternalError,
            probes: Probes::default(),
            ramp: Ramp::default(),
            step_ms: 0,
            step: Counts::default(),
            run: Run::default(),
            last_success_ms: 0,
            window: Window::default(),
            bucket_ms: bucket_ms(settings),
        }
    }

    /// Whether nothing is to be remembered: closed, and no failure in the window.
    pub fn is_clean(&self) -> bool {
        self.state == State::Closed && self.window.is_clean()
    }

    /// The record as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SIZE);
        let state = match self.state {
            State::Closed => 0,
            State::Open => 1,
            State::HalfOpen => 2,
            State::Ramp => 3,
        };
        out.extend_from_slice(&[VERSION, state, self.exponent, reason_index(self.tripped_by)]);
        out.extend_from_slice(&self.generation.to_le_bytes());
        out.extend_from_slice(&self.bucket_ms.to_le_bytes());
        let ramp = self.ramp;
        for word in [ramp.level, ramp.target, ramp.best] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&ramp.held.to_le_bytes());
        out.extend_from_slice(&[ramp.doubts, self.probes.succeeded]);
        for word in [self.changed_ms, self.until_ms, self.step_ms] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        for lease in self.probes.leases() {
            out.extend_from_slice(&lease.word().to_le_bytes());
        }
        push_counts(&mut out, self.step);
        out.extend_from_slice(&self.run.count.to_le_bytes());
        for word in [self.run.since_ms, self.run.last_ms, self.last_success_ms] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        let (head, ring) = self.window.parts();
        out.extend_from_slice(&head.to_le_bytes());
        for bucket in ring {
            push_counts(&mut out, *bucket);
        }
        out
    }

    /// Reads a record; `None` for bytes that are no record of this version.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != SIZE {
            return None;
        }
        let mut rest = bytes;
        let [version, state, exponent, reason] = *take::<4>(&mut rest)?;
        if version != VERSION {
            return None;
        }
        let state = match state {
            0 => State::Closed,
            1 => State::Open,
            2 => State::HalfOpen,
            3 => State::Ramp,
            _ => return None,
        };
        let tripped_by = *Reason::ALL.get(usize::from(reason))?;
        let generation = u32::from_le_bytes(*take(&mut rest)?);
        let bucket_ms = u32::from_le_bytes(*take(&mut rest)?);
        let ramp = Ramp {
            level: u32::from_le_bytes(*take(&mut rest)?),
            target: u32::from_le_bytes(*take(&mut rest)?),
            best: u32::from_le_bytes(*take(&mut rest)?),
            held: u16::from_le_bytes(*take(&mut rest)?),
            doubts: u8::from_le_bytes(*take(&mut rest)?),
        };
        let succeeded = u8::from_le_bytes(*take(&mut rest)?);
        let changed_ms = take_u64(&mut rest)?;
        let until_ms = take_u64(&mut rest)?;
        let step_ms = take_u64(&mut rest)?;
        let mut leases = [Lease::FREE; MAX_PERMITS];
        for lease in &mut leases {
            *lease = Lease::from_word(take_u64(&mut rest)?);
        }
        let step = take_counts(&mut rest)?;
        let run = Run {
            count: u32::from_le_bytes(*take(&mut rest)?),
            since_ms: take_u64(&mut rest)?,
            last_ms: take_u64(&mut rest)?,
        };
        let last_success_ms = take_u64(&mut rest)?;
        let head = take_u64(&mut rest)?;
        let mut ring = [Counts::default(); BUCKETS];
        for bucket in &mut ring {
            *bucket = take_counts(&mut rest)?;
        }
        Some(Self {
            state,
            generation,
            changed_ms,
            until_ms,
            exponent,
            tripped_by,
            probes: Probes::with_leases(leases, succeeded),
            ramp,
            step_ms,
            step,
            run,
            last_success_ms,
            window: Window::from_parts(head, ring),
            bucket_ms,
        })
    }
}

/// The shape of a window: the width of one of its buckets, at least a millisecond.
pub fn bucket_ms(settings: &Settings) -> u32 {
    let width = millis(settings.window)
        .checked_div(BUCKETS as u64)
        .unwrap_or(0);
    u32::try_from(width).unwrap_or(u32::MAX).max(1)
}

fn reason_index(reason: Reason) -> u8 {
    Reason::ALL
        .iter()
        .position(|&r| r == reason)
        .and_then(|at| u8::try_from(at).ok())
        .unwrap_or(0)
}

fn push_counts(out: &mut Vec<u8>, counts: Counts) {
    for word in [counts.total, counts.failed, counts.slow] {
        out.extend_from_slice(&word.to_le_bytes());
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(head)
}

fn take_u64(rest: &mut &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*take(rest)?))
}

fn take_counts(rest: &mut &[u8]) -> Option<Counts> {
    Some(Counts {
        total: u32::from_le_bytes(*take(rest)?),
        failed: u32::from_le_bytes(*take(rest)?),
        slow: u32::from_le_bytes(*take(rest)?),
    })
}
