use super::*;
use crate::scenario::Scenario;
use tidegate_core::config::Config;

/// Returns the setup of a small run: an upstream that serves 30 requests per second gets 20 visitors
/// per second, and is dead from 20 s to 30 s.
pub(crate) fn setup() -> Setup {
    let policy = Config::from_json(b"{}").unwrap().policy;
    Setup {
        incident: Incident::new(Scenario::Outage, 20.0, 30.0, 10_000),
        model: Model {
            hosts: 4,
            timeout_ms: 1_000,
            queue: 100,
            waste: 0.5,
        },
        rate: 20.0,
        crowd: 0,
        obey: 1.0,
        restless: Restless::Reload,
        has_one_address: false,
        hammer: None,
        tries: 0,
        workers: 2,
        duration_ms: 40_000,
        settings: policy.breaker,
        retry: policy.retry,
        hints: HintKind::CheckIns,
    }
}

fn run(setup: &Setup) -> Series {
    super::run(setup, Kind::Tidegate, 1, &mut |_| ())
}

#[test]
fn requests_of_a_hammer_are_counted_apart_and_are_load() {
    let setup = Setup {
        hammer: Some(Hammer {
            per_second: 50,
            from_ms: 5_000,
        }),
        ..setup()
    };
    let series = run(&setup);
    let plain = run(&super::tests::setup());
    for (at, second) in series.seconds.iter().enumerate() {
        let expected = if at < 5 { 0 } else { 50 };
        assert_eq!(second.hammer(), expected, "second {at}");
    }
    let new = |series: &Series| {
        series
            .seconds
            .iter()
            .map(|s| s.offered - s.returning)
            .sum::<u32>()
    };
    assert_eq!(new(&series), new(&plain), "the visitors are the same");
    let second = series.seconds[5];
    let sent = f64::from(second.admitted + second.hammer_sent);
    assert!((second.load() - sent / 30.0).abs() < 1e-9, "{second:?}");
    assert!(second.load() > 1.5, "{second:?}");
}

#[test]
fn waits_agree_with_the_counts_of_the_seconds() {
    let setup = Setup {
        duration_ms: 200_000,
        ..setup()
    };
    let series = run(&setup);
    let outage = &series.seconds[20..30];
    let came: u32 = outage.iter().map(|s| s.offered - s.returning).sum();
    // And those whose requests died in the queue.
    let turned_away = series.waits.turned_away;
    assert!(
        (u64::from(came)..u64::from(came) + 10).contains(&turned_away),
        "{came} {turned_away}"
    );
    assert_eq!(
        series.waits.back_ms.len() as u64,
        turned_away,
        "all are back"
    );
    assert_eq!(series.waits.early_left, 0);
    assert!(series.waits.back_ms.is_sorted());
    assert!(series.waits.back_ms.iter().all(|&ms| ms >= 30_000));
}

#[test]
fn one_address_stands_for_all_visitors() {
    let draw = |has_one_address| {
        let setup = Setup {
            has_one_address,
            ..setup()
        };
        let mut world = World::new(&setup, Kind::Tidegate, 1);
        let mut addresses: Vec<_> = (0..10).map(|_| world.new_client().asker.address).collect();
        addresses.dedup();
        addresses.len()
    };
    assert_eq!((draw(false), draw(true)), (10, 1));
}
