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
//! * `routes`: the routes, each with its circuits, metrics, load and releases.
//! * `registry`, `permit`: whether a request may pass, and how it ended.
//! * `shared_circuit`: the circuits of a route as one worker knows them, and what it has not pushed yet.
//! * `sync`: the exchange of circuits with the other workers.
//! * `shared`, `heartbeat`: values in shared data, and how they are changed.
//! * `hints`: when clients should come back.
//! * `passes`: the passes of clients that were let in.
//! * `metrics`, `interceptions`, `events`: what the operator sees.
//!
//! # Limits
//!
//! Nothing is shared between processes: each gateway pod has its own circuits.

mod events;
mod heartbeat;
mod hints;
mod interceptions;
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
pub use metrics::catalog;
pub use metrics::{RouteCounter, WorkerCounter, CONFIG_ERRORS};
pub use permit::{CallNotPermitted, CallResult, Caller, CircuitId, Permit};
pub use releases::Releases;
pub use routes::{RouteKey, MAX_ROUTES};

use crate::config::Breaker as Settings;
use crate::host::SharedData;
use crate::pass::PassKey;
use crate::retry::{LoadSampler, WaitingClients};
use crate::rng::Rng;
use crate::time::Timestamp;

use heartbeat::Heartbeat;
use metrics::Metrics;
use routes::Routes;

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
    metrics: Metrics,
    events: Vec<Event>,
    has_unknown_name: bool,
    has_started: bool,
    last_tick: Timestamp,
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
            metrics: Metrics::default(),
            events: Vec::new(),
            has_unknown_name: false,
            has_started: false,
            last_tick: Timestamp::EPOCH,
        }
    }

    /// Moves the loads and releases of all routes from the worker of the previous configuration.
    /// Circuits need no move: the first tick finds them in shared data.
    pub fn inherit_load(&mut self, previous: &mut Self) {
        self.sampler = std::mem::take(&mut previous.sampler);
        self.waiting = std::mem::take(&mut previous.waiting);
        self.routes.take_loads(&mut previous.routes);
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

    /// Does what is due several times a second: pushes counts, applies what other workers did, lets
    /// time change circuits of idle routes, and updates the loads.
    pub fn tick(&mut self, host: &mut impl SharedData, now: Timestamp, rng: &mut impl Rng) {
        let draw = rng.unit();
        self.sync(host, now, draw);
        self.share_waiting(host);
        self.last_tick = now;
        if let Some(elapsed) = self.sampler.tick(now, draw) {
            for (_, route) in self.routes.iter_mut() {
                let is_well = route.circuits.iter().all(|known| known.view.is_closed());
                if let Some(load) = &mut route.load {
                    load.end_second(elapsed, is_well);
                }
            }
        }
    }

    /// Returns the events since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Returns the events since the last call as lines for the log, with the releases of their
    /// routes.
    pub fn take_event_lines(&mut self, now: Timestamp) -> Vec<String> {
        let events = self.take_events();
        let line = |event: &Event| event.line(self.releases(event.route()), now);
        events.iter().map(line).collect()
    }

    fn releases(&self, route: &RouteKey) -> Option<&Releases> {
        self.routes.get(route).map(|route| &route.releases)
    }
}

#[cfg(test)]
pub(crate) mod tests;
