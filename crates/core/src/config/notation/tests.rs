use super::*;

#[test]
fn a_duration_is_a_whole_number_and_one_unit() {
    for (text, expected) in [
        ("250ms", Some(250)),
        ("5s", Some(5_000)),
        ("2m", Some(120_000)),
        ("1h", Some(3_600_000)),
        ("0s", Some(0)),
        ("", None),
        ("s", None),
        ("5", None),
        ("5 s", None),
        (" 5s", None),
        ("+5s", None),
        ("-5s", None),
        ("05s", None),
        ("1.5s", None),
        ("1m30s", None),
        ("5S", None),
        ("5d", None),
        ("99999999999999999999s", None),
        ("18446744073709551615h", None),
        ("٣s", None),
    ] {
        let expected = expected.map(Duration::from_millis);
        assert_eq!(duration(text), expected, "{text}");
    }
    for (ms, expected) in [
        (0, "0s"),
        (1, "1ms"),
        (999, "999ms"),
        (1_000, "1s"),
        (1_500, "1500ms"),
        (60_000, "1m"),
        (90_000, "90s"),
        (600_000, "10m"),
        (3_600_000, "1h"),
        (86_400_000, "24h"),
    ] {
        let time = Duration::from_millis(ms);
        assert_eq!(duration_text(time), expected);
        assert_eq!(duration(expected), Some(time));
    }
}

#[test]
fn a_status_range_holds_only_failures() {
    for (text, expected) in [
        ("502", Some((502, 502))),
        ("502-504", Some((502, 504))),
        ("5xx", Some((500, 599))),
        ("4xx", Some((400, 499))),
        ("3xx", None),
        ("5XX", None),
        ("504-502", None),
        ("399", None),
        ("600", None),
        ("0502", None),
        ("+502", None),
        ("502-", None),
        ("-502", None),
        ("502-503-504", None),
        ("", None),
    ] {
        assert_eq!(status_range(text), expected, "{text}");
    }
}

#[test]
fn a_date_is_rfc_3339_with_a_zone_and_not_before_the_epoch() {
    for (text, expected) in [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("1970-01-02T00:00:01.999Z", Some(86_401)),
        ("2000-02-29T12:00:00z", Some(951_825_600)),
        ("2000-03-01 00:00:00Z", Some(951_868_800)),
        ("2026-12-01T06:00:00Z", Some(1_796_104_800)),
        ("2026-12-01T06:00:00+02:00", Some(1_796_097_600)),
        ("2026-12-01T06:00:00-02:30", Some(1_796_113_800)),
        ("9999-12-31T23:59:59Z", Some(253_402_300_799)),
        ("2100-02-29T00:00:00Z", None),
        ("2026-02-29T00:00:00Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("2026-00-01T00:00:00Z", None),
        ("2026-01-00T00:00:00Z", None),
        ("2026-01-01T24:00:00Z", None),
        ("2026-01-01T00:60:00Z", None),
        ("2026-01-01T00:00:60Z", None),
        ("2026-01-01T00:00:00", None),
        ("2026-01-01T00:00:00.Z", None),
        ("2026-01-01T00:00:00Zx", None),
        ("2026-01-01T00:00:00+2", None),
        ("2026-01-01", None),
        ("1969-12-31T23:59:59Z", None),
        ("1970-01-01T00:00:00+00:01", None),
        ("1970-01-01T00:00:00-00:01", Some(60)),
        ("1969-12-31T23:59:59-00:01", None),
        ("2026-12-01T06:00:00.1234567890123Z", Some(1_796_104_800)),
        ("2026-12-01t06:00:00+23:59", Some(1_796_018_460)),
        ("2026-12-01T06:00:00+24:00", None),
        ("2026-12-01T06:00:00+00:60", None),
        ("2026-12-01T06:00:00+0200", None),
        ("2026-12-01T06:00:00+02", None),
        ("2026-12-01T06:00:00+02:00:00", None),
        ("2026-12-01T06:00:00Z[Europe/Berlin]", None),
        ("2026-12-01T06:00:00,5Z", None),
        ("2026-12-01T06:00Z", None),
        ("2026-W49-2T06:00:00Z", None),
        ("+002026-12-01T06:00:00Z", None),
        ("20261201T060000Z", None),
        ("2026-12-01_06:00:00Z", None),
        ("2026-12-01T06:00:0éZ", None),
        ("0000-01-01T00:00:00Z", None),
        ("", None),
    ] {
        let expected = expected.map(Timestamp::from_secs);
        assert_eq!(date(text), expected, "{text}");
    }
}

#[test]
fn a_written_date_is_read_again() {
    for seconds in [0, 1_796_104_800, 253_402_300_799] {
        let time = Timestamp::from_secs(seconds);
        assert_eq!(date(&date_text(time)), Some(time));
    }
}

#[test]
fn only_short_decimals_are_decimals() {
    for (value, expected) in [
        (0.0, true),
        (0.5, true),
        (-0.25, true),
        (0.1, true),
        (123_456.654_321, true),
        (1e-6, true),
        (1e-7, false),
        (0.123_456_7, false),
        (1e12, false),
        (f64::NAN, false),
    ] {
        assert_eq!(is_decimal(value), expected, "{value}");
    }
}

#[test]
fn a_number_has_at_most_six_decimals() {
    for (value, expected) in [
        (0.0, "0"),
        (0.5, "0.5"),
        (-0.25, "-0.25"),
        (1.0, "1"),
        (100.0, "100"),
        (1.0 / 3.0, "0.333333"),
        (1e-9, "a number near 0"),
        (-1e-9, "a number near 0"),
        (-0.0, "0"),
        (1e12, "a number out of range"),
        (1e300, "a number out of range"),
        (f64::NAN, "a number out of range"),
    ] {
        assert_eq!(number(value), expected);
    }
}
