//! The probes of the half-open state: the permits in flight, and the number of successes.
//!
//! A half-open period may end while some of its probes still wait for the upstream. Their results no
//! longer matter, but the requests still load the upstream: until they end, or their deadline has
//! passed, they count among the probes that may be in flight at once.

use crate::time::Timestamp;

/// Maximum number of permits. More requests at once are no probe; also bounds the record.
pub const MAX_PERMITS: usize = 10;

/// Latest deadline: the record has 48 bits for it, enough for 8,900 years.
const LATEST: Timestamp = Timestamp::from_millis((1 << 48) - 1);
/// Earliest deadline: in the record, zero means that a slot is free.
const EARLIEST: Timestamp = Timestamp::from_millis(1);

/// Permission to send one probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbePermit {
    /// The generation of its half-open period.
    pub generation: u32,
    /// Its slot among the permits.
    pub slot: u8,
    /// When its lease ends. The slot may have another lease after that.
    pub deadline: Timestamp,
}

/// A permit in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The lower 16 bits of the generation of its half-open period.
    pub generation: u16,
    /// When the permit goes back without a verdict, if the probe has none yet.
    pub deadline: Timestamp,
}

impl Lease {
    /// Returns the lease of a permit of this generation.
    pub fn new(generation: u32, deadline: Timestamp) -> Self {
        Self {
            generation: lower_bits(generation),
            deadline: deadline.clamp(EARLIEST, LATEST),
        }
    }

    fn is_of(&self, generation: u32) -> bool {
        self.generation == lower_bits(generation)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        now >= self.deadline
    }
}

fn lower_bits(generation: u32) -> u16 {
    (generation & 0xFFFF) as u16
}

/// The probes of a route, over all workers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Probes {
    /// The permits in flight, by slot.
    pub leases: [Option<Lease>; MAX_PERMITS],
    /// The number of probes of the present half-open period that succeeded.
    pub succeeded: u8,
}

impl Probes {
    /// Begins a half-open period. Probes of the last period stay in flight until their deadline.
    pub fn begin(&mut self, now: Timestamp) {
        self.succeeded = 0;
        for lease in &mut self.leases {
            *lease = lease.filter(|lease| !lease.is_over(now));
        }
    }

    /// Returns a permit until `deadline`, if one of `permits` is available.
    pub fn acquire(
        &mut self,
        generation: u32,
        permits: u32,
        now: Timestamp,
        deadline: Timestamp,
    ) -> Option<ProbePermit> {
        if !self.is_available(generation, permits, now) {
            return None;
        }
        let is_free = |lease: &Option<Lease>| lease.is_none_or(|lease| lease.is_over(now));
        let (slot, lease) = (0_u8..).zip(&mut self.leases).find(|(_, l)| is_free(l))?;
        let new = Lease::new(generation, deadline);
        *lease = Some(new);
        Some(ProbePermit {
            generation,
            slot,
            deadline: new.deadline,
        })
    }

    /// Returns whether one of `permits` is available: that many per half-open period, and at once. A
    /// probe whose lease is over while Envoy still waits for it is undecided: another one may be sent.
    pub fn is_available(&self, generation: u32, permits: u32, now: Timestamp) -> bool {
        let leases = || self.in_flight(now);
        let of_period = leases().filter(|lease| lease.is_of(generation)).count();
        let permits = permits as usize;
        of_period.saturating_add(self.succeeded.into()) < permits && leases().count() < permits
    }

    /// Returns whether no lease of this half-open period is in force.
    pub fn is_idle(&self, generation: u32, now: Timestamp) -> bool {
        !self.in_flight(now).any(|lease| lease.is_of(generation))
    }

    /// Takes a permit back. Returns whether its probe still has to be decided: the lease was in force,
    /// or it was over and the answer is late.
    pub fn release(&mut self, permit: ProbePermit, now: Timestamp) -> bool {
        let is_own = |lease: &mut Lease| {
            // The deadline may have been shortened.
            lease.is_of(permit.generation) && lease.deadline <= permit.deadline
        };
        let slot = self.leases.get_mut(usize::from(permit.slot));
        let was_in_force = slot.and_then(|lease| lease.take_if(is_own)).is_some();
        was_in_force || now >= permit.deadline
    }

    fn in_flight(&self, now: Timestamp) -> impl Iterator<Item = &Lease> {
        let leases = self.leases.iter().flatten();
        leases.filter(move |lease| !lease.is_over(now))
    }

    /// Shortens leases: `deadline` maps the deadline of each.
    pub fn shorten(&mut self, deadline: impl Fn(Timestamp) -> Timestamp) {
        for lease in self.leases.iter_mut().flatten() {
            lease.deadline = deadline(lease.deadline).clamp(EARLIEST, LATEST);
        }
    }
}
