//! Finds what changed around the time when failures began: releases, hosts, the number of requests.
//! A log proves no cause; it shows where to look first.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_core::failure::Reason;

use super::classes::next;
use super::episodes::Episode;
use super::report::time;
use super::seen::{Names, Seen};
use super::tally::Route;

/// A change up to this long before the first failure may be related to it: a release that is rolled
/// out host by host, a DNS record that expires.
const LOOK_BACK_MS: u64 = 15 * 60_000;
/// A new release may be seen only after the old one was shut down and requests failed in between.
const LOOK_AHEAD_MS: u64 = 5 * 60_000;
/// A host is considered absent if it is not seen for this many rounds over all hosts.
const TURNS: u64 = 10;
/// With fewer requests than this, a host that is not seen proves nothing.
const FEW: u64 = 30;
/// The request rate counts as a crowd from this multiple of the earlier rate.
const CROWD: f64 = 1.5;
/// The usual request rate is measured over this time before an episode,
const BEFORE_MS: u64 = 10 * 60_000;
/// or over a shorter time, but at least this.
const ENOUGH_BEFORE_MS: u64 = 60_000;
/// From this share of the failures on, a host has nearly all of them.
const NEARLY_ALL: f64 = 0.95;
/// Fewer failures than this may be of one path by chance.
const FEW_FAILURES: u64 = 5;
/// If other paths failed as one path does, they would have at least this many failures. Fewer prove
/// nothing.
const ENOUGH_EXPECTED: f64 = 5.0;
/// Paths are fine if they have at most this share of the failures that they would have if they failed
/// as another path does.
const FINE: f64 = 0.1;

/// A change, or what is common to the failures, with times as in the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Change {
    /// Another release of the upstream answered for the first time.
    Release {
        from: String,
        to: String,
        at: String,
        /// Negative: after the first failure.
        seconds_before: f64,
    },
    /// A host was seen for the first time.
    HostAdded {
        host: String,
        at: String,
        seconds_before: f64,
    },
    /// A host was seen for the last time.
    HostGone {
        host: String,
        at: String,
        seconds_before: f64,
    },
    /// Nearly all failures belong to one host of several.
    OneHost { host: String, of: usize },
    /// Several hosts failed; this one failed first.
    FirstHost {
        host: String,
        failing: usize,
        of: usize,
    },
    /// Nearly all failures belong to one host, path or prefix of paths, while others were served.
    OnePath {
        /// The host of the requests and the first segments of their path.
        class: String,
    },
    /// The request rate, as a multiple of the rate in the (up to) ten minutes before.
    Crowd { times: f64 },
}

/// Below this share, failures are background noise without a beginning.
const NOISE: f64 = 0.02;

/// Returns what changed when an episode began; `share` is the share of requests that failed in it.
pub(super) fn changes(
    route: &Route,
    reason: Reason,
    episode: &Episode,
    share: Option<f64>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    if share.is_some_and(|share| share < NOISE) {
        changes.extend(which_host(&route.hosts, episode));
        changes.extend(one_path(route, episode));
        return changes;
    }
    // Requests that never reach an upstream do not depend on its hosts.
    let is_own = matches!(reason, Reason::Maintenance | Reason::DestinationNotFound);
    changes.extend(release(&route.releases, episode));
    if !is_own {
        hosts(&route.hosts, episode, &mut changes);
    }
    changes.extend(one_path(route, episode));
    changes.extend(crowd(route, episode));
    changes
}

fn seconds_before(at_ms: u64, episode: &Episode) -> f64 {
    (episode.from_ms as f64 - at_ms as f64) / 1000.0
}

fn release(releases: &Names, episode: &Episode) -> Option<Change> {
    let from = episode.from_ms.saturating_sub(LOOK_BACK_MS);
    let to = episode.to_ms.saturating_add(LOOK_AHEAD_MS);
    let new = releases
        .list
        .iter()
        .filter(|release| release.before > 0 && (from..=to).contains(&release.first_ms));
    // The one closest to the first failure.
    let new = new.min_by_key(|release| release.first_ms.abs_diff(episode.from_ms))?;
    let old = releases
        .list
        .iter()
        .filter(|release| release.first_ms < new.first_ms)
        .max_by_key(|release| release.last_ms)?;
    Some(Change::Release {
        from: old.name.to_string(),
        to: new.name.to_string(),
        at: time(new.first_ms),
        seconds_before: seconds_before(new.first_ms, episode),
    })
}

fn hosts(hosts: &Names, episode: &Episode, changes: &mut Vec<Change>) {
    let around =
        episode.from_ms.saturating_sub(LOOK_BACK_MS)..=episode.to_ms.saturating_add(LOOK_AHEAD_MS);
    let enough = FEW.max(TURNS * hosts.list.len() as u64);
    let is_new = |host: &&Seen| host.before >= enough && around.contains(&host.first_ms);
    for host in hosts.list.iter().filter(is_new) {
        changes.push(Change::HostAdded {
            host: host.name.to_string(),
            at: time(host.first_ms),
            seconds_before: seconds_before(host.first_ms, episode),
        });
    }
    let is_gone = |host: &&Seen| {
        hosts.requests.saturating_sub(host.until) >= enough && around.contains(&host.last_ms)
    };
    for host in hosts.list.iter().filter(is_gone) {
        changes.push(Change::HostGone {
            host: host.name.to_string(),
            at: time(host.last_ms),
            seconds_before: seconds_before(host.last_ms, episode),
        });
    }
    changes.extend(which_host(hosts, episode));
}

fn which_host(hosts: &Names, episode: &Episode) -> Option<Change> {
    let of = hosts.list.len();
    let most = episode.hosts.iter().max_by_key(|(_, failures)| *failures);
    let (most, failures) = most.filter(|_| of > 1)?;
    let counted: u64 = episode.hosts.iter().map(|(_, failures)| failures).sum();
    let known = counted + episode.other_hosts;
    if *failures as f64 >= NEARLY_ALL * known as f64 {
        return Some(Change::OneHost {
            host: most.to_string(),
            of,
        });
    }
    (!episode.first.host.is_empty()).then(|| Change::FirstHost {
        host: episode.first.host.to_string(),
        failing: episode.hosts.len(),
        of,
    })
}

/// Requests at the time of an episode.
#[derive(Clone, Copy)]
struct Asked {
    /// Failures for the reason of the episode.
    failures: u64,
    /// Requests that did not fail for any reason.
    served: u64,
}

impl Asked {
    /// Returns the requests of a prefix.
    fn below(prefix: &str, route: &Route, episode: &Episode) -> Self {
        let failures = episode.classes.below(prefix).map(|(_, failures)| failures);
        let served = route.served.below(prefix).map(|(_, served)| served);
        Self {
            failures: failures.sum(),
            served: served
                .map(|served| served.around(episode.from_ms, episode.to_ms))
                .sum(),
        }
    }

    fn without(self, part: Self) -> Self {
        Self {
            failures: self.failures.saturating_sub(part.failures),
            served: self.served.saturating_sub(part.served),
        }
    }

    fn requests(self) -> f64 {
        (self.failures + self.served) as f64
    }

    /// Returns the number of failures there would be with the share that another part has.
    fn expected_as(self, other: Self) -> f64 {
        self.requests() * other.failures as f64 / other.requests().max(1.0)
    }

    /// Returns whether few fail, compared with another part.
    fn is_fine_beside(self, other: Self) -> bool {
        self.failures as f64 <= FINE * self.expected_as(other)
    }
}

/// Returns the narrowest prefix that explains the failures. That nearly all requests are of one path
/// is no explanation: others must have been asked, and served.
fn one_path(route: &Route, episode: &Episode) -> Option<Change> {
    if episode.failures < FEW_FAILURES {
        return None;
    }
    let all = Asked::below("", route, episode);
    let (mut prefix, mut inside) = ("", all);
    loop {
        let mut parts: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, failures) in episode.classes.below(prefix) {
            if let Some(part) = next(name, prefix) {
                *parts.entry(part).or_default() += failures;
            }
        }
        let Some((part, failures)) = parts.into_iter().max_by_key(|(_, failures)| *failures) else {
            break;
        };
        if (failures as f64) < NEARLY_ALL * episode.failures as f64 {
            break;
        }
        let within = Asked::below(part, route, episode);
        // If `/users/2` fails as `/users/1` does, only less often, the cause is not `/users/1`.
        let beside = inside.without(within);
        if !prefix.is_empty() && !beside.is_fine_beside(within) {
            break;
        }
        (prefix, inside) = (part, within);
    }
    let outside = all.without(inside);
    let is_proven = outside.expected_as(inside) >= ENOUGH_EXPECTED;
    let is_it = !prefix.is_empty() && is_proven && outside.is_fine_beside(inside);
    is_it.then(|| Change::OnePath {
        class: super::cut(displayed(prefix)).to_owned(),
    })
}

/// Returns a prefix without the empty component that stands for the end of a path. `/` keeps it.
pub(super) fn displayed(prefix: &str) -> &str {
    let path = prefix.strip_suffix('/');
    path.filter(|path| path.contains('/')).unwrap_or(prefix)
}

fn crowd(route: &Route, episode: &Episode) -> Option<Change> {
    // The log may start within that time.
    let begin = route.timeline.start_ms()?;
    let from = begin.max(episode.from_ms.saturating_sub(BEFORE_MS));
    let before = route.timeline.between(from, episode.from_ms)?;
    let during = route.timeline.between(episode.from_ms, episode.to_ms)?;
    let lasted = episode.to_ms.saturating_sub(episode.from_ms);
    let waited = episode.from_ms.saturating_sub(from);
    if before < FEW as f64 || during < FEW as f64 || waited < ENOUGH_BEFORE_MS {
        return None;
    }
    let times = (during / lasted as f64) / (before / waited as f64);
    (times >= CROWD).then_some(Change::Crowd {
        times: (times * 10.0).round() / 10.0,
    })
}

#[cfg(test)]
mod tests;
