//! Random numbers with the same output on every machine and with every version: the figures of
//! docs/breaker.md depend on it.
//!
//! The stream of a crate may change with a new version, and `exp` or `ln` may differ in the last
//! bit between C libraries. So this is the core's SplitMix64, and plain arithmetic.

use tidegate_core::rng::{Rng, SplitMix64};

/// A stream of random numbers that depends on its seed only.
#[derive(Debug, Clone)]
pub(crate) struct Stream(SplitMix64);

impl Stream {
    /// Creates the stream of `seed`. `purpose` separates the streams of one run, so that the draws
    /// of a breaker do not change the arrivals of visitors.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut seeds = SplitMix64::new(seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93));
        seeds.next_u64();
        Self(SplitMix64::new(seeds.next_u64()))
    }

    /// Returns a number in `0..n`; 0 if `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Returns the number of visitors that arrive where `mean` are expected: a binomial
    /// distribution with four times as many trials as expected successes.
    pub(crate) fn count(&mut self, mean: f64) -> u32 {
        let tries = (mean * 4.0).ceil().max(4.0) as u32;
        let chance = mean / f64::from(tries);
        (0..tries).filter(|_| self.unit() < chance).count() as u32
    }
}

impl Rng for Stream {
    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// A generator that always returns the same number in [0, 1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fixed(pub(crate) f64);

impl Rng for Fixed {
    fn next_u64(&mut self) -> u64 {
        // A float that is too large becomes the highest number.
        (self.0 * 2.0_f64.powi(64)) as u64
    }

    fn unit(&mut self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests;
