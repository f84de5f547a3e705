//! What it does to the ratio that nothing is counted before the first failure.

use proptest::prelude::*;

use super::*;

proptest! {
    /// "The window opens at the first failure" is the one thing an omniscient breaker would do
    /// otherwise. While that failure is in the window it makes the ratio greater than that of the
    /// same time without it, by at most 1 / total; once it is out, the ratio is exact.
    #[test]
    fn the_first_failure_biases_the_ratio_by_no_more_than_its_share(
        story in prop::collection::vec((1_u64..400, prop::bool::weighted(0.3)), 1..200),
    ) {
        let never = settings(|s| {
            s.min_requests = 1_000_000;
            s.consecutive.failures = 1_000_000;
        });
        let mut world = World::new(1, never);
        let mut all: Vec<(u64, bool)> = Vec::new();
        let mut opened: Option<usize> = None;
        for (ms, is_failure) in story {
            for _ in 0..ms {
                world.now_ms += 1;
                if world.now_ms % 50 == 0 {
                    let at = world.at();
                    world.workers[0].tick(&mut world.store, at);
                }
            }
            let is_clean = world.workers[0].view("r").is_none_or(|view| view.is_clean());
            if is_clean {
                opened = is_failure.then_some(all.len());
            }
            all.push((world.now_ms, is_failure));
            world.request(0, "r", if is_failure { FAILED } else { Outcome::Success });
            let at = world.at();
            world.workers[0].tick(&mut world.store, at);
            let Some(first) = opened else { continue };
            let counts = world.workers[0].view("r").unwrap().window.sum();
            let estimate = f64::from(counts.failed) / f64::from(counts.total);
            let is_in = |(at_ms, _): &&(u64, bool)| at_ms / 1_000 + 10 > world.now_ms / 1_000;
            let share = |of: &[(u64, bool)]| {
                let known: Vec<_> = of.iter().filter(is_in).collect();
                let failed = known.iter().filter(|(_, is_failure)| *is_failure).count();
                (failed as f64 / known.len().max(1) as f64, known.len())
            };
            if is_in(&&all[first]) {
                // More is known than what came after the first failure where successes of an
                // earlier watch are still in the window: that only makes the estimate better.
                let (without, known) = share(&all[first + 1..]);
                let bias = estimate - without;
                prop_assert!(bias <= 1.0 / (known + 1) as f64 + 1e-9, "{bias} of {known}");
            } else {
                let (exact, known) = share(&all[first..]);
                prop_assert_eq!(known, counts.total as usize);
                prop_assert!((estimate - exact).abs() < 1e-9);
            }
        }
    }
}

/// With failures at random, the estimate at the moment when it begins to count (`min_requests`
/// outcomes) is too high by (1 - p) / min_requests on average: never more than 1 / min_requests.
#[test]
fn on_average_the_bias_is_less_than_one_of_min_requests() {
    let mut chance = Chance(11);
    for (min_requests, p) in [(5_u32, 0.1), (20, 0.1), (20, 0.3), (20, 0.6), (50, 0.3)] {
        let rounds = 4_000;
        let mut sum = 0.0;
        for _ in 0..rounds {
            let mut alone = Alone::new(|s| {
                s.min_requests = 1_000_000;
                s.consecutive.failures = 1_000_000;
            });
            // The requests before the first failure are not counted.
            alone.tell(1, FAILED);
            for _ in 1..min_requests {
                let is_failure = chance.draw() < p;
                alone.tell(1, if is_failure { FAILED } else { Outcome::Success });
            }
            let counts = alone.record.window.sum();
            sum += f64::from(counts.failed) / f64::from(counts.total);
        }
        let bias = sum / f64::from(rounds) - p;
        let want = (1.0 - p) / f64::from(min_requests);
        assert!((bias - want).abs() < 0.01, "{min_requests} {p}: {bias}");
        assert!(
            bias < 1.0 / f64::from(min_requests),
            "{min_requests} {p}: {bias}"
        );
    }
}
