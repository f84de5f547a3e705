//! How fast a crowd is told to come back.
//!
//! Everybody whom a route fails is told when to come back, and those who obey come back then. Told
//! the same time, they come back as one wave; told short times, generation piles upon generation,
//! and the outage outlives its cause. So each gets a slot of its own: the slots of a route are as
//! far apart as what the route carries beyond its usual visitors allows, who keep coming meanwhile.
//!
//! # What a route is known to carry
//!
//! While all is well nobody looks up which route a request belongs to, so this is estimated: every
//! request that passed is counted, and one in some is asked for its route, at a moment drawn by
//! chance, and stands for all since the last one. That is at most one for each tick. From these come, once in a
//! second, the mean of the last minute and the peak of the last hour of each route, on this worker.
//! A second in which a third or more of its clients were told to come back says nothing about the
//! health of a route, and does not count; nor does the time in which a crowd is on its way back.
//!
//! The spare part is `max(peak - mean, 0.3 x mean)`, at least one request per second. Each worker
//! has its own slots: together they never promise more than there is. Of a peak only that counts which
//! is more than chance.

use crate::breaker::bank::Moment;
use crate::breaker::store::{self, Store, StoreError};
use crate::config::{Pace, Retry};
use crate::hint::{self, Facts, Hint};
use crate::millis::{millis, times};
use crate::prelude::*;
use crate::release::Releases;
use crate::routes::{ByRoute, Keys};

/// A mean is that of about so many seconds.
const MEAN_SECONDS: u8 = 60;
/// A peak is remembered for [`PEAKS`] to `PEAKS + 1` times this, less a second: an hour and more.
const PEAK_SPAN_MS: u64 = 20 * 60 * 1000;
const PEAKS: usize = 4;
/// Where the peak is not known to be more, this part of the mean is taken to be spare.
const SPARE: f64 = 0.3;
/// A crowd may always have so many requests per second of each worker.
const FLOOR: f64 = 1.0;
/// Slots further ahead than this beyond the base are those of a crowd.
const CROWD_US: u64 = 1_000_000;

/// One worker's part in telling crowds when to come back.
#[derive(Debug, Default)]
pub struct Pacer {
    lanes: ByRoute<Lane>,
    /// Requests that passed since the last one whose route was asked for.
    passed: u32,
    /// Requests that pass until the next one is asked for its route; `None`: nobody is, as yet.
    skip: Option<u32>,
    /// Requests that passed since the last tick.
    since_tick: u32,
    /// When the second began, in milliseconds since the Unix epoch.
    since_ms: u64,
    /// Requests of this second: how many passed, and how many of them were asked.
    second: Sampled,
    /// The time of the last tick.
    now_ms: u64,
}

/// What is known of a route.
#[derive(Debug, Default)]
struct Lane {
    /// What its requests, of those that were asked in this second, stand for.
    second: Sampled,
    /// Clients that were told to come back, in this second.
    told: u32,
    /// Seconds that the mean is made of; at most [`MEAN_SECONDS`].
    age: u8,
    /// Requests per second. (Of each route there is one, so that half the width is enough.)
    mean: f32,
    /// The most requests in a second, of the newest span and some before it.
    peaks: [f32; PEAKS],
    /// The number of the newest span.
    span: u32,
    /// The next slot that nobody has, in microseconds since the Unix epoch.
    next_us: u64,
    /// Until when a crowd is on its way back, in microseconds since the Unix epoch.
    crowd_until_us: u64,
    /// `None` where the upstream names none.
    releases: Option<Box<Releases>>,
}

/// A number of requests, and how many of them it was learnt from.
#[derive(Debug, Clone, Copy, Default)]
struct Sampled {
    requests: u32,
    samples: u32,
}

impl Pacer {
    /// A request passed in good health. Says whether its route is to be asked for, for
    /// [`sample`](Self::sample).
    pub fn passed(&mut self) -> bool {
        self.passed = self.passed.wrapping_add(1);
        self.since_tick = self.since_tick.wrapping_add(1);
        match self.skip {
            None => false,
            Some(0) => true,
            Some(more) => {
                self.skip = more.checked_sub(1);
                false
            }
        }
    }

    /// Takes the route of a request that passed, and the release that its response names; of one that
    /// was not asked for, nothing.
    pub fn sample(&mut self, keys: &mut Keys, route: &str, release: &[u8]) {
        if self.skip != Some(0) {
            return;
        }
        let passed = core::mem::take(&mut self.passed);
        self.skip = None;
        self.second.add(passed);
        let now_ms = self.now_ms;
        if let Some(lane) = self.lane(keys, route) {
            lane.second.add(passed);
            lane.saw(release, now_ms);
        }
    }

    /// Takes the release that a failed response names.
    pub fn saw_release(&mut self, keys: &mut Keys, route: &str, release: &[u8]) {
        // Most upstreams name none.
        if release.is_empty() {
            return;
        }
        let now_ms = self.now_ms;
        if let Some(lane) = self.lane(keys, route) {
            lane.saw(release, now_ms);
        }
    }

    /// The releases of a route, where any was named.
    pub fn releases(&self, keys: &Keys, route: &str) -> Option<&Releases> {
        self.lanes.get(keys, route)?.releases.as_deref()
    }

    /// The same pacer, for the keys of another bank: what is known of the routes stays so.
    pub fn moved(self, old: &Keys, new: &mut Keys) -> Self {
        Self {
            lanes: self.lanes.moved(old, new),
            ..self
        }
    }

    /// What is to be done a few times a second.
    pub fn tick(&mut self, at: Moment) {
        self.now_ms = at.now_ms;
        let passed = core::mem::take(&mut self.since_tick);
        if self.skip.is_none() && passed > 0 {
            // As many as these will pass until the next tick; any of them is as good as another.
            self.skip = Some((at.draw * f64::from(passed)) as u32);
        }
        let elapsed_ms = at.now_ms.saturating_sub(self.since_ms);
        if elapsed_ms < 1000 {
            return;
        }
        let second = core::mem::take(&mut self.second);
        let is_first = core::mem::replace(&mut self.since_ms, at.now_ms) == 0;
        if is_first {
            return;
        }
        for (_, lane) in self.lanes.iter_mut() {
            lane.end_second(second, elapsed_ms, at.now_ms);
        }
    }

    /// Tells a client of a route when to come back.
    pub fn hint(
        &mut self,
        store: &mut dyn Store,
        keys: &mut Keys,
        route: &str,
        retry: &Retry,
        facts: &Facts<'_>,
    ) -> Hint {
        let base_ms = hint::base(retry, facts);
        let max_ms = millis(retry.max);
        let (Some(now_ms), false) = (facts.now_ms, retry.pace == Pace::Off) else {
            return hint::scattered(base_ms, max_ms, facts.seed);
        };
        let asked = Slots {
            first_us: times(now_ms.saturating_add(base_ms), 1000),
            last_us: times(now_ms.saturating_add(max_ms), 1000),
        };
        let route = self.lanes.or_overflow(keys, route);
        let slot = self.lane(keys, route).and_then(|lane| {
            lane.told = lane.told.wrapping_add(1);
            match retry.pace {
                Pace::Rate(rate) => asked
                    .take_shared(store, route, interval_us(rate))
                    // Without the other workers, as well as it can be done alone.
                    .unwrap_or_else(|_| lane.take(asked, interval_us(rate))),
                _ => lane.take(asked, interval_us(lane.spare())),
            }
        });
        let ms = match slot {
            Some(slot_us) => slot_us.saturating_sub(times(now_ms, 1000)).div_ceil(1000),
            // More clients than there are slots.
            None => hint::between(base_ms, max_ms, facts.seed),
        };
        Hint { ms }
    }

    /// What is known of a route, from now on: there always is something.
    fn lane(&mut self, keys: &mut Keys, route: &str) -> Option<&mut Lane> {
        let route = self.lanes.or_overflow(keys, route);
        self.lanes.get_or_insert_with(keys, route, Lane::default)
    }
}

impl Sampled {
    fn add(&mut self, requests: u32) {
        self.requests = self.requests.wrapping_add(requests);
        self.samples = self.samples.wrapping_add(1);
    }

    /// Requests that there were for sure, if these are a part of `all`: less what chance may have
    /// added. That is twice the standard error of the sample, which is none where all were asked, or all
    /// had the same route; and thrice that of their number, since which worker gets a request is
    /// chance, and the peaks of the workers, each at its own time, would add up to more than ever came.
    fn at_least(self, all: Self) -> u64 {
        let (requests, samples) = (f64::from(self.requests), f64::from(self.samples));
        let unknown = 1.0 - samples / f64::from(all.samples);
        let unasked = 1.0 - f64::from(all.samples) / f64::from(all.requests);
        // Of nothing, nothing: what is divided by zero is no number, which is zero as a whole one.
        let variance = (requests * requests / samples * unknown * unasked) as u64;
        let by_sample = times(root(variance), 2);
        let by_worker = times(root(u64::from(self.requests)), 3);
        u64::from(self.requests)
            .saturating_sub(by_sample)
            .saturating_sub(by_worker)
    }
}

impl Lane {
    /// Requests per second that the route is known to carry beyond its usual ones.
    fn spare(&self) -> f64 {
        let peak = self.peaks.iter().copied().fold(0.0, f32::max);
        let (peak, mean) = (f64::from(peak), f64::from(self.mean));
        (peak - mean).max(SPARE * mean).max(FLOOR)
    }

    /// A response names its release; empty: it does not.
    fn saw(&mut self, release: &[u8], now_ms: u64) {
        if !release.is_empty() {
            self.releases.get_or_insert_default().saw(release, now_ms);
        }
    }

    fn end_second(&mut self, all: Sampled, elapsed_ms: u64, now_ms: u64) {
        let second = core::mem::take(&mut self.second);
        let told = core::mem::take(&mut self.told);
        let is_ill = told > second.requests >> 1;
        if is_ill || times(now_ms, 1000) < self.crowd_until_us {
            return;
        }
        let per_second = |requests: u64| (requests as f64 * 1000.0 / elapsed_ms as f64) as f32;
        self.age = self.age.saturating_add(1).min(MEAN_SECONDS);
        self.mean += (per_second(second.requests.into()) - self.mean) / f32::from(self.age);
        let span = now_ms.checked_div(PEAK_SPAN_MS).unwrap_or(0) as u32;
        if span.saturating_sub(self.span) >= PEAKS as u32 {
            self.peaks = [0.0; PEAKS];
        }
        let peak = per_second(second.at_least(all));
        // One place for each span; that of the newest was that of the oldest.
        let place = (span as usize).checked_rem(PEAKS).unwrap_or(0);
        if let Some(newest) = self.peaks.get_mut(place) {
            let is_new = self.span != span;
            *newest = if is_new { peak } else { newest.max(peak) };
        }
        self.span = span;
    }

    /// Takes the next slot; none is left where it would be after the last that is asked for.
    fn take(&mut self, asked: Slots, interval_us: u64) -> Option<u64> {
        let slot = asked.next(self.next_us)?;
        self.next_us = slot.saturating_add(interval_us);
        if slot > asked.first_us.saturating_add(CROWD_US) {
            self.crowd_until_us = self.next_us;
        }
        Some(slot)
    }
}

/// The slots that a client may have, in microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy)]
struct Slots {
    first_us: u64,
    last_us: u64,
}

impl Slots {
    fn next(self, free_us: u64) -> Option<u64> {
        Some(self.first_us.max(free_us)).filter(|&slot| slot <= self.last_us)
    }

    /// Takes the next slot of all workers together.
    ///
    /// # Errors
    /// [`StoreError`] where they could not be asked.
    fn take_shared(
        self,
        store: &mut dyn Store,
        route: &str,
        interval_us: u64,
    ) -> Result<Option<u64>, StoreError> {
        let name = ["tidegate.slots/", route].joined();
        let mut slot = None;
        store::swap(store, &name, &mut |found| {
            let free_us = found.and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)));
            slot = self.next(free_us.unwrap_or(0));
            let next_us = slot.map(|slot| slot.saturating_add(interval_us));
            Ok(next_us.map(|next_us| store::bytes_of(&[next_us])))
        })?;
        Ok(slot)
    }
}

/// The whole square root, bit by bit. (`isqrt` of the standard library is a kilobyte of the module, for
/// what is asked once in a second.)
fn root(number: u64) -> u64 {
    let mut root = 0_u64;
    for bit in (0..u32::BITS).rev() {
        let more = root | 1_u64.wrapping_shl(bit);
        // A number of 32 bits: its square has 64.
        if more.wrapping_mul(more) <= number {
            root = more;
        }
    }
    root
}

/// How far apart the slots of `rate` requests per second are.
fn interval_us(rate: f64) -> u64 {
    (1_000_000.0 / rate) as u64
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
