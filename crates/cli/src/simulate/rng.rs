//! Chance that is the same on every machine, for ever: the figures of docs/breaker.md depend on it.
//!
//! A crate may change its stream with a new version, and `exp` or `ln` may differ in the last bit
//! from one C library to the next. So this is SplitMix64 and plain arithmetic.

/// A stream of numbers that depends on its seed alone.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The stream of `seed`. `purpose` keeps streams apart that belong to one run: what a breaker
    /// draws must not change who comes to visit.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut rng = Self(seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93));
        rng.next();
        Self(rng.next())
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// In `0..n`; 0 where `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// How many of very many independent visitors come, where `mean` are expected: binomial, with
    /// four times as many tries as are expected to succeed.
    pub(crate) fn count(&mut self, mean: f64) -> u32 {
        let tries = (mean * 4.0).ceil().max(4.0) as u32;
        let chance = mean / f64::from(tries);
        (0..tries).filter(|_| self.unit() < chance).count() as u32
    }
}

#[cfg(test)]
mod tests;
