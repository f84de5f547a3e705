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

impl tidegate_core::rng::Rng for Rng {
    fn next_u64(&mut self) -> u64 {
        self.next()
    }
}

/// A generator that always returns the same number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fixed {
    number: u64,
    unit: f64,
}

impl Fixed {
    /// Returns a generator of this number.
    pub(crate) fn number(number: u64) -> Self {
        Self { number, unit: 0.0 }
    }

    /// Returns a generator of this number in [0, 1).
    pub(crate) fn unit(unit: f64) -> Self {
        Self { number: 0, unit }
    }
}

impl tidegate_core::rng::Rng for Fixed {
    fn next_u64(&mut self) -> u64 {
        self.number
    }

    fn unit(&mut self) -> f64 {
        self.unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_pinned() {
        let mut rng = Rng::new(1, 0);
        assert_eq!(
            [rng.next(), rng.next()],
            [8_614_008_028_692_990_056, 633_295_910_745_529_047]
        );
    }

    #[test]
    fn counts_have_the_mean_and_spread_of_visitors() {
        let mut rng = Rng::new(7, 3);
        for mean in [0.3, 2.0, 20.0] {
            let counts: Vec<f64> = (0..20_000).map(|_| f64::from(rng.count(mean))).collect();
            let average = counts.iter().sum::<f64>() / counts.len() as f64;
            let variance =
                counts.iter().map(|n| (n - average).powi(2)).sum::<f64>() / counts.len() as f64;
            assert!((average / mean - 1.0).abs() < 0.03, "{mean}: {average}");
            assert!((variance / mean - 0.75).abs() < 0.2, "{mean}: {variance}");
        }
    }
}
