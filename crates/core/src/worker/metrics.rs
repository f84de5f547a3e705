//! The metrics of a worker.
//!
//! A metric is defined at the host when it has a value to report, and its number is kept: a healthy
//! route has no metrics and costs nothing. The name of a metric ends with the key of its route, which
//! may contain dots and slashes, so that a rule for labels (`envoy/stats-tags.yaml`) knows where the
//! key begins.

use std::collections::BTreeMap;

use crate::breaker::circuit::FULL_SHARE;
use crate::breaker::{CircuitBreaker, Neutral};
use crate::failure::Reason;
use crate::host::{MetricKind, MetricStore, SharedData};
use crate::http::accept::Format;
use crate::time::Timestamp;
use crate::worker::events::Event;
use crate::worker::interceptions::{counter_name, Interceptions};
use crate::worker::routes::RouteKey;
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
    /// Clients that came back after a hint and were served.
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
    /// Requests of routes beyond [`MAX_ROUTES`](crate::worker::MAX_ROUTES).
    OverLimit,
    /// Requests of routes whose metadata name a policy or a page that does not exist.
    UnknownName,
    /// Requests that the filter left alone because a host call failed.
    HostErrors,
}

impl WorkerCounter {
    /// All counters, in the order of the variants.
    pub const ALL: [Self; 4] = [
        Self::StoreErrors,
        Self::OverLimit,
        Self::UnknownName,
        Self::HostErrors,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::StoreErrors => "tidegate.breaker.store_errors",
            Self::OverLimit => "tidegate.breaker.routes_over_limit",
            Self::UnknownName => "tidegate.breaker.unknown_name",
            Self::HostErrors => "tidegate.host_errors",
        }
    }
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::Html => "html",
        Format::Problem => "problem",
        Format::Text => "text",
        Format::Grpc => "grpc",
        Format::Empty => "empty",
        Format::Line => "line",
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
    /// Outcomes that say nothing about the upstream; a route rarely has more than one kind.
    ignored: Vec<(Neutral, Counter)>,
    /// The interceptions by reason and mode; a route rarely has more than one.
    interceptions: Vec<Interceptions>,
}

impl RouteMetrics {
    pub(super) fn count(&mut self, counter: RouteCounter) {
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
                self.interceptions.push(new);
            }
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

    fn report_gauges(
        &mut self,
        host: &mut impl MetricStore,
        circuit: &CircuitBreaker,
        key: &RouteKey,
    ) {
        let admitted_percent = circuit.admitted_share() / (FULL_SHARE / 100);
        let values = [circuit.state.strictness().into(), admitted_percent.into()];
        for ((name, gauge), value) in GAUGES.iter().zip(&mut self.gauges).zip(values) {
            gauge.report(host, value, || format!("tidegate.{name}.route.{key}"));
        }
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
        let replies = self.metrics.replies.entry(format_name(format));
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
        for (key, route) in self.routes.iter_mut() {
            let Some(metrics) = &mut route.metrics else {
                continue;
            };
            metrics.report_counters(host, key);
            for interceptions in &mut metrics.interceptions {
                interceptions.report(host, key);
                let event = interceptions.take_due(host, &self.prefix, key, now);
                self.events.extend(event);
            }
            // A route may have circuits of its parts, and for windows of several shapes: the gauges
            // show the one that admits least.
            let circuits = route
                .circuits
                .iter()
                .map(|circuit| circuit.view.strictest());
            if let Some(view) = circuits.max_by_key(|view| view.strictness()) {
                metrics.report_gauges(host, view, key);
            }
        }
    }
}
