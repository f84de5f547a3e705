use super::*;

#[test]
fn steps_are_bounded_however_long_the_log_is() {
    let mut timeline: Timeline = Timeline::default();
    let times = [
        5_000_000,
        1_000,
        0,
        80_000_000_000,
        4_000_000_000,
        7_000_000,
    ];
    for (at, time) in times.into_iter().enumerate() {
        timeline.add(time, 1);
        assert!(timeline.steps.len() <= MAX_STEPS);
        assert_eq!(timeline.steps.iter().sum::<u64>(), at as u64 + 1);
    }
    assert_eq!(
        timeline.between(0, 100_000_000_000).map(f64::round),
        Some(6.0)
    );
}

#[test]
fn a_split_log_gives_the_same_counts() {
    let times: Vec<u64> = (0..2_000).map(|at| at * 7_919 % 900_001 * 10).collect();
    let mut whole: Timeline = Timeline::default();
    times.iter().for_each(|time| whole.add(*time, 1));
    let parts = times.chunks(300).map(|times| {
        let mut part: Timeline = Timeline::default();
        times.iter().for_each(|time| part.add(*time, 1));
        part
    });
    let mut merged: Timeline = Timeline::default();
    parts.rev().for_each(|part| merged.absorb(part));
    assert_eq!(merged, whole);
}

#[test]
fn requests_of_a_part_of_a_step_are_interpolated() {
    let mut timeline: Timeline = Timeline::default();
    (0..10).for_each(|second| timeline.add(second * 1000, 100));
    assert_eq!(timeline.between(2_500, 5_000), Some(250.0));
    assert_eq!(timeline.between(2_500, 3_000), None);
}

#[test]
fn whole_steps_are_counted_around_a_time() {
    let mut timeline = Timeline::<4>::default();
    // Eight seconds in steps of two.
    (0..8).for_each(|second| timeline.add(second * 1000, 10));
    assert_eq!(timeline.total(), 80);
    for (from_ms, to_ms, want) in [
        (0, 0, 20),
        (1_999, 2_000, 40),
        (2_500, 3_000, 20),
        (7_000, 90_000, 20),
        (8_000, 90_000, 0),
    ] {
        assert_eq!(
            timeline.around(from_ms, to_ms),
            want,
            "{from_ms} to {to_ms}"
        );
    }
}
