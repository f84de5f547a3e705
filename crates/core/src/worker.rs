//! Interim: the interface of the circuit branch, over today's `Bank` and `Pacer`.
#![allow(missing_docs, reason = "replaced at the merge")]

use std::time::Duration;

use crate::breaker::bank::{Ending, Moment};
use crate::breaker::meters::{Count, Kind, Metrics};
use crate::breaker::{Admission, Bank, State, Store, StoreError, Ticket};
use crate::config;
use crate::failure::{Reason, Source};
use crate::host::{HostError, MetricKind, MetricStore, SharedData};
use crate::http::accept::Format;
use crate::pace::Pacer;
use crate::retry::{FailureInfo, Hint};
use crate::rng::Rng;
use crate::time::{saturating_millis, Timestamp};

pub use crate::breaker::meters::Count as RouteCounter;
pub use crate::breaker::meters::Total as WorkerCounter;
pub use crate::breaker::meters::CONFIG_ERRORS;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure(Reason),
    Overloaded(Reason),
    Ignored,
}

impl Outcome {
    pub fn of_response(
        settings: &config::Breaker,
        status: u16,
        reason: Reason,
        source: Source,
        has_retry_after: bool,
    ) -> Self {
        crate::breaker::outcome::of_response(settings, status, reason, source, has_retry_after)
            .into()
    }
    pub fn of_status(status: u16) -> Self {
        crate::breaker::outcome::of_status(status).into()
    }
    pub fn of_grpc_status(status: &[u8]) -> Self {
        crate::breaker::outcome::of_grpc_status(status).into()
    }
}

impl From<crate::breaker::Outcome> for Outcome {
    fn from(outcome: crate::breaker::Outcome) -> Self {
        match outcome {
            crate::breaker::Outcome::Success => Self::Success,
            crate::breaker::Outcome::Failure(reason) => Self::Failure(reason),
            crate::breaker::Outcome::Limited(reason) => Self::Overloaded(reason),
            crate::breaker::Outcome::Neutral => Self::Ignored,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey(String);

impl RouteKey {
    pub fn of_route(name: &[u8], cluster: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name);
        let cluster = String::from_utf8_lossy(cluster);
        Self(format!("{name}/{cluster}"))
    }
    pub fn of_group(name: &str) -> Self {
        Self(format!("group {name}"))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RouteKey {
    fn from(key: &str) -> Self {
        Self(key.to_owned())
    }
}

#[derive(Debug, Clone, Copy)]
pub struct CircuitId<'a> {
    pub route: &'a RouteKey,
    pub policy: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permit(Ticket);

impl Permit {
    pub fn shadow() -> Self {
        Self(Ticket {
            is_shadow: true,
            ..Ticket::default()
        })
    }
    pub fn is_probe(&self) -> bool {
        self.0.permit.is_some()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallNotPermitted {
    pub state: State,
    pub reason: Option<Reason>,
    pub remaining: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallResult {
    pub outcome: Outcome,
    pub is_slow: bool,
    pub retry_after: Option<Duration>,
}

struct OfHost<'a, H>(&'a mut H);

impl<H: SharedData> Store for OfHost<'_, H> {
    fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        self.0.shared_data(key).map_err(|_| StoreError::Broken)
    }
    fn set(&mut self, key: &str, value: &[u8], number: Option<u32>) -> Result<(), StoreError> {
        self.0
            .compare_and_swap(key, value, number)
            .map_err(|error| match error {
                HostError::CasMismatch => StoreError::Changed,
                _ => StoreError::Broken,
            })
    }
}

/// Collects what a report does, to be done after it.
#[derive(Default)]
struct Told {
    defined: Vec<(Kind, String)>,
    done: Vec<(usize, bool, u64)>,
}

impl Metrics for Told {
    fn define(&mut self, kind: Kind, name: &str) -> Option<u32> {
        self.defined.push((kind, name.to_owned()));
        u32::try_from(self.defined.len().wrapping_sub(1)).ok()
    }
    fn add(&mut self, id: u32, by: u64) {
        self.done.push((id as usize, true, by));
    }
    fn set(&mut self, id: u32, value: u64) {
        self.done.push((id as usize, false, value));
    }
}

#[derive(Debug)]
pub struct Worker {
    pub(crate) bank: Bank,
    pub(crate) pacer: Pacer,
    defined: Vec<Option<u32>>,
    names: Vec<(Kind, String)>,
}

fn moment(now: Timestamp, rng: &mut impl Rng) -> Moment {
    Moment {
        now_ms: now.as_millis(),
        draw: rng.unit(),
    }
}

impl Worker {
    pub fn new(plugin: &str, policies: Vec<config::Breaker>) -> Self {
        Self {
            bank: Bank::new(plugin, policies),
            pacer: Pacer::default(),
            defined: Vec::new(),
            names: Vec::new(),
        }
    }
    pub fn inherit_load(&mut self, previous: &mut Worker) {
        let pacer = std::mem::take(&mut previous.pacer);
        self.pacer = pacer.moved(previous.bank.keys(), self.bank.keys());
    }
    pub fn must_track(&self) -> bool {
        self.bank.is_watching()
    }
    pub fn expects_returns(&self) -> bool {
        self.bank.is_awaiting()
    }
    pub fn untracked_permit(&self) -> Permit {
        Permit(self.bank.ticket())
    }
    pub fn try_acquire(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        is_shadow: bool,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<Permit, CallNotPermitted> {
        let at = moment(now, rng);
        let route = circuit.route.as_str();
        let admission = self
            .bank
            .admit(&mut OfHost(host), route, circuit.policy, is_shadow, at);
        match admission {
            Admission::Admit(ticket) => Ok(Permit(ticket)),
            Admission::Reject(rejection) => Err(CallNotPermitted {
                state: rejection.state,
                reason: rejection.reason,
                remaining: Duration::from_millis(rejection.remaining_ms),
            }),
        }
    }
    pub fn record(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        permit: Permit,
        result: CallResult,
        now: Timestamp,
        rng: &mut impl Rng,
    ) {
        let ending = Ending {
            outcome: match result.outcome {
                Outcome::Success => crate::breaker::Outcome::Success,
                Outcome::Failure(reason) => crate::breaker::Outcome::Failure(reason),
                Outcome::Overloaded(reason) => crate::breaker::Outcome::Limited(reason),
                Outcome::Ignored => crate::breaker::Outcome::Neutral,
            },
            is_slow: result.is_slow,
            retry_after_ms: result.retry_after.map(saturating_millis),
        };
        let (route, at) = (circuit.route.as_str(), moment(now, rng));
        let policy = circuit.policy;
        self.bank
            .settle(&mut OfHost(host), route, policy, permit.0, ending, at);
    }
    pub fn state(&self, circuit: CircuitId<'_>) -> State {
        self.bank.circuit(circuit.route.as_str(), circuit.policy)
    }
    pub fn hint(
        &mut self,
        host: &mut impl SharedData,
        route: &RouteKey,
        retry: &config::Retry,
        failure: &FailureInfo<'_>,
        rng: &mut impl Rng,
    ) -> Hint {
        let facts = crate::hint::Facts {
            status: failure.status,
            remaining_ms: failure.remaining.map(saturating_millis),
            upstream: failure.retry_after,
            now_ms: failure.now.map(Timestamp::as_millis),
            seed: rng.next_u64(),
        };
        let store = &mut OfHost(host);
        let keys = self.bank.keys();
        let hint = self.pacer.hint(store, keys, route.as_str(), retry, &facts);
        if let Some(now_ms) = facts.now_ms {
            self.bank
                .await_somebody(store, now_ms.saturating_add(hint.ms));
        }
        self.bank.count_of(route.as_str(), Count::HintsGiven);
        Hint::new(Duration::from_millis(hint.ms))
    }
    pub fn should_sample(&mut self) -> bool {
        self.pacer.passed()
    }
    pub fn sample(&mut self, route: &RouteKey, release: &[u8]) {
        self.pacer.sample(self.bank.keys(), route.as_str(), release);
    }
    pub fn note_release(&mut self, route: &RouteKey, release: &[u8]) {
        self.pacer
            .saw_release(self.bank.keys(), route.as_str(), release);
    }
    pub fn count(&mut self, route: &RouteKey, counter: RouteCounter) {
        self.bank.count_of(route.as_str(), counter);
    }
    pub fn count_total(&mut self, counter: WorkerCounter) {
        self.bank.count_total(counter);
    }
    pub fn count_intercepted(&mut self, route: &RouteKey, reason: Reason, is_shadow: bool) {
        self.bank.answered(route.as_str(), reason, is_shadow);
    }
    pub fn count_reply(&mut self, format: Format) {
        self.bank.replied(format);
    }
    pub fn note_unknown_name(&mut self, route: &RouteKey) {
        self.bank.note_unknown_name(route.as_str());
    }
    pub fn tick(&mut self, host: &mut impl SharedData, now: Timestamp, rng: &mut impl Rng) {
        let at = moment(now, rng);
        self.bank.tick(&mut OfHost(host), at);
        self.pacer.tick(at);
    }
    pub fn report<H: SharedData + MetricStore>(&mut self, host: &mut H, now: Timestamp) {
        let mut told = Told {
            defined: std::mem::take(&mut self.names),
            done: Vec::new(),
        };
        self.bank
            .report(&mut told, &mut OfHost(host), now.as_millis());
        for (kind, name) in told.defined.iter().skip(self.defined.len()) {
            let kind = match kind {
                Kind::Counter => MetricKind::Counter,
                Kind::Gauge => MetricKind::Gauge,
            };
            self.defined.push(host.define_metric(kind, name).ok());
        }
        self.names = told.defined;
        for (at, is_counter, value) in told.done {
            if let Some(&Some(id)) = self.defined.get(at) {
                if is_counter {
                    host.increment_metric(id, value);
                } else {
                    host.record_metric(id, value);
                }
            }
        }
    }
    pub fn take_event_lines(&mut self, now: Timestamp) -> Vec<String> {
        let events = self.bank.take_events();
        let mut lines = Vec::new();
        for event in events {
            let releases = self.pacer.releases(self.bank.keys(), event.route());
            lines.push(event.line(releases, now.as_millis()));
        }
        lines
    }
}
