//! Condenses the runs of one kind of hints to a few figures.

use serde::Serialize;

use crate::scenario::Incident;
use crate::world::{Second, Series};

/// The figures of one run. Times are in seconds from the end of the outage; `None` means that it did
/// not come to that in the run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunFigures {
    pub(crate) seed: u64,
    pub(crate) peak_load: f64,
    pub(crate) overloaded_s: usize,
    pub(crate) half_back_s: Option<f64>,
    pub(crate) back_95_s: Option<f64>,
    pub(crate) all_back_s: Option<f64>,
    pub(crate) lost_s: f64,
    pub(crate) check_ins: u32,
    pub(crate) longest_wait_s: f64,
    pub(crate) trips_after: u32,
    pub(crate) never_served: u64,
}

impl RunFigures {
    /// Computes the figures of a run.
    pub(crate) fn of(series: &Series, incident: &Incident, seed: u64) -> Self {
        let end = (incident.end_ms / 1000) as usize;
        let after = series.seconds.get(end..).unwrap_or_default();
        let waits = &series.waits;
        let seconds = |ms: u64| ms as f64 / 1000.0;
        let back = |share| waits.back_after_ms(share).map(seconds);
        let check_ins = |second: &Second| second.rejected + second.hammer_rejected;
        Self {
            seed,
            peak_load: after.iter().map(Second::load).fold(0.0, f64::max),
            overloaded_s: after.iter().filter(|second| is_overloaded(second)).count(),
            half_back_s: back(0.5),
            back_95_s: back(0.95),
            all_back_s: back(1.0),
            lost_s: seconds(waits.lost_ms),
            check_ins: series.seconds.iter().map(check_ins).max().unwrap_or(0),
            longest_wait_s: seconds(waits.longest_ms),
            trips_after: series.trips_after,
            never_served: waits.early_left,
        }
    }
}

fn is_overloaded(second: &Second) -> bool {
    // The capacity is a sum of floats.
    second.load() > 1.0 + 1e-9
}

/// A figure of several runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// The mean; `None` if there is no figure of some run.
    pub mean: Option<f64>,
    /// The highest figure; `None` if there is no figure of some run.
    pub worst: Option<f64>,
    /// The seed of the run with the highest figure, or of the first run without one.
    pub worst_seed: u64,
}

impl Figure {
    fn of(runs: &[RunFigures], figure: impl Fn(&RunFigures) -> Option<f64>) -> Self {
        let (mut sum, mut worst, mut worst_seed) = (0.0, None, 0);
        for run in runs {
            let Some(found) = figure(run) else {
                return Self {
                    mean: None,
                    worst: None,
                    worst_seed: run.seed,
                };
            };
            sum += found;
            if worst.is_none_or(|worst| found > worst) {
                (worst, worst_seed) = (Some(found), run.seed);
            }
        }
        Self {
            mean: Some(sum / runs.len().max(1) as f64),
            worst,
            worst_seed,
        }
    }
}

/// The figures of several runs. Times are in seconds from the end of the outage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// The highest number of requests that were sent to the upstream in a second after the outage,
    /// relative to what it could have served.
    pub peak_load: Figure,
    /// Seconds after the outage in which more requests were sent to the upstream than it can serve.
    pub overloaded_s: Figure,
    /// Time until half of the visitors are back who came in the outage and were turned away.
    pub half_back_s: Figure,
    /// Time until 95 % of them are back.
    pub back_95_s: Figure,
    /// Time until all of them are back.
    pub all_back_s: Figure,
    /// The time that all visitors together waited after the outage.
    pub lost_s: Figure,
    /// [`lost_s`](Self::lost_s), divided by the time that all visitors together wait with the oracle.
    pub lost_ratio: Figure,
    /// The highest number of rejected requests in a second.
    pub check_ins: Figure,
    /// The longest time from the arrival of a visitor until it was served, outage included.
    pub longest_wait_s: Figure,
    /// Number of times that the circuit opened after the outage.
    pub trips_after: Figure,
    /// Visitors who came before the end of the outage and were not served in the run.
    pub never_served: Figure,
}

impl Figures {
    /// Computes the figures of runs. `oracle`: the runs of the oracle with the same seeds.
    pub(crate) fn of(runs: &[RunFigures], oracle: &[RunFigures]) -> Self {
        let figure = |of: fn(&RunFigures) -> Option<f64>| Figure::of(runs, of);
        let ratio = |run: &RunFigures| {
            let least = oracle.iter().find(|oracle| oracle.seed == run.seed)?.lost_s;
            (least > 0.0).then(|| run.lost_s / least)
        };
        Self {
            peak_load: figure(|run| Some(run.peak_load)),
            overloaded_s: figure(|run| Some(run.overloaded_s as f64)),
            half_back_s: figure(|run| run.half_back_s),
            back_95_s: figure(|run| run.back_95_s),
            all_back_s: figure(|run| run.all_back_s),
            lost_s: figure(|run| Some(run.lost_s)),
            lost_ratio: Figure::of(runs, ratio),
            check_ins: figure(|run| Some(f64::from(run.check_ins))),
            longest_wait_s: figure(|run| Some(run.longest_wait_s)),
            trips_after: figure(|run| Some(f64::from(run.trips_after))),
            never_served: figure(|run| Some(run.never_served as f64)),
        }
    }
}

#[cfg(test)]
mod tests;
