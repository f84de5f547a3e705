//! When to come back, as a person says it.

/// A wait, rounded so that a person can use it, and never to less than it is: who comes back when
/// told so must not be too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Up to five seconds.
    Moments,
    /// So many seconds, from 10 to 45.
    Seconds(u64),
    /// Up to a minute.
    Minute,
    /// So many minutes, from 2 to 45.
    Minutes(u64),
    /// Up to an hour.
    Hour,
    /// So many hours, from 2 to 47.
    Hours(u64),
    /// So many days, at least 2.
    Days(u64),
}

impl When {
    /// Rounds `ms` milliseconds.
    pub(super) fn from_ms(ms: u64) -> Self {
        let seconds = ms.div_ceil(1000);
        let minutes = seconds.div_ceil(60);
        let hours = minutes.div_ceil(60);
        match (seconds, minutes, hours) {
            (0..=5, ..) => When::Moments,
            (6..=20, ..) => When::Seconds(up_to(seconds, 5)),
            (21..=30, ..) => When::Seconds(30),
            (31..=45, ..) => When::Seconds(45),
            (_, 0..=1, _) => When::Minute,
            (_, 2..=10, _) => When::Minutes(minutes),
            (_, 11..=30, _) => When::Minutes(up_to(minutes, 5)),
            (_, 31..=45, _) => When::Minutes(45),
            (_, _, 0..=1) => When::Hour,
            (_, _, 2..=47) => When::Hours(hours),
            _ => When::Days(hours.div_ceil(24)),
        }
    }
}

/// `value`, rounded up to a multiple of `step`.
fn up_to(value: u64, step: u64) -> u64 {
    value.div_ceil(step).wrapping_mul(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_rounded_up_to_what_people_say() {
        use When::*;
        for (ms, expected) in [
            (0, Moments),
            (1, Moments),
            (5_000, Moments),
            (5_001, Seconds(10)),
            (10_000, Seconds(10)),
            (10_001, Seconds(15)),
            (20_000, Seconds(20)),
            (20_001, Seconds(30)),
            (30_001, Seconds(45)),
            (45_001, Minute),
            (60_000, Minute),
            (60_001, Minutes(2)),
            (600_000, Minutes(10)),
            (600_001, Minutes(15)),
            (900_000, Minutes(15)),
            (1_800_001, Minutes(45)),
            (2_700_001, Hour),
            (3_600_000, Hour),
            (3_600_001, Hours(2)),
            (47 * 3_600_000, Hours(47)),
            (47 * 3_600_000 + 1, Days(2)),
            (48 * 3_600_000 + 1, Days(3)),
        ] {
            assert_eq!(When::from_ms(ms), expected, "{ms} ms");
        }
        assert!(matches!(When::from_ms(u64::MAX), Days(_)));
    }

    #[test]
    fn nobody_is_told_to_come_too_early() {
        for ms in (0..400_000_000).step_by(977) {
            let told = match When::from_ms(ms) {
                When::Moments => 5_000,
                When::Seconds(n) => n * 1_000,
                When::Minute => 60_000,
                When::Minutes(n) => n * 60_000,
                When::Hour => 3_600_000,
                When::Hours(n) => n * 3_600_000,
                When::Days(n) => n * 86_400_000,
            };
            assert!(told >= ms, "{ms} ms");
        }
    }
}
