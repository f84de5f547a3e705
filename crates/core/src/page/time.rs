//! Points in time as pages write them: RFC 3339 in UTC, to the second.

use super::escape::Body;

/// The first millisecond after 9999-12-31T23:59:59.999Z; RFC 3339 §5.6 has four digits for a year.
const END: u64 = 253_402_300_800_000;

/// A date and time of day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Utc {
    year: u64,
    month: u64,
    day: u64,
    second_of_day: u64,
}

impl Utc {
    /// The second that `ms` milliseconds since the Unix epoch fall into; `None` after year 9999.
    pub(super) fn from_ms(ms: u64) -> Option<Self> {
        if ms >= END {
            return None;
        }
        let seconds = ms / 1000;
        // Years are counted from 1 March, so that the leap day is the last of its year, and in eras
        // of 400 years, after which the calendar repeats. Day 0 of this count is 0000-03-01.
        // The sums are small (see END): nothing ever wraps.
        let day = (seconds / 86_400).wrapping_add(719_468);
        let era = day / 146_097;
        let day_of_era = day % 146_097;
        let leap_days = (day_of_era / 1_460)
            .wrapping_add(day_of_era / 146_096)
            .wrapping_sub(day_of_era / 36_524);
        let year_of_era = day_of_era.wrapping_sub(leap_days) / 365;
        let day_of_year = day_of_era.wrapping_sub(
            year_of_era
                .wrapping_mul(365)
                .wrapping_add(year_of_era / 4)
                .wrapping_sub(year_of_era / 100),
        );
        // Months from March have 31,30,31,30,31 days over and over: 153 days in five.
        let month_from_march = day_of_year.wrapping_mul(5).wrapping_add(2) / 153;
        let first_of_month = month_from_march.wrapping_mul(153).wrapping_add(2) / 5;
        let (month, next_year) = match month_from_march {
            0..=9 => (month_from_march.wrapping_add(3), 0),
            _ => (month_from_march.wrapping_sub(9), 1),
        };
        Some(Self {
            year: era
                .wrapping_mul(400)
                .wrapping_add(year_of_era)
                .wrapping_add(next_year),
            month,
            day: day_of_year.wrapping_sub(first_of_month).wrapping_add(1),
            second_of_day: seconds % 86_400,
        })
    }

    /// Writes `2026-08-23T10:15:30Z` (RFC 3339 §5.6).
    pub(super) fn write_rfc3339(self, body: &mut Body) {
        self.write_date(body);
        body.markup("T");
        self.write_time(body);
        body.markup("Z");
    }

    /// Writes `2026-08-23 10:15:30 UTC`, the same in every language.
    pub(super) fn write_readable(self, body: &mut Body) {
        self.write_date(body);
        body.markup(" ");
        self.write_time(body);
        body.markup(" UTC");
    }

    fn write_date(self, body: &mut Body) {
        body.two_digits(self.year / 100)
            .two_digits(self.year % 100)
            .markup("-")
            .two_digits(self.month)
            .markup("-")
            .two_digits(self.day);
    }

    fn write_time(self, body: &mut Body) {
        body.two_digits(self.second_of_day / 3_600)
            .markup(":")
            .two_digits(self.second_of_day / 60 % 60)
            .markup(":")
            .two_digits(self.second_of_day % 60);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn rfc3339(ms: u64) -> Option<String> {
        let mut body = Body::default();
        Utc::from_ms(ms)?.write_rfc3339(&mut body);
        Some(String::from_utf8(body.into_bytes()).unwrap())
    }

    #[test]
    fn known_points_in_time() {
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
            (END - 1, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(ms).as_deref(), Some(expected));
        }
        assert_eq!(rfc3339(END), None);
        assert_eq!(rfc3339(u64::MAX), None);
    }

    #[test]
    fn people_read_it_too() {
        let mut body = Body::default();
        Utc::from_ms(1_787_480_130_250)
            .unwrap()
            .write_readable(&mut body);
        assert_eq!(body.into_bytes(), b"2026-08-23 10:15:30 UTC");
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` (httpdate's own arithmetic) as RFC 3339.
    fn by_httpdate(seconds: u64) -> String {
        let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
        let fields: Vec<&str> = text.split(' ').collect();
        let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let month = months.find(fields[2]).unwrap() / 3 + 1;
        format!("{}-{month:02}-{}T{}Z", fields[3], fields[1], fields[4])
    }

    #[test]
    fn every_day_to_the_end_agrees_with_httpdate() {
        for day in 0..END / 86_400_000 {
            let seconds = day * 86_400 + day % 86_400;
            assert_eq!(rfc3339(seconds * 1000), Some(by_httpdate(seconds)));
        }
    }

    proptest! {
        #[test]
        fn any_second_agrees_with_httpdate(ms in 0..END) {
            prop_assert_eq!(rfc3339(ms), Some(by_httpdate(ms / 1000)));
        }
    }
}
