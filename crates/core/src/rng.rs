//! Random numbers. The core has no source of randomness: the caller injects a generator.

use crate::time::Timestamp;

/// A source of random numbers.
pub trait Rng {
    /// Returns the next number; each is equally likely.
    fn next_u64(&mut self) -> u64;

    /// Returns the next number in `[0, 1)`.
    fn unit(&mut self) -> f64 {
        // An f64 represents 53 bits exactly.
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The SplitMix64 generator.
#[derive(Debug, Clone)]
pub struct SplitMix64 {
    state: u64,
}

/// 2^64 divided by the golden ratio.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl SplitMix64 {
    /// Returns a generator that starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns a generator whose numbers differ from request to request and from time to time.
    pub fn for_request(id: &[u8], now: Timestamp) -> Self {
        // FNV-1a of the id. The first number mixes every bit of the hash and of the time.
        let hash = id.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let now_ns = now.as_millis().saturating_mul(1_000_000);
        Self::new((hash ^ now_ns).wrapping_sub(GAMMA))
    }
}

impl Rng for SplitMix64 {
    fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests;
