//! Counts of recent outcomes, in ten buckets.
//!
//! A window keeps exact counts per bucket and not a decaying average: an average depends on the rate
//! of the traffic, and can hide a total outage behind a busy past.

use std::time::Duration;

use crate::config::Breaker as Settings;
use crate::time::{saturating_millis, Timestamp};

/// Number of buckets of a window.
pub const BUCKETS: usize = 10;

/// Returns the width of a bucket for these settings: a whole number of milliseconds, at least one.
pub fn bucket_width(settings: &Settings) -> Duration {
    let width = saturating_millis(settings.window).checked_div(BUCKETS as u64);
    let width = u32::try_from(width.unwrap_or(0)).unwrap_or(u32::MAX).max(1);
    Duration::from_millis(width.into())
}

/// Returns the number of the bucket that contains `now`: buckets are counted since the Unix epoch.
pub fn bucket_number(now: Timestamp, width: Duration) -> u64 {
    now.as_millis()
        .checked_div(saturating_millis(width))
        .unwrap_or(0)
}

/// Counts of outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Successes, failures and overloaded responses.
    pub total: u32,
    /// Failures and overloaded responses.
    pub failed: u32,
    /// Slow responses, successful or not.
    pub slow: u32,
}

impl Counts {
    /// Adds `other`, saturating.
    pub fn add(&mut self, other: Counts) {
        self.total = self.total.saturating_add(other.total);
        self.failed = self.failed.saturating_add(other.failed);
        self.slow = self.slow.saturating_add(other.slow);
    }

    /// Returns the number of successes, slow or not.
    pub fn succeeded(&self) -> u32 {
        self.total.saturating_sub(self.failed)
    }

    /// Returns the number of outcomes that were neither failed nor slow, at most.
    pub fn good(&self) -> u32 {
        self.total.saturating_sub(self.failed.max(self.slow))
    }

    /// Returns whether all counts are zero.
    pub fn is_empty(&self) -> bool {
        *self == Counts::default()
    }
}

/// A ring of buckets that ends at the latest time it has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// Number of the newest bucket ([`bucket_number`]).
    head: u64,
    /// The bucket with number `n` is at index `n % BUCKETS`.
    ring: [Counts; BUCKETS],
}

impl Window {
    /// Restores a window from its [parts](Window::parts).
    pub fn from_parts(head: u64, ring: [Counts; BUCKETS]) -> Self {
        Self { head, ring }
    }

    /// Returns the number of the newest bucket, and the ring of buckets.
    pub fn parts(&self) -> (u64, &[Counts; BUCKETS]) {
        (self.head, &self.ring)
    }

    /// Clears the buckets that leave the window when bucket `number` begins. Does nothing when time
    /// goes back.
    pub fn advance(&mut self, number: u64) {
        let steps = number.saturating_sub(self.head);
        for step in 1..=steps.min(BUCKETS as u64) {
            if let Some(bucket) = self.slot(self.head.saturating_add(step)) {
                *bucket = Counts::default();
            }
        }
        self.head = self.head.max(number);
    }

    /// Returns whether bucket `number` is older than the window, as after the clock was set back.
    pub fn is_ahead(&self, number: u64) -> bool {
        self.head.saturating_sub(number) >= BUCKETS as u64
    }

    /// Adds counts to bucket `number`. Drops them if the bucket is older than the window; moves the
    /// window if the bucket is newer.
    pub fn count(&mut self, number: u64, counts: Counts) {
        self.advance(number);
        let oldest = self.head.saturating_sub((BUCKETS as u64).saturating_sub(1));
        if number >= oldest {
            if let Some(bucket) = self.slot(number) {
                bucket.add(counts);
            }
        }
    }

    /// Adds the counts of another window, bucket by bucket.
    pub fn merge(&mut self, other: &Window) {
        self.advance(other.head);
        for (number, counts) in other.buckets() {
            self.count(number, counts);
        }
    }

    /// Returns how many outcomes failed or were slow, without the two neighbouring buckets that have
    /// the most of them: what is left of a burst is nothing.
    pub fn failed_apart_from_burst(&self) -> u32 {
        let failed = |back: u64| {
            let bucket = self
                .head
                .checked_sub(back)
                .and_then(|number| self.bucket(number));
            bucket.map_or(0, |counts| counts.failed.max(counts.slow))
        };
        let pairs = (0..BUCKETS as u64)
            .map(|back| failed(back).saturating_add(failed(back.saturating_add(1))));
        let all = (0..BUCKETS as u64).map(failed).fold(0, u32::saturating_add);
        all.saturating_sub(pairs.take(BUCKETS - 1).max().unwrap_or(0))
    }

    /// Returns the sum over the window.
    pub fn sum(&self) -> Counts {
        self.ring
            .iter()
            .fold(Counts::default(), |mut sum, &bucket| {
                sum.add(bucket);
                sum
            })
    }

    /// Returns whether the window has no failure and no slow response.
    pub fn is_clean(&self) -> bool {
        self.ring
            .iter()
            .all(|bucket| bucket.failed == 0 && bucket.slow == 0)
    }

    /// Returns the buckets that are not empty, with their numbers.
    fn buckets(&self) -> impl Iterator<Item = (u64, Counts)> + '_ {
        (0..BUCKETS as u64).filter_map(|back| {
            let number = self.head.checked_sub(back)?;
            let counts = self.bucket(number)?;
            (!counts.is_empty()).then_some((number, counts))
        })
    }

    fn bucket(&self, number: u64) -> Option<Counts> {
        let index = usize::try_from(number.checked_rem(BUCKETS as u64)?).ok()?;
        self.ring.get(index).copied()
    }

    fn slot(&mut self, number: u64) -> Option<&mut Counts> {
        let index = usize::try_from(number.checked_rem(BUCKETS as u64)?).ok()?;
        self.ring.get_mut(index)
    }
}

#[cfg(test)]
mod tests;
