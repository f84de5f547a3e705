//! Workers over one store where anything may happen between a read and the write that follows:
//! another worker's whole operation (with surprises of its own), a compare-and-set that fails for
//! no reason, a store that breaks.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;

use super::*;

/// The only route.
pub(super) const R: &str = "shop/app";

/// What happens at a call of the store.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Surprise {
    NothingHappens,
    TheWriteFails,
    TheStoreIsBroken,
    Meanwhile(usize, Deed),
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Deed {
    AdmitsARequest,
    SeesARequestEnd(usize, How),
    Ticks,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum How {
    Well,
    Badly,
    Limited,
    Slowly,
    ByItsClientLeaving,
}

impl How {
    fn ending(self) -> Ending {
        let outcome = match self {
            How::Well | How::Slowly => Outcome::Success,
            How::Badly => FAILED,
            How::Limited => LIMITED,
            How::ByItsClientLeaving => Outcome::Neutral,
        };
        Ending {
            is_slow: self == How::Slowly,
            ..Ending::from(outcome)
        }
    }
}

/// One step of a story.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    Worker(usize, Deed),
    /// With ticks of all workers each 50 ms.
    TimePasses(u64),
}

/// A request under way, and the worker that admitted it.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnderWay {
    pub(super) worker: usize,
    pub(super) ticket: Ticket,
    since_ms: u64,
}

/// The workers, the store, and what has become of all requests.
pub(super) struct Crowd {
    pub(super) store: RefCell<FakeStore>,
    pub(super) workers: Vec<RefCell<Bank>>,
    pub(super) surprises: RefCell<VecDeque<Surprise>>,
    pub(super) now_ms: Cell<u64>,
    pub(super) draw: Cell<f64>,
    pub(super) under_way: RefCell<Vec<UnderWay>>,
    /// How many requests ended so, other than neutral.
    pub(super) ended: RefCell<HashMap<&'static str, u32>>,
    /// The most probes that were out at once.
    pub(super) most_probes: Cell<usize>,
    permits: usize,
    probe_timeout_ms: u64,
    record_name: String,
}

impl Crowd {
    pub(super) fn new(workers: usize, settings: &Settings) -> Self {
        let bank = || RefCell::new(Bank::new("t", vec![settings.clone()]));
        Self {
            store: RefCell::default(),
            workers: (0..workers).map(|_| bank()).collect(),
            surprises: RefCell::default(),
            now_ms: Cell::new(START_MS),
            draw: Cell::new(0.5),
            under_way: RefCell::default(),
            ended: RefCell::default(),
            most_probes: Cell::new(0),
            permits: settings.probe.permits as usize,
            probe_timeout_ms: settings.probe.timeout.as_millis() as u64,
            record_name: format!("tidegate.1.1.t/{}/{R}", record::bucket_ms(settings)),
        }
    }

    pub(super) fn surprise(&self, surprises: Vec<Surprise>) {
        *self.surprises.borrow_mut() = surprises.into();
    }

    pub(super) fn at(&self) -> Moment {
        Moment {
            now_ms: self.now_ms.get(),
            draw: self.draw.get(),
        }
    }

    pub(super) fn step(&self, step: Step) {
        match step {
            Step::Worker(worker, deed) => self.deed(worker, deed),
            Step::TimePasses(ms) => self.pass(ms),
        }
    }

    pub(super) fn pass(&self, ms: u64) {
        let end = self.now_ms.get() + ms;
        while self.now_ms.get() < end {
            self.now_ms.set((self.now_ms.get() + 50).min(end));
            for worker in 0..self.workers.len() {
                self.deed(worker, Deed::Ticks);
            }
        }
    }

    /// A worker does something, unless it is in the middle of something else.
    pub(super) fn deed(&self, worker: usize, deed: Deed) {
        let worker = worker % self.workers.len();
        let Ok(mut bank) = self.workers[worker].try_borrow_mut() else {
            return;
        };
        let mut host = Host(self);
        match deed {
            Deed::Ticks => bank.tick(&mut host, self.at()),
            Deed::AdmitsARequest => {
                if let Admission::Admit(ticket) = bank.admit(&mut host, R, 0, false, self.at()) {
                    self.under_way.borrow_mut().push(UnderWay {
                        worker,
                        ticket,
                        since_ms: self.now_ms.get(),
                    });
                    self.count_probes();
                }
            }
            Deed::SeesARequestEnd(which, how) => {
                let Some(request) = self.take(worker, which) else {
                    return;
                };
                if how != How::ByItsClientLeaving {
                    let name = if how == How::Slowly { "slow" } else { "failed" };
                    *self.ended.borrow_mut().entry(name).or_default() += 1;
                }
                bank.settle(&mut host, R, 0, request.ticket, how.ending(), self.at());
            }
        }
    }

    /// Takes the n-th request of a worker off the list.
    fn take(&self, worker: usize, which: usize) -> Option<UnderWay> {
        let mut under_way = self.under_way.borrow_mut();
        let mine: Vec<usize> = (0..under_way.len())
            .filter(|&n| under_way[n].worker == worker)
            .collect();
        let n = *mine.get(which.checked_rem(mine.len())?)?;
        Some(under_way.remove(n))
    }

    fn count_probes(&self) {
        let is_out = |request: &&UnderWay| {
            request.ticket.permit.is_some()
                && self.now_ms.get() < request.since_ms + self.probe_timeout_ms
        };
        let most = self.under_way.borrow().iter().filter(is_out).count();
        self.most_probes.set(self.most_probes.get().max(most));
        assert!(self.most_probes.get() <= self.permits, "too many probes");
    }

    /// The shared record.
    pub(super) fn record(&self) -> Option<Record> {
        let store = self.store.borrow();
        let (bytes, _) = store.values.get(&self.record_name)?;
        Record::decode(bytes)
    }

    pub(super) fn state(&self) -> State {
        self.record().map_or(State::Closed, |record| record.state)
    }
}

/// The host as one worker sees it.
struct Host<'a>(&'a Crowd);

impl Host<'_> {
    fn surprise(&self) -> Surprise {
        let surprise = self.0.surprises.borrow_mut().pop_front();
        let surprise = surprise.unwrap_or(Surprise::NothingHappens);
        if let Surprise::Meanwhile(worker, deed) = surprise {
            self.0.deed(worker, deed);
        }
        surprise
    }
}

impl Store for Host<'_> {
    fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        match self.surprise() {
            Surprise::TheStoreIsBroken => Err(StoreError::Broken),
            _ => self.0.store.borrow_mut().get(key),
        }
    }

    fn set(&mut self, key: &str, value: &[u8], number: Option<u32>) -> Result<(), StoreError> {
        match self.surprise() {
            Surprise::TheStoreIsBroken => Err(StoreError::Broken),
            Surprise::TheWriteFails => Err(StoreError::Changed),
            _ => self.0.store.borrow_mut().set(key, value, number),
        }
    }
}

/// How requests end where all must be counted: the window opens at the first that is no success.
pub(super) fn bad_how() -> impl Strategy<Value = How> {
    prop_oneof![Just(How::Badly), Just(How::Limited), Just(How::Slowly)]
}

pub(super) fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        3 => Just(How::Well),
        3 => Just(How::Badly),
        1 => Just(How::Limited),
        1 => Just(How::ByItsClientLeaving),
    ]
}

pub(super) fn deed(how: impl Strategy<Value = How>) -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => Just(Deed::AdmitsARequest),
        3 => (0_usize..8, how).prop_map(|(which, how)| Deed::SeesARequestEnd(which, how)),
        1 => Just(Deed::Ticks),
    ]
}

pub(super) fn step(how: impl Strategy<Value = How>) -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_usize..4, deed(how)).prop_map(|(worker, deed)| Step::Worker(worker, deed)),
        2 => (1_u64..200).prop_map(Step::TimePasses),
        1 => (500_u64..3_000).prop_map(Step::TimePasses),
    ]
}

/// Surprises; `broken` in 20 calls of the store fail altogether.
pub(super) fn surprises(
    broken: u32,
    how: impl Strategy<Value = How>,
) -> impl Strategy<Value = Vec<Surprise>> {
    let meanwhile = (0_usize..4, deed(how)).prop_map(|(n, deed)| Surprise::Meanwhile(n, deed));
    let surprise = prop_oneof![
        10 - broken.min(9) => Just(Surprise::NothingHappens),
        4 => Just(Surprise::TheWriteFails),
        6 => meanwhile,
        broken => Just(Surprise::TheStoreIsBroken),
    ];
    prop::collection::vec(surprise, 0..200)
}
