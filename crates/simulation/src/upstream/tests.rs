use super::*;

const MODEL: Model = Model {
    hosts: 2,
    timeout_ms: 1000,
    queue: 100,
    waste: 0.5,
};

fn with(capacity: f64) -> Condition {
    Condition {
        capacity,
        ..Condition::default()
    }
}

/// Returns the answers per second in the last 10 of 20 seconds, at `offered` and `capacity` per
/// second: good, timed out, full, refused.
fn steady(model: Model, offered: u64, capacity: f64) -> [f64; 4] {
    let mut upstream = Upstream::new(model);
    let mut counts = [0.0; 4];
    let (mut answers, mut sent) = (Vec::new(), 0);
    for now_ms in (0..20_000_u64).step_by(10) {
        while sent * 1000 < now_ms * offered {
            let host = usize::try_from(sent).unwrap() % model.hosts;
            upstream.send(host, (), with(capacity), now_ms, &mut answers);
            sent += 1;
        }
        upstream.serve(with(capacity), now_ms, 10, &mut answers);
        for (answer, ()) in answers.drain(..) {
            if now_ms >= 10_000 {
                let kinds = [
                    Answer::Good,
                    Answer::TimedOut,
                    Answer::Full,
                    Answer::Refused,
                ];
                let kind = kinds.iter().position(|kind| *kind == answer).unwrap();
                counts[kind] += 0.1;
            }
        }
    }
    counts
}

#[test]
fn requests_within_the_capacity_are_served() {
    let [good, late, full, refused] = steady(MODEL, 80, 100.0);
    assert!((good - 80.0).abs() < 1.0 && late + full + refused < 1.0);
}

#[test]
fn overload_wastes_the_documented_share_of_work() {
    // Served + waste * late = capacity; served + late = offered.
    let [good, late, ..] = steady(MODEL, 120, 100.0);
    assert!((good - 80.0).abs() < 2.0, "{good}");
    assert!((late - 40.0).abs() < 2.0, "{late}");
    let free = Model {
        waste: 0.0,
        ..MODEL
    };
    let [good, ..] = steady(free, 120, 100.0);
    assert!((good - 100.0).abs() < 2.0, "{good}");
    // All work is wasted; only the bounded queue limits it.
    let [good, late, full, _] = steady(MODEL, 400, 100.0);
    assert!(good < 3.0, "{good}");
    assert!((late - 200.0).abs() < 5.0 && (full - 200.0).abs() < 5.0);
}

#[test]
fn an_upstream_without_capacity_refuses() {
    assert_eq!(steady(MODEL, 50, 0.0)[..3], [0.0; 3]);
    let mut upstream = Upstream::new(MODEL);
    let mut answers = Vec::new();
    upstream.send(0, 'a', with(1.0), 0, &mut answers);
    assert_eq!(answers, []);
    upstream.serve(with(0.0), 10, 10, &mut answers);
    upstream.send(1, 'b', with(0.0), 10, &mut answers);
    assert_eq!(answers, [(Answer::Lost, 'a'), (Answer::Refused, 'b')]);
}

/// Sends one request at 0 in `condition`, changes to `later` at `change_ms`, and returns the answer
/// with its time.
fn answer(condition: Condition, later: Condition, change_ms: u64) -> (Answer, u64) {
    let mut upstream = Upstream::new(MODEL);
    let mut answers = Vec::new();
    upstream.send(0, (), condition, 0, &mut answers);
    for now_ms in (0..60_000).step_by(10) {
        let condition = if now_ms < change_ms { condition } else { later };
        upstream.serve(condition, now_ms, 10, &mut answers);
        if let Some((answer, ())) = answers.pop() {
            return (answer, now_ms);
        }
    }
    panic!("no answer");
}

#[test]
fn a_request_ends_as_the_condition_of_the_upstream_says() {
    let usual = with(1_000.0);
    let dead = with(0.0);
    let hanging = Condition {
        hangs: true,
        ..dead
    };
    let slow = Condition {
        delay_ms: 12_000,
        ..usual
    };
    let denying = Condition {
        denies: true,
        ..usual
    };
    for (condition, later, change_ms, want) in [
        (usual, usual, 0, (Answer::Good, 0)),
        (denying, denying, 0, (Answer::Denied, 0)),
        (slow, slow, 0, (Answer::Good, 12_000)),
        (dead, usual, 0, (Answer::Refused, 0)),
        (hanging, hanging, 0, (Answer::Left, 2_000)),
        // A request that hangs is not served later.
        (hanging, usual, 1_000, (Answer::Left, 2_000)),
        (hanging, dead, 1_000, (Answer::Lost, 1_000)),
        // What waits when the hosts begin to hang, or die, is not served either.
        (slow, hanging, 5_000, (Answer::Left, 7_000)),
        (slow, dead, 5_000, (Answer::Lost, 5_000)),
    ] {
        let found = answer(condition, later, change_ms);
        assert_eq!(found, want, "{condition:?}, then {later:?} at {change_ms}");
    }
}
