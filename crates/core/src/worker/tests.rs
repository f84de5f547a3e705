//! Workers in virtual time: whole stories, a naive model, and several workers over shared data that
//! interleaves and fails in any order.

mod against_model;
mod bias;
mod chaos;
mod circuits;
mod classes;
mod clock;
mod concurrent_writer;
mod crowds;
mod gates;
mod heartbeats;
mod hints;
mod invariants;
mod keys;
mod limits;
mod many_workers;
mod metrics;
mod model;
mod modes;
mod queues;
mod sharing;
mod stories;

use std::time::Duration;

use super::*;
use crate::breaker::route::TestPermit;
use crate::breaker::tests::{at, millis, settings, FAILURE, OVERLOADED, START};
use crate::breaker::{CircuitBreaker, Outcome, RouteCircuits, State};
use crate::failure::Reason;
use crate::host::fake::FakeHost;
use crate::host::HostError;
use crate::retry::RouteLoad;

/// A generator that always returns the same number in `[0, 1)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FixedDraw(pub(crate) f64);

impl Rng for FixedDraw {
    fn next_u64(&mut self) -> u64 {
        (self.0 * 2.0_f64.powi(64)) as u64
    }

    fn unit(&mut self) -> f64 {
        self.0
    }
}

/// Returns the circuit of a route with the first policy.
fn circuit(route: &RouteKey) -> CircuitId<'_> {
    CircuitId { route, policy: 0 }
}

impl Worker {
    /// Returns the view of the circuit of a route with the first policy.
    fn view_of(&self, route: &str) -> Option<&CircuitBreaker> {
        self.view(circuit(&route.into())).map(|view| &view.route)
    }
}

/// Records a failure of a request that was not tracked.
fn record_failure(worker: &mut Worker, host: &mut impl SharedData, route: &str) {
    let (route, result) = (route.into(), FAILURE.into());
    let rng = &mut FixedDraw(0.0);
    let (caller, permit) = (Caller::default(), Permit::default());
    worker.record(host, circuit(&route), &caller, permit, result, START, rng);
}

/// Workers over one host, with a clock of their own.
pub(crate) struct World {
    pub(crate) host: FakeHost,
    pub(crate) workers: Vec<Worker>,
    pub(crate) now: Timestamp,
    pub(crate) draw: f64,
}

impl World {
    pub(crate) fn new(workers: usize, settings: Settings) -> Self {
        let worker = |_| Worker::new("t", vec![settings.clone()]);
        Self {
            host: FakeHost::default(),
            workers: (0..workers).map(worker).collect(),
            now: START,
            draw: 0.0,
        }
    }

    /// Returns a metric of the circuits, after all workers have reported.
    pub(crate) fn metric(&mut self, name: &str) -> u64 {
        for worker in &mut self.workers {
            worker.report(&mut self.host, self.now);
        }
        self.host.breaker_metric(name)
    }

    pub(crate) fn acquire(
        &mut self,
        worker: usize,
        route: &str,
    ) -> Result<Permit, CallNotPermitted> {
        self.acquire_as(worker, route, &Caller::default())
    }

    pub(crate) fn acquire_as(
        &mut self,
        worker: usize,
        route: &str,
        caller: &Caller,
    ) -> Result<Permit, CallNotPermitted> {
        let (route, rng) = (route.into(), &mut FixedDraw(self.draw));
        let circuit = circuit(&route);
        self.workers[worker].try_acquire(&mut self.host, circuit, caller, false, self.now, rng)
    }

    /// Returns what a worker knows of the load of a route.
    pub(crate) fn load(&mut self, worker: usize, route: &str) -> &mut RouteLoad {
        let sampled = self.workers[worker].routes.sampled_mut(&route.into());
        &mut sampled.expect("room for a load").load
    }

    pub(crate) fn record(
        &mut self,
        worker: usize,
        route: &str,
        permit: Permit,
        result: impl Into<CallResult>,
    ) {
        let (route, rng) = (route.into(), &mut FixedDraw(self.draw));
        let (circuit, caller, result) = (circuit(&route), Caller::default(), result.into());
        let (worker, host) = (&mut self.workers[worker], &mut self.host);
        if permit.is_by_gate() {
            worker.note_answered(circuit, &caller, &permit, self.now);
        }
        worker.record(host, circuit, &caller, permit, result, self.now, rng);
    }

    /// Runs one request. Returns whether it was admitted.
    pub(crate) fn request(&mut self, worker: usize, route: &str, outcome: Outcome) -> bool {
        match self.acquire(worker, route) {
            Ok(permit) => {
                self.record(worker, route, permit, outcome);
                true
            }
            Err(_) => false,
        }
    }

    pub(crate) fn tick(&mut self, worker: usize) {
        let rng = &mut FixedDraw(self.draw);
        self.workers[worker].tick(&mut self.host, self.now, rng);
    }

    /// Lets time pass, with the ticks of all workers every 50 ms.
    pub(crate) fn wait(&mut self, ms: u64) {
        let end = self.now.saturating_add(millis(ms));
        while self.now < end {
            self.now = self.now.saturating_add(millis(50)).min(end);
            for worker in 0..self.workers.len() {
                self.tick(worker);
            }
        }
    }

    /// Trips the circuit of a route at worker 0.
    pub(crate) fn trip(&mut self, route: &str) {
        for _ in 0..20 {
            self.request(0, route, FAILURE);
        }
        assert_eq!(self.state(0, route), State::Open);
    }

    /// Lets three probes succeed at worker 0.
    pub(crate) fn pass_probes(&mut self, route: &str) {
        for _ in 0..3 {
            assert!(self.request(0, route, Outcome::Success));
        }
        assert_eq!(self.state(0, route), State::Ramp);
    }

    /// Returns the circuit of a route, as a worker sees it.
    pub(crate) fn view(&self, worker: usize, route: &str) -> &CircuitBreaker {
        self.workers[worker].view_of(route).expect("a known route")
    }

    /// Returns the state of the circuit of a route, as a worker sees it.
    pub(crate) fn state(&self, worker: usize, route: &str) -> State {
        let view = self.workers[worker].view_of(route);
        view.map_or(State::Closed, |view| view.state)
    }
}
