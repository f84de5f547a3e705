use std::time::SystemTime;

use proptest::prelude::*;

use super::*;
use crate::config::{Pace, PageRetry, RetryAfter};

/// 2026-11-23T06:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_413_600_000);

fn retry() -> Retry {
    Retry {
        after: RetryAfter {
            default: Duration::from_secs(10),
            by_status: vec![(504, Duration::from_secs(30))],
        },
        honor_upstream: true,
        max: Duration::from_secs(900),
        pace: Pace::Auto,
        page: PageRetry {
            auto: true,
            max_attempts: 10,
            cap: Duration::from_secs(120),
        },
    }
}

/// Returns the delay of a hint without slots, in milliseconds.
fn delay_ms(retry: &Retry, failure: &FailureInfo<'_>, random: u64) -> u64 {
    let hint = scattered(base_delay(retry, failure), retry.max, random);
    hint.delay().as_millis() as u64
}

fn failure(status: u16, retry_after: Option<&[u8]>) -> FailureInfo<'_> {
    FailureInfo {
        status,
        remaining: None,
        retry_after,
        now: Some(NOW),
    }
}

#[test]
fn base_is_retry_after_of_the_upstream_or_the_configured_delay() {
    for (status, retry_after, want) in [
        (502, None, 10_000),
        (504, None, 30_000),
        (503, Some("7"), 7_000),
        (503, Some(" 7 "), 7_000),
        (503, Some("0"), 1_000),
        (503, Some("Mon, 23 Nov 2026 06:02:00 GMT"), 120_000),
        (503, Some("Monday, 23-Nov-26 06:02:00 GMT"), 120_000),
        (503, Some("Mon Nov 23 06:02:00 2026"), 120_000),
        (503, Some("Mon, 23 Nov 2026 05:00:00 GMT"), 1_000),
        (503, Some("soon"), 10_000),
        (503, Some("-5"), 10_000),
        (503, Some("1.5"), 10_000),
        (503, Some(""), 10_000),
        (503, Some("99999999999999999999999999"), 900_000),
    ] {
        let failure = failure(status, retry_after.map(str::as_bytes));
        let got = delay_ms(&retry(), &failure, 0);
        assert_eq!(got, want, "{status} {retry_after:?}");
    }
}

#[test]
fn invalid_dates_are_ignored() {
    for text in [
        "",
        "Mon",
        "Mon, 23 Nov 2026",
        "Mon, 23 Nov 2026 06:02:00",
        "Mon, 23 Nov 2026 06:02:00 CET",
        "Mon, 23 Nov 2026 06:02:00 GMT more",
        "Mon, 23 Foo 2026 06:02:00 GMT",
        "Mon, 31 Nov 2026 06:02:00 GMT",
        "Mon, 29 Feb 2026 06:02:00 GMT",
        "Mon, 23 Nov 2026 24:02:00 GMT",
        "Mon, 23 Nov 2026 06:60:00 GMT",
        "Mon, x Nov 2026 06:02:00 GMT",
        "Mon Nov 23 06:02:00",
        "Mon, 23 Nov 99999999999999999999 06:02:00 GMT",
        "Mon, 23 Nov 9223372036854775807 06:02:00 GMT",
    ] {
        let got = parse_retry_after(text.as_bytes(), Some(NOW));
        assert_eq!(got, None, "{text:?}");
    }
}

#[test]
fn a_date_is_ignored_if_the_time_is_unknown() {
    let date = Some(&b"Mon, 23 Nov 2026 06:02:00 GMT"[..]);
    let failure = FailureInfo {
        now: None,
        ..failure(503, date)
    };
    assert_eq!(delay_ms(&retry(), &failure, 0), 10_000);
}

#[test]
fn retry_after_is_ignored_unless_honored() {
    let retry = Retry {
        honor_upstream: false,
        ..retry()
    };
    assert_eq!(delay_ms(&retry, &failure(503, Some(b"7")), 0), 10_000);
}

#[test]
fn seconds_are_rounded_up() {
    for (ms, seconds) in [(1000, 1), (1001, 2), (11_999, 12), (12_000, 12)] {
        let hint = Hint::new(Duration::from_millis(ms));
        assert_eq!(hint.seconds(), seconds);
    }
}

#[test]
fn hints_without_slots_are_spread_evenly() {
    use crate::rng::{Rng, SplitMix64};
    let mut tenths = [0_u32; 10];
    for n in 0..10_000_u64 {
        let id = format!("a3f1b2c4-0000-4000-8000-{n:012}");
        let random = SplitMix64::for_request(id.as_bytes(), NOW).next_u64();
        let ms = delay_ms(&retry(), &failure(502, None), random);
        let share = usize::try_from((ms - 10_000) / 200).unwrap();
        tenths[share.min(9)] += 1;
    }
    assert!(
        tenths.iter().all(|&n| (850..1150).contains(&n)),
        "{tenths:?}"
    );
}

proptest! {
    #[test]
    fn every_http_date_is_parsed(seconds in 0_u64..253_402_300_800) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let date = httpdate::fmt_http_date(at);
        let got = parse_retry_after(date.as_bytes(), Some(Timestamp::EPOCH));
        prop_assert_eq!(got, Some(Duration::from_secs(seconds)));
    }

    #[test]
    fn any_text_is_parsed_without_panic(text in ".{0,40}") {
        let _ = parse_retry_after(text.as_bytes(), Some(NOW));
    }

    #[test]
    fn hints_are_between_base_and_max(
        value in any::<Vec<u8>>(), number in any::<u32>(), random: u64, status in 500_u16..505,
    ) {
        let text = number.to_string();
        for retry_after in [None, Some(&value[..]), Some(text.as_bytes())] {
            let failure = failure(status, retry_after);
            let base = delay_ms(&retry(), &failure, 0);
            let ms = delay_ms(&retry(), &failure, random);
            prop_assert!((base.max(1_000)..=900_000).contains(&ms));
            prop_assert!(ms <= base + base / 5);
        }
    }
}
