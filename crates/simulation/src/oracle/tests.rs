use super::*;
use crate::scenario::{Incident, Scenario};
use crate::world::tests::setup;

/// An upstream that serves one visitor per 40 ms, dead from 20 s to 21 s.
fn small() -> Setup {
    Setup {
        incident: Incident::new(Scenario::Outage, 1.0, 25.0, 1_000),
        duration_ms: 23_000,
        ..setup()
    }
}

#[test]
fn the_oracle_serves_in_order_at_the_capacity() {
    // Five come while the upstream is dead, one while these are served, one later.
    let coming = [
        20_000, 20_200, 20_400, 20_600, 20_800, // served at 21,030, 21,070, ... 21,190
        21_100, // at 21,230
        22_000, // at once
    ];
    let series = course(&small(), &mut |now_ms| u32::from(coming.contains(&now_ms)));
    let waits = &series.waits;
    assert_eq!(waits.back_ms, [21_030, 21_070, 21_110, 21_150, 21_190]);
    assert_eq!(waits.turned_away, 5);
    assert_eq!(waits.lost_ms, 30 + 70 + 110 + 150 + 190 + 130);
    assert_eq!(waits.longest_ms, 1_030);
    assert_eq!(waits.early_left, 0);
    assert_eq!(waits.back_after_ms(0.5), Some(110));
    let second = |at: usize| (series.seconds[at].admitted, series.seconds[at].waiting);
    assert_eq!(
        [second(20), second(21), second(22)],
        [(0, 5), (6, 0), (1, 0)]
    );
}

#[test]
fn whoever_comes_late_joins_the_end_of_the_queue() {
    // A group of three, and one who comes when the first of these is served.
    let series = course(&small(), &mut |now_ms| match now_ms {
        20_500 => 3,
        21_030 => 1,
        _ => 0,
    });
    assert_eq!(series.waits.back_ms, [21_030, 21_070, 21_110]);
    // The last one is served at 21,150.
    assert_eq!(series.waits.lost_ms, 30 + 70 + 110 + 120);
}

#[test]
fn the_oracle_never_exceeds_the_capacity_of_a_second() {
    let setup = Setup {
        incident: Incident::new(Scenario::Outage, 100.0, 150.0, 60_000),
        rate: 100.0,
        duration_ms: 380_000,
        ..setup()
    };
    let series = run(&setup, 1);
    let after = &series.seconds[80..];
    assert_eq!(after.iter().map(|s| s.admitted).max(), Some(150));
    assert_eq!(series.waits.early_left, 0);
    // About 6,000 wait, 50 more are served than come in a second, and they leave in order.
    let back = |share| series.waits.back_after_ms(share).unwrap() as f64 / 1000.0;
    assert!((back(0.5) - 20.0).abs() < 1.0, "{}", back(0.5));
    assert!((back(0.95) - 38.0).abs() < 2.0, "{}", back(0.95));
    let lost = series.waits.lost_ms as f64 / 1000.0;
    assert!((lost / (6_000.0 * 120.0 / 2.0) - 1.0).abs() < 0.1, "{lost}");
}
