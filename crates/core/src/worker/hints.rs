//! When clients should come back.

use std::time::Duration;

use crate::breaker::ClientId;
use crate::config::Retry;
use crate::host::SharedData;
use crate::retry::{hint, FailureInfo, Hint, RouteLoad, UsualLatency, Waiting};
use crate::rng::Rng;
use crate::time::Timestamp;
use crate::worker::metrics::{RouteCounter, WorkerCounter};
use crate::worker::routes::RouteKey;
use crate::worker::shared::update;
use crate::worker::Worker;

impl Worker {
    /// Returns how long a request of the route usually takes to its response headers, if known.
    pub fn usual_latency(&self, route: &RouteKey) -> Option<UsualLatency> {
        self.load(route)?.usual_latency()
    }

    /// Returns the longest deadline that sampled calls of the route had lately;
    /// [`Duration::MAX`] if one had none, `None` if no call was sampled.
    pub fn longest_deadline(&self, route: &RouteKey) -> Option<Duration> {
        self.load(route)?.longest_deadline()
    }

    fn load(&self, route: &RouteKey) -> Option<&RouteLoad> {
        self.routes.sampled(route).map(|sampled| &sampled.load)
    }

    /// Returns when a client of a route should come back, and lets all workers expect it.
    pub fn hint(
        &mut self,
        host: &mut impl SharedData,
        route: &RouteKey,
        retry: &Retry,
        failure: &FailureInfo<'_>,
        client: ClientId,
        rng: &mut impl Rng,
    ) -> Hint {
        let hint = self.next_hint(route, retry, failure, client, rng);
        self.count(route, RouteCounter::HintsGiven);
        if let Some(now) = failure.now {
            self.expect_return(host, now.saturating_add(hint.delay()), now);
        }
        hint
    }

    fn next_hint(
        &mut self,
        route: &RouteKey,
        retry: &Retry,
        failure: &FailureInfo<'_>,
        client: ClientId,
        rng: &mut impl Rng,
    ) -> Hint {
        // A client that is limited does not wait for the site, so it is none of the crowd.
        let now = failure.now.filter(|_| !failure.is_limit);
        let crowd_interval = now.map_or(Duration::ZERO, |now| {
            // A route of which nothing is known has no mean that the second could spoil.
            if let Some(sampled) = self.routes.sampled_if_known(route) {
                sampled.load.count_hint();
            }
            self.waiting.interval(client, retry.check_ins, now)
        });
        hint(retry, failure, crowd_interval, rng.unit())
    }

    /// Adds the clients that this worker has told to come back to those of all workers.
    pub(super) fn share_waiting(&mut self, host: &mut impl SharedData, now: Timestamp) {
        let Some(added) = self.waiting.take_added() else {
            return;
        };
        let key = format!("{}%", self.prefix);
        let mut written = None;
        let updated = update(host, &key, |found| {
            let mut all = found.and_then(Waiting::decode).unwrap_or_default();
            all.follow_clock(now);
            all.unite(&added);
            let bytes = all.encode();
            written = Some(all);
            Ok(Some(bytes))
        });
        match (updated, written) {
            (Ok(()), Some(all)) => self.waiting.set_known(all),
            // This worker knows those that it has added.
            _ => self.count_total(WorkerCounter::StoreErrors),
        }
    }

    /// Counts a request that succeeded. Returns whether it is to be [sampled](Self::sample).
    pub fn should_sample(&mut self) -> bool {
        self.sampler.count()
    }

    /// Adds a sampled request to the load of its route, with the time that it `took` to its response
    /// headers if known, and notes the release that its response names, if any. Does nothing if no
    /// sample is due.
    pub fn sample(&mut self, route: &RouteKey, release: &[u8], took: Option<Duration>) {
        if let Some(requests) = self.sampler.take_sample() {
            let Some(sampled) = self.routes.sampled_mut(route) else {
                return;
            };
            sampled.load.add_sample(requests);
            if let Some(took) = took {
                sampled.load.add_latency(took);
            }
            sampled.releases.note(release, self.last_tick);
        }
    }

    /// Notes who sent a sampled request.
    pub fn note_client(&mut self, route: &RouteKey, client: ClientId) {
        if let Some(sampled) = self.routes.sampled_mut(route) {
            sampled.clients.note(client, self.last_tick);
        }
    }

    /// Notes the deadline of a sampled call that succeeded; [`Duration::MAX`] if it has none.
    pub fn note_deadline(&mut self, route: &RouteKey, deadline: Duration) {
        if let Some(sampled) = self.routes.sampled_mut(route) {
            sampled.load.add_deadline(deadline, self.last_tick);
        }
    }

    /// Notes the release that a failed response names, if any.
    pub fn note_release(&mut self, route: &RouteKey, release: &[u8]) {
        if release.is_empty() {
            return;
        }
        if let Some(sampled) = self.routes.sampled_mut(route) {
            sampled.releases.note(release, self.last_tick);
        }
    }
}
