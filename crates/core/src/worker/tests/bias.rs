//! The bias of the failure ratio because nothing is counted before the first failure.

use proptest::prelude::*;

use super::*;
use crate::breaker::tests::TestCircuit;
use crate::rng::{Rng, SplitMix64};

proptest! {
    /// While the failure that opened the window is in it, the ratio is greater than the ratio of the
    /// same time without this failure, by at most 1 / total. After that the ratio is exact.
    #[test]
    fn first_failure_biases_the_ratio_by_at_most_its_share(
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
                world.now = world.now.saturating_add(millis(1));
                if world.now.as_millis() % 50 == 0 {
                    world.tick(0);
                }
            }
            let is_clean = world.workers[0].view_of("r").is_none_or(|view| view.is_clean());
            if is_clean {
                opened = is_failure.then_some(all.len());
            }
            all.push((world.now.as_millis(), is_failure));
            world.request(0, "r", if is_failure { FAILURE } else { Outcome::Success });
            world.tick(0);
            let Some(first) = opened else { continue };
            let counts = world.view(0, "r").window.sum();
            let estimate = f64::from(counts.failed) / f64::from(counts.total);
            let is_in = |(at_ms, _): &&(u64, bool)| at_ms / 1_000 + 10 > world.now.as_millis() / 1_000;
            let share = |of: &[(u64, bool)]| {
                let known: Vec<_> = of.iter().filter(is_in).collect();
                let failed = known.iter().filter(|(_, is_failure)| *is_failure).count();
                (failed as f64 / known.len().max(1) as f64, known.len())
            };
            if is_in(&&all[first]) {
                // Successes that were counted before the window was clean may still be in it, which
                // only improves the estimate.
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

/// With random failures, the ratio at the first decision (after `min_requests` outcomes) is too high
/// by (1 - p) / min_requests on average, which is less than 1 / min_requests.
#[test]
fn average_bias_is_below_one_of_min_requests() {
    let mut rng = SplitMix64::new(11);
    for (min_requests, p) in [(5_u32, 0.1), (20, 0.1), (20, 0.3), (20, 0.6), (50, 0.3)] {
        let rounds = 4_000;
        let mut sum = 0.0;
        for _ in 0..rounds {
            let mut circuit = TestCircuit::new(|s| {
                s.min_requests = 1_000_000;
                s.consecutive.failures = 1_000_000;
            });
            // The requests before the first failure are not counted.
            circuit.record(1, FAILURE);
            for _ in 1..min_requests {
                let is_failure = rng.unit() < p;
                circuit.record(
                    1,
                    if is_failure {
                        FAILURE
                    } else {
                        Outcome::Success
                    },
                );
            }
            let counts = circuit.circuit.window.sum();
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
