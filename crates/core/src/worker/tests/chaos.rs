//! Workers over shared data where anything may happen between a read and the write that follows:
//! an operation of another worker (with faults of its own), a conflict, an error of the host.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::breaker::window::{bucket_width, Counts};
use crate::host::fake::BROKEN;

/// The only route.
pub(super) const R: &str = "shop/app";

/// What happens at a call of shared data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    None,
    /// A write fails because the version has changed.
    Conflict,
    /// The call fails.
    Broken,
    /// Another worker acts before the call.
    Interleave(usize, Action),
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Action {
    /// Asks for a permit.
    Acquire,
    /// Records the result of one of its requests in flight.
    Record(usize, TestOutcome),
    Tick,
}

/// How a request ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TestOutcome {
    Success,
    Failure,
    Overloaded,
    SlowSuccess,
    ClientLeft,
}

impl TestOutcome {
    fn result(self) -> CallResult {
        let outcome = match self {
            TestOutcome::Success | TestOutcome::SlowSuccess => Outcome::Success,
            TestOutcome::Failure => FAILURE,
            TestOutcome::Overloaded => OVERLOADED,
            TestOutcome::ClientLeft => Outcome::Ignored,
        };
        CallResult {
            is_slow: self == TestOutcome::SlowSuccess,
            ..CallResult::from(outcome)
        }
    }
}

/// One step of a story.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    Worker(usize, Action),
    /// Lets milliseconds pass, with ticks of all workers each 50 ms.
    Wait(u64),
}

/// A request in flight, and the worker that admitted it.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    worker: usize,
    pub(super) permit: Permit,
    since: Timestamp,
}

/// The workers, the shared data, and all requests in flight.
pub(super) struct Cluster {
    pub(super) host: RefCell<FakeHost>,
    pub(super) workers: Vec<RefCell<Worker>>,
    pub(super) faults: RefCell<VecDeque<Fault>>,
    pub(super) now: Cell<Timestamp>,
    pub(super) draw: Cell<f64>,
    pub(super) in_flight: RefCell<Vec<InFlight>>,
    /// The number of requests that ended, without those whose client left.
    pub(super) ended: Cell<Counts>,
    settings: Settings,
}

impl Cluster {
    pub(super) fn new(workers: usize, settings: &Settings) -> Self {
        let worker = || RefCell::new(Worker::new("t", vec![settings.clone()]));
        Self {
            host: RefCell::default(),
            workers: (0..workers).map(|_| worker()).collect(),
            faults: RefCell::default(),
            now: Cell::new(START),
            draw: Cell::new(0.5),
            in_flight: RefCell::default(),
            ended: Cell::default(),
            settings: settings.clone(),
        }
    }

    /// Replaces the faults of the next calls of shared data.
    pub(super) fn set_faults(&self, faults: Vec<Fault>) {
        *self.faults.borrow_mut() = faults.into();
    }

    pub(super) fn step(&self, step: Step) {
        match step {
            Step::Worker(worker, action) => self.act(worker, action),
            Step::Wait(ms) => self.wait(ms),
        }
    }

    pub(super) fn wait(&self, ms: u64) {
        let end = self.now.get().saturating_add(millis(ms));
        while self.now.get() < end {
            let next = self.now.get().saturating_add(millis(50));
            self.now.set(next.min(end));
            for worker in 0..self.workers.len() {
                self.act(worker, Action::Tick);
            }
        }
    }

    /// Lets a worker act, unless it is in the middle of another action.
    pub(super) fn act(&self, worker: usize, action: Action) {
        let worker = worker % self.workers.len();
        match action {
            Action::Tick => {
                if let Ok(mut worker) = self.workers[worker].try_borrow_mut() {
                    let rng = &mut FixedDraw(self.draw.get());
                    worker.tick(&mut ChaosHost(self), self.now.get(), rng);
                }
            }
            Action::Acquire => {
                self.acquire(worker);
            }
            Action::Record(which, outcome) => self.record(worker, which, outcome),
        }
    }

    /// Lets a worker decide about a request. Returns whether it was admitted.
    pub(super) fn acquire(&self, worker: usize) -> bool {
        let Ok(decision) = self.try_acquire(worker) else {
            return false;
        };
        let Ok(permit) = decision else {
            return false;
        };
        self.in_flight.borrow_mut().push(InFlight {
            worker,
            permit,
            since: self.now.get(),
        });
        self.check_probes();
        true
    }

    /// Returns the decision of a worker, or `Err` if it is in the middle of another action.
    fn try_acquire(
        &self,
        worker: usize,
    ) -> Result<Result<Permit, CallNotPermitted>, std::cell::BorrowMutError> {
        let mut worker = self.workers[worker].try_borrow_mut()?;
        let (route, rng) = (R.into(), &mut FixedDraw(self.draw.get()));
        let host = &mut ChaosHost(self);
        let caller = &Caller::default();
        Ok(worker.try_acquire(host, circuit(&route), caller, false, self.now.get(), rng))
    }

    /// Returns the decision of an idle worker, without a request.
    pub(super) fn decide(&self, worker: usize) -> Result<Permit, CallNotPermitted> {
        self.try_acquire(worker).expect("an idle worker")
    }

    fn record(&self, worker: usize, which: usize, outcome: TestOutcome) {
        let Ok(mut idle) = self.workers[worker].try_borrow_mut() else {
            return;
        };
        let Some(request) = self.take(worker, which) else {
            return;
        };
        let mut ended = self.ended.get();
        ended.add(match outcome {
            TestOutcome::ClientLeft => Counts::default(),
            TestOutcome::SlowSuccess => counts(0, 1),
            TestOutcome::Success | TestOutcome::Failure | TestOutcome::Overloaded => counts(1, 0),
        });
        self.ended.set(ended);
        let (route, rng) = (R.into(), &mut FixedDraw(self.draw.get()));
        let (host, result) = (&mut ChaosHost(self), outcome.result());
        idle.record(
            host,
            circuit(&route),
            &Caller::default(),
            request.permit,
            result,
            self.now.get(),
            rng,
        );
    }

    /// Removes the n-th request in flight of a worker.
    fn take(&self, worker: usize, which: usize) -> Option<InFlight> {
        let mut in_flight = self.in_flight.borrow_mut();
        let mine: Vec<usize> = (0..in_flight.len())
            .filter(|&n| in_flight[n].worker == worker)
            .collect();
        let n = *mine.get(which.checked_rem(mine.len())?)?;
        Some(in_flight.remove(n))
    }

    /// Checks that there are not more probes in flight than permits.
    fn check_probes(&self) {
        let timeout = self.settings.probe.timeout;
        let is_probe = |request: &&InFlight| {
            let deadline = request.since.saturating_add(timeout);
            request.permit.is_probe() && self.now.get() < deadline
        };
        let probes = self.in_flight.borrow().iter().filter(is_probe).count();
        assert!(probes <= self.settings.probe.permits as usize, "{probes}");
    }

    /// Returns the shared record.
    pub(super) fn shared(&self) -> Option<CircuitBreaker> {
        let width = bucket_width(&self.settings).as_millis();
        let host = self.host.borrow();
        let (bytes, _) = host.shared.get(&format!("tidegate.1.1.t/{width}/{R}"))?;
        RouteCircuits::decode(bytes).map(|circuits| circuits.route)
    }

    pub(super) fn state(&self) -> State {
        self.shared().map_or(State::Closed, |shared| shared.state)
    }
}

fn counts(failed: u32, slow: u32) -> Counts {
    Counts {
        total: 1,
        failed,
        slow,
    }
}

/// The host as one worker sees it.
struct ChaosHost<'a>(&'a Cluster);

impl ChaosHost<'_> {
    fn next_fault(&self) -> Fault {
        let fault = self.0.faults.borrow_mut().pop_front();
        let fault = fault.unwrap_or(Fault::None);
        if let Fault::Interleave(worker, action) = fault {
            self.0.act(worker, action);
        }
        fault
    }
}

impl SharedData for ChaosHost<'_> {
    fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        match self.next_fault() {
            Fault::Broken => Err(BROKEN),
            _ => self.0.host.borrow_mut().shared_data(key),
        }
    }

    fn compare_and_swap(
        &mut self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<(), HostError> {
        match self.next_fault() {
            Fault::Broken => Err(BROKEN),
            Fault::Conflict => Err(HostError::CasMismatch),
            _ => self
                .0
                .host
                .borrow_mut()
                .compare_and_swap(key, value, version),
        }
    }
}

/// Outcomes that are all counted: the window opens at the first one.
pub(super) fn bad_outcome() -> impl Strategy<Value = TestOutcome> {
    prop_oneof![
        Just(TestOutcome::Failure),
        Just(TestOutcome::Overloaded),
        Just(TestOutcome::SlowSuccess)
    ]
}

pub(super) fn outcome() -> impl Strategy<Value = TestOutcome> {
    prop_oneof![
        3 => Just(TestOutcome::Success),
        3 => Just(TestOutcome::Failure),
        1 => Just(TestOutcome::Overloaded),
        1 => Just(TestOutcome::ClientLeft),
    ]
}

fn action(outcome: impl Strategy<Value = TestOutcome>) -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => Just(Action::Acquire),
        3 => (0_usize..8, outcome).prop_map(|(which, outcome)| Action::Record(which, outcome)),
        1 => Just(Action::Tick),
    ]
}

pub(super) fn step(outcome: impl Strategy<Value = TestOutcome>) -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_usize..4, action(outcome)).prop_map(|(worker, action)| Step::Worker(worker, action)),
        2 => (1_u64..200).prop_map(Step::Wait),
        1 => (500_u64..3_000).prop_map(Step::Wait),
    ]
}

/// Faults; `broken` of 20 calls of shared data fail.
pub(super) fn faults(
    broken: u32,
    outcome: impl Strategy<Value = TestOutcome>,
) -> impl Strategy<Value = Vec<Fault>> {
    let interleave = (0_usize..4, action(outcome)).prop_map(|(n, act)| Fault::Interleave(n, act));
    let fault = prop_oneof![
        10 - broken.min(9) => Just(Fault::None),
        4 => Just(Fault::Conflict),
        6 => interleave,
        broken => Just(Fault::Broken),
    ];
    prop::collection::vec(fault, 0..200)
}
