//! The report that is made from a tally: failures by route and reason, the most harmful first,
//! with what changed when they began. `--json` prints this structure (docs/explain.md).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use tidegate_core::failure::Reason;

use super::bare::{guesses, Guess};
use super::changes::{changes, displayed, Change};
use super::classes::{is_below, is_whole};
use super::entry::Evidence;
use super::episodes::Episode;
use super::runbooks;
use super::tally::{Failures, Route, Tally};

/// Increases when a field is removed or changes its meaning, not for new fields.
const VERSION: u32 = 1;
/// Number of paths of a finding.
const PATHS: usize = 5;

/// The report.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    pub(super) files: Vec<String>,
    pub(super) lines: u64,
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) share: f64,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) unreadable: Unreadable,
    pub(super) unknown_reasons: u64,
    pub(super) extended_lines: u64,
    pub(super) folded_routes: u64,
    pub(super) findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
pub(super) struct Unreadable {
    pub(super) lines: u64,
    pub(super) first: Option<UnreadableLine>,
}

#[derive(Debug, Serialize)]
pub(super) struct UnreadableLine {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) why: String,
}

/// Failures of one route for one reason.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) route: String,
    pub(super) cluster: Option<String>,
    pub(super) grouped_by: &'static str,
    pub(super) reason: &'static str,
    pub(super) failures: u64,
    /// Requests of the route to the cluster.
    pub(super) requests: u64,
    pub(super) share: f64,
    pub(super) known_from: KnownFrom,
    /// The most likely cause, where the log has no evidence.
    pub(super) guess: Option<Guess>,
    pub(super) paths: Vec<PathShown>,
    pub(super) methods: Vec<MethodShown>,
    /// For `circuit_open`: what opened the circuit.
    pub(super) opened_by: Vec<OpenedBy>,
    pub(super) episodes: Vec<Shown>,
    pub(super) folded_episodes: u64,
    pub(super) check_first: Vec<&'static str>,
    #[serde(skip)]
    pub(super) of: Reason,
}

#[derive(Debug, Serialize)]
pub(super) struct KnownFrom {
    pub(super) filter_state: u64,
    pub(super) details: u64,
    pub(super) transport: u64,
    pub(super) unexplained: u64,
    pub(super) flags: u64,
    pub(super) status: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct PathShown {
    /// The host of the requests and the first segments of their path.
    pub(super) class: String,
    pub(super) failures: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct MethodShown {
    pub(super) method: String,
    pub(super) failures: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct OpenedBy {
    pub(super) reason: &'static str,
    pub(super) rejected: u64,
}

/// An episode of failures.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) seconds: f64,
    pub(super) failures: u64,
    /// Share of the route's requests in that time; `None` if it was too short.
    pub(super) share: Option<f64>,
    pub(super) first: FirstShown,
    pub(super) hosts: Vec<HostShown>,
    pub(super) changes: Vec<Change>,
}

#[derive(Debug, Serialize)]
pub(super) struct FirstShown {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) request_id: Option<String>,
    pub(super) upstream_host: Option<String>,
    pub(super) details: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct HostShown {
    pub(super) host: String,
    pub(super) failures: u64,
}

/// Returns the display name of a file.
pub(super) fn name(path: &Path) -> String {
    crate::source::display_name(path)
}

/// Formats a time.
pub(super) fn time(ms: u64) -> String {
    // `line::time_ms` limits times to what the calendar has, but durations may exceed it.
    let ms = ms.min(253_402_300_799_999);
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(ms)).to_string()
}

/// Returns `part` of `whole`, rounded to four decimal places.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    let share = part as f64 / whole.max(1) as f64;
    (share * 10_000.0).round() / 10_000.0
}

fn known(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl Report {
    pub(super) fn new(tally: &Tally, files: &[PathBuf]) -> Self {
        let files: Vec<String> = files.iter().map(|path| name(path)).collect();
        let file = |at: usize| files.get(at).cloned().unwrap_or_default();
        let mut findings: Vec<Finding> = Vec::new();
        for route in tally.routes.values() {
            for (reason, failures) in &route.reasons {
                findings.push(finding(route, *reason, None, failures, &file));
            }
            for (guess, failures) in guesses(route) {
                let reason = match guess {
                    Guess::OpenCircuit => Reason::CircuitOpen,
                    Guess::MaintenanceOrFilter => Reason::ProxyInternalError,
                };
                findings.push(finding(route, reason, Some(guess), &failures, &file));
            }
        }
        findings.sort_by(|a, b| {
            let key = |finding: &'_ Finding| {
                let names = (finding.route.clone(), finding.cluster.clone());
                (names, finding.reason, finding.guess.is_some())
            };
            let by_harm = b.harm().total_cmp(&a.harm());
            by_harm.then_with(|| key(a).cmp(&key(b)))
        });
        let first = tally.first_unreadable.as_ref();
        Self {
            version: VERSION,
            lines: tally.lines,
            requests: tally.requests,
            failed: tally.failed,
            share: share(tally.failed, tally.requests),
            from: tally.first_ms.map(time),
            to: tally.last_ms.map(time),
            unreadable: Unreadable {
                lines: tally.unreadable,
                first: first.map(|first| UnreadableLine {
                    file: file(first.file),
                    line: first.line,
                    why: first.wrong.to_string(),
                }),
            },
            unknown_reasons: tally.unknown_reasons,
            extended_lines: tally.extended,
            folded_routes: tally.folded,
            findings,
            files,
        }
    }
}

impl Finding {
    /// Returns by how much it hurts: a few failures of a route that fails always are worse than as many
    /// of one that is otherwise well.
    fn harm(&self) -> f64 {
        self.failures as f64 * self.share
    }
}

fn finding(
    route: &Route,
    reason: Reason,
    guess: Option<Guess>,
    failures: &Failures,
    file: &dyn Fn(usize) -> String,
) -> Finding {
    let known_from = |evidence: Evidence| failures.evidence[evidence as usize];
    let runbook = runbooks::of(reason);
    Finding {
        route: route.name.to_string(),
        cluster: known(&route.cluster),
        grouped_by: if route.is_host { "host" } else { "route" },
        reason: reason.as_str(),
        failures: failures.count,
        requests: route.requests,
        share: share(failures.count, route.requests),
        known_from: KnownFrom {
            filter_state: known_from(Evidence::FilterState),
            details: known_from(Evidence::Details),
            transport: known_from(Evidence::Transport),
            unexplained: known_from(Evidence::Unexplained),
            flags: known_from(Evidence::Flags),
            status: known_from(Evidence::Status) + known_from(Evidence::Bare),
        },
        guess,
        paths: paths(failures),
        methods: methods(failures),
        opened_by: failures
            .opened_by
            .iter()
            .map(|(reason, rejected)| OpenedBy {
                reason: reason.as_str(),
                rejected: *rejected,
            })
            .collect(),
        episodes: failures
            .episodes
            .list
            .iter()
            .map(|episode| shown(route, reason, episode, file))
            .collect(),
        folded_episodes: failures.episodes.folded,
        check_first: runbook.checks.iter().map(|check| check.what).collect(),
        of: reason,
    }
}

/// Returns the paths with the most failures. If a prefix stands for many paths, those that still have
/// a name of their own count for it too.
fn paths(failures: &Failures) -> Vec<PathShown> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let episodes = failures.episodes.list.iter();
    let classes = episodes.flat_map(|episode| episode.classes.below(""));
    let classes: Vec<_> = classes.collect();
    let prefixes = classes.iter().map(|(class, _)| *class);
    let mut prefixes: Vec<&str> = prefixes.filter(|class| !is_whole(class)).collect();
    prefixes.sort_unstable();
    for (class, count) in classes {
        let prefix = prefixes.iter().find(|prefix| is_below(class, prefix));
        *counts.entry(prefix.unwrap_or(&class)).or_default() += count;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    // The sort is stable: equal counts stay in the order of their names.
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let counts = counts.into_iter().take(PATHS);
    let shown = counts.map(|(class, failures)| PathShown {
        class: match is_whole(class) {
            true => displayed(class).to_owned(),
            false => format!("{class}/*"),
        },
        failures,
    });
    shown.collect()
}

fn methods(failures: &Failures) -> Vec<MethodShown> {
    let mut methods = failures.methods.clone();
    methods.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let shown = methods.into_iter().map(|(method, failures)| MethodShown {
        method: method.into(),
        failures,
    });
    shown.collect()
}

fn shown(
    route: &Route,
    reason: Reason,
    episode: &Episode,
    file: &dyn Fn(usize) -> String,
) -> Shown {
    let asked = route.timeline.between(episode.from_ms, episode.to_ms);
    let share = asked.filter(|asked| *asked >= 1.0).map(|asked| {
        let share = (episode.failures as f64 / asked).min(1.0);
        // The steps of the timeline are coarser than the times of the episode.
        (share * 1000.0).round() / 1000.0
    });
    let mut hosts = episode.hosts.clone();
    hosts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Shown {
        from: time(episode.from_ms),
        to: time(episode.to_ms),
        seconds: episode.to_ms.saturating_sub(episode.from_ms) as f64 / 1000.0,
        failures: episode.failures,
        share,
        first: FirstShown {
            file: file(episode.first.file),
            line: episode.first.line,
            request_id: known(&episode.first.request_id),
            upstream_host: known(&episode.first.host),
            details: known(&episode.first.details),
        },
        hosts: hosts
            .into_iter()
            .map(|(host, failures)| HostShown {
                host: host.into(),
                failures,
            })
            .collect(),
        changes: changes(route, reason, episode, share),
    }
}

#[cfg(test)]
mod tests;
