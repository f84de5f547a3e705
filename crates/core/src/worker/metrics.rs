//! The metrics of a worker.
//!
//! A metric is defined at the host when it has a value to report, and its number is kept: a healthy
//! route has no metrics and costs nothing. The name of a metric ends with the key of its route, which
//! may contain dots and slashes, so that a rule for labels (`envoy/stats-tags.yaml`) knows where the
//! key begins.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::breaker::circuit::FULL_SHARE;
use crate::breaker::{Neutral, State};
use crate::failure::Reason;
use crate::host::{MetricKind, MetricStore, SharedData};
use crate::http::format::Format;
use crate::time::Timestamp;
use crate::worker::events::Event;
use crate::worker::interceptions::{counter_name, Interceptions};
use crate::worker::routes::{Route, RouteKey};
use crate::worker::Worker;

/// The counter of refused configurations. A refused configuration may have no worker to count it.
pub const CONFIG_ERRORS: &str = "tidegate.config_errors";

/// A counter of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteCounter {
    /// Requests that the circuit rejected.
    Rejected,
    /// Of these, requests that the circuit of a part of the paths rejected.
    RejectedByClass,
    /// Requests that the circuit would have rejected without shadow mode.
    WouldReject,
    /// Requests that passed as probes.
    Probes,
    /// Number of times that the circuit opened.
    Trips,
    /// Clients that got a hint when to come back.
    HintsGiven,
    /// Clients that were served and say that they came back after a hint; of each route, no more than this
    /// worker gave.
    HintsKept,
}

impl RouteCounter {
    /// All counters, in the order of the variants.
    pub const ALL: [Self; 7] = [
        Self::Rejected,
        Self::RejectedByClass,
        Self::WouldReject,
        Self::Probes,
        Self::Trips,
        Self::HintsGiven,
        Self::HintsKept,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Rejected => "breaker.rejected",
            Self::RejectedByClass => "breaker.rejected_by_class",
            Self::WouldReject => "breaker.would_reject",
            Self::Probes => "breaker.probes",
            Self::Trips => "breaker.trips",
            Self::HintsGiven => "hints_given",
            Self::HintsKept => "hints_kept",
        }
    }
}

/// A counter of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerCounter {
    /// Reads and writes of shared data that failed.
    StoreErrors,
    /// Requests of routes beyond [`MAX_ROUTES`](crate::worker::MAX_ROUTES), which have no circuit.
    OverLimit,
    /// Requests of routes whose metadata name a policy or a page that does not exist.
    UnknownName,
    /// Requests that the filter left alone because a host call failed.
    HostErrors,
    /// Requests that the filter left alone because [too much](crate::worker::MAX_KEPT_BYTES) is kept of
    /// those in flight.
    OverMemory,
}

impl WorkerCounter {
    /// All counters, in the order of the variants.
    pub const ALL: [Self; 5] = [
        Self::StoreErrors,
        Self::OverLimit,
        Self::UnknownName,
        Self::HostErrors,
        Self::OverMemory,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::StoreErrors => "tidegate.breaker.store_errors",
            Self::OverLimit => "tidegate.breaker.routes_over_limit",
            Self::UnknownName => "tidegate.breaker.unknown_name",
            Self::HostErrors => "tidegate.host_errors",
            Self::OverMemory => "tidegate.requests_over_memory",
        }
    }
}

/// The beginning of the names of the counters of outcomes that say nothing about the upstream.
const IGNORED: &str = "tidegate.breaker.ignored.why.";

/// The gauges of a route.
const GAUGES: [&str; 2] = ["breaker.state", "breaker.admitted_percent"];

/// Returns every metric that can exist, with `*` in place of the parts that vary.
pub fn catalog() -> Vec<(MetricKind, String)> {
    let of_route = |name: &str| format!("tidegate.{name}.route.*");
    let of_interceptions = |is_shadow| {
        let prefix = counter_name(is_shadow);
        format!("{prefix}*.route.*")
    };
    let mut counters: Vec<String> = RouteCounter::ALL.map(|c| of_route(c.name())).into();
    counters.extend(WorkerCounter::ALL.map(|counter| counter.name().to_owned()));
    counters.push("tidegate.replies.format.*".to_owned());
    counters.push(CONFIG_ERRORS.to_owned());
    counters.push(format!("{IGNORED}*.route.*"));
    counters.extend([of_interceptions(false), of_interceptions(true)]);
    let counters = counters.into_iter().map(|name| (MetricKind::Counter, name));
    let gauges = GAUGES.map(|name| (MetricKind::Gauge, of_route(name)));
    counters.chain(gauges).collect()
}

/// A counter: what was not reported yet, and its number at the host.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counter {
    pending: u64,
    id: Option<u32>,
}

impl Counter {
    pub(super) fn add(&mut self) {
        self.pending = self.pending.saturating_add(1);
    }

    /// Reports the counter if it grew. `name` is only called to define it. If that fails, the
    /// counter is reported later.
    pub(super) fn report(&mut self, host: &mut impl MetricStore, name: impl FnOnce() -> String) {
        if self.pending == 0 {
            return;
        }
        let define = || host.define_metric(MetricKind::Counter, &name()).ok();
        self.id = self.id.or_else(define);
        if let Some(id) = self.id {
            host.increment_metric(id, std::mem::take(&mut self.pending));
        }
    }
}

/// A gauge: the value that was reported last, and its number at the host.
#[derive(Debug, Clone, Copy, Default)]
struct Gauge {
    reported: Option<u64>,
    id: Option<u32>,
}

impl Gauge {
    /// Reports a value if it changed. If the gauge cannot be defined, the value is reported later.
    fn report(&mut self, host: &mut impl MetricStore, value: u64, name: impl FnOnce() -> String) {
        if self.reported == Some(value) {
            return;
        }
        let define = || host.define_metric(MetricKind::Gauge, &name()).ok();
        self.id = self.id.or_else(define);
        if let Some(id) = self.id {
            host.record_metric(id, value);
            self.reported = Some(value);
        }
    }
}

/// The metrics of a worker that belong to no route.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    totals: [Counter; WorkerCounter::ALL.len()],
    replies: BTreeMap<&'static str, Counter>,
}

impl Metrics {
    fn count(&mut self, counter: WorkerCounter) {
        if let Some(total) = self.totals.get_mut(counter as usize) {
            total.add();
        }
    }

    fn report(&mut self, host: &mut impl MetricStore) {
        for (counter, total) in WorkerCounter::ALL.iter().zip(&mut self.totals) {
            total.report(host, || counter.name().to_owned());
        }
        for (format, replies) in &mut self.replies {
            replies.report(host, || format!("tidegate.replies.format.{format}"));
        }
    }
}

/// The metrics of one route.
#[derive(Debug, Default)]
pub(super) struct RouteMetrics {
    counters: [Counter; RouteCounter::ALL.len()],
    gauges: [Gauge; GAUGES.len()],
    /// Hints that this worker gave and that no client said to have kept.
    hints_out: u64,
    /// Outcomes that say nothing about the upstream; a route rarely has more than one kind.
    ignored: Vec<(Neutral, Counter)>,
    /// The interceptions by reason and mode; a route rarely has more than one.
    interceptions: Vec<Interceptions>,
}

impl RouteMetrics {
    pub(super) fn count(&mut self, counter: RouteCounter) {
        if counter == RouteCounter::HintsGiven {
            self.hints_out = self.hints_out.saturating_add(1);
        }
        if counter == RouteCounter::HintsKept {
            // Any client can say so; each hint is kept once at most.
            let Some(left) = self.hints_out.checked_sub(1) else {
                return;
            };
            self.hints_out = left;
        }
        if let Some(counter) = self.counters.get_mut(counter as usize) {
            counter.add();
        }
    }

    fn count_ignored(&mut self, why: Neutral) {
        match self.ignored.iter_mut().find(|(known, _)| *known == why) {
            Some((_, counter)) => counter.add(),
            None => {
                let mut counter = Counter::default();
                counter.add();
                self.ignored.push((why, counter));
            }
        }
    }

    fn count_intercepted(&mut self, reason: Reason, is_shadow: bool) {
        let mut known = self.interceptions.iter_mut();
        match known.find(|known| known.reason == reason && known.is_shadow == is_shadow) {
            Some(known) => known.count(),
            None => {
                let mut new = Interceptions::new(reason, is_shadow);
                new.count();
                // Room for more would cost as much as all else.
                self.interceptions.reserve_exact(1);
                self.interceptions.push(new);
            }
        }
    }

    /// Sets back all times, as the clock was.
    pub(super) fn set_back(&mut self, back: Duration) {
        for interceptions in &mut self.interceptions {
            interceptions.set_back(back);
        }
    }

    fn report_counters(&mut self, host: &mut impl MetricStore, key: &RouteKey) {
        for (counter, value) in RouteCounter::ALL.iter().zip(&mut self.counters) {
            let name = || format!("tidegate.{}.route.{key}", counter.name());
            value.report(host, name);
        }
        for (why, value) in &mut self.ignored {
            let why = why.as_str();
            value.report(host, || format!("{IGNORED}{why}.route.{key}"));
        }
    }

    /// Reports the gauges by the values of the circuit that admits least. Without one, as when a clean
    /// circuit gave its place back, those that were reported show a closed one.
    fn report_gauges(
        &mut self,
        host: &mut impl MetricStore,
        known: Option<Gauges>,
        key: &RouteKey,
    ) {
        let Gauges { state, admitted } = known.unwrap_or(Gauges::CLOSED);
        let admitted_percent = admitted / (FULL_SHARE / 100);
        let values = [state.strictness().into(), admitted_percent.into()];
        for ((name, gauge), value) in GAUGES.iter().zip(&mut self.gauges).zip(values) {
            if known.is_some() || gauge.reported.is_some() {
                gauge.report(host, value, || format!("tidegate.{name}.route.{key}"));
            }
        }
    }
}

/// What the gauges of a route show.
#[derive(Debug, Clone, Copy)]
struct Gauges {
    state: State,
    /// The share of the requests that is admitted, in millionths.
    admitted: u32,
}

impl Gauges {
    const CLOSED: Self = Self {
        state: State::Closed,
        admitted: FULL_SHARE,
    };

    /// Returns what the gauges show of routes: of all their circuits, the one that admits least.
    fn of_routes<'a>(routes: impl Iterator<Item = &'a Route>) -> Option<Self> {
        // A route may have circuits of its parts, and for windows of several shapes.
        let circuits = routes.flat_map(|route| &route.circuits);
        let strictest = circuits.map(|circuit| circuit.view.strictest());
        let strictest = strictest.max_by_key(|circuit| circuit.strictness())?;
        Some(Self {
            state: strictest.state,
            admitted: strictest.admitted_share(),
        })
    }
}

impl Worker {
    /// Counts something about a route.
    pub fn count(&mut self, route: &RouteKey, counter: RouteCounter) {
        self.routes.metrics(route).count(counter);
    }

    /// Counts something about the worker.
    pub fn count_total(&mut self, counter: WorkerCounter) {
        self.metrics.count(counter);
    }

    /// Counts an outcome that the breaker does not count, by why it says nothing about the upstream.
    pub fn count_ignored(&mut self, route: &RouteKey, why: Neutral) {
        self.routes.metrics(route).count_ignored(why);
    }

    /// Counts a failure or a rejection that was intercepted, or would have been without shadow mode.
    pub fn count_intercepted(&mut self, route: &RouteKey, reason: Reason, is_shadow: bool) {
        let metrics = self.routes.metrics(route);
        metrics.count_intercepted(reason, is_shadow);
    }

    /// Counts a reply in this format.
    pub fn count_reply(&mut self, format: Format) {
        let replies = self.metrics.replies.entry(format.as_str());
        replies.or_default().add();
    }

    /// Counts a request of a route whose metadata name a policy or a page that does not exist. The
    /// first one is also an event.
    pub fn note_unknown_name(&mut self, route: &RouteKey) {
        self.count_total(WorkerCounter::UnknownName);
        if !std::mem::replace(&mut self.has_unknown_name, true) {
            let route = route.clone();
            self.events.push(Event::UnknownName { route });
        }
    }

    /// Reports the metrics that changed since the last call. Adds the events of interceptions that
    /// are due.
    pub fn report<H: SharedData + MetricStore>(&mut self, host: &mut H, now: Timestamp) {
        self.metrics.report(host);
        // The routes beyond the limit share the metrics of one key.
        let has_shared = self.routes.get(&RouteKey::overflow()).is_some();
        let beyond = self.routes.iter().map(|(_, route)| route);
        let beyond = beyond.filter(|route| has_shared && route.metrics.is_none());
        let beyond = Gauges::of_routes(beyond);
        for (key, route) in self.routes.iter_mut() {
            if route.metrics.is_none() {
                continue;
            }
            let gauges = match key.is_overflow() {
                true => beyond,
                false => Gauges::of_routes(std::iter::once(&*route)),
            };
            let Some(metrics) = &mut route.metrics else {
                continue;
            };
            metrics.report_counters(host, key);
            metrics.report_gauges(host, gauges, key);
            for interceptions in &mut metrics.interceptions {
                interceptions.report(host, key);
                let event = interceptions.take_due(host, &self.prefix, key, now);
                self.events.extend(event);
            }
        }
    }
}
