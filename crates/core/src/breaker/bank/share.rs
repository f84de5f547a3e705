//! How a worker and the shared data tell each other what happened.

use super::{plain, Bank, Route, Settlement, GRACE_MS, WATCH_MS};
use crate::breaker::machine::Transition;
use crate::breaker::meters::{Count, Total};
use crate::breaker::record::{bucket_ms, Record, State};
use crate::breaker::store::{self, Store, StoreError, Word};
use crate::breaker::ticket::{Event, Moment};
use crate::config::Breaker as Settings;
use crate::prelude::*;
use crate::text::{decimal, lossy};

impl Bank {
    /// Tells the shared record how a probe ended; later, where that cannot be done now.
    pub(super) fn give_back(
        &mut self,
        store: &mut dyn Store,
        key: &str,
        settlement: Settlement,
        at: Moment,
    ) {
        let Settlement {
            permit,
            outcome,
            retry_after_ms,
        } = settlement;
        let told = self.transact(store, key, at, &mut |record, settings| {
            record.settle(
                settings,
                permit,
                outcome,
                retry_after_ms,
                at.now_ms,
                at.draw,
            )
        });
        if told.is_err() {
            if let Some(route) = self.routes.get_mut(&self.keys, key) {
                route.unsettled.push(settlement);
            }
        }
    }

    /// Tells the shared record what was counted here, and lets time move it.
    pub(super) fn flush(&mut self, store: &mut dyn Store, key: &str, at: Moment) {
        let Some(route) = self.routes.get_mut(&self.keys, key) else {
            return;
        };
        let pending = route.pending.take();
        for settlement in core::mem::take(&mut route.unsettled) {
            self.give_back(store, key, settlement, at);
        }
        let told = self.transact(store, key, at, &mut |record, settings| {
            let delta = pending.as_deref()?;
            record.absorb(settings, delta, at.now_ms, at.draw)
        });
        if told.is_err() {
            if let Some(route) = self.routes.get_mut(&self.keys, key) {
                // Nothing is counted between take and here, so nothing is overwritten.
                route.pending = pending;
            }
        }
    }

    /// Lets time and `change` move the shared record. The view is what was written.
    pub(super) fn transact(
        &mut self,
        store: &mut dyn Store,
        key: &str,
        at: Moment,
        change: &mut dyn FnMut(&mut Record, &Settings) -> Option<Transition>,
    ) -> Result<(), StoreError> {
        let known = self
            .routes
            .get_mut(&self.keys, key)
            .ok_or(StoreError::Broken)?;
        let policy = usize::from(known.policy);
        let settings = self.policies.get(policy).ok_or(StoreError::Broken)?;
        let name = record_name(&self.prefix, settings, key);
        let mut transitions = [None; 2];
        let updated = store::update(store, &name, settings, &mut |record| {
            let mut before = record.clone();
            let by_time = record.advance(settings, at.now_ms, at.draw);
            // That a window grows old needs no telling: everybody sees it by the time.
            (before.window, before.run) = (record.window, record.run);
            transitions = [by_time, change(record, settings)];
            *record != before
        });
        match updated {
            Ok(record) => {
                self.saw(key, record);
                self.tell(store, key, transitions, at.now_ms);
                Ok(())
            }
            Err(error) => {
                known.is_stale = true;
                self.meters.count_total(Total::StoreErrors);
                Err(error)
            }
        }
    }

    /// Notes the changes of state that this worker made, and tells the others.
    fn tell(
        &mut self,
        store: &mut dyn Store,
        key: &str,
        transitions: [Option<Transition>; 2],
        now_ms: u64,
    ) {
        let mut news = None;
        for transition in transitions.into_iter().flatten() {
            // All the while, even if every worker that knows of it is replaced: with a new
            // configuration none remembers any route.
            news = news.max(Some(transition.open_ms));
            if transition.to == State::Open {
                self.count_of(key, Count::Trips);
            }
            if transition.from == State::Closed || transition.to == State::Closed {
                self.list(store, key, transition.to != State::Closed);
            }
            self.events.push(Event::Changed {
                route: plain(key).to_owned(),
                transition,
            });
        }
        if let Some(open_ms) = news {
            self.announce(store, now_ms.saturating_add(open_ms));
        }
    }

    /// What the shared record of a route is now.
    fn saw(&mut self, key: &str, record: Record) {
        if record.state != State::Closed {
            self.meters.know(&mut self.keys, key);
        }
        if let Some(route) = self.routes.get_mut(&self.keys, key) {
            if route.view.generation != record.generation {
                self.seen = self.seen.saturating_add(1);
                route.changed = self.seen;
            }
            route.view = record;
            route.is_stale = false;
        }
    }

    /// Makes a route known, and its view fresh.
    pub(super) fn refresh(
        &mut self,
        store: &mut dyn Store,
        key: &str,
        policy: usize,
    ) -> Result<(), StoreError> {
        let number = u16::try_from(policy).unwrap_or(u16::MAX);
        if let Some(known) = self.routes.get_mut(&self.keys, key) {
            // Of several policies of one route, that of the request decides.
            known.policy = number;
            if !known.is_stale {
                return Ok(());
            }
        }
        let settings = self.policies.get(policy).ok_or(StoreError::Broken)?;
        let found = store::read(store, &record_name(&self.prefix, settings, key), settings);
        self.routes
            .get_or_insert_with(&mut self.keys, key, || Route {
                policy: number,
                view: found.clone().unwrap_or_else(|_| Record::new(settings)),
                is_stale: found.is_err(),
                changed: 0,
                pending: None,
                unsettled: Vec::new(),
            });
        match found {
            Ok(record) => {
                self.saw(key, record);
                Ok(())
            }
            Err(error) => {
                self.meters.count_total(Total::StoreErrors);
                Err(error)
            }
        }
    }

    fn list_name(&self) -> String {
        [&self.prefix, "#"].joined()
    }

    /// Adds a route to the list of those that are not closed, or takes it out.
    fn list(&mut self, store: &mut dyn Store, key: &str, is_in: bool) {
        let told = store::swap(store, &self.list_name(), &mut |found| {
            let mut list = Vec::new();
            let mut rest = found.unwrap_or_default();
            while let Some(other) = next_line(&mut rest) {
                if other != key.as_bytes() {
                    add_line(&mut list, other);
                }
            }
            if is_in {
                add_line(&mut list, key.as_bytes());
            }
            Ok(Some(list))
        });
        if told.is_err() {
            self.meters.count_total(Total::StoreErrors);
        }
    }

    /// Makes the routes known that are not closed, when this worker begins: with a new configuration
    /// or a new module nobody else may be left who tells where they stand.
    pub(super) fn begin(&mut self, store: &mut dyn Store) {
        let Ok(Some((list, _))) = store.get(&self.list_name()) else {
            return;
        };
        let mut rest = list.as_slice();
        while let Some(key) = next_line(&mut rest) {
            let key = lossy(key);
            let route = plain(&key);
            let mut policies = 0..self.policies.len();
            // Where no policy has a window of this shape any more, nobody would count in it.
            let policy = policies.find(|&policy| self.shaped(route, policy) == key);
            // Of many workers, each with routes of its own, the list may have more than one of them keeps.
            let policy = policy.filter(|_| self.routes.has_room_for(&self.keys, &key));
            if let Some(policy) = policy {
                let _ = self.refresh(store, &key, policy);
            }
        }
    }

    fn word_name(&self) -> String {
        [&self.prefix, "!"].joined()
    }

    pub(super) fn read_word(&mut self, store: &mut dyn Store) {
        if let Some(word) = Word::read(store, &self.word_name()) {
            self.follow(word.change);
            self.word = word;
        }
    }

    /// Looks at all routes anew where others did something since this worker last looked.
    fn follow(&mut self, change: u64) {
        if change != self.word.change {
            for (_, route) in self.routes.iter_mut() {
                route.is_stale = true;
            }
        }
    }

    /// Tells the other workers that there is something to look at; at the next tick, where that
    /// cannot be done now.
    pub(super) fn announce(&mut self, store: &mut dyn Store, now_ms: u64) {
        if self.say(store, now_ms.saturating_add(WATCH_MS), 0).is_err() {
            self.meters.count_total(Total::StoreErrors);
            self.is_unannounced = true;
        }
        self.is_watching = true;
    }

    /// Tells all workers that a client was told to come back at `due_ms`.
    pub fn await_somebody(&mut self, store: &mut dyn Store, due_ms: u64) {
        let until_ms = due_ms.saturating_add(GRACE_MS);
        // Not for each of a crowd: what is said is good for a while. Where it cannot be said, some who
        // come back are not counted.
        if until_ms > self.word.awaited_until_ms.saturating_add(GRACE_MS / 2) {
            let _ = self.say(store, 0, until_ms);
        }
    }

    fn say(
        &mut self,
        store: &mut dyn Store,
        watch_ms: u64,
        awaited_ms: u64,
    ) -> Result<(), StoreError> {
        let name = self.word_name();
        let (before, word) = Word::announce(store, &name, watch_ms, awaited_ms)?;
        self.follow(before.change);
        self.word = word;
        self.is_unannounced &= watch_ms == 0;
        Ok(())
    }
}

fn add_line(list: &mut Vec<u8>, line: &[u8]) {
    list.extend_from_slice(line);
    list.push(b'\n');
}

/// Takes a line off the beginning of a list.
fn next_line<'a>(list: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = list.iter().position(|&byte| byte == b'\n')?;
    let (line, rest) = list.split_at_checked(end)?;
    *list = rest.get(1..)?;
    Some(line)
}

/// Records of windows of another shape stand beside each other: neither could be counted in the
/// other, and a new configuration may come back to the old shape.
fn record_name(prefix: &str, settings: &Settings, key: &str) -> String {
    [
        prefix,
        "/",
        &decimal(bucket_ms(settings).into()),
        "/",
        plain(key),
    ]
    .joined()
}
