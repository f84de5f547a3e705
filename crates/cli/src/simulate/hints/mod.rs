//! `tidegate simulate --hints`: compares kinds of hints by what happens after an outage, for several
//! populations of clients.

mod reading;
mod report;

use serde::Serialize;
use tidegate_core::config::Policy;
use tidegate_simulation::hints::{self, Figures, Population, Strategy};
use tidegate_simulation::scenario::{Incident, Scenario};
use tidegate_simulation::world::Setup;

use super::progress::RunProgress;
use super::{plot, Args};

/// Simulated time after an outage, in milliseconds, besides a multiple of its length.
const AFTER_MS: u64 = 120_000;
/// The multiple: where a third of the capacity is free, an oracle needs twice the outage.
const AFTER_OUTAGES: u64 = 2;

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
    let seeds = (0..args.runs).map(|run| args.seed.wrapping_add(run));
    let seeds: Vec<u64> = seeds.collect();
    let setups: Vec<&Setup> = cases.iter().map(|case| &case.setup).collect();
    let mut progress = RunProgress::new(setups.len() * strategies.len() * seeds.len());
    let outcomes = hints::compare(&setups, strategies, &seeds, &mut |ended| {
        progress.update(ended, 0.0, "of the runs")
    });
    progress.end();
    let (mut comparisons, mut pictures) = (Vec::new(), Vec::new());
    for (case, outcomes) in cases.iter().zip(outcomes) {
        let firsts = outcomes.iter();
        let firsts = firsts.map(|outcome| (outcome.strategy.title(), &outcome.first));
        let firsts: Vec<_> = firsts.collect();
        let rows = outcomes.iter().map(|outcome| Row {
            hints: outcome.strategy,
            figures: outcome.figures.clone(),
        });
        let comparison = Comparison {
            population: case.population,
            outage_ms: case.outage_ms,
            rate: case.setup.rate,
            capacity: case.capacity,
            crowd: case.setup.crowd,
            runs: args.runs,
            rows: rows.collect(),
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
