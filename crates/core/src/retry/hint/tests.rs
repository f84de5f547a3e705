use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::{Pace, PageRetry};

/// 2026-11-23T06:00:00Z.
const NOW_MS: u64 = 1_795_413_600_000;

fn retry() -> Retry {
    Retry {
        after: Duration::from_secs(10),
        after_by_status: vec![(504, Duration::from_secs(30))],
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

/// The hint where nobody keeps slots.
fn hint(retry: &Retry, facts: &Facts<'_>) -> Hint {
    scattered(base(retry, facts), millis(retry.max), facts.seed)
}

fn facts(status: u16, upstream: Option<&[u8]>, seed: u64) -> Facts<'_> {
    Facts {
        status,
        remaining_ms: None,
        upstream,
        now_ms: Some(NOW_MS),
        seed,
    }
}

#[test]
fn the_base_is_the_upstreams_else_the_configured() {
    for (status, upstream, want) in [
        (502, None, 10_000),
        (504, None, 30_000),
        (503, Some("7"), 7_000),
        (503, Some(" 7 "), 7_000),
        (503, Some("0"), MIN_MS),
        (503, Some("Mon, 23 Nov 2026 06:02:00 GMT"), 120_000),
        (503, Some("Monday, 23-Nov-26 06:02:00 GMT"), 120_000),
        (503, Some("Mon Nov 23 06:02:00 2026"), 120_000),
        (503, Some("Mon, 23 Nov 2026 05:00:00 GMT"), MIN_MS),
        (503, Some("soon"), 10_000),
        (503, Some("-5"), 10_000),
        (503, Some("1.5"), 10_000),
        (503, Some(""), 10_000),
        (503, Some("99999999999999999999999999"), 900_000),
    ] {
        let got = hint(&retry(), &facts(status, upstream.map(str::as_bytes), 0));
        assert_eq!(got.ms, want, "{status} {upstream:?}");
    }
}

#[test]
fn what_is_no_date_is_none() {
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
        assert_eq!(http_date(text), None, "{text:?}");
    }
}

#[test]
fn a_date_says_nothing_where_the_time_is_not_known() {
    let date = Some(&b"Mon, 23 Nov 2026 06:02:00 GMT"[..]);
    let got = hint(
        &retry(),
        &Facts {
            status: 503,
            remaining_ms: None,
            upstream: date,
            now_ms: None,
            seed: 0,
        },
    );
    assert_eq!(got.ms, 10_000);
}

#[test]
fn the_upstream_is_not_heard_where_it_is_not_to_be() {
    let deaf = Retry {
        honor_upstream: false,
        ..retry()
    };
    assert_eq!(hint(&deaf, &facts(503, Some(b"7"), 0)).ms, 10_000);
}

#[test]
fn seconds_are_the_ceiling() {
    for (ms, seconds) in [(1000, 1), (1001, 2), (11_999, 12), (12_000, 12)] {
        assert_eq!(Hint { ms }.seconds(), seconds);
    }
}

#[test]
fn a_crowd_is_spread_evenly() {
    let mut tenths = [0_u32; 10];
    for n in 0..10_000_u64 {
        let id = format!("a3f1b2c4-0000-4000-8000-{n:012}");
        let ms = hint(
            &retry(),
            &facts(502, None, seed(id.as_bytes(), NOW_MS * 1_000_000)),
        )
        .ms;
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
    fn dates_are_those_of_httpdate(seconds in 0_u64..253_402_300_800) {
        let at = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
        prop_assert_eq!(http_date(&httpdate::fmt_http_date(at)), Some(seconds));
    }

    #[test]
    fn any_text_is_a_date_or_none(text in ".{0,40}") {
        let _ = http_date(&text);
    }

    #[test]
    fn never_sooner_than_the_base_nor_later_than_max(value in any::<Vec<u8>>(), number in any::<u32>(), seed: u64, status in 500_u16..505) {
        let text = number.to_string();
        for upstream in [None, Some(&value[..]), Some(text.as_bytes())] {
            let facts = facts(status, upstream, seed);
            let base = hint(&retry(), &Facts { seed: 0, ..facts }).ms;
            let ms = hint(&retry(), &facts).ms;
            prop_assert!((base.max(MIN_MS)..=900_000).contains(&ms));
            prop_assert!(ms <= base + base / 5);
        }
    }
}
