//! What one worker thread keeps of its routes, and exchanges with the other workers.
//!
//! # Why the workers share circuits
//!
//! A circuit that sees a quarter of the traffic needs four times as long to be sure, and with few
//! requests it is never sure; and four half-open circuits send four times the probes. Therefore the
//! workers share one [circuit](crate::breaker) per route, as a record in the host's shared data,
//! which only offers compare-and-swap.
//!
//! A worker keeps a copy of each record that it has seen, and the outcomes that it has counted since.
//! It pushes these at its tick, or at once if they could trip the circuit. Permits for probes are
//! taken from the shared record and returned to it at once. If shared data fails, requests are
//! admitted: a broken circuit breaker must not become an outage of its own.
//!
//! An idle worker learns what other workers did from the heartbeat, a small shared value that it
//! reads at each tick.
//!
//! # Parts
//!
//! * `routes`: the routes, each with its circuits, its metrics, and what samples say of it.
//! * `registry`, `permit`: whether a request may pass, and how it ended.
//! * `shared_circuit`: the circuits of a route as one worker knows them, and what it has not pushed yet.
//! * `sync`: the exchange of circuits with the other workers.
//! * `shared`, `heartbeat`: values in shared data, and how they are changed.
//! * `hints`: when clients should come back.
//! * `passes`: the passes of clients that were let in.
//! * `kept_bytes`: what requests in flight keep of their headers.
//! * `metrics`, `interceptions`, `events`: what the operator sees.
//!
//! # Limits
//!
//! Nothing is shared between processes: each gateway pod has its own circuits.

mod events;
mod heartbeat;
mod hints;
mod interceptions;
mod kept_bytes;
mod metrics;
mod passes;
mod permit;
mod registry;
mod releases;
mod routes;
mod shared;
mod shared_circuit;
mod sync;

pub use events::Event;
pub use kept_bytes::{Kept, MAX_KEPT_BYTES};
pub use metrics::catalog;
pub use metrics::{RouteCounter, WorkerCounter, CONFIG_ERRORS};
pub use permit::{CallNotPermitted, CallResult, Caller, CircuitId, Permit};
pub use releases::Releases;
pub use routes::{RouteKey, MAX_ROUTES};

use std::time::Duration;

use crate::config::Breaker as Settings;
use crate::host::SharedData;
use crate::pass::PassKey;
use crate::retry::{LoadSampler, WaitingClients};
use crate::rng::Rng;
use crate::time::Timestamp;

use events::LogLimit;
use heartbeat::Heartbeat;
use kept_bytes::KeptBytes;
use metrics::Metrics;
use routes::Routes;

/// The time between two ticks. All workers learn of an open circuit within two of them.
pub const TICK: Duration = Duration::from_millis(50);
/// The time between two ticks of a worker at rest: one that has had nothing to do for a while, as after its
/// configuration was replaced and its last connections drain. It ticks at once when a request comes.
pub const TICK_AT_REST: Duration = Duration::from_secs(1);
/// A worker is at rest if for this long it had no request, and no route of any worker had failures.
const REST_AFTER: Duration = Duration::from_secs(10);

/// What one worker thread keeps of its routes, and exchanges with the other workers.
#[derive(Debug)]
pub struct Worker {
    /// Prefix of all keys in shared data: all plugins of a proxy may share one namespace.
    prefix: String,
    /// The settings by number of the policy.
    policies: Vec<Settings>,
    routes: Routes,
    /// The heartbeat as last read or written.
    heartbeat: Heartbeat,
    /// Whether the heartbeat could not be written after an event of this worker.
    has_unpublished_event: bool,
    must_track: bool,
    expects_returns: bool,
    /// The number of changes of state that this worker has learned of.
    changes_seen: u32,
    sampler: LoadSampler,
    waiting: WaitingClients,
    /// The key of passes, from the first use on.
    pass_key: Option<PassKey>,
    kept_bytes: KeptBytes,
    metrics: Metrics,
    events: Vec<Event>,
    log_limit: LogLimit,
    has_unknown_name: bool,
    has_started: bool,
    last_tick: Timestamp,
    /// Whether there was a request since the last tick.
    had_request: bool,
    /// When there was something to do.
    last_busy: Timestamp,
    is_at_rest: bool,
}

impl Worker {
    /// Returns a worker with the breaker settings of each policy. Workers of plugins with the same
    /// name share their circuits.
    pub fn new(plugin: &str, policies: Vec<Settings>) -> Self {
        Self {
            // With the length of the name, no key of one plugin begins with the prefix of another.
            prefix: format!("tidegate.1.{}.{plugin}", plugin.len()),
            policies,
            routes: Routes::default(),
            heartbeat: Heartbeat::default(),
            has_unpublished_event: false,
            must_track: false,
            expects_returns: false,
            changes_seen: 0,
            sampler: LoadSampler::default(),
            waiting: WaitingClients::default(),
            pass_key: None,
            kept_bytes: KeptBytes::default(),
            metrics: Metrics::default(),
            events: Vec::new(),
            log_limit: LogLimit::default(),
            has_unknown_name: false,
            has_started: false,
            last_tick: Timestamp::EPOCH,
            had_request: false,
            last_busy: Timestamp::EPOCH,
            is_at_rest: false,
        }
    }

    /// Moves what samples say of all routes, and what requests in flight keep, from the worker of the previous
    /// configuration. Circuits need no move: the first tick finds them in shared data.
    pub fn inherit_load(&mut self, previous: &mut Self) {
        self.sampler = std::mem::take(&mut previous.sampler);
        self.waiting = std::mem::take(&mut previous.waiting);
        self.routes.take_sampled(&mut previous.routes);
        self.kept_bytes = previous.kept_bytes.clone();
        self.last_tick = previous.last_tick;
    }

    /// Returns whether requests must be tracked: some route of some worker has failures. As of the
    /// last tick, so that the time is not needed.
    pub fn must_track(&self) -> bool {
        self.must_track
    }

    /// Returns whether a client that got a hint from any worker may come back now. As of the last
    /// tick.
    pub fn expects_returns(&self) -> bool {
        self.expects_returns
    }

    /// Counts what a request keeps of its headers, until the result is dropped. Returns `None` if requests
    /// in flight keep too much already.
    pub fn keep(&self, bytes: usize) -> Option<Kept> {
        self.kept_bytes.keep(bytes)
    }

    /// Does what is due several times a second: pushes counts, applies what other workers did, lets
    /// time change circuits of idle routes, and updates the loads.
    pub fn tick(&mut self, host: &mut impl SharedData, now: Timestamp, rng: &mut impl Rng) {
        let draw = rng.unit();
        self.follow_clock(now);
        self.sync(host, now, draw);
        self.share_waiting(host, now);
        self.last_tick = now;
        self.note_rest(now);
        if let Some(elapsed) = self.sampler.tick(now, draw) {
            self.routes.end_second(elapsed);
        }
    }

    /// Notes a request. Returns whether a tick is due before it, since the worker is at rest.
    pub fn note_request(&mut self) -> bool {
        self.had_request = true;
        self.is_at_rest
    }

    /// Returns the time until the next tick.
    pub fn tick_period(&self) -> Duration {
        if self.is_at_rest {
            TICK_AT_REST
        } else {
            TICK
        }
    }

    fn note_rest(&mut self, now: Timestamp) {
        let is_first = self.last_busy == Timestamp::EPOCH;
        if std::mem::take(&mut self.had_request) || self.must_track || is_first {
            self.last_busy = now;
        }
        self.is_at_rest = now.saturating_since(self.last_busy) >= REST_AFTER;
    }

    /// Sets back the times that this worker keeps, by as much as the clock was. Times in shared data are
    /// bounded where they are read ([`Timestamp::at_most_ahead`]): all workers notice, and only one may
    /// change them.
    fn follow_clock(&mut self, now: Timestamp) {
        let back = self.last_tick.saturating_since(now);
        if !back.is_zero() {
            self.sampler.set_back(back);
            self.last_busy = self.last_busy.saturating_sub(back);
            self.routes.set_back(back);
        }
    }

    /// Returns the events since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Returns the events since the last call as lines for the log, with the releases of their routes: all
    /// changes of state, which a circuit makes every few seconds at most, and of the others no more than a
    /// number of lines per second.
    pub fn take_event_lines(&mut self, now: Timestamp) -> Vec<String> {
        let mut events = self.take_events();
        events.sort_by_key(|event| event.transition().is_none());
        let mut lines = Vec::from_iter(self.log_limit.begin_second(now));
        for event in &events {
            if event.transition().is_some() || self.log_limit.take() {
                lines.push(event.line(self.releases(event.route()), now));
            }
        }
        lines
    }

    /// Returns this key, or the equal one that the worker has, which is cheaper to look up.
    pub(crate) fn own_key(&self, key: RouteKey) -> RouteKey {
        self.routes.own_key(key)
    }

    fn releases(&self, route: &RouteKey) -> Option<&Releases> {
        self.routes.sampled(route).map(|sampled| &sampled.releases)
    }
}

#[cfg(test)]
pub(crate) mod tests;
