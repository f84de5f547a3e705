//! What a worker counts, as metrics of Envoy.
//!
//! A metric is defined when there is something to say, and its number is kept: a healthy route has
//! none, and costs nothing. The name of a metric ends with the key of its route, which may have
//! dots and slashes in it: so a rule for labels (`envoy/stats-tags.yaml`) knows where it begins.
//!
//! What was answered is also written to the log, one line for a route and a reason in ten seconds.

use crate::prelude::*;

use crate::breaker::ramp::RAMP_FULL;
use crate::breaker::record::{Record, State};
use crate::breaker::store::{self, Store};
use crate::breaker::ticket::Event;
use crate::negotiate::Format;
use crate::reason::Reason;
use crate::routes::Routes;

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
fn answers(is_shadow: bool) -> &'static str {
    match is_shadow {
        true => "tidegate.would_intercept.reason.",
        false => "tidegate.intercepted.reason.",
    }
}

/// Every metric that there can be, with `*` for what differs.
#[cfg(any(test, feature = "reference"))]
pub fn catalog() -> Vec<(Kind, String)> {
    let of_route = |name: &str| ["tidegate.", name, ".route.*"].joined();
    let counters = Count::NAMES.map(of_route);
    let gauges = GAUGES.map(of_route);
    let totals = Total::NAMES.map(str::to_owned);
    let formats = [
        "tidegate.replies.format.*".to_owned(),
        CONFIG_ERRORS.to_owned(),
    ];
    let answers = [false, true].map(|is_shadow| [answers(is_shadow), "*.route.*"].joined());
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

/// A counter: what is not told yet, and its number at the host. Each route has many: it is told twenty
/// times a second, for which half the width is enough.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    pending: u32,
    id: Option<u32>,
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
            .or_else(|| sink.define(Kind::Counter, &name.joined()));
        if let Some(id) = id {
            sink.add(id, core::mem::take(&mut self.pending).into());
        }
        self.id = id;
    }
}

/// A gauge: what was told last, and its number at the host.
#[derive(Debug, Clone, Copy, Default)]
struct Gauge {
    told: Option<u32>,
    id: Option<u32>,
}

impl Gauge {
    #[inline(never)]
    fn report(&mut self, sink: &mut dyn Metrics, value: u32, name: &[&str]) {
        if self.told == Some(value) {
            return;
        }
        let id = self.id.or_else(|| sink.define(Kind::Gauge, &name.joined()));
        if let Some(id) = id {
            sink.set(id, value.into());
            self.told = Some(value);
        }
        self.id = id;
    }
}

/// The gauges of a route.
const GAUGES: [&str; 2] = [STATE, ADMITTED];
const STATE: &str = "breaker.state";
const ADMITTED: &str = "breaker.admitted_percent";

/// The metrics of one route.
#[derive(Debug, Default)]
struct Meter {
    counts: [Counter; Count::NAMES.len()],
    gauges: [Gauge; GAUGES.len()],
    answers: Vec<Answers>,
}

/// What was answered for one reason.
#[derive(Debug)]
struct Answers {
    reason: Reason,
    is_shadow: bool,
    counter: Counter,
    /// Not yet in the log, nor in the tally of all workers.
    unlogged: u64,
    /// Whether there may be something in the tally that no worker has written to the log.
    is_owed: bool,
    /// When to look at the tally next, in milliseconds since the Unix epoch.
    log_ms: u64,
}

impl Answers {
    /// How many are to be written to the log now, of all workers: one line in [`LOG_MS`].
    fn due(&mut self, store: &mut dyn Store, name: &str, now_ms: u64) -> u64 {
        let unlogged = core::mem::take(&mut self.unlogged);
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
pub struct Meters {
    routes: Routes<Meter>,
    totals: [Counter; Total::NAMES.len()],
    formats: [Counter; FORMAT_NAMES.len()],
}

impl Meters {
    /// Counts something about a route.
    pub fn count(&mut self, route: &str, what: Count) {
        let meter = self.meter(route);
        if let Some(counter) = meter.and_then(|meter| meter.counts.get_mut(what as usize)) {
            counter.add();
        }
    }

    /// Counts something about all of them.
    pub fn count_total(&mut self, what: Total) {
        if let Some(counter) = self.totals.get_mut(what as usize) {
            counter.add();
        }
    }

    /// A failure or a rejection was answered, or would have been, but for shadow mode.
    pub fn answered(&mut self, route: &str, reason: Reason, is_shadow: bool) {
        let Some(meter) = self.meter(route) else {
            return;
        };
        let is_it = |known: &Answers| known.reason == reason && known.is_shadow == is_shadow;
        let known = meter.answers.iter_mut().find(|known| is_it(known));
        if let Some(known) = known {
            known.counter.add();
            known.unlogged = known.unlogged.wrapping_add(1);
            return;
        }
        let mut counter = Counter::default();
        counter.add();
        // A route rarely has a second reason; a list makes room for four.
        meter.answers.reserve_exact(1);
        meter.answers.push(Answers {
            reason,
            is_shadow,
            counter,
            unlogged: 1,
            is_owed: false,
            log_ms: 0,
        });
    }

    /// An answer went out in this format.
    pub fn replied(&mut self, format: Format) {
        if let Some(counter) = self.formats.get_mut(format as usize) {
            counter.add();
        }
    }

    /// A route has something to say from now on.
    pub(super) fn know(&mut self, route: &str) {
        self.meter(route);
    }

    /// Tells what was counted since the last time, and where the breakers stand. Adds what is to be
    /// written to the log. `prefix`: that of all names in the shared data.
    pub(super) fn report<'a>(
        &mut self,
        sink: &mut dyn Metrics,
        (store, prefix): (&mut dyn Store, &str),
        now_ms: u64,
        events: &mut Vec<Event>,
        view: &dyn Fn(&str) -> Option<&'a Record>,
    ) {
        for (name, counter) in Total::NAMES.iter().zip(&mut self.totals) {
            counter.report(sink, &[name]);
        }
        for (name, counter) in FORMAT_NAMES.iter().zip(&mut self.formats) {
            counter.report(sink, &["tidegate.replies.format.", name]);
        }
        for (route, meter) in self.routes.iter_mut() {
            let key = super::bank::plain(route);
            for (name, counter) in Count::NAMES.iter().zip(&mut meter.counts) {
                counter.report(sink, &["tidegate.", name, ".route.", key]);
            }
            for known in &mut meter.answers {
                let (reason, is_shadow) = (known.reason, known.is_shadow);
                let name = [answers(is_shadow), reason.as_str(), ".route.", key];
                known.counter.report(sink, &name);
                let is_due = known.unlogged > 0 || known.is_owed;
                if !is_due || now_ms < known.log_ms {
                    continue;
                }
                let name = [prefix, "?", answers(is_shadow), reason.as_str(), "/", key].joined();
                let count = known.due(store, &name, now_ms);
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
            let Some(view) = view(route) else { continue };
            let percent = view.admitted().checked_div(RAMP_FULL / 100).unwrap_or(0);
            let [state, admitted] = &mut meter.gauges;
            state.report(
                sink,
                number_of(view.state),
                &["tidegate.", STATE, ".route.", key],
            );
            admitted.report(sink, percent, &["tidegate.", ADMITTED, ".route.", key]);
        }
    }

    /// The metrics of a route, from now on: there are always some.
    fn meter(&mut self, route: &str) -> Option<&mut Meter> {
        // Requests that are rejected without a look at any record have routes of any number.
        let route = self.routes.or_overflow(route);
        self.routes.get_or_insert_with(route, Meter::default)
    }
}

/// The value of the gauge `state`: the more, the less passes.
fn number_of(state: State) -> u32 {
    match state {
        State::Closed => 0,
        State::Ramp => 1,
        State::HalfOpen => 2,
        State::Open => 3,
    }
}
