use super::*;
use crate::time::Timestamp;

fn at(ms: u64) -> Option<SystemTime> {
    Timestamp::from_millis(ms).to_utc()
}

#[test]
fn programs_read_rfc_3339() {
    for (ms, expected) in [
        (0, "1970-01-01T00:00:00Z"),
        (999, "1970-01-01T00:00:00Z"),
        (68_169_600_000, "1972-02-29T00:00:00Z"),
        (951_782_399_999, "2000-02-28T23:59:59Z"),
        (951_782_400_000, "2000-02-29T00:00:00Z"),
        (951_868_800_000, "2000-03-01T00:00:00Z"),
        (1_709_164_800_000, "2024-02-29T00:00:00Z"),
        (1_735_689_599_000, "2024-12-31T23:59:59Z"),
        (1_787_480_130_250, "2026-08-23T10:15:30Z"),
        (4_107_542_399_000, "2100-02-28T23:59:59Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59Z"),
    ] {
        assert_eq!(at(ms).map(rfc3339).as_deref(), Some(expected));
    }
}

#[test]
fn there_is_no_date_after_year_9999() {
    assert_eq!(at(253_402_300_800_000), None);
    assert_eq!(at(u64::MAX), None);
}

#[test]
fn people_read_the_time_with_its_zone() {
    let time = at(1_787_480_130_250).unwrap();
    assert_eq!(readable(time), "2026-08-23 10:15:30 UTC");
}
