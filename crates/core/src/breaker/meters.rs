//! What a worker counts about its breakers, as metrics of Envoy.
//!
//! A metric is defined when there is something to say, and its number is kept: a healthy route has
//! none, and costs nothing. The name of a metric ends with the key of its route, which may have
//! dots and slashes in it: so a rule for labels (Envoy's `stats_tags`) knows where it begins.

use crate::prelude::*;

use crate::breaker::bank::MAX_ROUTES;
use crate::breaker::ramp::RAMP_FULL;
use crate::breaker::record::{Record, State};
use crate::breaker::routes::Routes;

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
pub(super) enum Count {
    Rejected,
    WouldReject,
    Probes,
    Trips,
}

impl Count {
    const ALL: [Self; 4] = [Self::Rejected, Self::WouldReject, Self::Probes, Self::Trips];

    fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::WouldReject => "would_reject",
            Self::Probes => "probes",
            Self::Trips => "trips",
        }
    }
}

/// A counter of all routes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Total {
    /// Reads and writes of the shared data that failed, or that others got ahead of each time.
    StoreErrors,
    /// Requests of routes beyond [`MAX_ROUTES`].
    OverLimit,
    /// Requests of routes whose metadata name a policy or a page that is not there.
    UnknownName,
}

impl Total {
    const ALL: [Self; 3] = [Self::StoreErrors, Self::OverLimit, Self::UnknownName];

    fn name(self) -> &'static str {
        match self {
            Self::StoreErrors => "store_errors",
            Self::OverLimit => "routes_over_limit",
            Self::UnknownName => "unknown_name",
        }
    }
}

/// A counter: what is not told yet, and its number at the host.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    pending: u64,
    id: Option<u32>,
}

impl Counter {
    fn add(&mut self) {
        self.pending = self.pending.saturating_add(1);
    }

    fn report(&mut self, sink: &mut dyn Metrics, name: impl FnOnce() -> String) {
        if self.pending == 0 {
            return;
        }
        let id = self.id.or_else(|| sink.define(Kind::Counter, &name()));
        if let Some(id) = id {
            sink.add(id, core::mem::take(&mut self.pending));
        }
        self.id = id;
    }
}

/// A gauge: what was told last, and its number at the host.
#[derive(Debug, Clone, Copy, Default)]
struct Gauge {
    told: Option<u64>,
    id: Option<u32>,
}

impl Gauge {
    fn report(&mut self, sink: &mut dyn Metrics, value: u64, name: impl FnOnce() -> String) {
        if self.told == Some(value) {
            return;
        }
        let id = self.id.or_else(|| sink.define(Kind::Gauge, &name()));
        if let Some(id) = id {
            sink.set(id, value);
            self.told = Some(value);
        }
        self.id = id;
    }
}

/// The metrics of one route.
#[derive(Debug, Default)]
struct Meter {
    counts: [Counter; Count::ALL.len()],
    state: Gauge,
    admitted: Gauge,
}

/// The metrics of a worker's breakers.
#[derive(Debug, Default)]
pub(super) struct Meters {
    routes: Routes<Meter>,
    totals: [Counter; Total::ALL.len()],
}

impl Meters {
    /// Counts something about a route.
    pub(super) fn count(&mut self, route: &str, what: Count) {
        let meter = self.meter(route);
        if let Some(counter) = meter.and_then(|meter| meter.counts.get_mut(what as usize)) {
            counter.add();
        }
    }

    /// Counts something about all of them.
    pub(super) fn count_total(&mut self, what: Total) {
        if let Some(counter) = self.totals.get_mut(what as usize) {
            counter.add();
        }
    }

    /// A route has something to say from now on.
    pub(super) fn know(&mut self, route: &str) {
        self.meter(route);
    }

    /// Tells what was counted since the last time, and where the breakers stand.
    pub(super) fn report<'a>(
        &mut self,
        sink: &mut dyn Metrics,
        view: impl Fn(&str) -> Option<&'a Record>,
    ) {
        for (what, counter) in Total::ALL.into_iter().zip(&mut self.totals) {
            counter.report(sink, || ["tidegate.breaker.", what.name()].concat());
        }
        for (route, meter) in self.routes.iter_mut() {
            let named = |what: &str| {
                let route = super::bank::plain(route);
                ["tidegate.breaker.", what, ".route.", route].concat()
            };
            for (what, counter) in Count::ALL.into_iter().zip(&mut meter.counts) {
                counter.report(sink, || named(what.name()));
            }
            let Some(view) = view(route) else { continue };
            let percent = view.admitted().checked_div(RAMP_FULL / 100).unwrap_or(0);
            meter
                .state
                .report(sink, number_of(view.state), || named("state"));
            meter
                .admitted
                .report(sink, u64::from(percent), || named("admitted_percent"));
        }
    }

    /// The metrics of a route, from now on: there are always some.
    fn meter(&mut self, route: &str) -> Option<&mut Meter> {
        // Requests that are rejected without a look at any record have routes of any number.
        let is_full = self.routes.len() >= MAX_ROUTES && !self.routes.has(route);
        let route = if is_full {
            super::bank::OVERFLOW
        } else {
            route
        };
        self.routes.get_or_insert_with(route, Meter::default)
    }
}

/// The value of the gauge `state`: the more, the less passes.
fn number_of(state: State) -> u64 {
    match state {
        State::Closed => 0,
        State::Ramp => 1,
        State::HalfOpen => 2,
        State::Open => 3,
    }
}
