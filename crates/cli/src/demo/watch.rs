//! What Envoy counts, and how that went in the last minutes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{json, Value};

use super::envoy::Counts;

/// Time between two points of the plot.
const STEP: Duration = Duration::from_secs(1);
/// Number of points: three minutes.
const MAX_POINTS: usize = 180;

/// The counters, and their differences over the last minutes.
#[derive(Default)]
pub(super) struct Watch {
    counts: Counts,
    points: VecDeque<Point>,
    /// When the last point was taken, and the counters at that time.
    last: Option<(Instant, Counts)>,
}

/// What happened in about a second.
struct Point {
    offered: u64,
    served: u64,
    rejected: u64,
}

impl Watch {
    /// Takes the current counters. Returns whether the state of the circuit has changed.
    pub(super) fn take(&mut self, counts: Counts, now: Instant) -> bool {
        let changed = counts.state != self.counts.state;
        self.counts = counts;
        let (since, before) = *self.last.get_or_insert((now, counts));
        if now.saturating_duration_since(since) >= STEP {
            self.last = Some((now, counts));
            self.points.push_back(Point {
                offered: counts.offered.saturating_sub(before.offered),
                served: counts.served.saturating_sub(before.served),
                rejected: counts.rejected.saturating_sub(before.rejected),
            });
            if self.points.len() > MAX_POINTS {
                self.points.pop_front();
            }
        }
        changed
    }

    /// Returns the counters.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Returns the state of the circuit and the admitted share of requests in percent.
    pub(super) fn circuit(&self) -> Value {
        // The numbers of docs/observability.md.
        let state = match self.counts.state {
            0 => "closed",
            1 => "ramp",
            2 => "half-open",
            _ => "open",
        };
        json!({ "state": state, "admitted": self.counts.admitted })
    }

    /// Returns the points, one list for each line of the plot.
    pub(super) fn history(&self) -> Value {
        let list = |of: fn(&Point) -> u64| self.points.iter().map(of).collect::<Vec<_>>();
        json!({
            "offered": list(|point| point.offered),
            "served": list(|point| point.served),
            "rejected": list(|point| point.rejected),
        })
    }
}

#[cfg(test)]
mod tests;
