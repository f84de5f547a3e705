//! Compares kinds of retry hints by what happens after an outage, for several populations of clients.

mod figures;
mod population;

use serde::{Serialize, Serializer};

use crate::control::Kind;
use crate::crowd::HintKind;
use crate::world::{self, Series, Setup};
use crate::{oracle, parallel};

use figures::RunFigures;
pub use figures::{Figure, Figures};
pub use population::{Population, Site};

/// How a run decides when a visitor who was rejected comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Hints, and the breaker of this filter.
    Hints(HintKind),
    /// An oracle: it sends the upstream what it can serve, in the order in which visitors came. No hints
    /// lose less time.
    Oracle,
}

impl Strategy {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 5] = [
        Self::Hints(HintKind::Fixed5),
        Self::Hints(HintKind::Fixed30),
        Self::Hints(HintKind::Jittered),
        Self::Hints(HintKind::CheckIns),
        Self::Oracle,
    ];

    fn name(self) -> String {
        match self {
            Self::Hints(hints) => crate::value_name(&hints),
            Self::Oracle => "oracle".to_owned(),
        }
    }

    /// Returns its display name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Hints(hints) => hints.title(),
            Self::Oracle => "oracle",
        }
    }

    /// Returns whether these are the hints of this filter.
    pub fn is_own(self) -> bool {
        self == Self::Hints(HintKind::CheckIns)
    }

    fn run(self, setup: &Setup, seed: u64) -> Series {
        match self {
            Self::Hints(hints) => {
                let setup = Setup {
                    hints,
                    ..setup.clone()
                };
                world::run(&setup, Kind::Tidegate, seed, &mut |_| ())
            }
            Self::Oracle => oracle::run(setup, seed),
        }
    }
}

impl Serialize for Strategy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

/// The runs of a setup with one strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How these runs decided when a visitor comes back.
    pub strategy: Strategy,
    /// The figures of all runs.
    pub figures: Figures,
    /// The run with the first seed; empty if there was no seed.
    pub first: Series,
}

/// Simulates each setup with each strategy and each seed, on all processors. `ended` gets the number of
/// runs that have ended, after each of them. Returns the outcomes of each setup in the order of the
/// strategies. [`Figures::lost_ratio`] has values if [`Strategy::Oracle`] is one of these.
pub fn compare(
    setups: &[&Setup],
    strategies: &[Strategy],
    seeds: &[u64],
    ended: &mut dyn FnMut(usize),
) -> Vec<Vec<Outcome>> {
    let mut jobs = Vec::new();
    for &setup in setups {
        for &strategy in strategies {
            jobs.extend(seeds.iter().map(|&seed| (setup, strategy, seed)));
        }
    }
    let run = |&(setup, strategy, seed): &(&Setup, Strategy, u64)| {
        let series = strategy.run(setup, seed);
        let figures = RunFigures::of(&series, &setup.incident, seed);
        // All of them together would take much memory.
        (figures, (seeds.first() == Some(&seed)).then_some(series))
    };
    let mut results = parallel::map(&jobs, run, ended).into_iter();
    let mut of_setup = || {
        let of_strategy = |&strategy: &Strategy| {
            let runs = results.by_ref().take(seeds.len());
            let (figures, series): (Vec<RunFigures>, Vec<Option<Series>>) = runs.unzip();
            let first = series.into_iter().flatten().next();
            (strategy, figures, first.unwrap_or_default())
        };
        let all: Vec<_> = strategies.iter().map(of_strategy).collect();
        let oracle = all
            .iter()
            .find(|(strategy, ..)| *strategy == Strategy::Oracle);
        let oracle = oracle.map_or_else(Vec::new, |(_, figures, _)| figures.clone());
        let outcome = |(strategy, figures, first): (Strategy, Vec<RunFigures>, Series)| Outcome {
            strategy,
            figures: Figures::of(&figures, &oracle),
            first,
        };
        all.into_iter().map(outcome).collect()
    };
    setups.iter().map(|_| of_setup()).collect()
}

#[cfg(test)]
mod tests;
