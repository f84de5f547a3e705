use super::*;

fn counts(offered: u64, served: u64, rejected: u64, state: u64) -> Counts {
    Counts {
        offered,
        served,
        rejected,
        state,
        admitted: 40,
        ..Counts::default()
    }
}

#[test]
fn points_are_differences_a_second_apart() {
    let (mut watch, start) = (Watch::default(), Instant::now());
    let at = |half_seconds: u32| start + STEP / 2 * half_seconds;
    watch.take(counts(10, 10, 0, 0), at(0));
    watch.take(counts(12, 11, 0, 0), at(1));
    watch.take(counts(15, 12, 3, 3), at(2));
    watch.take(counts(15, 12, 3, 3), at(4));
    assert_eq!(
        watch.history(),
        json!({ "offered": [5, 0], "served": [2, 0], "rejected": [3, 0] })
    );
}

#[test]
fn the_number_of_points_is_bounded() {
    let (mut watch, start) = (Watch::default(), Instant::now());
    for second in 0..1000 {
        watch.take(counts(second, 0, 0, 0), start + STEP * second as u32);
    }
    let points = watch.history()["offered"].as_array().map(Vec::len);
    assert_eq!(points, Some(MAX_POINTS));
}

#[test]
fn a_change_of_the_circuit_is_reported() {
    let (mut watch, now) = (Watch::default(), Instant::now());
    let states = [
        (0, false, "closed"),
        (3, true, "open"),
        (3, false, "open"),
        (2, true, "half-open"),
        (1, true, "ramp"),
    ];
    for (state, changed, name) in states {
        assert_eq!(watch.take(counts(0, 0, 0, state), now), changed, "{name}");
        assert_eq!(watch.circuit(), json!({ "state": name, "admitted": 40 }));
    }
}
