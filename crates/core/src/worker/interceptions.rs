//! The log of intercepted failures: one line per route and reason in ten seconds, for all workers.

use std::time::Duration;

use crate::failure::Reason;
use crate::host::{MetricStore, SharedData};
use crate::time::Timestamp;
use crate::worker::events::Event;
use crate::worker::metrics::Counter;
use crate::worker::routes::RouteKey;
use crate::worker::shared::{u64s_to_bytes, update};

/// Minimum time between two lines for a route and a reason.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Time after which a worker adds its count to the shared tally, so that the line has all of them.
const TALLY_INTERVAL: Duration = Duration::from_secs(1);

/// Returns the name of the counter of interceptions, without reason and route.
pub(super) fn counter_name(is_shadow: bool) -> &'static str {
    match is_shadow {
        true => "tidegate.would_intercept.reason.",
        false => "tidegate.intercepted.reason.",
    }
}

/// The interceptions of a route for one reason.
#[derive(Debug)]
pub(super) struct Interceptions {
    pub(super) reason: Reason,
    pub(super) is_shadow: bool,
    counter: Counter,
    /// The number that is neither in the log yet, nor in the tally of all workers.
    unlogged: u64,
    /// Whether the tally may contain counts that are not in the log.
    has_tally: bool,
    /// When to look at the tally next.
    next_look: Timestamp,
}

impl Interceptions {
    pub(super) fn new(reason: Reason, is_shadow: bool) -> Self {
        Self {
            reason,
            is_shadow,
            counter: Counter::default(),
            unlogged: 0,
            has_tally: false,
            next_look: Timestamp::EPOCH,
        }
    }

    pub(super) fn count(&mut self) {
        self.counter.add();
        self.unlogged = self.unlogged.saturating_add(1);
    }

    pub(super) fn set_back(&mut self, back: Duration) {
        self.next_look = self.next_look.saturating_sub(back);
    }

    pub(super) fn report(&mut self, host: &mut impl MetricStore, key: &RouteKey) {
        let (prefix, reason) = (counter_name(self.is_shadow), self.reason.as_str());
        self.counter
            .report(host, || format!("{prefix}{reason}.route.{key}"));
    }

    /// Returns the event of all workers' interceptions since the last one, if it is due.
    pub(super) fn take_due(
        &mut self,
        host: &mut impl SharedData,
        prefix: &str,
        route: &RouteKey,
        now: Timestamp,
    ) -> Option<Event> {
        let has_some = self.unlogged > 0 || self.has_tally;
        if !has_some || now < self.next_look {
            return None;
        }
        let (counter, reason) = (counter_name(self.is_shadow), self.reason.as_str());
        let key = format!("{prefix}?{counter}{reason}/{route}");
        let count = self.exchange(host, &key, now);
        (count > 0).then(|| Event::Intercepted {
            route: route.clone(),
            reason: self.reason,
            is_shadow: self.is_shadow,
            count,
        })
    }

    /// Adds the unlogged count to the shared tally. Returns the count to log now.
    fn exchange(&mut self, host: &mut impl SharedData, key: &str, now: Timestamp) -> u64 {
        let unlogged = std::mem::take(&mut self.unlogged);
        let (mut due, mut left) = (0, 0);
        let mut next_look = now.saturating_add(TALLY_INTERVAL);
        let updated = update(host, key, |found| {
            let tally = found.and_then(Tally::decode).unwrap_or_default();
            let count = tally.count.saturating_add(unlogged);
            let logged = tally.logged.at_most_ahead(now, Duration::ZERO);
            let log_at = logged.saturating_add(LOG_INTERVAL);
            let tally = if now >= log_at {
                (due, left) = (count, 0);
                Tally {
                    count: 0,
                    logged: now,
                }
            } else {
                (due, left) = (0, count);
                next_look = next_look.min(log_at);
                Tally { count, logged }
            };
            // Zero if another worker has logged the tally.
            Ok((count > 0).then(|| tally.encode()))
        });
        if updated.is_err() {
            // Without shared data each worker logs its own count.
            (due, left, next_look) = (unlogged, 0, now.saturating_add(LOG_INTERVAL));
        }
        self.has_tally = left > 0;
        self.next_look = next_look;
        due
    }
}

/// Interceptions of all workers that are not in the log yet.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: u64,
    /// When the last line was logged.
    logged: Timestamp,
}

impl Tally {
    fn encode(self) -> Vec<u8> {
        u64s_to_bytes(&[self.count, self.logged.as_millis()])
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (count, logged) = bytes.split_first_chunk()?;
        Some(Self {
            count: u64::from_le_bytes(*count),
            logged: Timestamp::from_millis(u64::from_le_bytes(logged.try_into().ok()?)),
        })
    }
}
