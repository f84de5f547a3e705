//! A hash of keys.
//!
//! The one of the standard library is made for maps that strangers fill as they like, and is most
//! of what a decision of a breaker costs. Here the keys are those of at most
//! [`MAX_ROUTES`](crate::breaker::bank::MAX_ROUTES) routes, or of the operator's configuration: the
//! worst that could be made of them is one slow look-up.

/// The hash of a key.
pub(crate) fn of(key: &str) -> u64 {
    of_bytes(key.as_bytes())
}

/// The hash of bytes: takes eight at a time, multiplies, and folds the upper half of the product to the
/// lower.
pub(crate) fn of_bytes(mut rest: &[u8]) -> u64 {
    let mut hash = 0_u64;
    while let Some((word, more)) = rest.split_first_chunk() {
        hash = mix(hash, u64::from_le_bytes(*word));
        rest = more;
    }
    if !rest.is_empty() {
        let word = rest.iter().rev();
        hash = mix(
            hash,
            word.fold(0, |word, byte| (word << 8) | u64::from(*byte)),
        );
    }
    hash.wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

fn mix(hash: u64, word: u64) -> u64 {
    // The odd number is 2^64 over the golden ratio, as in SplitMix64.
    let mixed = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    fn hash(key: &str) -> u64 {
        of(key)
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
