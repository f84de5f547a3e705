//! Condenses a run to a few figures.

use serde::Serialize;

use super::scenario::{Incident, BEFORE_MS};
use super::world::{Second, Series};

/// The system has recovered at the start of this many consecutive seconds...
const CALM_SECONDS: usize = 5;
/// ...in which at most this share of the requests fails or is rejected.
const CALM_SHARE: f64 = 0.02;

/// The figures of one run, or the means over several runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Requests served, divided by what the upstream could have served of those offered, in the
    /// measured seconds.
    pub goodput: f64,
    /// [`goodput`](Self::goodput) of the worst run.
    pub goodput_worst: f64,
    /// Share of the visitors' requests that was served, of those that ended in the measured seconds.
    pub served: f64,
    /// [`served`](Self::served) of the worst run.
    pub served_worst: f64,
    /// Requests that were sent to the upstream and not served.
    pub failed: f64,
    /// Requests that the breaker rejected.
    pub rejected: f64,
    /// Requests for the path that fails that were sent to the upstream.
    pub broken_sent: f64,
    /// Requests for the path that fails that the breaker rejected.
    pub broken_rejected: f64,
    /// Clients that gave up without being served.
    pub gave_up: f64,
    /// Requests sent to a dead upstream until the breaker first rejected one.
    pub before_trip: f64,
    /// [`before_trip`](Self::before_trip) of the worst run.
    pub before_trip_worst: f64,
    /// Requests sent to a dead upstream in total.
    pub into_dead: f64,
    /// How often the breaker opened.
    pub trips: f64,
    /// Seconds from the beginning of the incident until the breaker first rejected a visitor; `None` if
    /// it did not in some run.
    pub opened: Option<f64>,
    /// [`opened`](Self::opened) of the worst run; `None` if it did not in some run.
    pub opened_worst: Option<f64>,
    /// Seconds from the end of the incident to recovery; `None` if some run did not recover.
    pub recovered: Option<f64>,
    /// [`recovered`](Self::recovered) of the worst run; `None` if some run did not recover.
    pub recovered_worst: Option<f64>,
    /// The highest load offered to the upstream in a second after the incident, divided by its
    /// capacity.
    pub peak_load: f64,
}

impl Figures {
    /// Computes the figures of one run.
    pub fn of(series: &Series, incident: &Incident) -> Self {
        let seconds = &series.seconds;
        let measured = seconds.get(incident.measured()).unwrap_or_default();
        let good: f64 = measured.iter().map(|s| f64::from(s.good)).sum();
        let could: f64 = measured
            .iter()
            .map(|s| s.capacity.min(f64::from(s.offered)))
            .sum();
        let goodput = if could > 0.0 { good / could } else { 0.0 };
        let ended = |s: &Second| f64::from(s.good + s.failed + s.rejected);
        let ended: f64 = measured.iter().map(ended).sum();
        let served = if ended > 0.0 { good / ended } else { 0.0 };
        let opened_ms = series.rejected_ms.map(|at| at - BEFORE_MS);
        let opened = opened_ms.map(|ms| ms as f64 / 1000.0);
        let end = (incident.end_ms / 1000) as usize;
        let after = seconds.get(end..).unwrap_or_default();
        let recovered = after
            .windows(CALM_SECONDS)
            .position(|window| window.iter().all(is_calm))
            .map(|at| at as f64);
        let sum = |of: fn(&Second) -> u32| seconds.iter().map(|s| f64::from(of(s))).sum::<f64>();
        let peak_load = after
            .iter()
            .filter(|s| s.capacity > 0.0)
            .map(|s| f64::from(s.admitted) / s.capacity)
            .fold(0.0, f64::max);
        Self {
            goodput,
            goodput_worst: goodput,
            served,
            served_worst: served,
            failed: sum(|s| s.failed),
            rejected: sum(|s| s.rejected),
            broken_sent: sum(|s| s.broken_sent),
            broken_rejected: sum(|s| s.broken_rejected),
            gave_up: series.gave_up as f64,
            before_trip: f64::from(series.before_trip),
            before_trip_worst: f64::from(series.before_trip),
            into_dead: f64::from(series.into_dead),
            trips: f64::from(series.trips),
            opened,
            opened_worst: opened,
            recovered,
            recovered_worst: recovered,
            peak_load,
        }
    }

    /// Computes the means and worst values over several runs.
    pub fn mean(runs: &[Self]) -> Self {
        let count = runs.len().max(1) as f64;
        let mean = |of: fn(&Self) -> f64| runs.iter().map(of).sum::<f64>() / count;
        let most = |of: fn(&Self) -> f64| runs.iter().map(of).fold(0.0, f64::max);
        let least = |of: fn(&Self) -> f64| runs.iter().map(of).fold(f64::MAX, f64::min);
        // Of a time that some run did not reach, there is no mean.
        let all = |of: fn(&Self) -> Option<f64>| runs.iter().map(of).collect::<Option<Vec<f64>>>();
        let (opened, recovered) = (all(|run| run.opened), all(|run| run.recovered));
        let mean_of = |all: &Vec<f64>| all.iter().sum::<f64>() / count;
        let most_of = |all: Vec<f64>| all.into_iter().fold(0.0, f64::max);
        Self {
            goodput: mean(|run| run.goodput),
            goodput_worst: least(|run| run.goodput),
            served: mean(|run| run.served),
            served_worst: least(|run| run.served),
            failed: mean(|run| run.failed),
            rejected: mean(|run| run.rejected),
            broken_sent: mean(|run| run.broken_sent),
            broken_rejected: mean(|run| run.broken_rejected),
            gave_up: mean(|run| run.gave_up),
            before_trip: mean(|run| run.before_trip),
            before_trip_worst: most(|run| run.before_trip),
            into_dead: mean(|run| run.into_dead),
            trips: mean(|run| run.trips),
            opened: opened.as_ref().map(mean_of),
            opened_worst: opened.map(most_of),
            recovered: recovered.as_ref().map(mean_of),
            recovered_worst: recovered.map(most_of),
            peak_load: most(|run| run.peak_load),
        }
    }
}

fn is_calm(second: &Second) -> bool {
    let lost = f64::from(second.failed + second.rejected);
    lost <= CALM_SHARE * f64::from(second.offered)
}
