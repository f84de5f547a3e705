use super::*;

#[test]
fn durations_are_rounded_up_to_usual_steps() {
    use CoarseDuration::*;
    for (ms, expected) in [
        (0, Moments),
        (1, Moments),
        (5_000, Moments),
        (5_001, Seconds(10)),
        (10_000, Seconds(10)),
        (10_001, Seconds(15)),
        (20_000, Seconds(20)),
        (20_001, Seconds(30)),
        (30_001, Seconds(45)),
        (45_001, Minute),
        (60_000, Minute),
        (60_001, Minutes(2)),
        (600_000, Minutes(10)),
        (600_001, Minutes(15)),
        (900_000, Minutes(15)),
        (1_800_001, Minutes(45)),
        (2_700_001, Hour),
        (3_600_000, Hour),
        (3_600_001, Hours(2)),
        (47 * 3_600_000, Hours(47)),
        (47 * 3_600_000 + 1, Days(2)),
        (48 * 3_600_000 + 1, Days(3)),
    ] {
        assert_eq!(
            CoarseDuration::from(Duration::from_millis(ms)),
            expected,
            "{ms} ms"
        );
    }
    assert!(matches!(CoarseDuration::from(Duration::MAX), Days(_)));
}

#[test]
fn a_duration_is_never_rounded_down() {
    for ms in (0..400_000_000).step_by(977) {
        let rounded = match CoarseDuration::from(Duration::from_millis(ms)) {
            CoarseDuration::Moments => 5_000,
            CoarseDuration::Seconds(n) => n * 1_000,
            CoarseDuration::Minute => 60_000,
            CoarseDuration::Minutes(n) => n * 60_000,
            CoarseDuration::Hour => 3_600_000,
            CoarseDuration::Hours(n) => n * 3_600_000,
            CoarseDuration::Days(n) => n * 86_400_000,
        };
        assert!(rounded >= ms, "{ms} ms");
    }
}
