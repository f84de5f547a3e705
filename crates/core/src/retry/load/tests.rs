use super::*;

#[test]
fn no_sample_is_due_before_the_first_tick() {
    let mut sampler = LoadSampler::default();
    assert!(!sampler.count());
    assert_eq!(sampler.take_sample(), None);
}

#[test]
fn a_sample_stands_for_all_requests_since_the_last_one() {
    let mut sampler = LoadSampler::default();
    for _ in 0..10 {
        assert!(!sampler.count());
    }
    // Of ten requests per tick, the sixth is chosen.
    sampler.tick(Timestamp::from_millis(50), 0.5);
    let sampled: Vec<bool> = (0..6).map(|_| sampler.count()).collect();
    assert_eq!(sampled, [false, false, false, false, false, true]);
    assert_eq!(sampler.take_sample(), Some(16));
    assert_eq!(sampler.take_sample(), None);
    assert!(!sampler.count());
}

fn usual_latency(of: impl IntoIterator<Item = u64>) -> Option<UsualLatency> {
    let mut load = RouteLoad::default();
    for ms in of {
        load.add_latency(Duration::from_millis(ms));
    }
    load.usual_latency()
}

fn usual(of: impl IntoIterator<Item = u64>) -> Option<Duration> {
    usual_latency(of).map(|usual| usual.nearly_all)
}

#[test]
fn no_time_is_usual_before_five_samples() {
    assert_eq!(usual_latency([20; 4]), None);
    assert!(usual_latency([20; 5]).is_some());
}

#[test]
fn at_most_half_of_the_samples_take_longer_than_the_median() {
    for (short, long, want_ms) in [
        (3, 2, 4),
        (5, 5, 4),
        (5, 6, 1_000),
        (99, 1, 4),
        (1, 99, 1_000),
    ] {
        let samples = std::iter::repeat_n(3, short).chain(std::iter::repeat_n(900, long));
        let median = usual_latency(samples).unwrap().median;
        let want = Duration::from_millis(want_ms);
        assert!(
            median.abs_diff(want) < Duration::from_millis(1),
            "{short}, {long}: {median:?}"
        );
    }
}

#[test]
fn the_longest_deadline_is_forgotten_when_there_are_newer_ones() {
    const HOUR: u64 = 3_600;
    for (noted, longest) in [
        (&[][..], None),
        (&[(0, 5)], Some(5)),
        (&[(0, 5), (1, 3), (2, 4)], Some(5)),
        (&[(0, 5), (59, 3), (60, 4)], Some(5)),
        (&[(0, 5), (60, 4), (119, 3)], Some(5)),
        (&[(0, 5), (60, 4), (120, 3)], Some(4)),
        // Without calls, nothing better is known.
        (&[(0, 5), (HOUR, 3)], Some(5)),
        (&[(0, 5), (HOUR, 3), (2 * HOUR, 4)], Some(4)),
    ] {
        let mut load = RouteLoad::default();
        for &(at_s, deadline_s) in noted {
            let now = Timestamp::from_millis(1_000_000_000 + at_s * 1_000);
            load.add_deadline(Duration::from_secs(deadline_s), now);
        }
        let got = load.longest_deadline().map(|longest| longest.as_secs());
        assert_eq!(got, longest, "{noted:?}");
    }
}

#[test]
fn usual_time_is_rounded_up_to_a_second_by_a_power_of_two() {
    for (ms, want_ms) in [(0, 1), (20, 32), (125, 125), (126, 250), (1_000, 1_000)] {
        let got = usual([ms; 20]).unwrap();
        let want = Duration::from_millis(want_ms);
        assert!(
            got.abs_diff(want) < Duration::from_millis(1),
            "{ms}: {got:?}"
        );
    }
    assert_eq!(usual([32_000; 20]), Some(Duration::MAX), "or more");
}

#[test]
fn one_sample_in_a_hundred_may_take_longer() {
    let of = |long: usize, all: usize| {
        let short = std::iter::repeat_n(20, all - long);
        usual(short.chain(std::iter::repeat_n(8_000, long))).unwrap()
    };
    assert!(of(1, 100) < Duration::from_secs(1));
    assert!(of(2, 100) > Duration::from_secs(1));
    assert!(of(1, 99) > Duration::from_secs(1), "few samples: all count");
}

#[test]
fn usual_time_follows_the_last_thousands_of_samples() {
    let before = std::iter::repeat_n(8_000, 100_000);
    let after = std::iter::repeat_n(20, 10_000);
    assert!(usual(before.chain(after)).unwrap() < Duration::from_secs(1));
}

#[test]
fn the_sure_rate_is_lower_the_fewer_requests_were_sampled() {
    let rate = |samples: f32| {
        let mut load = RouteLoad::default();
        load.set_known(100.0);
        load.sampled = samples / f32::from(MEAN_SECONDS);
        load.sure_rate().round()
    };
    assert_eq!(
        [0.0, 1.0, 4.0, 16.0, 100.0, 1_200.0].map(rate),
        [0.0, 0.0, 0.0, 50.0, 80.0, 94.0]
    );
    assert_eq!(RouteLoad::default().sure_rate(), 0.0);
}

#[test]
fn the_mean_latency_is_known_from_five_samples_on_and_at_most_twice_too_long() {
    let mean = |samples: &[u64]| {
        let mut load = RouteLoad::default();
        for ms in samples {
            load.add_latency(Duration::from_millis(*ms));
        }
        load.mean_latency()
    };
    assert_eq!(mean(&[20; 4]), Duration::ZERO);
    for samples in [[20; 5], [3, 3, 3, 900, 900], [1, 10, 100, 1_000, 10_000]] {
        let exact = samples.iter().sum::<u64>() / 5;
        let got = mean(&samples).as_millis() as u64;
        assert!((exact..=2 * exact).contains(&got), "{samples:?}: {got}");
    }
}

#[test]
fn seconds_without_health_do_not_change_the_mean() {
    let second = Duration::from_secs(1);
    let mut load = RouteLoad::default();
    load.set_known(100.0);
    for (requests, hints, is_well) in [(0, 1, true), (150, 100, true), (1_000, 0, false)] {
        load.add_sample(requests);
        for _ in 0..hints {
            load.count_hint();
        }
        load.end_second(second, is_well);
        assert_eq!(load.mean_rate(), 100.0, "{requests} {hints} {is_well}");
    }
    // What was not counted is not counted later either.
    load.add_sample(160);
    load.end_second(second, true);
    assert_eq!(load.mean_rate(), 101.0);
}
