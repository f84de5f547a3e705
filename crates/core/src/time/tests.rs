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
fn dates_are_in_utc_to_the_second_until_year_9999() {
    let last = Timestamp::from_secs(253_402_300_799);
    for (time, expected) in [
        (Timestamp::EPOCH, "1970-01-01T00:00:00Z"),
        (
            Timestamp::from_millis(951_782_400_999),
            "2000-02-29T00:00:00Z",
        ),
        (last, "9999-12-31T23:59:59Z"),
    ] {
        let utc = time.to_utc().unwrap();
        assert_eq!(humantime::format_rfc3339(utc).to_string(), expected);
        let seconds = time.as_millis() / 1000;
        let expected = Some(Timestamp::from_secs(seconds));
        assert_eq!(Timestamp::from_date(utc, 0), expected);
    }
    assert_eq!(last.saturating_add(Duration::from_secs(1)).to_utc(), None);
    assert_eq!(Timestamp::from_secs(u64::MAX).to_utc(), None);
    let epoch = SystemTime::UNIX_EPOCH;
    assert_eq!(
        Timestamp::from_date(epoch - Duration::from_secs(1), 0),
        None
    );
    assert_eq!(Timestamp::from_date(epoch, 1), None);
    let expected = Some(Timestamp::from_secs(60));
    assert_eq!(Timestamp::from_date(epoch, -60), expected);
}

#[test]
fn seconds_of_a_duration_are_rounded_up() {
    for (ms, expected) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2)] {
        assert_eq!(seconds_rounded_up(Duration::from_millis(ms)), expected);
    }
}

#[test]
fn durations_are_cut_to_milliseconds() {
    assert_eq!(saturating_millis(Duration::from_micros(1_999)), 1);
    assert_eq!(saturating_millis(Duration::MAX), u64::MAX);
}
