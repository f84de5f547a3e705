//! Requests that queue at the upstream hold the rate before they fail.

use super::*;

/// Returns a second in which so many requests were answered, of a route whose responses take 100 ms, and so
/// many waited all the time.
fn waited(answered: u32, waiting: u32) -> StepInfo {
    StepInfo {
        least_in_flight: waiting,
        usual_latency: millis(100),
        ..ended(answered, 0)
    }
}

fn at_rate(rate: f64) -> Ramp {
    Ramp {
        rate,
        usual: 1_000.0,
        ..Ramp::default()
    }
}

#[test]
fn requests_that_wait_half_again_as_long_as_usual_and_30_ms_more_hold_the_rate() {
    // the usual latency in milliseconds; of 100 that are answered, so many may wait
    for (latency_ms, most) in [(20, 6), (100, 18), (400, 63), (500, 78)] {
        for waiting in [most, most + 1] {
            let mut ramp = at_rate(500.0);
            let info = StepInfo {
                usual_latency: millis(latency_ms),
                ..waited(100, waiting)
            };
            assert_eq!(ramp.step(info, THRESHOLDS, GROWTH), Step::Continue);
            let is_held = ramp.rate < 500.0;
            assert_eq!(is_held, waiting > most, "{latency_ms} ms, {waiting} wait");
        }
    }
}

#[test]
fn a_rate_is_held_a_little_below_what_is_answered_until_the_queue_is_empty() {
    let mut ramp = at_rate(500.0);
    ramp.step(waited(400, 100), THRESHOLDS, GROWTH);
    assert_eq!((ramp.rate, ramp.target), (380.0, 400.0));
    ramp.step(waited(400, 80), THRESHOLDS, GROWTH);
    assert_eq!((ramp.rate, ramp.target), (380.0, 400.0), "it drains");
    ramp.step(waited(380, 38), THRESHOLDS, GROWTH);
    assert_eq!((ramp.rate, ramp.target), (400.0, 400.0));
    ramp.step(waited(400, 40), THRESHOLDS, GROWTH);
    assert_eq!(ramp.rate, 408.0, "carefully");
    // They queue again: that is the capacity now.
    ramp.step(waited(390, 100), THRESHOLDS, GROWTH);
    assert_eq!((ramp.rate, ramp.target), (370.5, 390.0));
}

#[test]
fn no_more_is_held_than_was_admitted() {
    let mut ramp = at_rate(100.0);
    ramp.step(waited(300, 100), THRESHOLDS, GROWTH);
    assert_eq!(
        ramp.target, 100.0,
        "the answers were those of an earlier rate"
    );
}

#[test]
fn a_queue_delays_the_end_of_the_ramp() {
    let mut ramp = at_rate(500.0);
    let calm = |info: StepInfo| StepInfo {
        rejected: 0,
        ..info
    };
    let mut step = |waiting| ramp.step(calm(waited(100, waiting)), THRESHOLDS, GROWTH);
    assert_eq!([0, 0, 50, 0, 0].map(&mut step), [Step::Continue; 5]);
    assert_eq!(step(0), Step::Done);
}

#[test]
fn a_queue_is_not_known_of_routes_without_a_latency_or_with_a_long_one_and_of_few_answers() {
    // the usual latency in milliseconds, the answers
    for (latency_ms, answered, is_held) in [
        (100, 100, true),
        (0, 100, false),
        (500, 100, true),
        (501, 100, false),
        (100, 5, true),
        (100, 4, false),
    ] {
        let mut ramp = at_rate(500.0);
        let info = StepInfo {
            answered,
            usual_latency: millis(latency_ms),
            ..waited(100, 1_000)
        };
        ramp.step(info, THRESHOLDS, GROWTH);
        assert_eq!(ramp.rate < 500.0, is_held, "{latency_ms} ms, {answered}");
    }
}

#[test]
fn a_tolerant_ramp_is_not_held() {
    let mut ramp = Ramp {
        easings: 6,
        ..at_rate(500.0)
    };
    ramp.step(waited(400, 400), THRESHOLDS, GROWTH);
    assert!(ramp.rate > 500.0);
}

/// Lets an upstream answer whatever comes after 300 ms, three times as long as usual. Returns the rates.
fn rates_at_a_slower_upstream(mut ramp: Ramp, steps: usize) -> Vec<f64> {
    let mut rates = Vec::new();
    let mut in_flight = 0.0;
    for _ in 0..steps {
        let then_in_flight = ramp.rate * 0.3;
        let answered = ramp.rate + in_flight - then_in_flight;
        in_flight = then_in_flight;
        let info = waited(answered as u32, in_flight as u32);
        assert_eq!(ramp.step(info, THRESHOLDS, GROWTH), Step::Continue);
        rates.push(ramp.rate);
    }
    rates
}

#[test]
fn an_upstream_that_is_slower_for_good_is_not_held_back_for_ever() {
    let rates = rates_at_a_slower_upstream(at_rate(50.0), 50);
    assert!(rates[..39].iter().all(|rate| *rate < 50.0), "{rates:?}");
    assert!(rates[39] < 30.0 && rates[40] == rates[39], "{rates:?}");
    // They wait as long at half the rate.
    assert!(rates[41] > 50.0, "{rates:?}");
    assert!(rates[49] > 1_000.0, "{rates:?}");
}

#[test]
fn a_queue_that_becomes_shorter_at_half_the_rate_is_one() {
    // how many of 400 wait; how many of 400 wait at half the rate; whether it is a queue
    for (before, then, is_queue) in [
        // Half way to the usual 100 ms...
        (100, 70, true),
        (100, 71, false),
        // ...or to a second less.
        (1_000, 800, true),
        (1_000, 801, false),
    ] {
        let mut ramp = at_rate(500.0);
        for _ in 0..40 {
            ramp.step(waited(400, before), THRESHOLDS, GROWTH);
        }
        assert_eq!((ramp.rate, ramp.target), (200.0, 400.0));
        // In the first step, nothing can be told.
        ramp.step(waited(400, 0), THRESHOLDS, GROWTH);
        assert_eq!((ramp.rate, ramp.target), (200.0, 400.0));
        ramp.step(waited(400, then), THRESHOLDS, GROWTH);
        assert_eq!(ramp.target > 0.0, is_queue, "{before} {then}");
        for _ in 0..3 {
            ramp.step(waited(400, before), THRESHOLDS, GROWTH);
        }
        assert_eq!(ramp.rate < 400.0, is_queue, "{before} {then}");
    }
}

#[test]
fn the_queue_of_an_overloaded_upstream_holds_the_rate_for_as_long_as_it_lasts() {
    // An upstream that answers 400 requests a second, one after the other.
    let mut ramp = at_rate(500.0);
    let (mut queue, mut served) = (0.0_f64, 0.0);
    for second in 0..600 {
        let answered = (queue + ramp.rate).min(400.0);
        queue = queue + ramp.rate - answered;
        served += answered;
        let info = waited(answered as u32, (queue + answered * 0.1) as u32);
        ramp.step(info, THRESHOLDS, GROWTH);
        assert!(ramp.rate <= 430.0, "{second}: {}", ramp.rate);
        assert!(queue <= 110.0, "{second}: {queue}");
    }
    assert!(served >= 0.95 * 600.0 * 400.0, "{served}");
}

#[test]
fn fewer_than_five_that_wait_are_no_queue() {
    for (waiting, is_held) in [(4, false), (5, true)] {
        let mut ramp = at_rate(500.0);
        ramp.step(waited(20, waiting), THRESHOLDS, GROWTH);
        assert_eq!(ramp.rate < 500.0, is_held, "{waiting}");
    }
}
