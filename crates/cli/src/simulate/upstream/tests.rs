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
/// second.
fn steady(model: Model, offered: u64, capacity: f64) -> [f64; 8] {
    let mut upstream = Upstream::new(model);
    let mut counts = [0.0; 8];
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
                counts[answer as usize] += 0.1;
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
