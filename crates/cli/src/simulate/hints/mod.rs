//! `tidegate simulate --hints`: compares kinds of hints by what happens after an outage, for several
//! populations of clients.

mod figures;
mod population;
mod reading;
mod report;

use serde::{Serialize, Serializer};
use tidegate_core::config::Policy;

pub(super) use population::Population;

use super::control::Kind;
use super::crowd::HintKind;
use super::progress::RunProgress;
use super::scenario::{Incident, Scenario};
use super::world::{self, Series, Setup};
use super::{oracle, parallel, plot, Args};
use figures::{Figures, RunFigures};

/// Simulated time after an outage, in milliseconds, besides a multiple of its length.
const AFTER_MS: u64 = 120_000;
/// The multiple: where a third of the capacity is free, an oracle needs twice the outage.
const AFTER_OUTAGES: u64 = 2;

/// How a run decides when a visitor who was rejected comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Hints, and the breaker of this filter.
    Hints(HintKind),
    /// An oracle.
    Oracle,
}

impl Strategy {
    /// All of them, in the order of the tables.
    const ALL: [Self; 5] = [
        Self::Hints(HintKind::Fixed5),
        Self::Hints(HintKind::Fixed30),
        Self::Hints(HintKind::Jittered),
        Self::Hints(HintKind::CheckIns),
        Self::Oracle,
    ];

    fn name(self) -> String {
        match self {
            Self::Hints(hints) => super::value_name(&hints),
            Self::Oracle => "oracle".to_owned(),
        }
    }

    /// Returns its display name.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Hints(hints) => hints.title(),
            Self::Oracle => "oracle",
        }
    }

    /// Returns whether these are the hints of this filter.
    pub(crate) fn is_own(self) -> bool {
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

/// The results for one population and one outage.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    population: Population,
    outage_ms: u64,
    /// New visitors per second.
    rate: f64,
    /// Requests per second that the upstream can serve.
    capacity: f64,
    /// Additional visitors who come in the outage.
    crowd: u64,
    /// Number of runs, with consecutive seeds.
    runs: u64,
    rows: Vec<Row>,
}

/// The result of one strategy.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    hints: Strategy,
    #[serde(flatten)]
    figures: Figures,
}

impl Comparison {
    fn title(&self) -> String {
        let (population, seconds) = (self.population.title(), self.outage_ms as f64 / 1000.0);
        let title = format!("{population}, outage of {seconds} s");
        match self.crowd {
            0 => title,
            crowd => format!("{title}, a crowd of {crowd} besides the usual visitors"),
        }
    }

    /// Returns the name used in file names.
    fn name(&self) -> String {
        let seconds = self.outage_ms as f64 / 1000.0;
        format!("{}.{seconds}s", self.population.name())
    }
}

/// One population with one outage.
struct Case {
    population: Population,
    outage_ms: u64,
    capacity: f64,
    setup: Setup,
}

impl Case {
    fn new(args: &Args, policy: &Policy, population: Population, outage_ms: u64) -> Self {
        let site = population.site();
        let rate = f64::from(args.rate.unwrap_or(site.rate));
        let usual = match args.rate {
            None => f64::from(site.capacity),
            Some(_) => rate * 1.5,
        };
        let capacity = args.capacity.map_or(usual, f64::from);
        let incident = Incident::new(Scenario::Outage, rate, capacity, outage_ms);
        let after_ms = outage_ms * AFTER_OUTAGES + AFTER_MS;
        let duration_ms = super::duration_ms(args, &incident, after_ms);
        let setup = Setup {
            tries: args.tries.unwrap_or(0),
            ..super::setup(args, rate, incident, duration_ms, policy)
        };
        Self {
            population,
            outage_ms,
            capacity,
            setup: population.of(setup, args.obey),
        }
    }
}

/// The file name and the SVG of a picture.
pub(super) type Picture = (String, String);

/// Simulates the populations and outages of the command line, or the default ones.
///
/// # Errors
/// The length of a run on the command line is too short.
pub(super) fn simulate(args: &Args, policy: &Policy) -> Result<String, String> {
    let populations = match args.population {
        None => super::values::<Population>(),
        Some(population) => vec![population],
    };
    let mut cases = Vec::new();
    for population in populations {
        let outages_ms = match args.outage {
            None => population.site().outages_ms.to_vec(),
            Some(outage) => vec![super::ms(outage)],
        };
        for outage_ms in outages_ms {
            let case = Case::new(args, policy, population, outage_ms);
            super::check_duration(args, &case.setup.incident)?;
            cases.push(case);
        }
    }
    let strategies: Vec<Strategy> = Strategy::ALL
        .into_iter()
        .filter(|strategy| match (strategy, args.hint) {
            (Strategy::Hints(hints), Some(only)) => *hints == only,
            _ => true,
        })
        .collect();
    let (comparisons, pictures) = compare(args, &cases, &strategies)?;
    let count = match &args.out {
        Some(folder) => super::save(folder, &pictures)?,
        None => 0,
    };
    if args.json {
        let json = serde_json::to_string_pretty(&comparisons).map_err(|e| e.to_string())?;
        return Ok(json + "\n");
    }
    if args.markdown {
        return Ok(report::markdown(&comparisons));
    }
    Ok(report::table(&comparisons) + &super::saved(args.out.as_deref(), count))
}

/// Runs each case with each strategy and each seed. Returns the figures, and the pictures of the
/// first seed.
fn compare(
    args: &Args,
    cases: &[Case],
    strategies: &[Strategy],
) -> Result<(Vec<Comparison>, Vec<Picture>), String> {
    let seeds: Vec<u64> = (0..args.runs)
        .map(|run| args.seed.wrapping_add(run))
        .collect();
    let mut jobs = Vec::new();
    for case in cases {
        for &strategy in strategies {
            jobs.extend(seeds.iter().map(|&seed| (case, strategy, seed)));
        }
    }
    let mut progress = RunProgress::new(jobs.len());
    let run = |&(case, strategy, seed): &(&Case, Strategy, u64)| {
        let series = strategy.run(&case.setup, seed);
        let figures = RunFigures::of(&series, &case.setup.incident, seed);
        (figures, (seed == args.seed).then_some(series))
    };
    let results = parallel::map(&jobs, run, &mut |done| {
        progress.update(done, 0.0, "of the runs")
    });
    progress.end();
    let (mut comparisons, mut pictures) = (Vec::new(), Vec::new());
    for (case, of_case) in cases
        .iter()
        .zip(results.chunks(strategies.len() * seeds.len()))
    {
        let (mut all, mut firsts) = (Vec::new(), Vec::new());
        for (&strategy, runs) in strategies.iter().zip(of_case.chunks(seeds.len())) {
            let figures: Vec<RunFigures> =
                runs.iter().map(|(figures, _)| figures.clone()).collect();
            all.push((strategy, figures));
            let series = runs.iter().find_map(|(_, series)| series.as_ref());
            firsts.extend(series.map(|series| (strategy.title(), series)));
        }
        let oracle = all
            .iter()
            .find(|(strategy, _)| *strategy == Strategy::Oracle);
        let oracle = oracle.map_or(&[][..], |(_, runs)| runs);
        let row = |(hints, runs): &(Strategy, Vec<RunFigures>)| Row {
            hints: *hints,
            figures: Figures::of(runs, oracle),
        };
        let comparison = Comparison {
            population: case.population,
            outage_ms: case.outage_ms,
            rate: case.setup.rate,
            capacity: case.capacity,
            crowd: case.setup.crowd,
            runs: args.runs,
            rows: all.iter().map(row).collect(),
        };
        let (name, title) = (comparison.name(), comparison.title());
        pictures.push((format!("hints.{name}.svg"), plot::loads(&title, &firsts)?));
        let end_ms = case.setup.incident.end_ms;
        pictures.push((
            format!("back.{name}.svg"),
            plot::back(&title, end_ms, &firsts)?,
        ));
        comparisons.push(comparison);
    }
    Ok((comparisons, pictures))
}
