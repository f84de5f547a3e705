use super::*;

#[test]
fn split_mix_64_yields_the_reference_sequence() {
    // The first numbers of the seed 1234567 of Vigna's `splitmix64.c`.
    let mut rng = SplitMix64::new(1_234_567);
    let numbers = [rng.next_u64(), rng.next_u64(), rng.next_u64()];
    assert_eq!(
        numbers,
        [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423
        ]
    );
}

#[test]
fn unit_is_at_least_zero_and_less_than_one() {
    struct Fixed(u64);
    impl Rng for Fixed {
        fn next_u64(&mut self) -> u64 {
            self.0
        }
    }
    assert_eq!(Fixed(0).unit(), 0.0);
    assert_eq!(Fixed(1 << 63).unit(), 0.5);
    assert!(Fixed(u64::MAX).unit() < 1.0);
}

#[test]
fn requests_are_spread_evenly() {
    let mut tenths = [0_u32; 10];
    let now = Timestamp::from_millis(1_795_413_600_000);
    for n in 0..10_000_u64 {
        let id = format!("a3f1b2c4-0000-4000-8000-{n:012}");
        let unit = SplitMix64::for_request(id.as_bytes(), now).unit();
        tenths[(unit * 10.0) as usize] += 1;
    }
    assert!(tenths.iter().all(|n| (850..1150).contains(n)), "{tenths:?}");
}
