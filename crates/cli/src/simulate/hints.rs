//! `tidegate simulate --hints`: compares the load after an outage for several kinds of hints.

use serde::Serialize;

use super::control::Kind;
use super::crowd::HintKind;
use super::progress::RunProgress;
use super::scenario::{Incident, Scenario};
use super::world::{self, Series, Setup};
use super::{plot, report};

/// Outages to compare if the command line names none, in milliseconds.
pub(crate) const OUTAGES_MS: [u64; 4] = [5_000, 60_000, 180_000, 600_000];
/// Sizes of crowds, as multiples of the requests that the upstream serves per second.
pub(crate) const CROWDS: [f64; 3] = [0.5, 5.0, 50.0];
/// Simulated time after an outage, in milliseconds.
pub(crate) const AFTER_MS: u64 = 900_000;

/// The results of all kinds of hints for one outage and one crowd.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) outage_ms: u64,
    pub(crate) crowd: u64,
    pub(crate) rows: Vec<Row>,
}

/// The result of one kind of hints.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) hints: HintKind,
    /// The highest load in a second after the outage, relative to the capacity.
    pub(crate) peak_load: f64,
    /// Seconds after the outage with more requests than the upstream can serve.
    pub(crate) overloaded_s: usize,
    /// Seconds from the end of the outage until all clients were served that came before its end;
    /// `None` if not within the run.
    pub(crate) all_served_s: Option<f64>,
    /// Number of times that the circuit opened after the outage.
    pub(crate) trips_after: u32,
    /// Requests that were not served, in the whole run.
    pub(crate) wasted: u64,
    /// Longest time until a client was served, in seconds.
    pub(crate) longest_wait_s: f64,
}

impl Row {
    fn of(hints: HintKind, series: &Series, incident: &Incident) -> Self {
        let end = (incident.end_ms / 1000) as usize;
        let after = series.seconds.get(end..).unwrap_or_default();
        let load = |s: &world::Second| f64::from(s.offered) / s.capacity.max(1.0);
        let lost = |s: &world::Second| u64::from(s.rejected) + u64::from(s.failed);
        let served_ms = series.early_served_ms.saturating_sub(incident.end_ms);
        Self {
            hints,
            peak_load: after.iter().map(load).fold(0.0, f64::max),
            overloaded_s: after.iter().filter(|second| load(second) > 1.0).count(),
            all_served_s: (series.early_left == 0).then_some(served_ms as f64 / 1000.0),
            trips_after: series.trips_after,
            wasted: series.seconds.iter().map(lost).sum(),
            longest_wait_s: series.longest_wait_ms as f64 / 1000.0,
        }
    }

    fn cells(&self) -> [String; 7] {
        let served = self.all_served_s;
        [
            self.hints.title().to_owned(),
            format!("{:.2}", self.peak_load),
            self.overloaded_s.to_string(),
            served.map_or_else(|| "never".to_owned(), |seconds| format!("{seconds:.0} s")),
            self.trips_after.to_string(),
            self.wasted.to_string(),
            format!("{:.0} s", self.longest_wait_s),
        ]
    }
}

/// The file name and the SVG of a picture.
pub(crate) type Picture = (String, String);

/// The column headings.
const HEADS: [&str; 7] = [
    "hint",
    "peak load",
    "overloaded, s",
    "all served",
    "re-trips",
    "wasted",
    "longest wait",
];

impl Comparison {
    /// Returns the name used in file names.
    fn name(&self) -> String {
        format!("hints.{}s.{}", self.outage_ms / 1000, self.crowd)
    }

    fn title(&self) -> String {
        let (seconds, crowd) = (self.outage_ms / 1000, self.crowd);
        format!("outage of {seconds} s, a crowd of {crowd} besides the usual visitors")
    }

    fn lines(&self) -> Vec<Vec<String>> {
        let heads = std::iter::once(HEADS.map(str::to_owned));
        let lines = heads.chain(self.rows.iter().map(Row::cells));
        lines.map(|line| line.to_vec()).collect()
    }
}

/// Returns the tables as plain text.
pub(crate) fn table(comparisons: &[Comparison]) -> String {
    let of = |one: &Comparison| report::aligned(&one.title(), &one.lines());
    comparisons.iter().map(of).collect()
}

/// Returns the tables in Markdown, for the documentation.
pub(crate) fn markdown(comparisons: &[Comparison]) -> String {
    let of = |one: &Comparison| {
        let title = one.title();
        report::in_markdown(&format!("**{title}**"), &one.lines())
    };
    let out: String = comparisons.iter().map(of).collect();
    out.trim_end().to_owned() + "\n"
}

/// Runs each outage with each crowd and each kind of hints. `setup` returns the other parameters of a
/// run. Returns the figures and the pictures.
pub(crate) fn compare(
    outages_ms: &[u64],
    crowds: &[u64],
    seed: u64,
    setup: &dyn Fn(Incident, u64, HintKind) -> Setup,
    incident: &dyn Fn(Scenario, u64) -> Incident,
) -> Result<(Vec<Comparison>, Vec<Picture>), String> {
    let total = outages_ms.len() * crowds.len() * HintKind::ALL.len();
    let mut progress = RunProgress::new(total);
    let (mut done, mut comparisons, mut pictures) = (0, Vec::new(), Vec::new());
    for &outage_ms in outages_ms {
        for &crowd in crowds {
            let incident = incident(Scenario::Outage, outage_ms);
            let mut comparison = Comparison {
                outage_ms,
                crowd,
                rows: Vec::new(),
            };
            let mut runs = Vec::new();
            for hints in HintKind::ALL {
                let what = format!("{}, {}", comparison.name(), hints.title());
                let setup = setup(incident, crowd, hints);
                let series = world::run(&setup, Kind::Tidegate, seed, &mut |share| {
                    progress.update(done, share, &what);
                });
                done += 1;
                comparison.rows.push(Row::of(hints, &series, &incident));
                runs.push((hints, series));
            }
            let picture = plot::offered(&comparison.title(), &runs)?;
            pictures.push((format!("{}.svg", comparison.name()), picture));
            comparisons.push(comparison);
        }
    }
    progress.end();
    Ok((comparisons, pictures))
}
