use std::time::SystemTime;

use proptest::prelude::*;

use super::*;
use crate::config::{PageRetry, RetryAfter};

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
        check_ins: 500,
        page: PageRetry {
            auto: true,
            max_attempts: 10,
            cap: Duration::from_secs(120),
        },
    }
}

/// Returns the delay of a hint in milliseconds, if few clients wait.
fn delay_ms(retry: &Retry, failure: &FailureInfo<'_>, unit: f64) -> u64 {
    let hint = hint(retry, failure, Duration::ZERO, unit);
    assert!(!hint.is_crowded());
    hint.delay().as_millis() as u64
}

fn failure(status: u16, retry_after: Option<&[u8]>) -> FailureInfo<'_> {
    FailureInfo {
        status,
        remaining: None,
        spread: Duration::ZERO,
        is_limit: false,
        retry_after,
        now: Some(NOW),
    }
}

#[test]
fn a_limiter_says_when_its_client_comes_back() {
    let hint = |retry_after| {
        let limited = FailureInfo {
            is_limit: true,
            ..failure(429, retry_after)
        };
        let got = [0.0, 0.99].map(|unit| delay_ms(&retry(), &limited, unit));
        (got[0], got[1])
    };
    assert_eq!(hint(Some(&b"2"[..])), (2_000, 2_000), "sooner than usual");
    assert_eq!(hint(Some(b"3600")), (3_600_000, 3_600_000));
    assert_eq!(hint(Some(b"0")), (1_000, 1_000));
    assert_eq!(hint(None), (6_000, 9_960), "the usual interval");
    let deaf = Retry {
        honor_upstream: false,
        ..retry()
    };
    let limited = FailureInfo {
        is_limit: true,
        ..failure(429, Some(b"2"))
    };
    assert_eq!(delay_ms(&deaf, &limited, 0.0), 6_000);
}

#[test]
fn a_hint_is_the_configured_interval_and_at_least_what_the_upstream_asks_for() {
    for (status, retry_after, least, most) in [
        (502, None, 6_000, 10_000),
        (504, None, 18_000, 30_000),
        (503, Some("7"), 7_000, 10_000),
        (503, Some(" 7 "), 7_000, 10_000),
        (503, Some("11"), 11_000, 11_000),
        (503, Some("0"), 6_000, 10_000),
        (503, Some("Mon, 23 Nov 2026 06:02:00 GMT"), 120_000, 120_000),
        (
            503,
            Some("Monday, 23-Nov-26 06:02:00 GMT"),
            120_000,
            120_000,
        ),
        (503, Some("Mon Nov 23 06:02:00 2026"), 120_000, 120_000),
        (503, Some("Mon, 23 Nov 2026 05:00:00 GMT"), 6_000, 10_000),
        (503, Some("soon"), 6_000, 10_000),
        (503, Some("-5"), 6_000, 10_000),
        (503, Some("1.5"), 6_000, 10_000),
        (503, Some(""), 6_000, 10_000),
        // `retry.max` does not bound what the upstream asks for; a day does.
        (503, Some("3600"), 3_600_000, 3_600_000),
        (
            503,
            Some("99999999999999999999999999"),
            86_400_000,
            86_400_000,
        ),
    ] {
        let failure = failure(status, retry_after.map(str::as_bytes));
        let got = [0.0, 1.0].map(|unit| delay_ms(&retry(), &failure, unit));
        assert_eq!(got, [least, most], "{status} {retry_after:?}");
    }
}

#[test]
fn while_the_circuit_is_open_a_hint_is_the_remaining_time() {
    for (remaining_ms, want) in [
        (0, 1_000),
        (400, 1_000),
        (2_300, 2_300),
        (3_600_000, 3_600_000),
    ] {
        let failure = FailureInfo {
            remaining: Some(Duration::from_millis(remaining_ms)),
            ..failure(503, None)
        };
        let got = [0.0, 0.99].map(|unit| delay_ms(&retry(), &failure, unit));
        assert_eq!(got, [want, want], "{remaining_ms}");
    }
}

#[test]
fn clients_come_back_a_little_after_an_end_that_is_known() {
    for (remaining_s, spread_s, crowd_s, least, most) in [
        (21_600, 216, 0, 21_600, 21_816),
        // `retry.max` limits it.
        (200_000, 2_000, 0, 200_000, 200_900),
        (600, 6, 0, 600, 606),
        (600, 6, 300, 600, 900),
    ] {
        let failure = FailureInfo {
            remaining: Some(Duration::from_secs(remaining_s)),
            spread: Duration::from_secs(spread_s),
            ..failure(503, None)
        };
        let got = [0.0, 1.0].map(|unit| {
            let hint = hint(&retry(), &failure, Duration::from_secs(crowd_s), unit);
            hint.delay().as_secs()
        });
        assert_eq!(got, [least, most], "{remaining_s}");
    }
}

#[test]
fn the_interval_of_a_crowd_is_used_if_it_is_longer_and_bounded_by_max() {
    let of = |crowd_s, remaining_s: Option<u64>, unit| {
        let failure = FailureInfo {
            remaining: remaining_s.map(Duration::from_secs),
            ..failure(503, None)
        };
        let hint = hint(&retry(), &failure, Duration::from_secs(crowd_s), unit);
        (hint.delay().as_secs(), hint.is_crowded())
    };
    // Crowd interval and remaining open time, in seconds; the least and the longest hint.
    for (crowd, remaining, least, most, is_crowded) in [
        (9, None, 6, 10, false),
        // From a fifth of it, and on average seven tenths.
        (20, None, 4, 24, true),
        (700, None, 140, 840, true),
        (900, None, 180, 900, true),
        (5_000, None, 180, 900, true),
        // After the open time, spread over the interval.
        (4, Some(3), 3, 7, false),
        (20, Some(3), 3, 23, true),
        (5_000, Some(3), 3, 903, true),
    ] {
        let got = (of(crowd, remaining, 0.0), of(crowd, remaining, 1.0));
        let want = ((least, is_crowded), (most, is_crowded));
        assert_eq!(got, want, "{crowd} {remaining:?}");
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
    assert_eq!(delay_ms(&retry(), &failure, 1.0), 10_000);
}

#[test]
fn retry_after_is_ignored_unless_honored() {
    let retry = Retry {
        honor_upstream: false,
        ..retry()
    };
    assert_eq!(delay_ms(&retry, &failure(503, Some(b"11")), 1.0), 10_000);
}

#[test]
fn seconds_are_rounded_up() {
    for (ms, seconds) in [(1000, 1), (1001, 2), (11_999, 12), (12_000, 12)] {
        let hint = Hint::new(Duration::from_millis(ms), false);
        assert_eq!(hint.seconds(), seconds);
    }
}

#[test]
fn hints_are_spread_evenly() {
    use crate::rng::{Rng as _, SplitMix64};
    let mut tenths = [0_u32; 10];
    for n in 0..10_000_u64 {
        let id = format!("a3f1b2c4-0000-4000-8000-{n:012}");
        let unit = SplitMix64::for_request(id.as_bytes(), NOW).unit();
        let ms = delay_ms(&retry(), &failure(502, None), unit);
        let share = usize::try_from((ms - 6_000) / 400).unwrap();
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
    fn hints_are_at_least_a_second_and_what_was_asked_for(
        value in any::<Vec<u8>>(), number in any::<u32>(), unit in 0.0..1.0_f64, status in 500_u16..505,
        crowd_ms in 0_u64..10_000_000, remaining_ms in prop::option::of(0_u64..10_000_000),
    ) {
        let text = number.to_string();
        for retry_after in [None, Some(&value[..]), Some(text.as_bytes())] {
            let failure = FailureInfo {
                remaining: remaining_ms.map(Duration::from_millis),
                ..failure(status, retry_after)
            };
            let got = hint(&retry(), &failure, Duration::from_millis(crowd_ms), unit).delay();
            let asked = retry_after.and_then(|value| parse_retry_after(value, Some(NOW)));
            let asked = asked.unwrap_or_default().min(MAX_ASKED);
            prop_assert!(got >= MIN_DELAY && got >= asked);
            prop_assert!(got >= failure.remaining.unwrap_or_default());
            let longest = failure.remaining.unwrap_or_default() + Duration::from_secs(900);
            prop_assert!(got <= longest.max(asked), "{got:?}");
        }
    }
}
