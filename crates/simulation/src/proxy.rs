//! The worker threads of one proxy with this filter: its breaker and its hints, the code that runs
//! in the workers, over shared data in memory.

use std::time::Duration;

use tidegate_core::breaker::outcome::{Neutral, Verdict};
use tidegate_core::breaker::{ClientId, RouteCircuits, State};
use tidegate_core::config::{Breaker as Settings, Retry};
use tidegate_core::failure::{Reason, Source};
use tidegate_core::retry::FailureInfo;
use tidegate_core::rng::Rng;
use tidegate_core::time::Timestamp;
use tidegate_core::worker::{CallNotPermitted, CircuitId, Event, Permit, RouteKey, Worker};

use super::paths::{Asker, Callers};
use super::rng::Fixed;
use super::shared::Shared;
use super::upstream::{Answer, PATIENCE_MS};

/// The key of the only route.
const ROUTE: &str = "simulated/upstream";
/// Start of the simulated time in milliseconds since the Unix epoch; any value works.
const EPOCH_MS: u64 = 1_800_000_000_000;

/// A request that was not served, and is to get a hint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rejected {
    pub(crate) worker: usize,
    pub(crate) client: ClientId,
    pub(crate) now_ms: u64,
    /// For how much longer the circuit is open, in milliseconds; 0: not known.
    pub(crate) remaining_ms: u64,
}

/// The workers of one proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    shared: Shared,
    workers: Vec<Worker>,
    route: RouteKey,
    callers: Callers,
    settings: Settings,
    retry: Retry,
    /// How often a circuit opened.
    pub(crate) trips: u32,
}

impl Proxy {
    /// Creates workers that have seen no request.
    pub(crate) fn new(settings: &Settings, retry: &Retry, workers: usize) -> Self {
        let worker = |_| Worker::new("tidegate", vec![settings.clone()]);
        Self {
            shared: Shared::default(),
            workers: (0..workers).map(worker).collect(),
            route: ROUTE.into(),
            callers: Callers::new(),
            settings: settings.clone(),
            retry: retry.clone(),
            trips: 0,
        }
    }

    /// Decides about a request.
    pub(crate) fn try_acquire(
        &mut self,
        worker: usize,
        asker: Asker,
        now_ms: u64,
        rng: &mut impl Rng,
    ) -> Result<Permit, CallNotPermitted> {
        let Some(worker) = self.workers.get_mut(worker) else {
            return Ok(Permit::default());
        };
        // As in the filter: requests are not tracked while none fails.
        if !worker.must_track() {
            return Ok(worker.untracked_permit());
        }
        let circuit = circuit(&self.route);
        // As in the filter: while all circuits of the route are clean, it does not matter who asks.
        let caller = self.callers.get(asker, worker.must_know_caller(circuit));
        worker.try_acquire(&mut self.shared, circuit, caller, false, at(now_ms), rng)
    }

    /// Records how an admitted request ended.
    pub(crate) fn record(
        &mut self,
        worker: usize,
        asker: Asker,
        permit: Permit,
        answer: Answer,
        now_ms: u64,
        rng: &mut impl Rng,
    ) {
        let outcome = verdict(&self.settings, answer).outcome;
        let Some(worker) = self.workers.get_mut(worker) else {
            return;
        };
        if answer.is_good() && !permit.is_probe() && !worker.must_track() {
            return;
        }
        let circuit = circuit(&self.route);
        if permit.is_by_gate() {
            let caller = self.callers.get(asker, true);
            worker.note_answered(circuit, caller, &permit, at(now_ms));
        }
        let is_counted = !answer.is_good() || permit.is_probe();
        let is_known = is_counted || worker.must_know_caller(circuit);
        let (host, now) = (&mut self.shared, at(now_ms));
        let (caller, result) = (self.callers.get(asker, is_known), outcome.into());
        worker.record(host, circuit, caller, permit, result, now, rng);
    }

    /// Lets a worker know of a request that was served after `took_ms`.
    pub(crate) fn sample(&mut self, worker: usize, took_ms: u64) {
        if let Some(worker) = self.workers.get_mut(worker) {
            if worker.should_sample() {
                worker.sample(&self.route, b"", Some(Duration::from_millis(took_ms)));
            }
        }
    }

    /// Returns the retry hint of a client, in milliseconds from now.
    pub(crate) fn hint_ms(&mut self, rejected: Rejected, rng: &mut impl Rng) -> u64 {
        let Some(worker) = self.workers.get_mut(rejected.worker) else {
            return 0;
        };
        let remaining_ms = rejected.remaining_ms;
        let failure = FailureInfo {
            status: 503,
            spread: Duration::ZERO,
            remaining: (remaining_ms > 0).then(|| Duration::from_millis(remaining_ms)),
            is_limit: false,
            retry_after: None,
            now: Some(at(rejected.now_ms)),
        };
        let (host, retry) = (&mut self.shared, &self.retry);
        let hint = worker.hint(host, &self.route, retry, &failure, rejected.client, rng);
        hint.delay().as_millis() as u64
    }

    /// Runs the tick of a worker, 20 times a second. `draw`: the random number, in [0, 1).
    pub(crate) fn tick(&mut self, worker: usize, now_ms: u64, draw: f64) {
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.tick(&mut self.shared, at(now_ms), &mut Fixed(draw));
            let events = worker.take_events();
            for transition in events.iter().filter_map(Event::transition) {
                self.trips += u32::from(transition.to == State::Open);
            }
        }
    }

    /// Returns the state of the circuit that admits least.
    pub(crate) fn state(&self) -> State {
        let view = |worker| Worker::view(worker, circuit(&self.route));
        let views = self.workers.iter().filter_map(view);
        let newest = views.max_by_key(|view: &&RouteCircuits| view.changes);
        newest.map_or(State::Closed, |view| view.strictest().state)
    }
}

fn circuit(route: &RouteKey) -> CircuitId<'_> {
    CircuitId { route, policy: 0 }
}

fn at(now_ms: u64) -> Timestamp {
    Timestamp::from_millis(EPOCH_MS + now_ms)
}

/// Returns what the filter makes of an answer.
fn verdict(settings: &Settings, answer: Answer) -> Verdict {
    let upstream =
        |status, reason| Verdict::of_response(settings, status, reason, Source::Upstream, false);
    let envoy = |reason| Verdict::of_response(settings, 503, reason, Source::Proxy, false);
    match answer {
        Answer::Good => Verdict::of_status(200),
        Answer::Denied => Verdict::of_status(401),
        Answer::Full => upstream(503, Reason::UpstreamUnavailable),
        Answer::Broken => upstream(502, Reason::UpstreamBadGateway),
        Answer::TimedOut => envoy(Reason::HttpResponseTimeout),
        Answer::Refused => envoy(Reason::ConnectionRefused),
        Answer::Lost => envoy(Reason::ConnectionTerminated),
        Answer::Left => {
            let waited = Duration::from_millis(PATIENCE_MS);
            Verdict::of_abandoned(Neutral::ClientLeft, Some(waited))
        }
    }
}

#[cfg(test)]
mod tests;
