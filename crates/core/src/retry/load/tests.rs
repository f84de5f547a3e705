use super::*;

#[test]
fn lower_bound_subtracts_what_random_variation_explains() {
    let estimate = |requests, samples| Estimate { requests, samples };
    for (part, all, least) in [
        // All requests were sampled, or all are of the route.
        (estimate(7, 7), estimate(20, 20), 1),
        (estimate(900, 20), estimate(900, 20), 810),
        // 450 +- 100, less the variation between workers.
        (estimate(450, 10), estimate(900, 20), 188),
        (estimate(45, 1), estimate(900, 20), 0),
        (estimate(0, 0), estimate(0, 0), 0),
        (
            estimate(u32::MAX, 10),
            estimate(u32::MAX, 20),
            2_374_002_927,
        ),
    ] {
        let found = part.lower_bound(all);
        assert!(found.abs_diff(least) <= 2, "{part:?}: {found}");
    }
}

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

fn usual(of: impl IntoIterator<Item = u64>) -> Option<Duration> {
    let mut load = RouteLoad::default();
    for ms in of {
        load.add_latency(Duration::from_millis(ms));
    }
    load.usual_latency()
}

#[test]
fn no_time_is_usual_before_ten_samples() {
    assert_eq!(usual([20; 9]), None);
    assert!(usual([20; 10]).is_some());
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
