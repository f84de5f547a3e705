//! A hash of the keys of routes.
//!
//! The one of the standard library is made for maps that strangers fill as they like, and is most
//! of what a decision costs. Here the keys are those of at most
//! [`MAX_ROUTES`](super::bank::MAX_ROUTES) routes: the worst that could be made of them is one slow
//! look-up.

use core::hash::{BuildHasherDefault, Hasher};

/// Makes the hashes of a map.
pub(super) type Hashing = BuildHasherDefault<Words>;

/// Takes eight bytes at a time: multiplies, and folds the upper half of the product to the lower.
#[derive(Debug, Default)]
pub(super) struct Words(u64);

impl Words {
    fn word(&mut self, word: u64) {
        // The odd number is 2^64 over the golden ratio, as in SplitMix64.
        let mixed = (self.0 ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

impl Hasher for Words {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(rest) {
                *to = *from;
            }
            self.word(u64::from_le_bytes(word));
        }
    }

    fn finish(&self) -> u64 {
        // A map takes its place from the lower bits and its tag from the upper ones.
        self.0.wrapping_mul(0xBF58_476D_1CE4_E5B9)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::hash::BuildHasher;

    use super::*;

    fn hash(key: &str) -> u64 {
        Hashing::default().hash_one(key)
    }

    #[test]
    fn keys_of_routes_are_spread_over_places_and_tags() {
        let shapes: [fn(u32) -> String; 4] = [
            |n| format!("{n}"),
            |n| format!("route-{n}/outbound|80||shop.default.svc.cluster.local"),
            |n| format!("shop/outbound|{n}||shop.default.svc.cluster.local"),
            |n| format!("{}/c", "x".repeat(n as usize)),
        ];
        for shape in shapes {
            let hashes: Vec<u64> = (0..1024).map(|n| hash(&shape(n))).collect();
            let mut places: HashMap<u64, u32> = HashMap::new();
            for hash in &hashes {
                *places.entry(hash % 2048).or_default() += 1;
            }
            // Of 1,024 at random in 2,048 places, some place has 5 or 6.
            let most = places.values().max().unwrap();
            assert!(*most <= 8, "{} {most}", shape(1));
            let tags: HashSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
            assert!(tags.len() > 120, "{} {}", shape(1), tags.len());
            let all: HashSet<u64> = hashes.into_iter().collect();
            assert_eq!(all.len(), 1024, "{}", shape(1));
        }
    }

    #[test]
    fn each_byte_counts() {
        let key = "a key of twenty-one b";
        for n in 0..key.len() {
            let mut other = key.as_bytes().to_vec();
            other[n] ^= 1;
            let other = String::from_utf8(other).unwrap();
            assert_ne!(hash(key), hash(&other), "{other}");
        }
    }
}
