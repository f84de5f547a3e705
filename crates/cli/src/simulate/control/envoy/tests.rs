use super::*;
use crate::simulate::rng::Stream;

fn at(now_ms: u64, rng: &mut Stream) -> At<'_> {
    At {
        now_ms,
        worker: 0,
        rng,
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
    let (mut ejection, mut rng) = (HostEjection::new(2), Stream::new(1, 1));
    for _ in 0..CONSECUTIVE_5XX {
        assert_eq!(ejection.healthy().count(), 2);
        ejection.settle(at(15_000, &mut rng), Pass::default(), 1, Answer::Refused);
    }
    assert_eq!(
        (ejection.host(0, 2), ejection.host(1, 2)),
        (Some(0), Some(0))
    );
    for now_ms in (20_000..50_000).step_by(50) {
        ejection.tick(at(now_ms, &mut rng));
    }
    assert_eq!(
        ejection.host(1, 2),
        Some(0),
        "45 s is between two intervals"
    );
    ejection.tick(at(50_000, &mut rng));
    assert_eq!(ejection.host(1, 2), Some(1));
}
