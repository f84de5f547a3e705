//! The bytes of a circuit in shared data: a record of fixed size.
//!
//! The record begins with its version. A record of another version is not decoded; the reader then
//! admits requests and counts.

use std::time::Duration;

use crate::breaker::circuit::CircuitBreaker;
use crate::breaker::probes::{Lease, Probes, MAX_PERMITS};
use crate::breaker::ramp::Ramp;
use crate::breaker::state::State;
use crate::breaker::unsynced::ConsecutiveFailures;
use crate::breaker::window::{Counts, Window, BUCKETS};
use crate::failure::Reason;
use crate::time::{saturating_millis, Timestamp};

/// First byte of a record: its version.
const VERSION: u8 = 1;

/// Size of a record in bytes.
pub const SIZE: usize = 1 + 1 + 1 + 1 // version, state, exponent, reason
    + 4 + 4 // generation, bucket width
    + 3 * 4 + 2 + 1 // ramp
    + 8 * 3 // changed at, until, next step at
    + 1 + MAX_PERMITS * 8 // probes
    + 12 // counts of the step
    + 4 + 8 + 8 + 8 // consecutive failures, last success
    + 8 + BUCKETS * 12; // window

/// Number of bits of the deadline in a lease; the generation is in the bits above.
const DEADLINE_BITS: u32 = 48;
const DEADLINE_MASK: u64 = (1 << DEADLINE_BITS) - 1;

impl CircuitBreaker {
    /// Encodes the circuit as a record.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SIZE);
        let state = match self.state {
            State::Closed => 0,
            State::Open => 1,
            State::HalfOpen => 2,
            State::Ramp => 3,
        };
        out.extend_from_slice(&[VERSION, state, self.exponent, reason_index(self.tripped_by)]);
        let bucket_ms = u32::try_from(saturating_millis(self.bucket_width)).unwrap_or(u32::MAX);
        let ramp = self.ramp;
        for word in [
            self.generation,
            bucket_ms,
            ramp.level,
            ramp.target,
            ramp.best,
        ] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&ramp.held.to_le_bytes());
        out.extend_from_slice(&[ramp.doubts, self.probes.succeeded]);
        put_times(&mut out, &[self.changed_at, self.until, self.next_step_at]);
        for lease in self.probes.leases {
            out.extend_from_slice(&lease_word(lease).to_le_bytes());
        }
        put_counts(&mut out, self.step);
        let consecutive = self.consecutive;
        out.extend_from_slice(&consecutive.count.to_le_bytes());
        put_times(
            &mut out,
            &[consecutive.since, consecutive.last, self.last_success],
        );
        let (head, ring) = self.window.parts();
        out.extend_from_slice(&head.to_le_bytes());
        for bucket in ring {
            put_counts(&mut out, *bucket);
        }
        out
    }

    /// Decodes a record. Returns `None` for bytes that are no record of this version.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != SIZE {
            return None;
        }
        let mut reader = Reader(bytes);
        let [version, state, exponent, reason] = reader.array()?;
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
        let generation = reader.u32()?;
        let bucket_width = Duration::from_millis(reader.u32()?.into());
        let ramp = Ramp {
            level: reader.u32()?,
            target: reader.u32()?,
            best: reader.u32()?,
            held: u16::from_le_bytes(reader.array()?),
            doubts: u8::from_le_bytes(reader.array()?),
        };
        let succeeded = u8::from_le_bytes(reader.array()?);
        let changed_at = reader.time()?;
        let until = reader.time()?;
        let next_step_at = reader.time()?;
        let mut leases = [None; MAX_PERMITS];
        for lease in &mut leases {
            *lease = lease_of_word(reader.u64()?);
        }
        let step = reader.counts()?;
        let consecutive = ConsecutiveFailures {
            count: reader.u32()?,
            since: reader.time()?,
            last: reader.time()?,
        };
        let last_success = reader.time()?;
        let head = reader.u64()?;
        let mut ring = [Counts::default(); BUCKETS];
        for bucket in &mut ring {
            *bucket = reader.counts()?;
        }
        Some(Self {
            state,
            generation,
            changed_at,
            until,
            exponent,
            tripped_by,
            probes: Probes { leases, succeeded },
            ramp,
            next_step_at,
            step,
            consecutive,
            last_success,
            window: Window::from_parts(head, ring),
            bucket_width,
        })
    }
}

/// The rest of a record.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.u64().map(Timestamp::from_millis)
    }

    fn counts(&mut self) -> Option<Counts> {
        Some(Counts {
            total: self.u32()?,
            failed: self.u32()?,
            slow: self.u32()?,
        })
    }
}

fn put_times(out: &mut Vec<u8>, times: &[Timestamp]) {
    for time in times {
        out.extend_from_slice(&time.as_millis().to_le_bytes());
    }
}

fn put_counts(out: &mut Vec<u8>, counts: Counts) {
    for word in [counts.total, counts.failed, counts.slow] {
        out.extend_from_slice(&word.to_le_bytes());
    }
}

/// Returns the word of a slot; zero if the slot is free.
fn lease_word(lease: Option<Lease>) -> u64 {
    lease.map_or(0, |lease| {
        let generation = u64::from(lease.generation) << DEADLINE_BITS;
        generation | (lease.deadline.as_millis() & DEADLINE_MASK)
    })
}

fn lease_of_word(word: u64) -> Option<Lease> {
    (word != 0).then(|| Lease {
        generation: (word >> DEADLINE_BITS) as u16,
        deadline: Timestamp::from_millis(word & DEADLINE_MASK),
    })
}

fn reason_index(reason: Reason) -> u8 {
    Reason::ALL
        .iter()
        .position(|&r| r == reason)
        .and_then(|at| u8::try_from(at).ok())
        .unwrap_or(0)
}
