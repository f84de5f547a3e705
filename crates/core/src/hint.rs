//! When to come back.
//!
//! The base is the time for which the filter itself will reject, else the upstream's own `Retry-After`,
//! where it is to be honoured, else what the configuration says for the status. Then each client gets
//! a slot of its own ([`pace`](crate::pace)), or, where that is not wanted, a share of the base on
//! top: those who failed in the same second should not return in the same second. The module has no
//! source of randomness; the share comes from the request id and the time, which differ for each
//! request.

use crate::config::Retry;
use crate::millis::{millis, times};
use crate::text::parse;

/// No client is told to come back sooner: `Retry-After: 0` would send the crowd straight back.
pub const MIN_MS: u64 = 1_000;

/// A hint is longer than its base by up to this many thousandths of it.
pub const JITTER_PERMILLE: u64 = 200;

/// When a client is told to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint {
    /// In milliseconds from now.
    pub ms: u64,
}

impl Hint {
    /// For `Retry-After`, whose unit is the second (RFC 9110 §10.2.3): the ceiling.
    pub fn seconds(self) -> u64 {
        self.ms.div_ceil(1000)
    }
}

/// What a hint is made from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Status of the failure, as Envoy would have sent it.
    pub status: u16,
    /// For how much longer the request would be rejected, where that is known, in milliseconds.
    pub remaining_ms: Option<u64>,
    /// `Retry-After` of the failed response.
    pub upstream: Option<&'a [u8]>,
    /// Milliseconds since the Unix epoch; `None`: not known, so that a date says nothing.
    pub now_ms: Option<u64>,
    /// Differs from request to request ([`seed`]).
    pub seed: u64,
}

/// The time that is known, or configured, for everybody: what the first client is told, in milliseconds.
pub fn base(retry: &Retry, facts: &Facts<'_>) -> u64 {
    let upstream = facts.upstream.filter(|_| retry.honor_upstream);
    facts
        .remaining_ms
        .or_else(|| parse_retry_after(upstream?, facts.now_ms))
        .unwrap_or_else(|| configured(retry, facts.status))
        .max(MIN_MS)
        .min(millis(retry.max))
}

/// The hint where nobody keeps slots: a little after the base.
pub(crate) fn scattered(base_ms: u64, max_ms: u64, seed: u64) -> Hint {
    let spread = times(base_ms, JITTER_PERMILLE).checked_div(1000);
    let most = base_ms.saturating_add(spread.unwrap_or(0));
    Hint {
        ms: between(base_ms, most, seed).min(max_ms),
    }
}

/// A time from `first_ms` to `last_ms`, any as likely as any other.
pub(crate) fn between(first_ms: u64, last_ms: u64, seed: u64) -> u64 {
    let choices = last_ms.saturating_sub(first_ms).saturating_add(1);
    first_ms.saturating_add(seed.checked_rem(choices).unwrap_or(0))
}

fn configured(retry: &Retry, status: u16) -> u64 {
    let listed = retry.after.by_status.iter().find(|(of, _)| *of == status);
    millis(listed.map_or(retry.after.default, |&(_, after)| after))
}

/// A valid `Retry-After` (RFC 9110 §10.2.3) in milliseconds from now: a number of seconds, or a
/// date in any of the three forms of §5.6.7. A date that is past means now.
pub fn parse_retry_after(value: &[u8], now_ms: Option<u64>) -> Option<u64> {
    let text = core::str::from_utf8(value.trim_ascii()).ok()?;
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number holds is as good as for ever; `retry.max` bounds it.
        return Some(times(parse(text.as_bytes()).unwrap_or(u64::MAX), 1000));
    }
    Some(times(http_date(text)?, 1000).saturating_sub(now_ms?))
}

/// Seconds since the Unix epoch of a date in one of the three forms of RFC 9110 §5.6.7: that of
/// today, that of RFC 850, that of `asctime`. Words and numbers count, what stands between them
/// does not. (A crate that does this would be five kilobytes of the module.)
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut parts = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty());
    let _weekday = parts.next()?;
    let first = parts.next()?;
    let second = parts.next()?;
    let is_asctime = first.starts_with(|c: char| c.is_ascii_alphabetic());
    let (month, day) = if is_asctime {
        (first, second)
    } else {
        (second, first)
    };
    let mut number = || whole(parts.next()?);
    let year_first = if is_asctime { None } else { Some(number()?) };
    let (hour, minute, second) = (number()?, number()?, number()?);
    let year = match year_first {
        None => number()?,
        Some(year) if parts.next()? == "GMT" => year,
        Some(_) => return None,
    };
    // RFC 850 has two digits; what looks far ahead is meant to be past.
    let year = match year {
        0..70 => year.wrapping_add(2000),
        70..100 => year.wrapping_add(1900),
        _ => year,
    };
    let month = i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()?;
    let day = jiff::civil::Date::new(
        year.try_into().ok()?,
        month.wrapping_add(1).try_into().ok()?,
        whole(day)?.try_into().ok()?,
    );
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let since = day
        .ok()?
        .duration_since(jiff::civil::date(1970, 1, 1))
        .as_secs();
    let time = hour
        .wrapping_mul(60)
        .wrapping_add(minute)
        .wrapping_mul(60)
        .wrapping_add(second);
    u64::try_from(since.wrapping_add(time)).ok()
}

fn whole(text: &str) -> Option<i64> {
    i64::try_from(parse(text.as_bytes())?).ok()
}

/// A number that differs from request to request, from what differs: id and time.
pub fn seed(request_id: &[u8], now_ns: u64) -> u64 {
    // FNV-1a over the id, then the finaliser of SplitMix64, which spreads every bit over all.
    let mut hash = request_id
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    hash ^= now_ns;
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::config::{Pace, PageRetry, RetryAfter};

    /// 2026-11-23T06:00:00Z.
    const NOW_MS: u64 = 1_795_413_600_000;

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
}
