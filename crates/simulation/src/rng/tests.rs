use super::*;

#[test]
fn streams_are_pinned() {
    let mut rng = Stream::new(1, 0);
    assert_eq!(
        [rng.next_u64(), rng.next_u64()],
        [8_614_008_028_692_990_056, 633_295_910_745_529_047]
    );
}

#[test]
fn counts_have_the_mean_and_spread_of_visitors() {
    let mut rng = Stream::new(7, 3);
    for mean in [0.3, 2.0, 20.0] {
        let counts: Vec<f64> = (0..20_000).map(|_| f64::from(rng.count(mean))).collect();
        let average = counts.iter().sum::<f64>() / counts.len() as f64;
        let variance =
            counts.iter().map(|n| (n - average).powi(2)).sum::<f64>() / counts.len() as f64;
        assert!((average / mean - 1.0).abs() < 0.03, "{mean}: {average}");
        assert!((variance / mean - 0.75).abs() < 0.2, "{mean}: {variance}");
    }
}
