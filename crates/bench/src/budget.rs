//! The budgets, and whether a run meets them.
//!
//! The cost of a filter is a small difference of two large costs, so the ratio of two such
//! differences of one round is mostly noise. The ratios here use medians over all rounds. Their
//! confidence intervals come from the bootstrap (B. Efron, "Bootstrap Methods: Another Look at the
//! Jackknife", 1979): the ratio is computed for many samples, drawn with replacement from the
//! rounds.

use std::collections::BTreeMap;

use crate::stage::Variant;
use crate::{median, Costs, Setup};

/// Samples for each ratio.
const DRAWS: usize = 1_000;

/// One ratio in one setup.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) what: &'static str,
    pub(crate) ratio: f64,
    /// The interval that contains nine of ten samples.
    pub(crate) between: (f64, f64),
    /// `None`: the ratio is for comparison only.
    pub(crate) limit: Option<Limit>,
}

/// The limit of a ratio.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Verdict {
    pub(crate) fn is_held(&self) -> bool {
        match self.limit {
            None => true,
            Some(Limit::AtMost(most)) => self.ratio <= most,
            Some(Limit::AtLeast(least)) => self.ratio >= least,
        }
    }
}

/// A sample of the rounds of one setup, with repetitions.
struct Rounds<'a> {
    costs: &'a Costs,
    drawn: Vec<usize>,
}

impl Rounds<'_> {
    fn cost(&self, variant: Variant) -> f64 {
        let costs = &self.costs[&variant];
        median(
            &self
                .drawn
                .iter()
                .map(|&round| costs[round])
                .collect::<Vec<_>>(),
        )
    }

    /// Returns the median of the cost of a variant minus that of another one in the same round.
    fn over(&self, variant: Variant, base: Variant) -> f64 {
        let (own, base) = (&self.costs[&variant], &self.costs[&base]);
        let more = self.drawn.iter().map(|&round| own[round] - base[round]);
        median(&more.collect::<Vec<_>>())
    }

    /// Returns what a variant adds to no filter, relative to what another one adds.
    fn added(&self, variant: Variant, other: Variant) -> f64 {
        self.over(variant, Variant::None) / self.over(other, Variant::None)
    }

    /// Returns the whole cost of a variant, relative to that of another one.
    fn whole(&self, variant: Variant, other: Variant) -> f64 {
        self.cost(variant) / self.cost(other)
    }

    /// Returns the requests per CPU second of a variant, relative to those of another one.
    fn throughput(&self, variant: Variant, other: Variant) -> f64 {
        self.cost(other) / self.cost(variant)
    }
}

type Ratio = fn(&Rounds<'_>) -> f64;

/// The ratios: first those with a budget, then those for comparison.
///
/// No wasm module can cost less than the hand-written one, so the budgets are relative to it and to
/// Lua, the usual alternative. Native filters and `direct_response` show what wasm cannot reach.
const RATIOS: &[(&str, Option<Limit>, Ratio)] = &[
    (
        "healthy, cost over no filter, relative to the hand-written module",
        Some(Limit::AtMost(1.25)),
        |rounds| rounds.added(Variant::Tidegate, Variant::Floor),
    ),
    (
        "page served, whole cost, relative to the hand-written module",
        Some(Limit::AtMost(1.15)),
        |rounds| rounds.whole(Variant::TidegateFailing, Variant::FloorFailing),
    ),
    (
        "page served, whole cost, relative to Lua that replaces status and body",
        Some(Limit::AtMost(1.35)),
        |rounds| rounds.whole(Variant::TidegateFailing, Variant::LuaFailing),
    ),
    (
        "circuit open, requests per CPU second, relative to the hand-written module",
        Some(Limit::AtLeast(0.85)),
        |rounds| rounds.throughput(Variant::TidegateOpen, Variant::FloorOpen),
    ),
    (
        "healthy, cost over no filter, relative to the SDK's no-op filter",
        None,
        |rounds| rounds.added(Variant::Tidegate, Variant::SdkNoop),
    ),
    (
        "healthy, cost over no filter, relative to Lua that reads two headers and the status",
        None,
        |rounds| rounds.added(Variant::Tidegate, Variant::Lua),
    ),
    (
        "circuit open, requests per CPU second, relative to `direct_response`",
        None,
        |rounds| rounds.throughput(Variant::TidegateOpen, Variant::DirectResponse),
    ),
    (
        "the hand-written module, cost over no filter, relative to the SDK's no-op filter",
        None,
        |rounds| rounds.added(Variant::Floor, Variant::SdkNoop),
    ),
    (
        "the hand-written module, whole cost of a page, relative to Lua",
        None,
        |rounds| rounds.whole(Variant::FloorFailing, Variant::LuaFailing),
    ),
    (
        "the hand-written module, rejections per CPU second, relative to `direct_response`",
        None,
        |rounds| rounds.throughput(Variant::FloorOpen, Variant::DirectResponse),
    ),
];

/// Computes the ratios and compares them with the budgets.
pub(crate) fn judge(all: &BTreeMap<Setup, Costs>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (what, limit, ratio) in RATIOS {
        for costs in all.values() {
            let rounds = costs.values().map(Vec::len).min().unwrap_or(0);
            let drawn = (0..rounds).collect();
            verdicts.push(Verdict {
                what,
                ratio: ratio(&Rounds { costs, drawn }),
                between: between(costs, rounds, *ratio),
                limit: *limit,
            });
        }
    }
    verdicts
}

/// Returns the interval that contains nine of ten samples of a ratio.
fn between(costs: &Costs, rounds: usize, ratio: Ratio) -> (f64, f64) {
    // A fixed seed, so that the same costs give the same interval.
    let mut random = fastrand::Rng::with_seed(1979);
    let mut ratios: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let drawn = (0..rounds).map(|_| random.usize(..rounds)).collect();
            ratio(&Rounds { costs, drawn })
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    (ratios[DRAWS / 20], ratios[DRAWS - DRAWS / 20])
}

#[cfg(test)]
mod tests;
