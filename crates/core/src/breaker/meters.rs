//! What a worker counts, as metrics of Envoy.
//!
//! A metric is defined when there is something to say, and its number is kept: a healthy route has
//! none, and costs nothing. The name of a metric ends with the key of its route, which may have
//! dots and slashes in it: so a rule for labels (`envoy/stats-tags.yaml`) knows where it begins.
//!
//! What was answered is also written to the log, one line for a route and a reason in ten seconds.

use crate::prelude::*;
use core::num::NonZeroU32;

use crate::breaker::ramp::RAMP_FULL;
use crate::breaker::record::{Record, State};
use crate::breaker::store::{self, Store};
use crate::breaker::ticket::Event;
use crate::negotiate::Format;
use crate::reason::Reason;
use crate::routes::{ByRoute, Keys};

/// One line of the log for a route and a reason in this time, in milliseconds.
const LOG_MS: u64 = 10_000;
/// A worker tells the others after so long what it has answered, so that the line has it all.
const TALLY_MS: u64 = 1_000;
/// Counts configurations that were refused. No bank may be there to count them.
pub const CONFIG_ERRORS: &str = "tidegate.config_errors";

/// Where metrics go.
pub trait Metrics {
    /// Defines a metric, or finds the one of this name; `None` where that fails.
    fn define(&mut self, kind: Kind, name: &str) -> Option<u32>;

    /// Adds to a counter.
    fn add(&mut self, id: u32, by: u64);

    /// Sets a gauge.
    fn set(&mut self, id: u32, value: u64);
}

/// What a metric does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It says how something is now.
    Gauge,
}

/// A counter of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Requests that the breaker rejected.
    Rejected,
    /// Requests that it would have rejected, but for shadow mode.
    WouldReject,
    /// Requests that were let through to try the upstream.
    Probes,
    /// How often it opened.
    Trips,
    /// Clients that were told when to come back.
    HintsGiven,
    /// Clients that said that they came back because they were told to, and got through.
    HintsKept,
}

impl Count {
    #[cfg(test)]
    pub(super) const ALL: [Self; 6] = [
        Self::Rejected,
        Self::WouldReject,
        Self::Probes,
        Self::Trips,
        Self::HintsGiven,
        Self::HintsKept,
    ];

    /// In the order of the variants.
    const NAMES: [&'static str; 6] = [
        "breaker.rejected",
        "breaker.would_reject",
        "breaker.probes",
        "breaker.trips",
        "hints_given",
        "hints_kept",
    ];
}

/// A counter of all routes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// Reads and writes of the shared data that failed, or that others got ahead of each time.
    StoreErrors,
    /// Requests of routes beyond [`MAX_ROUTES`](crate::breaker::bank::MAX_ROUTES).
    OverLimit,
    /// Requests of routes whose metadata name a policy or a page that is not there.
    UnknownName,
    /// Requests that the filter left alone because a call to the host failed.
    HostErrors,
}

impl Total {
    #[cfg(test)]
    pub(super) const ALL: [Self; 4] = [
        Self::StoreErrors,
        Self::OverLimit,
        Self::UnknownName,
        Self::HostErrors,
    ];

    /// In the order of the variants.
    const NAMES: [&'static str; 4] = [
        "tidegate.breaker.store_errors",
        "tidegate.breaker.routes_over_limit",
        "tidegate.breaker.unknown_name",
        "tidegate.host_errors",
    ];
}

#[cfg(test)]
pub(super) const FORMATS: [Format; 6] = [
    Format::Html,
    Format::Problem,
    Format::Text,
    Format::Grpc,
    Format::Empty,
    Format::Line,
];

/// In the order of the variants of [`Format`].
const FORMAT_NAMES: [&str; 6] = ["html", "problem", "text", "grpc", "empty", "line"];

/// What the counter of answers is called, before reason and route.
fn answers_of(is_shadow: bool) -> &'static str {
    match is_shadow {
        true => "tidegate.would_intercept.reason.",
        false => "tidegate.intercepted.reason.",
    }
}

/// Every metric that there can be, with `*` for what differs.
pub fn catalog() -> Vec<(Kind, String)> {
    let of_route = |name: &str| ["tidegate.", name, ".route.*"].joined();
    let counters = Count::NAMES.map(of_route);
    let gauges = GAUGES.map(of_route);
    let totals = Total::NAMES.map(str::to_owned);
    let formats = [
        "tidegate.replies.format.*".to_owned(),
        CONFIG_ERRORS.to_owned(),
    ];
    let answers = [false, true].map(|is_shadow| [answers_of(is_shadow), "*.route.*"].joined());
    let counters = counters
        .into_iter()
        .chain(totals)
        .chain(formats)
        .chain(answers);
    let gauges = gauges.into_iter().map(|name| (Kind::Gauge, name));
    counters
        .map(|name| (Kind::Counter, name))
        .chain(gauges)
        .collect()
}

/// The number of a metric at the host, kept so that "none" needs no room: each route has many. (A host
/// that gives the greatest number of all is asked again each time.)
#[derive(Debug, Clone, Copy, Default)]
struct Id(Option<NonZeroU32>);

impl Id {
    /// The number; it is asked for where it is not known yet.
    fn or_defined(&mut self, define: impl FnOnce() -> Option<u32>) -> Option<u32> {
        if let Some(known) = self.0 {
            return Some(known.get().wrapping_sub(1));
        }
        let id = define()?;
        self.0 = NonZeroU32::new(id.wrapping_add(1));
        Some(id)
    }
}

/// A counter: what is not told yet, and its number at the host. It is told twenty times a second, for
/// which this width is enough.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    pending: u32,
    id: Id,
}

impl Counter {
    fn add(&mut self) {
        self.pending = self.pending.saturating_add(1);
    }

    // Not inlined, here and below: once for all that is told.
    #[inline(never)]
    fn report(&mut self, sink: &mut dyn Metrics, name: &[&str]) {
        if self.pending == 0 {
            return;
        }
        let id = self
            .id
            .or_defined(|| sink.define(Kind::Counter, &name.joined()));
        if let Some(id) = id {
            sink.add(id, core::mem::take(&mut self.pending).into());
        }
    }
}

/// The gauges of a route.
const GAUGES: [&str; 2] = [STATE, ADMITTED];
const STATE: &str = "breaker.state";
const ADMITTED: &str = "breaker.admitted_percent";

/// The gauges of one route.
#[derive(Debug, Default)]
struct Gauges {
    /// One more than what was told last; 0: nothing was.
    told: [u8; GAUGES.len()],
    ids: [Id; GAUGES.len()],
}

impl Gauges {
    #[inline(never)]
    fn report(&mut self, sink: &mut dyn Metrics, values: [u8; GAUGES.len()], key: &str) {
        let gauges = self.told.iter_mut().zip(&mut self.ids);
        for ((value, name), (told, id)) in values.into_iter().zip(GAUGES).zip(gauges) {
            let tells = value.saturating_add(1);
            if *told == tells {
                continue;
            }
            let name = ["tidegate.", name, ".route.", key];
            let id = id.or_defined(|| sink.define(Kind::Gauge, &name.joined()));
            if let Some(id) = id {
                sink.set(id, value.into());
                *told = tells;
            }
        }
    }
}

/// The metrics of one route.
#[derive(Debug, Default)]
struct Meter {
    counts: [Counter; Count::NAMES.len()],
    gauges: Gauges,
    answers: Option<Box<Answers>>,
}

/// What was answered for one reason.
#[derive(Debug)]
struct Answers {
    reason: Reason,
    is_shadow: bool,
    /// Whether there may be something in the tally that no worker has written to the log.
    is_owed: bool,
    counter: Counter,
    /// Not yet in the log, nor in the tally of all workers.
    unlogged: u32,
    /// When to look at the tally next, in milliseconds since the Unix epoch.
    log_ms: u64,
    /// For another reason: a route rarely has one.
    next: Option<Box<Answers>>,
}

impl Answers {
    /// How many are to be written to the log now, of all workers: one line in [`LOG_MS`].
    fn due(&mut self, store: &mut dyn Store, name: &str, now_ms: u64) -> u64 {
        let unlogged = u64::from(core::mem::take(&mut self.unlogged));
        let (mut due, mut owed) = (0, 0);
        let mut next_ms = now_ms.saturating_add(TALLY_MS);
        let told = store::swap(store, name, &mut |found| {
            let tally = found.and_then(Tally::decode).unwrap_or_default();
            let count = tally.count.saturating_add(unlogged);
            let may_log_ms = tally.logged_ms.saturating_add(LOG_MS);
            let tally = match now_ms >= may_log_ms {
                true => {
                    (due, owed) = (count, 0);
                    Tally {
                        count: 0,
                        logged_ms: now_ms,
                    }
                }
                false => {
                    (due, owed) = (0, count);
                    next_ms = next_ms.min(may_log_ms);
                    Tally { count, ..tally }
                }
            };
            // Another worker may have written what was owed.
            Ok((count > 0).then(|| tally.encode()))
        });
        if told.is_err() {
            // What cannot be told to the others is written for this worker alone.
            (due, owed, next_ms) = (unlogged, 0, now_ms.saturating_add(LOG_MS));
        }
        self.is_owed = owed > 0;
        self.log_ms = next_ms;
        due
    }
}

/// Answers of all workers that are not yet in the log.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: u64,
    /// When the last line was written, in milliseconds since the Unix epoch.
    logged_ms: u64,
}

impl Tally {
    fn encode(self) -> Vec<u8> {
        store::bytes_of(&[self.count, self.logged_ms])
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk()?;
        Some(Self {
            count: u64::from_le_bytes(*count),
            logged_ms: u64::from_le_bytes(rest.try_into().ok()?),
        })
    }
}

/// The metrics of a worker.
#[derive(Debug, Default)]
pub(super) struct Meters {
    routes: ByRoute<Meter>,
    totals: [Counter; Total::NAMES.len()],
    formats: [Counter; FORMAT_NAMES.len()],
}

impl Meters {
    /// Counts something about a route.
    pub(super) fn count(&mut self, keys: &mut Keys, route: &str, what: Count) {
        if let Some(meter) = self.meter(keys, route) {
            meter.count(what);
        }
    }

    /// Counts something about the route with this number, if anything was counted about it before.
    pub(super) fn count_at(&mut self, number: usize, what: Count) -> bool {
        let meter = self.routes.at_mut(number);
        meter.map(|meter| meter.count(what)).is_some()
    }

    /// Counts something about all of them.
    pub(super) fn count_total(&mut self, what: Total) {
        if let Some(counter) = self.totals.get_mut(what as usize) {
            counter.add();
        }
    }

    /// A failure or a rejection was answered, or would have been, but for shadow mode.
    pub(super) fn answered(
        &mut self,
        keys: &mut Keys,
        route: &str,
        reason: Reason,
        is_shadow: bool,
    ) {
        let Some(meter) = self.meter(keys, route) else {
            return;
        };
        let mut place = &mut meter.answers;
        while place
            .as_ref()
            .is_some_and(|known| known.reason != reason || known.is_shadow != is_shadow)
        {
            let Some(known) = place else { return };
            place = &mut known.next;
        }
        let known = place.get_or_insert_with(|| {
            Box::new(Answers {
                reason,
                is_shadow,
                is_owed: false,
                counter: Counter::default(),
                unlogged: 0,
                log_ms: 0,
                next: None,
            })
        });
        known.counter.add();
        known.unlogged = known.unlogged.saturating_add(1);
    }

    /// An answer went out in this format.
    pub(super) fn replied(&mut self, format: Format) {
        if let Some(counter) = self.formats.get_mut(format as usize) {
            counter.add();
        }
    }

    /// A route has something to say from now on.
    pub(super) fn know(&mut self, keys: &mut Keys, route: &str) {
        self.meter(keys, route);
    }

    /// Tells what was counted since the last time, and where the breakers stand. Adds what is to be
    /// written to the log. `prefix`: that of all names in the shared data; `view`: what the breaker of the
    /// route with a number is known to be.
    pub(super) fn report<'a>(
        &mut self,
        keys: &Keys,
        sink: &mut dyn Metrics,
        (store, prefix): (&mut dyn Store, &str),
        now_ms: u64,
        events: &mut Vec<Event>,
        view: &dyn Fn(usize) -> Option<&'a Record>,
    ) {
        for (name, counter) in Total::NAMES.iter().zip(&mut self.totals) {
            counter.report(sink, &[name]);
        }
        for (name, counter) in FORMAT_NAMES.iter().zip(&mut self.formats) {
            counter.report(sink, &["tidegate.replies.format.", name]);
        }
        for (number, meter) in self.routes.iter_mut() {
            let key = super::bank::plain(keys.text(number));
            for (name, counter) in Count::NAMES.iter().zip(&mut meter.counts) {
                counter.report(sink, &["tidegate.", name, ".route.", key]);
            }
            let mut answers = meter.answers.as_deref_mut();
            while let Some(known) = answers {
                let (reason, is_shadow) = (known.reason, known.is_shadow);
                let name = [answers_of(is_shadow), reason.as_str(), ".route.", key];
                known.counter.report(sink, &name);
                let is_due = (known.unlogged > 0 || known.is_owed) && now_ms >= known.log_ms;
                if is_due {
                    let name = [
                        prefix,
                        "?",
                        answers_of(is_shadow),
                        reason.as_str(),
                        "/",
                        key,
                    ];
                    let count = known.due(store, &name.joined(), now_ms);
                    if count > 0 {
                        let route = key.to_owned();
                        events.push(Event::Answered {
                            route,
                            reason,
                            is_shadow,
                            count,
                        });
                    }
                }
                answers = known.next.as_deref_mut();
            }
            if let Some(view) = view(number) {
                let percent = view.admitted().checked_div(RAMP_FULL / 100).unwrap_or(0);
                let percent = u8::try_from(percent).unwrap_or(100);
                let values = [number_of(view.state), percent];
                meter.gauges.report(sink, values, key);
            }
        }
    }

    /// The metrics of a route, from now on: there are always some.
    fn meter(&mut self, keys: &mut Keys, route: &str) -> Option<&mut Meter> {
        // Requests that are rejected without a look at any record have routes of any number.
        let route = self.routes.or_overflow(keys, route);
        self.routes.get_or_insert_with(keys, route, Meter::default)
    }
}

impl Meter {
    fn count(&mut self, what: Count) {
        if let Some(counter) = self.counts.get_mut(what as usize) {
            counter.add();
        }
    }
}

/// The value of the gauge `state`: the more, the less passes.
fn number_of(state: State) -> u8 {
    match state {
        State::Closed => 0,
        State::Ramp => 1,
        State::HalfOpen => 2,
        State::Open => 3,
    }
}
