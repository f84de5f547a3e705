//! When clients should come back.

use std::time::Duration;

use crate::breaker::ClientId;
use crate::config::{Pace, Retry};
use crate::host::SharedData;
use crate::retry::hint::{between, scattered};
use crate::retry::{base_delay, FailureInfo, Hint, RouteLoad, Slots, UsualLatency};
use crate::rng::Rng;
use crate::time::Timestamp;
use crate::worker::metrics::RouteCounter;
use crate::worker::routes::RouteKey;
use crate::worker::shared::{u64s_to_bytes, update, SyncError};
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
        let route = self.routes.get(&self.routes.load_key(route))?;
        route.load.as_ref()
    }

    /// Returns when a client of a route should come back, and lets all workers expect it.
    pub fn hint(
        &mut self,
        host: &mut impl SharedData,
        route: &RouteKey,
        retry: &Retry,
        failure: &FailureInfo<'_>,
        rng: &mut impl Rng,
    ) -> Hint {
        let hint = self.next_hint(host, route, retry, failure, rng.next_u64());
        self.count(route, RouteCounter::HintsGiven);
        if let Some(now) = failure.now {
            self.expect_return(host, now.saturating_add(hint.delay()));
        }
        hint
    }

    fn next_hint(
        &mut self,
        host: &mut impl SharedData,
        route: &RouteKey,
        retry: &Retry,
        failure: &FailureInfo<'_>,
        random: u64,
    ) -> Hint {
        let base = base_delay(retry, failure);
        let (Some(now), false) = (failure.now, retry.pace == Pace::Off) else {
            return scattered(base, retry.max, random);
        };
        let slots = Slots {
            first: now.saturating_add(base).since_epoch(),
            last: now.saturating_add(retry.max).since_epoch(),
        };
        let key = self.routes.load_key(route);
        let (load, _) = self.routes.load(key.clone());
        load.count_hint();
        let slot = match retry.pace {
            Pace::Rate(rate) => {
                let interval = Slots::interval(rate);
                take_shared_slot(host, &key, slots, interval)
                    // Without shared data each worker has its own slots.
                    .unwrap_or_else(|_| load.take_slot(slots, interval))
            }
            Pace::Auto | Pace::Off => load.take_slot(slots, Slots::interval(load.spare())),
        };
        Hint::new(match slot {
            Some(slot) => delay_until(slot, now),
            // More clients than slots.
            None => between(base, retry.max, random),
        })
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
            let (load, releases) = self.routes.load(self.routes.load_key(route));
            load.add_sample(requests);
            if let Some(took) = took {
                load.add_latency(took);
            }
            releases.note(release, self.last_tick);
        }
    }

    /// Notes who sent a sampled request.
    pub fn note_client(&mut self, route: &RouteKey, client: ClientId) {
        let now = self.last_tick;
        let key = self.routes.load_key(route);
        self.routes.clients(key).note(client, now);
    }

    /// Notes the deadline of a sampled call that succeeded; [`Duration::MAX`] if it has none.
    pub fn note_deadline(&mut self, route: &RouteKey, deadline: Duration) {
        let (load, _) = self.routes.load(self.routes.load_key(route));
        load.add_deadline(deadline, self.last_tick);
    }

    /// Notes the release that a failed response names, if any.
    pub fn note_release(&mut self, route: &RouteKey, release: &[u8]) {
        if !release.is_empty() {
            let (_, releases) = self.routes.load(self.routes.load_key(route));
            releases.note(release, self.last_tick);
        }
    }
}

/// Returns the delay until a slot, in whole milliseconds, rounded up.
fn delay_until(slot: Duration, now: Timestamp) -> Duration {
    let micros = slot.saturating_sub(now.since_epoch()).as_micros();
    Duration::from_millis(u64::try_from(micros.div_ceil(1000)).unwrap_or(u64::MAX))
}

/// Takes the next slot of all workers together.
///
/// # Errors
/// [`SyncError`] if shared data failed.
fn take_shared_slot(
    host: &mut impl SharedData,
    route: &RouteKey,
    slots: Slots,
    interval: Duration,
) -> Result<Option<Duration>, SyncError> {
    let mut slot = None;
    update(host, &format!("tidegate.slots/{route}"), |found| {
        let free = found.and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)));
        slot = slots.next(Duration::from_micros(free.unwrap_or(0)));
        let next = slot.map(|slot| slot.saturating_add(interval).as_micros());
        Ok(next.map(|next| u64s_to_bytes(&[u64::try_from(next).unwrap_or(u64::MAX)])))
    })?;
    Ok(slot)
}
