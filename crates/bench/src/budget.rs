//! The budgets, and whether a run meets them.
//!
//! Whole costs are compared within each round, in which the variants follow one another, so that the
//! speed of the machine cancels out. The cost of a filter is a small difference of two large costs, so
//! the ratio of two such differences of one round is mostly noise: there, medians over all rounds are
//! compared. The confidence intervals come from the bootstrap (B. Efron, "Bootstrap Methods: Another Look at the
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
    /// Returns the median, over the rounds, of what `compare` makes of the costs of two variants in one round.
    fn median(&self, one: Variant, other: Variant, compare: fn(f64, f64) -> f64) -> f64 {
        let (one, other) = (&self.costs[&one], &self.costs[&other]);
        let rounds = self.drawn.iter();
        let compared = rounds.map(|&round| compare(one[round], other[round]));
        median(&compared.collect::<Vec<_>>())
    }

    fn ratio(&self, ratio: &Ratio) -> f64 {
        let over_none = |variant| self.median(variant, Variant::None, |own, none| own - none);
        match ratio.measure {
            Measure::Added => over_none(ratio.of) / over_none(ratio.to),
            Measure::Whole => self.median(ratio.of, ratio.to, |own, other| own / other),
            Measure::Throughput => self.median(ratio.of, ratio.to, |own, other| other / own),
        }
    }
}

/// The measure by which two variants are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// The cost over no filter.
    Added,
    /// The whole cost.
    Whole,
    /// Requests per CPU second.
    Throughput,
}

/// A ratio of two variants.
#[derive(Debug)]
struct Ratio {
    what: &'static str,
    limit: Option<Limit>,
    measure: Measure,
    of: Variant,
    to: Variant,
}

impl Ratio {
    /// Returns whether all that it compares was measured.
    fn is_known(&self, costs: &Costs) -> bool {
        let base = (self.measure == Measure::Added).then_some(Variant::None);
        let mut variants = [self.of, self.to].into_iter().chain(base);
        variants.all(|variant| costs.contains_key(&variant))
    }
}

const fn ratio(
    what: &'static str,
    limit: Option<Limit>,
    measure: Measure,
    of: Variant,
    to: Variant,
) -> Ratio {
    Ratio {
        what,
        limit,
        measure,
        of,
        to,
    }
}

/// The ratios: first those with a budget, then those for comparison.
///
/// No wasm module can cost less than the hand-written one, so the budgets are relative to it and to
/// Lua, the usual alternative. Native filters and `direct_response` show what wasm cannot reach.
const RATIOS: &[Ratio] = &[
    ratio(
        "healthy, cost over no filter, relative to the hand-written module",
        Some(Limit::AtMost(1.25)),
        Measure::Added,
        Variant::Tidegate,
        Variant::Floor,
    ),
    ratio(
        "page served, whole cost, relative to the hand-written module",
        Some(Limit::AtMost(1.15)),
        Measure::Whole,
        Variant::TidegateFailing,
        Variant::FloorFailing,
    ),
    ratio(
        "page served, whole cost, relative to Lua that replaces status and body",
        Some(Limit::AtMost(1.35)),
        Measure::Whole,
        Variant::TidegateFailing,
        Variant::LuaFailing,
    ),
    ratio(
        "circuit open, requests per CPU second, relative to the hand-written module",
        Some(Limit::AtLeast(0.85)),
        Measure::Throughput,
        Variant::TidegateOpen,
        Variant::FloorOpen,
    ),
    ratio(
        "healthy, cost over no filter, relative to the SDK's no-op filter",
        None,
        Measure::Added,
        Variant::Tidegate,
        Variant::SdkNoop,
    ),
    ratio(
        "healthy, cost over no filter, relative to Lua that reads two headers and the status",
        None,
        Measure::Added,
        Variant::Tidegate,
        Variant::Lua,
    ),
    ratio(
        "circuit open, requests per CPU second, relative to `direct_response`",
        None,
        Measure::Throughput,
        Variant::TidegateOpen,
        Variant::DirectResponse,
    ),
    ratio(
        "the hand-written module, cost over no filter, relative to the SDK's no-op filter",
        None,
        Measure::Added,
        Variant::Floor,
        Variant::SdkNoop,
    ),
    ratio(
        "the hand-written module, whole cost of a page, relative to Lua",
        None,
        Measure::Whole,
        Variant::FloorFailing,
        Variant::LuaFailing,
    ),
    ratio(
        "the hand-written module, rejections per CPU second, relative to `direct_response`",
        None,
        Measure::Throughput,
        Variant::FloorOpen,
        Variant::DirectResponse,
    ),
    ratio(
        "healthy, whole cost, relative to the other module",
        None,
        Measure::Whole,
        Variant::Tidegate,
        Variant::Beside,
    ),
    ratio(
        "page served, whole cost, relative to the other module",
        None,
        Measure::Whole,
        Variant::TidegateFailing,
        Variant::BesideFailing,
    ),
    ratio(
        "circuit open, whole cost, relative to the other module",
        None,
        Measure::Whole,
        Variant::TidegateOpen,
        Variant::BesideOpen,
    ),
];

/// Computes the ratios of what was measured, and compares them with the budgets.
pub(crate) fn judge(all: &BTreeMap<Setup, Costs>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for ratio in RATIOS {
        for costs in all.values().filter(|costs| ratio.is_known(costs)) {
            let rounds = costs.values().map(Vec::len).min().unwrap_or(0);
            let drawn = (0..rounds).collect();
            verdicts.push(Verdict {
                what: ratio.what,
                ratio: Rounds { costs, drawn }.ratio(ratio),
                between: between(costs, rounds, ratio),
                limit: ratio.limit,
            });
        }
    }
    verdicts
}

/// Returns the interval that contains nine of ten samples of a ratio.
fn between(costs: &Costs, rounds: usize, ratio: &Ratio) -> (f64, f64) {
    // A fixed seed, so that the same costs give the same interval.
    let mut random = fastrand::Rng::with_seed(1979);
    let mut ratios: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let drawn = (0..rounds).map(|_| random.usize(..rounds)).collect();
            Rounds { costs, drawn }.ratio(ratio)
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    (ratios[DRAWS / 20], ratios[DRAWS - DRAWS / 20])
}

#[cfg(test)]
mod tests;
