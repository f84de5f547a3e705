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
