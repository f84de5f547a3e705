//! `tidegate simulate`: compares the filter's own breaker and retry hints with others, in the
//! simulation of [`tidegate_simulation`]. Here are its arguments, its progress, and what it shows of
//! the results: tables with what they say, JSON, and charts.

mod hints;
mod plot;
mod progress;
mod reading;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::ValueEnum;
use tidegate_core::config::{Config, Policy};
use tidegate_simulation::control::Kind;
use tidegate_simulation::crowd::{HintKind, Restless};
use tidegate_simulation::hints::Population;
use tidegate_simulation::measure::Figures;
use tidegate_simulation::scenario::{Incident, Scenario, BEFORE_MS};
use tidegate_simulation::upstream::Model;
use tidegate_simulation::world::{self, Series, Setup};

use crate::check::Unusable;

use progress::RunProgress;
use report::{Comparison, Row};

/// Default length of a run after the incident in milliseconds.
const AFTER_MS: u64 = 120_000;
/// Longest run: the calendar of returning clients must fit in memory.
const MAX_DURATION: Duration = Duration::from_secs(24 * 3600);

/// Simulate the circuit breaker, and others, against a failing upstream and returning clients
///
/// Prints a table for each scenario, with what it says. The same arguments always give the same result.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate simulate --scenario outage                      all breakers in one incident
  tidegate simulate --scenario outage --only tidegate --config tidegate.yaml
  tidegate simulate --hints --population obey              kinds of retry hints")]
pub(crate) struct Args {
    /// Kind of incident
    #[arg(long, value_name = "NAME", default_value = "all")]
    scenario: ScenarioChoice,
    /// New visitors per second [default: 200; 20 if one path fails; with --hints, 100, and 2 at the small
    /// site]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000))]
    rate: Option<u32>,
    /// Requests per second that the healthy upstream can serve [default: 1.5 times the rate; 50 at the
    /// small site]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=1_000_000))]
    capacity: Option<u32>,
    /// Length of the incident [default: 40s; 2m if the upstream is alive in it; with --hints, 60s and 180s,
    /// and 30s at the small site]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    outage: Option<Duration>,
    /// Length of the simulation [default: ends 2m after the incident; with --hints, 2m and twice the
    /// outage after it]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    /// Additional visitors who come during the incident
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = RangedU64ValueParser::<u64>::new().range(0..=1_000_000))]
    crowd: u64,
    /// Share of clients that follow the retry hint; the others return after 1 to 6 s [default: 0.8];
    /// with --hints, in the population of which some ask every second [default: 0.7]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    obey: Option<f64>,
    /// Attempts per client; 0: until it is served [default: 4; with --hints, 0]
    #[arg(long, value_name = "N")]
    tries: Option<u32>,
    /// Worker threads of the proxy
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = RangedU64ValueParser::<usize>::new().range(1..=256))]
    workers: usize,
    /// Hosts of the upstream
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    hosts: usize,
    /// Timeout of a request at the upstream
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    timeout: Duration,
    /// Length of the request queue of each upstream host
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    queue: usize,
    /// Share of its work that the upstream still does for a request that has timed out
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    waste: f64,
    /// Configuration or source, in YAML or JSON, to take `breaker` and `retry` from
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Compare kinds of retry hints after an outage, instead of breakers
    #[arg(long, conflicts_with_all = ["scenario", "only"])]
    hints: bool,
    /// With --hints: simulate only this population
    #[arg(long, value_name = "NAME", requires = "hints", conflicts_with_all = ["scenario", "only"])]
    population: Option<Population>,
    /// With --hints: simulate only this kind of hints, and the oracle
    #[arg(long, value_name = "NAME", requires = "hints", conflicts_with_all = ["scenario", "only"])]
    hint: Option<HintKind>,
    /// Simulate only this breaker
    #[arg(long, value_name = "NAME")]
    only: Option<Kind>,
    /// Random seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Number of runs to average, with consecutive seeds
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = RangedU64ValueParser::<u64>::new().range(1..=1000))]
    runs: u64,
    /// Folder for an SVG of each run; created if it does not exist [default: no pictures]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print the figures as tables in Markdown
    #[arg(long)]
    markdown: bool,
}

#[derive(Debug, Clone, Copy)]
enum ScenarioChoice {
    All,
    One(Scenario),
}

impl ValueEnum for ScenarioChoice {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [ScenarioChoice; 11] = [
            ScenarioChoice::All,
            ScenarioChoice::One(Scenario::ALL[0]),
            ScenarioChoice::One(Scenario::ALL[1]),
            ScenarioChoice::One(Scenario::ALL[2]),
            ScenarioChoice::One(Scenario::ALL[3]),
            ScenarioChoice::One(Scenario::ALL[4]),
            ScenarioChoice::One(Scenario::ALL[5]),
            ScenarioChoice::One(Scenario::ALL[6]),
            ScenarioChoice::One(Scenario::ALL[7]),
            ScenarioChoice::One(Scenario::ALL[8]),
            ScenarioChoice::One(Scenario::ALL[9]),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        match self {
            Self::All => Some(clap::builder::PossibleValue::new("all").help("All of them")),
            Self::One(scenario) => scenario.to_possible_value(),
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("allowed: a number from 0 to 1".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .ok()
        .filter(|found| (Duration::from_millis(1)..=MAX_DURATION).contains(found))
        .ok_or_else(|| "allowed: a duration from 1ms to 24h (units: ms, s, m, h)".to_owned())
}

/// Returns all values of an argument.
fn values<T: ValueEnum + Clone>() -> Vec<T> {
    T::value_variants().to_vec()
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    match simulate(args) {
        Ok(text) => crate::output::print(&text),
        Err(Failed { message, code }) => {
            eprintln!("{message}");
            ExitCode::from(code)
        }
    }
}

/// Why there is no simulation.
struct Failed {
    message: String,
    code: u8,
}

impl From<String> for Failed {
    fn from(message: String) -> Self {
        Self {
            message,
            code: crate::USAGE,
        }
    }
}

fn simulate(args: &Args) -> Result<String, Failed> {
    let policy = policy(args.config.as_deref())?;
    // Runs take a while: a folder that cannot be made is found before them.
    if let Some(folder) = &args.out {
        create(folder)?;
    }
    if args.hints {
        return Ok(hints::simulate(args, &policy)?);
    }
    let scenarios = match args.scenario {
        ScenarioChoice::All => Scenario::ALL.to_vec(),
        ScenarioChoice::One(scenario) => vec![scenario],
    };
    let kinds = args.only.map_or_else(values::<Kind>, |kind| vec![kind]);
    let total = scenarios.len() * kinds.len() * args.runs as usize;
    let mut progress = RunProgress::new(total);
    let mut done = 0;
    let mut comparisons = Vec::new();
    let mut pictures = 0;
    for scenario in scenarios {
        let length_ms = args.outage.map_or(scenario.default_ms(), ms);
        let rate = f64::from(args.rate.unwrap_or(scenario.default_rate()));
        let capacity = args.capacity.map_or(rate * 1.5, f64::from);
        let incident = Incident::new(scenario, rate, capacity, length_ms);
        check_duration(args, &incident)?;
        let duration_ms = duration_ms(args, &incident, AFTER_MS);
        let setup = setup(args, rate, incident, duration_ms, &policy);
        let mut rows = Vec::new();
        let mut firsts: Vec<(Kind, Series)> = Vec::new();
        for &kind in &kinds {
            let what = format!("{}, {}", scenario.name(), kind.title());
            let mut figures = Vec::new();
            for run in 0..args.runs {
                let series = world::run(&setup, kind, args.seed.wrapping_add(run), &mut |share| {
                    progress.update(done, share, &what);
                });
                done += 1;
                figures.push(Figures::of(&series, &setup.incident));
                if run == 0 {
                    firsts.push((kind, series));
                }
            }
            rows.push(Row {
                breaker: kind,
                figures: Figures::mean(&figures),
            });
        }
        if let Some(folder) = &args.out {
            pictures += draw(folder, scenario, &firsts)?;
        }
        comparisons.push(Comparison { scenario, rows });
    }
    progress.end();
    if args.json {
        let json = serde_json::to_string_pretty(&comparisons).map_err(|e| e.to_string())?;
        return Ok(json + "\n");
    }
    if args.markdown {
        return Ok(report::markdown(&comparisons));
    }
    Ok(report::table(&comparisons) + &saved(args.out.as_deref(), pictures))
}

/// Returns the line that says where the pictures are, if there are any.
fn saved(folder: Option<&Path>, pictures: usize) -> String {
    let plural = if pictures == 1 { "" } else { "s" };
    folder.map_or_else(String::new, |folder| {
        format!("{pictures} picture{plural} in {}\n", folder.display())
    })
}

/// Returns the settings of a filter configuration, or the defaults.
fn policy(file: Option<&Path>) -> Result<Policy, Failed> {
    let Some(file) = file else {
        return Config::from_json(b"{}")
            .map(|config| config.policy)
            .map_err(|_| "the defaults are not accepted".to_owned().into());
    };
    crate::check::bundle(file)
        .map(|(_, bundle, _)| bundle.config.policy)
        .map_err(|error| match error {
            Unusable::Unreadable(_) => format!("{}: {error}", file.display()).into(),
            Unusable::Wrong(_) => Failed {
                message: error.to_string(),
                code: crate::FINDINGS,
            },
        })
}

fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

/// Returns the length of a run: the one on the command line, or `after_ms` more than the incident.
fn duration_ms(args: &Args, incident: &Incident, after_ms: u64) -> u64 {
    args.duration.map_or(incident.end_ms + after_ms, ms) / 1000 * 1000
}

/// Checks that the length on the command line covers the incident.
fn check_duration(args: &Args, incident: &Incident) -> Result<(), String> {
    let shortest = incident.end_ms + 1000;
    if args
        .duration
        .is_some_and(|duration| ms(duration) / 1000 * 1000 < shortest)
    {
        return Err(format!(
            "--duration: allowed: at least {} s: {} s before the incident, the incident, and one after it",
            shortest.div_ceil(1000),
            BEFORE_MS / 1000
        ));
    }
    Ok(())
}

fn setup(args: &Args, rate: f64, incident: Incident, duration_ms: u64, policy: &Policy) -> Setup {
    Setup {
        incident,
        model: Model {
            hosts: args.hosts,
            timeout_ms: ms(args.timeout),
            queue: args.queue,
            waste: args.waste,
        },
        rate,
        crowd: args.crowd,
        obey: args.obey.unwrap_or(0.8),
        restless: Restless::Reload,
        has_one_address: false,
        hammer: None,
        tries: args.tries.unwrap_or(4),
        workers: args.workers,
        duration_ms,
        settings: policy.breaker.clone(),
        retry: policy.retry.clone(),
        hints: HintKind::CheckIns,
    }
}

/// Draws each run and a comparison. Returns the number of files.
fn draw(directory: &Path, scenario: Scenario, runs: &[(Kind, Series)]) -> Result<usize, String> {
    let mut pictures = Vec::new();
    for (kind, series) in runs {
        let name = format!("{}.{}.svg", scenario.name(), kind.name());
        pictures.push((name, plot::run(scenario, *kind, series)?));
    }
    if runs.len() > 1 {
        pictures.push((
            format!("{}.svg", scenario.name()),
            plot::comparison(scenario, runs)?,
        ));
    }
    save(directory, &pictures)
}

/// Writes charts under their names. Returns their number.
fn save(directory: &Path, pictures: &[(String, String)]) -> Result<usize, String> {
    create(directory)?;
    for (name, picture) in pictures {
        let path = directory.join(name);
        fs::write(&path, picture).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(pictures.len())
}

/// Creates the folder for pictures.
fn create(directory: &Path) -> Result<(), String> {
    fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))
}
