//! One worker's share of the breakers.
//!
//! The worker keeps a view of each record that it has met, and the outcomes that it has not told
//! yet. It tells them at its tick, or at once where they could trip the breaker; permits are taken
//! from and given to the shared record at once. Whatever goes wrong with the shared data, requests
//! are admitted: a breaker that fails must not become an outage of its own.
//!
//! An idle worker learns what happens elsewhere from one small shared word that it reads at each
//! tick: until when any route is worth watching, and a number that changes with every event.

mod share;

use crate::prelude::*;
use alloc::borrow::Cow;

use crate::breaker::machine::{Delta, Outcome, Permit};
use crate::breaker::meters::{Count, Meters, Metrics, Total};
use crate::breaker::ramp::RAMP_FULL;
use crate::breaker::record::{bucket_ms, Record, State};
use crate::breaker::store::Word;
use crate::config::{Breaker as Settings, BreakerMode};
use crate::negotiate::Format;
use crate::reason::Reason;
use crate::routes::{ByRoute, Keys};
use crate::text::{count, decimal, split_once};

pub use crate::breaker::store::{Store, StoreError};
pub use crate::breaker::ticket::{Admission, Ending, Event, Moment, Rejection, Ticket};

/// Routes with a breaker of their own; beyond that they share one. Bounds the shared data, whose
/// keys can never be deleted (proxy-wasm-cpp-host, `shared_data.cc`), and the worker's memory.
pub const MAX_ROUTES: usize = 1024;
/// How long all workers watch their routes after one of them had a failure to tell of. Renewed at
/// half time, so that a lost renewal does no harm.
const WATCH_MS: u64 = 2_000;
/// Clients come back when they were told to, or later by up to this, or half of it at least.
const GRACE_MS: u64 = 60_000;
/// Name of the breaker that routes beyond the limit share. No Envoy route is called so: the key of
/// a route always has a slash.
pub(crate) const OVERFLOW: &str = "*";

/// One worker's share of the breakers of one configuration.
#[derive(Debug)]
pub struct Bank {
    /// Every key begins with it: all plugins of a proxy may share one namespace.
    prefix: String,
    /// The settings by number of the policy.
    policies: Vec<Settings>,
    keys: Keys,
    routes: ByRoute<Route>,
    word: Word,
    /// Whether something has happened here that the word does not say yet.
    is_unannounced: bool,
    is_watching: bool,
    is_awaiting: bool,
    /// Grows with each change of state that this worker learns of.
    seen: u32,
    events: Vec<Event>,
    meters: Meters,
    has_unknown_name: bool,
    has_begun: bool,
}

#[derive(Debug)]
struct Route {
    /// Number of the policy; at most 257, so that a route stays small.
    policy: u16,
    view: Record,
    /// Whether another worker may have changed the record since it was read, or it cannot be read.
    is_stale: bool,
    /// [`Bank::seen`] when the last change of state was learnt.
    changed: u32,
    pending: Option<Box<Delta>>,
    /// Probes that came back and could not be told of.
    unsettled: Vec<Settlement>,
}

impl Route {
    /// Whether there is something to tell, or something to look after.
    fn is_restless(&self) -> bool {
        self.pending.is_some() || !self.unsettled.is_empty() || !self.view.is_clean()
    }
}

/// How a probe ended.
#[derive(Debug, Clone, Copy)]
struct Settlement {
    permit: Permit,
    outcome: Outcome,
    retry_after_ms: Option<u64>,
}

/// What a view says about a request.
enum Look {
    Decided(Admission),
    /// A permit may be left; it was rejected for this if there is none.
    MayProbe(Rejection),
}

impl Bank {
    /// A bank for these settings, by number of the policy. Plugins of the same name share their
    /// breakers; others do not.
    pub fn new(plugin: &str, policies: Vec<Settings>) -> Self {
        Self {
            // With its length, no name can be taken for the beginning of another one.
            prefix: ["tidegate.1.", &count(plugin.len()), ".", plugin].joined(),
            policies,
            keys: Keys::default(),
            routes: ByRoute::default(),
            word: Word::default(),
            is_unannounced: false,
            is_watching: false,
            is_awaiting: false,
            seen: 0,
            events: Vec::new(),
            meters: Meters::default(),
            has_unknown_name: false,
            has_begun: false,
        }
    }

    /// Whether requests must be told of: some route of some worker is not clean. As of the last
    /// tick, so that nobody needs to ask for the time.
    pub fn is_watching(&self) -> bool {
        self.is_watching
    }

    /// Whether somebody may come back now who was told to, by any worker. As of the last tick.
    pub fn is_awaiting(&self) -> bool {
        self.is_awaiting
    }

    /// The ticket of a request that nobody looks at, because nobody is watching: if its breaker
    /// changes its state before it ends, its end will say nothing.
    pub fn ticket(&self) -> Ticket {
        Ticket {
            seen: Some(self.seen),
            ..Ticket::default()
        }
    }

    /// What there is to write about since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    /// Tells what was counted since the last call, and where the breakers stand.
    pub fn report(&mut self, sink: &mut dyn Metrics, store: &mut dyn Store, now_ms: u64) {
        let Self {
            prefix,
            keys,
            meters,
            routes,
            events,
            ..
        } = self;
        meters.report(keys, sink, (store, prefix), now_ms, events, &|number| {
            routes.at(number).map(|route| &route.view)
        });
    }

    /// The keys of the routes of which something is kept, here or in a pacer beside it.
    pub fn keys(&mut self) -> &mut Keys {
        &mut self.keys
    }

    /// Counts something about a route.
    pub fn count_of(&mut self, route: &str, what: Count) {
        self.meters.count(&mut self.keys, route, what);
    }

    /// Counts something about all routes.
    pub fn count_total(&mut self, what: Total) {
        self.meters.count_total(what);
    }

    /// A failure or a rejection of a route was answered, or would have been, but for shadow mode.
    pub fn answered(&mut self, route: &str, reason: Reason, is_shadow: bool) {
        self.meters
            .answered(&mut self.keys, route, reason, is_shadow);
    }

    /// An answer went out in this format.
    pub fn replied(&mut self, format: Format) {
        self.meters.replied(format);
    }

    /// The metadata of a route name a policy or a page that is not there.
    pub fn note_unknown_name(&mut self, route: &str) {
        self.meters.count_total(Total::UnknownName);
        if !core::mem::replace(&mut self.has_unknown_name, true) {
            let route = route.to_owned();
            self.events.push(Event::UnknownName { route });
        }
    }

    /// The view of a route by its whole key, for tests.
    pub fn view(&self, route: &str) -> Option<&Record> {
        self.routes.get(&self.keys, route).map(|route| &route.view)
    }

    /// The state of the circuit of a route for a policy, as this worker knows it.
    pub fn circuit(&self, route: &str, policy: usize) -> State {
        let key = self.or_overflow(self.shaped(route, policy), policy);
        self.view(&key).map_or(State::Closed, |view| view.state)
    }

    /// Whether a request of `route` may pass. `is_shadow`: it will, whatever is said here, and what is
    /// said is counted so.
    pub fn admit(
        &mut self,
        store: &mut dyn Store,
        route: &str,
        policy: usize,
        is_shadow: bool,
        at: Moment,
    ) -> Admission {
        let Some(mode) = self.policies.get(policy).map(|settings| settings.mode) else {
            return Admission::Admit(Ticket::default());
        };
        if mode == BreakerMode::Disabled {
            return Admission::Admit(Ticket::default());
        }
        let key = self.shaped(route, policy);
        // One look-up for the usual case: it costs more than the decision.
        let number = self.keys.number(&key);
        let admission = match mode {
            BreakerMode::ForcedOpen => Admission::Reject(Rejection {
                state: State::Open,
                reason: None,
                remaining_ms: 0,
            }),
            _ => self.decide(store, &key, number, policy, at),
        };
        match admission {
            Admission::Reject(_) if mode == BreakerMode::Shadow => {
                self.count_shaped(&key, number, policy, Count::WouldReject);
                Admission::Admit(Ticket {
                    is_shadow: true,
                    ..Ticket::default()
                })
            }
            Admission::Reject(_) => {
                let what = match is_shadow {
                    true => Count::WouldReject,
                    false => Count::Rejected,
                };
                self.count_shaped(&key, number, policy, what);
                admission
            }
            Admission::Admit(ticket) => {
                if ticket.permit.is_some() {
                    self.count_shaped(&key, number, policy, Count::Probes);
                }
                admission
            }
        }
    }

    /// Tells how a request of `route` ended.
    pub fn settle(
        &mut self,
        store: &mut dyn Store,
        route: &str,
        policy: usize,
        ticket: Ticket,
        ending: Ending,
        at: Moment,
    ) {
        let Some(settings) = self.policies.get(policy) else {
            return;
        };
        if ticket.is_shadow
            || matches!(
                settings.mode,
                BreakerMode::Disabled | BreakerMode::ForcedOpen
            )
        {
            return;
        }
        let key = self.shaped(route, policy);
        let is_success = ending.outcome == Outcome::Success && !ending.is_slow;
        if is_success && ticket.permit.is_none() {
            // The usual case first: nothing is to be remembered of a route in good health.
            if self
                .routes
                .get(&self.keys, &key)
                .is_some_and(|known| !known.is_restless())
            {
                return;
            }
        }
        let key = &*self.or_overflow(key, policy);
        if ticket.generation.is_none() {
            self.note_limit(key);
        }
        // Where the record cannot be read, the outcome is kept until it can.
        let _ = self.refresh(store, key, policy);
        let Some(permit) = ticket.permit else {
            return self.count(store, key, ticket, ending, at);
        };
        // A probe that is slow is no sign of health.
        let outcome = match ending.outcome {
            Outcome::Success if ending.is_slow => Outcome::Limited(Reason::HttpResponseTimeout),
            other => other,
        };
        let settlement = Settlement {
            permit,
            outcome,
            retry_after_ms: ending.retry_after_ms,
        };
        self.give_back(store, key, settlement, at);
    }

    /// What is to be done a few times a second: tells what was counted, learns what others did,
    /// and lets time move the breakers of idle routes.
    pub fn tick(&mut self, store: &mut dyn Store, at: Moment) {
        if !core::mem::replace(&mut self.has_begun, true) {
            self.begin(store);
        }
        self.read_word(store);
        let mut is_restless = false;
        for number in 0..self.routes.end() {
            let restless = |known: &Route| known.is_restless();
            if self.routes.at(number).is_some_and(restless) {
                let key = self.keys.text(number).to_owned();
                self.flush(store, &key, at);
                is_restless |= self.routes.at(number).is_some_and(restless);
            }
        }
        let is_late = self.word.watch_until_ms < at.now_ms.saturating_add(WATCH_MS / 2);
        if self.is_unannounced || (is_restless && is_late) {
            self.announce(store, at.now_ms);
        }
        self.is_watching = is_restless || at.now_ms < self.word.watch_until_ms;
        self.is_awaiting = at.now_ms < self.word.awaited_until_ms;
    }

    /// `number`: that of the key, where it is known.
    fn decide(
        &mut self,
        store: &mut dyn Store,
        key: &str,
        number: Option<usize>,
        policy: usize,
        at: Moment,
    ) -> Admission {
        let Some(settings) = self.policies.get(policy) else {
            return Admission::Admit(Ticket::default());
        };
        let known = number.and_then(|number| self.routes.at(number));
        let known = known.filter(|known| !known.is_stale);
        if let Some(Look::Decided(admission)) = known.map(|known| look(settings, known, at)) {
            return admission;
        }
        let key = &*self.or_overflow(Cow::Borrowed(key), policy);
        self.note_limit(key);
        if self.refresh(store, key, policy).is_err() {
            return Admission::Admit(Ticket::default());
        }
        let rejection = match self.look(key, at) {
            Some(Look::MayProbe(rejection)) => rejection,
            Some(Look::Decided(admission)) => return admission,
            None => return Admission::Admit(Ticket::default()),
        };
        let mut permit = None;
        let told = self.transact(store, key, at, &mut |record, settings| {
            permit = record.lease(settings, at.now_ms);
            None
        });
        match (told, permit) {
            // The shared data failed: admit, and count what can be counted.
            (Err(StoreError::Broken), _) => Admission::Admit(Ticket::default()),
            // Others were faster each time: they have the permits.
            (Err(StoreError::Changed), _) => Admission::Reject(rejection),
            (Ok(()), Some(permit)) => Admission::Admit(Ticket {
                generation: Some(permit.generation),
                permit: Some(permit),
                ..Ticket::default()
            }),
            (Ok(()), None) => match self.look(key, at) {
                Some(Look::Decided(admission)) => admission,
                _ => Admission::Reject(rejection),
            },
        }
    }

    fn look(&self, key: &str, at: Moment) -> Option<Look> {
        let known = self.routes.get(&self.keys, key)?;
        let settings = self.policies.get(usize::from(known.policy))?;
        Some(look(settings, known, at))
    }

    fn count(
        &mut self,
        store: &mut dyn Store,
        key: &str,
        ticket: Ticket,
        ending: Ending,
        at: Moment,
    ) {
        let Some(route) = self.routes.get_mut(&self.keys, key) else {
            return;
        };
        let Some(settings) = self.policies.get(usize::from(route.policy)) else {
            return;
        };
        let is_of_now = match ticket.generation {
            Some(generation) => generation == route.view.generation,
            // Nobody looked when it was admitted: that was a closed breaker, or one not known yet.
            None => {
                route.view.state == State::Closed
                    && ticket.seen.is_none_or(|seen| seen >= route.changed)
            }
        };
        let is_bad =
            ending.is_slow || matches!(ending.outcome, Outcome::Failure(_) | Outcome::Limited(_));
        let was_clean = !route.is_restless();
        if !is_of_now || ending.outcome == Outcome::Neutral || (was_clean && !is_bad) {
            return;
        }
        let generation = route.view.generation;
        let delta = route.pending.get_or_insert_with(Box::default);
        if delta.generation != generation {
            **delta = Delta {
                generation,
                ..Delta::default()
            };
        }
        delta.count(
            ending.outcome,
            ending.is_slow,
            route.view.bucket_ms,
            at.now_ms,
        );
        if !is_bad {
            return;
        }
        if ending.retry_after_ms.is_some() {
            delta.retry_after_ms = ending.retry_after_ms;
        }
        let mut ahead = route.view.clone();
        ahead.advance(settings, at.now_ms, at.draw);
        let would_trip = ahead.absorb(settings, delta, at.now_ms, at.draw).is_some();
        if would_trip {
            self.flush(store, key, at);
        } else if was_clean {
            self.announce(store, at.now_ms);
        }
    }

    /// The key itself, or that of the breaker that routes beyond the limit share.
    fn or_overflow<'a>(&self, key: Cow<'a, str>, policy: usize) -> Cow<'a, str> {
        if self.routes.has_room_for(&self.keys, &key) {
            key
        } else {
            self.shaped(OVERFLOW, policy)
        }
    }

    /// The key of a route for a policy. Within one Envoy route, hosts and paths may have policies
    /// with windows of different shapes, which cannot be counted together.
    fn shaped<'a>(&self, route: &'a str, policy: usize) -> Cow<'a, str> {
        if policy == 0 {
            return Cow::Borrowed(route);
        }
        let shape = |policy: usize| self.policies.get(policy).map(bucket_ms);
        match shape(policy) {
            Some(other) if shape(0) != Some(other) => {
                Cow::Owned([route, "\0", &decimal(other.into())].joined())
            }
            _ => Cow::Borrowed(route),
        }
    }

    /// Counts something about the breaker of this key; `number`: that of the key, where it is known.
    fn count_shaped(&mut self, key: &str, number: Option<usize>, policy: usize, what: Count) {
        if number.is_some_and(|number| self.meters.count_at(number, what)) {
            return;
        }
        let key = self.or_overflow(Cow::Borrowed(key), policy);
        self.meters.count(&mut self.keys, &key, what);
    }

    fn note_limit(&mut self, key: &str) {
        if plain(key) == OVERFLOW {
            self.meters.count_total(Total::OverLimit);
        }
    }
}

/// The key of a route as people know it: without the shape of its window.
pub(super) fn plain(key: &str) -> &str {
    split_once(key, "\0").map_or(key, |(route, _)| route)
}

/// What the view of a route says about a request.
fn look(settings: &Settings, route: &Route, at: Moment) -> Look {
    let view = &route.view;
    let rejection = Rejection {
        state: view.state,
        reason: Some(view.tripped_by),
        remaining_ms: view.remaining_ms(at.now_ms),
    };
    match view.state {
        State::Closed => Look::Decided(passed(view)),
        State::Open if at.now_ms < view.until_ms => Look::Decided(Admission::Reject(rejection)),
        State::Open => Look::MayProbe(rejection),
        // Permits that are out are a matter of the shared record; that none is left can be
        // believed until the next tick, and spares the record a reader for each rejection.
        State::HalfOpen if !view.may_lease(settings, at.now_ms) => {
            Look::Decided(Admission::Reject(rejection))
        }
        State::HalfOpen => Look::MayProbe(rejection),
        State::Ramp if at.draw * f64::from(RAMP_FULL) < f64::from(view.admitted()) => {
            Look::Decided(passed(view))
        }
        State::Ramp => Look::Decided(Admission::Reject(rejection)),
    }
}

fn passed(view: &Record) -> Admission {
    Admission::Admit(Ticket {
        generation: Some(view.generation),
        ..Ticket::default()
    })
}
