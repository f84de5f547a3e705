//! The circuit breaker of this filter: the code that runs in the workers, over shared data in memory.

use tidegate_core::breaker::{ClientId, Outcome, PathClass, RouteCircuits, State};
use tidegate_core::config::Breaker as Settings;
use tidegate_core::failure::Reason;
use tidegate_core::time::Timestamp;
use tidegate_core::worker::{Caller, CircuitId, Event, RouteKey, Worker};

use super::{At, Control, Pass, Phase, Verdict};
use crate::simulate::shared::{Shared, EPOCH_MS, ROUTE};
use crate::simulate::upstream::Answer;

/// The workers of one proxy.
#[derive(Debug)]
pub(super) struct Tidegate {
    shared: Shared,
    workers: Vec<Worker>,
    route: RouteKey,
    caller: Caller,
    trips: u32,
}

impl Tidegate {
    pub(super) fn new(settings: &Settings, workers: usize) -> Self {
        let worker = |_| Worker::new("tidegate", vec![settings.clone()]);
        Self {
            shared: Shared::default(),
            workers: (0..workers).map(worker).collect(),
            route: ROUTE.into(),
            caller: Caller {
                class: PathClass::of_request(b"simulated", b"/"),
                client: ClientId::UNKNOWN,
            },
            trips: 0,
        }
    }
}

fn circuit(route: &RouteKey) -> CircuitId<'_> {
    CircuitId { route, policy: 0 }
}

fn now(at: &At<'_>) -> Timestamp {
    Timestamp::from_millis(EPOCH_MS + at.now_ms)
}

impl Control for Tidegate {
    fn admit(&mut self, at: At<'_>) -> Verdict {
        let Some(worker) = self.workers.get_mut(at.worker) else {
            return Verdict::Reject(0);
        };
        // As in the filter: requests are not tracked while none fails.
        let decision = if worker.must_track() {
            let (circuit, now) = (circuit(&self.route), now(&at));
            worker.try_acquire(&mut self.shared, circuit, &self.caller, false, now, at.rng)
        } else {
            Ok(worker.untracked_permit())
        };
        match decision {
            Ok(permit) => Verdict::Admit(Pass {
                permit,
                ..Pass::default()
            }),
            Err(rejection) => Verdict::Reject(rejection.remaining.as_millis() as u64),
        }
    }

    fn settle(&mut self, at: At<'_>, pass: Pass, _: usize, answer: Answer) {
        let Some(worker) = self.workers.get_mut(at.worker) else {
            return;
        };
        let outcome = match answer {
            Answer::Good => Outcome::Success,
            Answer::TimedOut => Outcome::Failure(Reason::HttpResponseTimeout),
            Answer::Full => Outcome::Failure(Reason::UpstreamUnavailable),
            Answer::Refused => Outcome::Failure(Reason::ConnectionRefused),
        };
        if outcome == Outcome::Success && !worker.must_track() {
            return;
        }
        let (circuit, now) = (circuit(&self.route), now(&at));
        let (caller, permit) = (&self.caller, pass.permit);
        let (host, result) = (&mut self.shared, outcome.into());
        worker.record(host, circuit, caller, permit, result, now, at.rng);
    }

    fn tick(&mut self, at: At<'_>) {
        let Some(worker) = self.workers.get_mut(at.worker) else {
            return;
        };
        let now = now(&at);
        worker.tick(&mut self.shared, now, at.rng);
        let events = worker.take_events();
        for transition in events.iter().filter_map(Event::transition) {
            self.trips += u32::from(transition.to == State::Open);
        }
    }

    fn phase(&self, _: u64) -> Phase {
        let view = |worker| Worker::view(worker, circuit(&self.route));
        let views = self.workers.iter().filter_map(view);
        let newest = views.max_by_key(|view: &&RouteCircuits| view.changes);
        match newest.map_or(State::Closed, |view| view.strictest().state) {
            State::Closed => Phase::Closed,
            State::Open => Phase::Open,
            State::HalfOpen => Phase::HalfOpen,
            State::Ramp => Phase::Ramp,
        }
    }

    fn trips(&self) -> u32 {
        self.trips
    }
}
