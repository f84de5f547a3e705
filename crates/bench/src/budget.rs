//! The budgets, and whether they are held.

use std::collections::BTreeMap;

use crate::stage::Variant;
use crate::{median, Costs, Setup};

/// One budget in one setup.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) what: &'static str,
    pub(crate) setup: Setup,
    /// One ratio for each round.
    pub(crate) ratios: Vec<f64>,
    pub(crate) limit: Limit,
}

/// What a ratio may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Verdict {
    pub(crate) fn is_held(&self) -> bool {
        let ratio = median(&self.ratios);
        match self.limit {
            Limit::AtMost(most) => ratio <= most,
            Limit::AtLeast(least) => ratio >= least,
        }
    }
}

/// A ratio of the costs of one round.
type Ratio<'a> = &'a dyn Fn(&dyn Fn(Variant) -> f64) -> f64;

/// Compares what was measured with the budgets.
pub(crate) fn judge(all: &BTreeMap<Setup, Costs>) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (setup, costs) in all {
        let rounds = costs.values().map(Vec::len).min().unwrap_or(0);
        let mut verdict = |what, limit, ratio: Ratio<'_>| {
            let ratios = (0..rounds).map(|round| ratio(&|variant| costs[&variant][round]));
            let ratios = ratios.collect();
            verdicts.push(Verdict {
                what,
                setup: *setup,
                ratios,
                limit,
            });
        };
        verdict(
            "healthy, over no filter, of the SDK's no-op filter",
            Limit::AtMost(0.8),
            &|cost| {
                let none = cost(Variant::None);
                (cost(Variant::Tidegate) - none) / (cost(Variant::SdkNoop) - none)
            },
        );
        verdict(
            "healthy, over no filter, of Lua that reads the same",
            Limit::AtMost(1.0),
            &|cost| {
                let none = cost(Variant::None);
                (cost(Variant::Tidegate) - none) / (cost(Variant::Lua) - none)
            },
        );
        verdict(
            "page served, of Lua that replaces status and body",
            Limit::AtMost(0.9),
            &|cost| cost(Variant::TidegateFailing) / cost(Variant::LuaFailing),
        );
        verdict(
            "circuit open, requests per processor second, of `direct_response`",
            Limit::AtLeast(0.6),
            &|cost| cost(Variant::DirectResponse) / cost(Variant::TidegateOpen),
        );
    }
    verdicts
}
