use super::*;

#[test]
fn a_hammer_asks_at_even_intervals_from_its_beginning_on() {
    let hammer = Hammer {
        per_second: 50,
        from_ms: 1_000,
    };
    let counts = (0..2_000).step_by(10).map(|ms| hammer.count(ms, 10));
    let counts: Vec<u64> = counts.collect();
    assert_eq!(counts[..100], [0; 100]);
    assert_eq!(counts[100..104], [0, 1, 0, 1]);
    assert_eq!(counts.iter().sum::<u64>(), 50);
}
