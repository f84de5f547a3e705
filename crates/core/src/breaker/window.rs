//! Outcomes of the recent past, in ten buckets.
//!
//! Exact counts by bucket rather than a decaying average: an average depends on the rate of the
//! traffic, and can hide a total outage behind a busy past.

/// Buckets of a window.
pub const BUCKETS: usize = 10;

/// What is counted of the outcomes in one bucket, or in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Successes and failures, limited ones among them.
    pub total: u32,
    /// Failures and limited answers.
    pub failed: u32,
    /// Answers that took too long, whatever they said.
    pub slow: u32,
}

impl Counts {
    /// Adds `other`; a count that is full stays full.
    pub fn add(&mut self, other: Counts) {
        self.total = self.total.saturating_add(other.total);
        self.failed = self.failed.saturating_add(other.failed);
        self.slow = self.slow.saturating_add(other.slow);
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Counts::default()
    }
}

/// A ring of buckets that ends at the latest time it was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// Number of the newest bucket: milliseconds since the Unix epoch over the bucket's width.
    head: u64,
    /// The bucket with number `n` stands at `n % BUCKETS`.
    ring: [Counts; BUCKETS],
}

impl Window {
    /// Restores a window; see [`Window::parts`].
    pub fn from_parts(head: u64, ring: [Counts; BUCKETS]) -> Self {
        Self { head, ring }
    }

    /// The number of the newest bucket, and the buckets.
    pub fn parts(&self) -> (u64, &[Counts; BUCKETS]) {
        (self.head, &self.ring)
    }

    /// Forgets the buckets that are out of the window once bucket `number` has begun. Time that
    /// goes back forgets nothing.
    pub fn advance(&mut self, number: u64) {
        let steps = number.saturating_sub(self.head);
        for step in 1..=steps.min(BUCKETS as u64) {
            if let Some(bucket) = self.slot(self.head.saturating_add(step)) {
                *bucket = Counts::default();
            }
        }
        self.head = self.head.max(number);
    }

    /// Whether bucket `number` is out of the window at its old end: only a clock that was set back
    /// explains it.
    pub fn is_ahead(&self, number: u64) -> bool {
        self.head.saturating_sub(number) >= BUCKETS as u64
    }

    /// Counts `counts` in bucket `number`. A bucket that is out of the window is not counted any
    /// more; one that is yet to come moves the window.
    pub fn count(&mut self, number: u64, counts: Counts) {
        self.advance(number);
        let oldest = self.head.saturating_sub((BUCKETS as u64).saturating_sub(1));
        if number >= oldest {
            if let Some(bucket) = self.slot(number) {
                bucket.add(counts);
            }
        }
    }

    /// Adds another window, bucket by bucket.
    pub fn merge(&mut self, other: &Window) {
        self.advance(other.head);
        for (number, counts) in other.buckets() {
            self.count(number, counts);
        }
    }

    /// The sum over the window.
    pub fn sum(&self) -> Counts {
        self.ring
            .iter()
            .fold(Counts::default(), |mut sum, &bucket| {
                sum.add(bucket);
                sum
            })
    }

    /// Whether the window has no failure and no slow answer.
    pub fn is_clean(&self) -> bool {
        self.ring
            .iter()
            .all(|bucket| bucket.failed == 0 && bucket.slow == 0)
    }

    /// The buckets in which something was counted, with their numbers.
    fn buckets(&self) -> impl Iterator<Item = (u64, Counts)> + '_ {
        (0..BUCKETS as u64).filter_map(|back| {
            let number = self.head.checked_sub(back)?;
            let index = usize::try_from(number.checked_rem(BUCKETS as u64)?).ok()?;
            let counts = *self.ring.get(index)?;
            (!counts.is_empty()).then_some((number, counts))
        })
    }

    fn slot(&mut self, number: u64) -> Option<&mut Counts> {
        let index = usize::try_from(number.checked_rem(BUCKETS as u64)?).ok()?;
        self.ring.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn failed(n: u32) -> Counts {
        Counts {
            total: n,
            failed: n,
            slow: 0,
        }
    }

    #[test]
    fn forgets_what_is_out_of_the_window() {
        let mut window = Window::default();
        window.count(100, failed(1));
        window.count(105, failed(2));
        assert_eq!(window.sum().failed, 3);
        window.advance(109);
        assert_eq!(window.sum().failed, 3);
        window.advance(110);
        assert_eq!(window.sum().failed, 2);
        window.count(105, failed(4));
        assert_eq!(window.sum().failed, 6, "late, but still in the window");
        window.count(100, failed(8));
        assert_eq!(window.sum().failed, 6, "too late");
        window.advance(1_000_000);
        assert!(window.sum().is_empty());
    }

    proptest! {
        /// Against the naive model: a map from bucket to count.
        #[test]
        fn equals_the_map(steps in prop::collection::vec((0_u64..15, any::<bool>(), 0_u32..5), 0..60)) {
            let mut window = Window::default();
            let mut map: BTreeMap<u64, u32> = BTreeMap::new();
            let (mut now, mut head) = (50_u64, 0_u64);
            for (by, forward, n) in steps {
                now = if forward { now + by } else { now.saturating_sub(by) };
                head = head.max(now);
                window.count(now, failed(n));
                *map.entry(now).or_default() += if now + 9 >= head { n } else { 0 };
                let want: u32 = map.iter().filter(|(at, _)| **at + 9 >= head).map(|(_, n)| n).sum();
                prop_assert_eq!(window.sum().failed, want);
            }
        }

        /// A window counted in parts and merged is the window counted at once.
        #[test]
        fn merging_is_counting(steps in prop::collection::vec((0_u64..4, 0_u32..5, any::<bool>()), 0..40)) {
            let (mut whole, mut left, mut right) = (Window::default(), Window::default(), Window::default());
            let mut now = 50;
            for (by, n, to_left) in steps {
                now += by;
                whole.count(now, failed(n));
                if to_left { &mut left } else { &mut right }.count(now, failed(n));
            }
            left.merge(&right);
            left.advance(now);
            whole.advance(now);
            prop_assert_eq!(left.sum(), whole.sum());
        }
    }
}
