//! The probes of the half-open state: which are out, and how many came back well.
//!
//! A half-open period may end while some of its probes still hang at the upstream. They say nothing
//! any more, but they are there: until they end, or their deadline has passed, they count among
//! the probes that may be out at once.

use crate::breaker::machine::Permit;
use crate::prelude::*;

/// More permits than this at once are no probe any more; also bounds the record.
pub const MAX_PERMITS: usize = 10;

/// Bits of the deadline in a lease; enough for 8,900 years of milliseconds.
const DEADLINE_BITS: u32 = 48;
const LATEST_MS: u64 = (1 << DEADLINE_BITS) - 1;
const NONE: &[Lease; MAX_PERMITS] = &[Lease::FREE; MAX_PERMITS];

/// A permit that was given: until when, and in which half-open period. One word, in memory as in
/// the record: the deadline in the lower 48 bits, the end of the period's generation above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lease(u64);

impl Lease {
    /// Not given.
    pub const FREE: Self = Self(0);

    /// Out until `deadline_ms`, in milliseconds since the Unix epoch.
    pub fn out(generation: u32, deadline_ms: u64) -> Self {
        Self(Self::tag(generation) | deadline_ms.clamp(1, LATEST_MS))
    }

    /// Until when it is out; `None` if it is not.
    pub fn deadline_ms(self) -> Option<u64> {
        (self != Self::FREE).then_some(self.0 & LATEST_MS)
    }

    /// The word.
    pub(super) fn word(self) -> u64 {
        self.0
    }

    /// The lease of a word.
    pub(super) fn from_word(word: u64) -> Self {
        Self(word)
    }

    fn is_of(self, generation: u32) -> bool {
        self != Self::FREE && self.0 & !LATEST_MS == Self::tag(generation)
    }

    fn is_over(self, now_ms: u64) -> bool {
        self.deadline_ms().is_some_and(|at| now_ms >= at)
    }

    fn tag(generation: u32) -> u64 {
        u64::from(generation).wrapping_shl(DEADLINE_BITS)
    }
}

/// The probes of a route, over all workers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Probes {
    /// Those that are out. Nearly always none is: then they cost no memory, which every route would.
    leases: Option<Box<[Lease; MAX_PERMITS]>>,
    /// How many of the present half-open period came back with a success.
    pub succeeded: u8,
}

impl Probes {
    /// Those that are out.
    pub fn leases(&self) -> &[Lease; MAX_PERMITS] {
        self.leases.as_deref().unwrap_or(NONE)
    }

    /// Probes of which these are out.
    pub fn with_leases(leases: [Lease; MAX_PERMITS], succeeded: u8) -> Self {
        Self {
            leases: (leases != *NONE).then(|| Box::new(leases)),
            succeeded,
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut [Lease; MAX_PERMITS])) {
        let mut leases = *self.leases();
        change(&mut leases);
        *self = Self::with_leases(leases, self.succeeded);
    }

    /// Begins a half-open period. Probes of the last one are still out until their deadline.
    pub fn begin(&mut self, now_ms: u64) {
        self.succeeded = 0;
        self.change(|leases| {
            for lease in leases.iter_mut().filter(|lease| lease.is_over(now_ms)) {
                *lease = Lease::FREE;
            }
        });
    }

    /// Gives a permit, where one of `permits` is left.
    pub fn lend(
        &mut self,
        generation: u32,
        permits: u32,
        now_ms: u64,
        deadline_ms: u64,
    ) -> Option<Permit> {
        if !self.is_left(generation, permits, now_ms) {
            return None;
        }
        let slot = self.leases().iter().position(|lease| {
            *lease == Lease::FREE || (lease.is_over(now_ms) && !lease.is_of(generation))
        })?;
        self.put(slot, Lease::out(generation, deadline_ms));
        Some(Permit {
            generation,
            slot: u8::try_from(slot).ok()?,
        })
    }

    /// Whether one of `permits` is left: that many in a half-open period, and at once.
    pub fn is_left(&self, generation: u32, permits: u32, now_ms: u64) -> bool {
        let (mut of_now, mut out) = (u32::from(self.succeeded), 0_u32);
        for lease in self.leases().iter().filter(|lease| **lease != Lease::FREE) {
            let is_of_now = lease.is_of(generation);
            of_now = of_now.wrapping_add(u32::from(is_of_now));
            out = out.wrapping_add(u32::from(is_of_now || !lease.is_over(now_ms)));
        }
        of_now < permits && out < permits
    }

    /// Whether a probe of this half-open period did not come back in time.
    pub fn is_one_lost(&self, generation: u32, now_ms: u64) -> bool {
        let mut leases = self.leases().iter();
        leases.any(|lease| lease.is_of(generation) && lease.is_over(now_ms))
    }

    /// Whether no probe of this half-open period is out.
    pub fn is_none_out(&self, generation: u32) -> bool {
        !self.leases().iter().any(|lease| lease.is_of(generation))
    }

    /// Takes a permit back; says whether it was out.
    pub fn take_back(&mut self, permit: Permit) -> bool {
        let slot = usize::from(permit.slot);
        let lease = self.leases().get(slot);
        let was_out = lease.is_some_and(|lease| lease.is_of(permit.generation));
        if was_out {
            self.put(slot, Lease::FREE);
        }
        was_out
    }

    fn put(&mut self, slot: usize, lease: Lease) {
        self.change(|leases| {
            if let Some(place) = leases.get_mut(slot) {
                *place = lease;
            }
        });
    }

    /// When the clock has been set back, none is out for longer than it would have been.
    pub(super) fn bound(&mut self, bound: impl Fn(u64) -> Option<u64>) {
        if self.leases.is_none() {
            return;
        }
        self.change(|leases| {
            for lease in leases {
                if let Some(at) = lease.deadline_ms().and_then(&bound) {
                    *lease = Lease((lease.0 & !LATEST_MS) | at.clamp(1, LATEST_MS));
                }
            }
        });
    }
}
