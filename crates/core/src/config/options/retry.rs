//! `retry`: the retry hints for clients, and the retries of the built-in page.

use std::time::Duration;

use crate::config::option::{duration, flag, map, whole, Map, OptionType, Time};
use crate::config::section::{options, section, Entry, OptionTypeExt};
use crate::config::shape::{Absent, Field};
use crate::config::{limits, notation, strings, Json, Validator};

options! {
    /// The retry hints for clients, and the retries of the built-in page.
    pub struct Retry {
        /// The retry hint when nothing more specific is known, by the status that Envoy would have
        /// sent; `default` is for all other statuses. Statuses given here replace those of the
        /// default value. `default` keeps its value unless it is given.
        after: RetryAfter = After {},

        /// Whether no hint is shorter than a valid `Retry-After` of the upstream. `max` does not limit
        /// that time.
        honor_upstream: bool = flag().default(true),

        /// The longest interval, however many clients wait. It must not be shorter than any value of
        /// `after`. It does not limit what is known: a `Retry-After` of the upstream, the remaining open
        /// time of a circuit, the end of a maintenance.
        max: Duration = duration(limits::HINT).default(Duration::from_secs(60)),

        /// The check-ins of waiting clients per second that one Envoy answers. If more clients wait,
        /// their hints grow, up to `max`.
        check_ins: u32 = whole(1..=limits::CHECK_INS).default(500),

        /// How the built-in page retries by itself after a GET, where a retry can help: it waits
        /// for the hint, asks with HEAD whether the site is back, and reloads once. Visitors can
        /// stop it.
        page: PageRetry = section(),
    } removed {
        "pace" => "use `breaker.ramp.rate` for the requests per second that the upstream is known to carry",
    }

    /// The retries of the built-in page.
    pub struct PageRetry {
        /// Whether the built-in page retries automatically.
        auto: bool = flag().default(true),

        /// The number of attempts after which the page stops and says so. Attempts that the filter
        /// rejects without asking the upstream, because a circuit is not closed, do not count. The
        /// page reloads at most ten times.
        max_attempts: u32 = whole(1..=limits::ATTEMPTS).default(10),

        /// The longest wait after an attempt without any response (a network error or a time-out):
        /// each such attempt doubles the wait. After a response, the page waits for its hint.
        cap: Duration = duration(limits::PAGE_WAIT).default(Duration::from_secs(2 * 60)),
    }
}

/// The hints of `retry.after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryAfter {
    /// The hint for a status that `by_status` does not list.
    pub default: Duration,
    /// Hints by status of the failure as Envoy would have sent it, sorted by status.
    pub by_status: Vec<(u16, Duration)>,
}

impl RetryAfter {
    /// Returns the hints by their keys.
    pub(in crate::config) fn by_key(&self) -> Vec<(String, Duration)> {
        let statuses = self.by_status.iter();
        let statuses = statuses.map(|(status, hint)| (status.to_string(), *hint));
        std::iter::once((DEFAULT.to_owned(), self.default))
            .chain(statuses)
            .collect()
    }
}

/// The key of the hint for all statuses that have none of their own.
const DEFAULT: &str = "default";

/// `after`. Unlike other options, it is not replaced as a whole: `default` is inherited.
struct After {}

fn hints() -> Map<Time> {
    map(&strings::AFTER_KEY, duration(limits::HINT), limits::LIST)
}

impl Entry for After {
    type Value = RetryAfter;

    fn fields(&self, key: &'static str, doc: String) -> Vec<Field> {
        vec![Field {
            key,
            shape: hints().shape(),
            options: Vec::new(),
            absent: Absent::Default(hints().write(&Self {}.initial().by_key())),
            doc,
        }]
    }

    fn initial(self) -> RetryAfter {
        RetryAfter {
            default: Duration::from_secs(5),
            by_status: vec![(504, Duration::from_secs(15))],
        }
    }

    fn read(
        &self,
        value: &mut RetryAfter,
        key: &str,
        found: &str,
        json: &Json,
        v: &mut Validator,
    ) -> bool {
        if key != found {
            return false;
        }
        value.by_status.clear();
        for (key, hint) in v.read(&hints(), json).unwrap_or_default() {
            v.key(&key, |v| v.record(true));
            match notation::status(&key) {
                Some(status) => value.by_status.push((status, hint)),
                None if key == DEFAULT => value.default = hint,
                None => {}
            }
        }
        value.by_status.sort_unstable();
        true
    }

    fn write(&self, value: &RetryAfter, key: &str) -> Vec<(String, Json)> {
        vec![(key.to_owned(), hints().write(&value.by_key()))]
    }
}
