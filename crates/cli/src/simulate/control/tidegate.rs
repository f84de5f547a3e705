//! The breaker of this filter: the very code that runs in the workers, over a store in memory.

use tidegate_core::breaker::bank::{Event, Moment};
use tidegate_core::breaker::{Admission, Bank, Outcome, State};
use tidegate_core::config::Breaker as Settings;
use tidegate_core::reason::Reason;

use super::{At, Control, Pass, Phase, Verdict};
use crate::simulate::shared::{Shared, EPOCH_MS, ROUTE};
use crate::simulate::upstream::Answer;

/// One bank for each worker.
#[derive(Debug)]
pub(super) struct Tidegate {
    shared: Shared,
    banks: Vec<Bank>,
    trips: u32,
}

impl Tidegate {
    pub(super) fn new(settings: &Settings, workers: usize) -> Self {
        let bank = |_| Bank::new("tidegate", vec![settings.clone()]);
        Self {
            shared: Shared::default(),
            banks: (0..workers).map(bank).collect(),
            trips: 0,
        }
    }
}

fn moment(at: At<'_>) -> Moment {
    Moment {
        now_ms: EPOCH_MS + at.now_ms,
        draw: at.rng.unit(),
    }
}

impl Control for Tidegate {
    fn admit(&mut self, at: At<'_>) -> Verdict {
        let Some(bank) = self.banks.get_mut(at.worker) else {
            return Verdict::Reject(0);
        };
        // As in the filter: while all is well nobody asks, not even for the name of the route.
        let ticket = if bank.is_watching() {
            match bank.admit(&mut self.shared, ROUTE, 0, false, moment(at)) {
                Admission::Admit(ticket) => ticket,
                Admission::Reject(rejection) => return Verdict::Reject(rejection.remaining_ms),
            }
        } else {
            bank.ticket()
        };
        Verdict::Admit(Pass {
            ticket,
            ..Pass::default()
        })
    }

    fn settle(&mut self, at: At<'_>, pass: Pass, _: usize, answer: Answer) {
        let Some(bank) = self.banks.get_mut(at.worker) else {
            return;
        };
        let outcome = match answer {
            Answer::Good => Outcome::Success,
            Answer::TimedOut => Outcome::Failure(Reason::HttpResponseTimeout),
            Answer::Full => Outcome::Failure(Reason::UpstreamUnavailable),
            Answer::Refused => Outcome::Failure(Reason::ConnectionRefused),
        };
        if outcome == Outcome::Success && !bank.is_watching() {
            return;
        }
        let at = moment(at);
        bank.settle(&mut self.shared, ROUTE, 0, pass.ticket, outcome.into(), at);
    }

    fn tick(&mut self, at: At<'_>) {
        let Some(bank) = self.banks.get_mut(at.worker) else {
            return;
        };
        bank.tick(&mut self.shared, moment(at));
        for transition in bank.take_events().iter().filter_map(Event::transition) {
            self.trips += u32::from(transition.to == State::Open);
        }
    }

    fn phase(&self, _: u64) -> Phase {
        let views = self.banks.iter().filter_map(|bank| bank.view(ROUTE));
        let newest = views.max_by_key(|view| view.generation);
        match newest.map_or(State::Closed, |view| view.state) {
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
