//! Interim: replaced by the generator of the circuit branch.

use crate::time::Timestamp;

/// A source of random numbers. Injected, so that every decision can be repeated.
pub trait Rng {
    /// Returns the next number.
    fn next_u64(&mut self) -> u64;
    /// Returns a number in [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A generator.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// Creates a generator from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Creates a generator from an identifier and a time.
    pub fn for_request(id: &[u8], now: Timestamp) -> Self {
        Self(crate::hint::seed(
            id,
            now.as_millis().saturating_mul(1_000_000),
        ))
    }
}

impl Rng for SplitMix64 {
    fn next_u64(&mut self) -> u64 {
        self.0
    }
}
