use super::*;

#[test]
fn nanoseconds_are_rounded_down_to_milliseconds() {
    assert_eq!(Timestamp::from_nanos(1_999_999), Timestamp::from_millis(1));
    assert_eq!(
        Timestamp::from_nanos(u64::MAX).as_millis(),
        18_446_744_073_709
    );
}

#[test]
fn arithmetic_saturates() {
    let latest = Timestamp::from_millis(u64::MAX);
    let second = Duration::from_secs(1);
    assert_eq!(latest.saturating_add(second), latest);
    assert_eq!(latest.saturating_add(Duration::MAX), latest);
    assert_eq!(Timestamp::EPOCH.saturating_sub(second), Timestamp::EPOCH);
    assert_eq!(Timestamp::EPOCH.saturating_since(latest), Duration::ZERO);
    assert_eq!(
        latest.saturating_since(latest.saturating_sub(second)),
        second
    );
}

#[test]
fn durations_are_cut_to_milliseconds() {
    assert_eq!(saturating_millis(Duration::from_micros(1_999)), 1);
    assert_eq!(saturating_millis(Duration::MAX), u64::MAX);
}
