//! Says what the failures are of which the log has nothing but a 503: no details, no flag, no host.
//!
//! In Envoy's default text format, the pages of an open circuit and of maintenance look like this, and
//! so does a response of some other filters. An open circuit rejects requests only while its upstream
//! fails, so failures at the same time tell the two apart.

use serde::Serialize;
use tidegate_core::failure::Reason;

use super::entry::Evidence;
use super::episodes::{Episode, Episodes};
use super::tally::{Failures, Route};

/// An open circuit lets probes through at least this often, and rejects only while these fail.
const PROBED_MS: u64 = 60_000;
/// A circuit does not open for fewer failures; while it is open, each round of probes has this many.
const ENOUGH: u64 = 3;

/// The most likely cause of failures for which the log has no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Guess {
    /// Rejections of Tidegate's open circuit.
    OpenCircuit,
    /// A maintenance page of Tidegate, or a response of another filter.
    MaintenanceOrFilter,
}

/// Returns the failures of a route without evidence, by what they most likely are. Those of an open
/// circuit name what opened it.
pub(super) fn guesses(route: &Route) -> Vec<(Guess, Failures)> {
    let mut circuit = Failures::default();
    let mut other = Failures::default();
    for episode in &route.bare.episodes.list {
        let cause = cause(route, episode);
        let failures = match cause {
            Some(_) => &mut circuit,
            None => &mut other,
        };
        failures.count += episode.failures;
        failures.evidence[Evidence::Bare as usize] += episode.failures;
        failures.episodes.list.push(episode.clone());
        if let Some(reason) = cause {
            failures.opened_by(reason, episode.failures);
        }
    }
    let guesses = [
        (Guess::OpenCircuit, circuit),
        (Guess::MaintenanceOrFilter, other),
    ];
    let guesses = guesses
        .into_iter()
        .filter(|(_, failures)| failures.count > 0);
    let mut guesses: Vec<_> = guesses.collect();
    if let [(_, only)] = &mut guesses[..] {
        only.methods = route.bare.methods.clone();
        only.episodes.folded = route.bare.episodes.folded;
    }
    guesses
}

/// Returns the reason of which the route failed most when it answered 503 in this episode; `None` if
/// it hardly failed.
fn cause(route: &Route, episode: &Episode) -> Option<Reason> {
    let opening = route.reasons.iter().filter(|(reason, _)| opens(*reason));
    let failures = opening.map(|(reason, failures)| (*reason, near(&failures.episodes, episode)));
    let (reason, most) = failures.max_by_key(|(_, failures)| *failures)?;
    (most >= ENOUGH).then_some(reason)
}

/// Returns the number of failures in the episodes before and during another one.
fn near(episodes: &Episodes, episode: &Episode) -> u64 {
    let near = episodes.list.iter().filter(|other| {
        other.from_ms <= episode.to_ms && other.to_ms + PROBED_MS >= episode.from_ms
    });
    near.map(|other| other.failures).sum()
}

/// Returns whether failures for this reason open a circuit.
fn opens(reason: Reason) -> bool {
    !matches!(
        reason,
        Reason::CircuitOpen
            | Reason::Maintenance
            | Reason::DestinationNotFound
            | Reason::ProxyInternalError
            | Reason::ProxyConfigurationError
            | Reason::RateLimited
            | Reason::Unauthorized
            | Reason::Forbidden
            | Reason::AuthorizationUnavailable
            | Reason::ClientError
    )
}

#[cfg(test)]
mod tests;
