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

    fn healthy_of(&self, other: Variant) -> f64 {
        self.over(Variant::Tidegate, Variant::None) / self.over(other, Variant::None)
    }
}

type Ratio = fn(&Rounds<'_>) -> f64;

/// The ratios with their limits.
const RATIOS: &[(&str, Option<Limit>, Ratio)] = &[
    (
        "healthy, over no filter, of the SDK's no-op filter",
        Some(Limit::AtMost(0.8)),
        |rounds| rounds.healthy_of(Variant::SdkNoop),
    ),
    (
        "healthy, over no filter, of Lua that reads the same",
        Some(Limit::AtMost(1.0)),
        |rounds| rounds.healthy_of(Variant::Lua),
    ),
    (
        "healthy, over no filter, of the module by hand",
        None,
        |rounds| rounds.healthy_of(Variant::Floor),
    ),
    (
        "the module by hand, over no filter, of the SDK's no-op filter",
        None,
        |rounds| {
            rounds.over(Variant::Floor, Variant::None)
                / rounds.over(Variant::SdkNoop, Variant::None)
        },
    ),
    (
        "page served, of Lua that replaces status and body",
        Some(Limit::AtMost(0.9)),
        |rounds| rounds.cost(Variant::TidegateFailing) / rounds.cost(Variant::LuaFailing),
    ),
    ("page served, of the module by hand", None, |rounds| {
        rounds.cost(Variant::TidegateFailing) / rounds.cost(Variant::FloorFailing)
    }),
    (
        "the module by hand, of Lua that replaces status and body",
        None,
        |rounds| rounds.cost(Variant::FloorFailing) / rounds.cost(Variant::LuaFailing),
    ),
    (
        "circuit open, requests per processor second, of `direct_response`",
        Some(Limit::AtLeast(0.6)),
        |rounds| rounds.cost(Variant::DirectResponse) / rounds.cost(Variant::TidegateOpen),
    ),
    (
        "a module by hand that rejects, requests per processor second, of `direct_response`",
        None,
        |rounds| rounds.cost(Variant::DirectResponse) / rounds.cost(Variant::FloorOpen),
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
mod tests {
    use super::*;
    use crate::load::Protocol;

    /// Returns the verdicts for eleven rounds on a machine that is alternately slow and fast. Each
    /// variant costs a fixed amount more than no filter.
    fn judged(costs: &[(Variant, f64)]) -> Vec<Verdict> {
        let setup = Setup {
            protocol: Protocol::H1,
            workers: 1,
        };
        let mut all = Costs::new();
        for variant in Variant::ALL {
            let more = costs.iter().find(|(other, _)| other == variant);
            let more = more.map_or(0.0, |(_, more)| *more);
            let rounds = (0..11).map(|round| 100.0 + 7.0 * f64::from(round % 3) + more);
            all.insert(*variant, rounds.collect());
        }
        judge(&BTreeMap::from([(setup, all)]))
    }

    #[test]
    fn ratios_are_medians_over_no_filter() {
        let all = judged(&[
            (Variant::SdkNoop, 20.0),
            (Variant::Lua, 10.0),
            (Variant::Tidegate, 15.0),
            (Variant::Floor, 12.0),
        ]);
        let of = |what: &str| {
            all.iter()
                .find(|verdict| verdict.what.contains(what))
                .unwrap()
        };
        let sdk = of("of the SDK's");
        assert!((sdk.ratio - 0.75).abs() < 1e-9 && sdk.is_held(), "{sdk:?}");
        let lua = of("of Lua that reads");
        assert!((lua.ratio - 1.5).abs() < 1e-9 && !lua.is_held(), "{lua:?}");
        let floor = of("of the module by hand");
        assert!((floor.ratio - 1.25).abs() < 1e-9 && floor.is_held());
        // The speed of the machine is the same for all variants of a round.
        assert!((sdk.between.0 - 0.75).abs() < 1e-9 && (sdk.between.1 - 0.75).abs() < 1e-9);
    }

    #[test]
    fn more_requests_per_second_are_better() {
        let all = judged(&[
            (Variant::TidegateOpen, 0.0),
            (Variant::DirectResponse, -50.0),
        ]);
        let mut open = all.iter().filter(|verdict| verdict.limit.is_some());
        let open = open.next_back().unwrap();
        assert!(open.ratio < 0.6 && !open.is_held(), "{open:?}");
    }
}
