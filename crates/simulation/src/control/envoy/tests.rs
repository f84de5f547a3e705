use tidegate_core::breaker::ClientId;
use tidegate_core::config::Config;

use super::*;
use crate::paths::{Asker, SitePath};
use crate::rng::Stream;

/// The random numbers and the proxy of a call. Neither address nor path matter to Envoy.
struct Calls {
    rng: Stream,
    proxy: Proxy,
}

impl Calls {
    fn new() -> Self {
        let policy = Config::default().policy;
        Self {
            rng: Stream::new(1, 1),
            proxy: Proxy::new(&policy.breaker, &policy.retry, 1),
        }
    }

    fn at(&mut self, now_ms: u64) -> At<'_> {
        At {
            now_ms,
            worker: 0,
            asker: Asker {
                path: SitePath::BROKEN,
                address: ClientId::UNKNOWN,
            },
            rng: &mut self.rng,
            proxy: &mut self.proxy,
        }
    }
}

/// Results of the formula at success rates of 90, 70, 50, 10 and 0 %.
#[test]
fn admission_control_rejects_by_the_documented_formula() {
    for (good, want) in [(90, 0.05), (70, 0.26), (50, 0.47), (10, 0.80), (0, 0.80)] {
        let mut window = Window::default();
        let failed = 1000 - good * 10;
        window.count(
            1,
            Counts {
                total: 1000,
                failed,
                slow: 0,
            },
        );
        assert!((rejection(&window) - want).abs() < 0.01, "{good}");
    }
}

#[test]
fn ejection_ends_at_a_multiple_of_the_interval() {
    let (mut ejection, mut calls) = (HostEjection::new(2), Calls::new());
    for _ in 0..CONSECUTIVE_5XX {
        assert_eq!(ejection.healthy().count(), 2);
        ejection.settle(calls.at(15_000), Pass::default(), 1, Answer::Refused);
    }
    assert_eq!(
        (ejection.host(0, 2), ejection.host(1, 2)),
        (Some(0), Some(0))
    );
    for now_ms in (20_000..50_000).step_by(50) {
        ejection.tick(now_ms);
    }
    assert_eq!(
        ejection.host(1, 2),
        Some(0),
        "45 s is between two intervals"
    );
    ejection.tick(50_000);
    assert_eq!(ejection.host(1, 2), Some(1));
}

#[test]
fn ejection_does_not_count_clients_that_left() {
    let (mut ejection, mut calls) = (HostEjection::new(1), Calls::new());
    let failed = CONSECUTIVE_5XX - 1;
    for answer in std::iter::repeat_n(Answer::TimedOut, failed as usize).chain([Answer::Left]) {
        ejection.settle(calls.at(0), Pass::default(), 0, answer);
    }
    assert_eq!(ejection.healthy().count(), 1);
    ejection.settle(calls.at(0), Pass::default(), 0, Answer::TimedOut);
    assert_eq!(ejection.healthy().count(), 0);
}
