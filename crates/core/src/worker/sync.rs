//! The exchange of circuits with the other workers.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::breaker::circuit::longest_open_time;
use crate::breaker::probes::MAX_PERMITS;
use crate::breaker::route::{Credit, TestResult};
use crate::breaker::window::bucket_width;
use crate::breaker::{RouteCircuits, RouteTransition, State};
use crate::config::Breaker as Settings;
use crate::host::SharedData;
use crate::retry::RouteLoad;
use crate::time::{saturating_millis, Timestamp};
use crate::worker::events::Event;
use crate::worker::heartbeat::{Bounds, Heartbeat, LONGEST_RETURN};
use crate::worker::metrics::{RouteCounter, WorkerCounter};
use crate::worker::permit::CircuitId;
use crate::worker::routes::RouteKey;
use crate::worker::shared::{read_circuits, update, update_circuits, FoundCircuits, SyncError};
use crate::worker::shared_circuit::SharedCircuit;
use crate::worker::Worker;

/// How long all workers track requests after one of them pushed a failure.
const TRACK_FOR: Duration = Duration::from_secs(2);
/// Number of routes with nothing to push that are read at a tick.
const IDLE_EXCHANGES: u64 = 64;
/// About the time between two ticks, in milliseconds.
const TICK_MS: u64 = 50;
/// Tracking is renewed when less than this is left: at half time, so that one lost renewal does no
/// harm.
const RENEW_BEFORE: Duration = Duration::from_secs(1);
/// How much later than their hint clients are expected. At least half of it is published.
const RETURN_GRACE: Duration = Duration::from_secs(60);
/// An expected return is published if it ends later than the last one by more than this.
const RETURN_STEP: Duration = Duration::from_secs(30);

impl Worker {
    /// Pushes what this worker counted, applies what other workers did, and lets time change the
    /// circuits of idle routes.
    pub(super) fn sync(&mut self, host: &mut impl SharedData, now: Timestamp, draw: f64) {
        self.routes.begin_tick();
        if !std::mem::replace(&mut self.has_started, true) {
            self.read_open_list(host, now);
        }
        self.read_heartbeat(host, now);
        let mut pending: Vec<(RouteKey, usize)> = Vec::new();
        for (key, route) in self.routes.iter() {
            let circuits = route.circuits.iter().filter(|c| c.has_pending_work());
            pending.extend(circuits.map(|circuit| (key.clone(), circuit.policy)));
        }
        // Of routes whose windows only age, a bounded number is read at each tick, in turn.
        let idle_turns = (pending.len() as u64).div_ceil(IDLE_EXCHANGES).max(1);
        let ticks = now.as_millis().checked_div(TICK_MS);
        let first_idle = ticks.and_then(|n| n.checked_rem(idle_turns)).unwrap_or(0);
        let mut idle = 0_u64;
        let mut has_pending_work = false;
        for (route, policy) in &pending {
            let (route, policy) = (route, *policy);
            let circuit = CircuitId { route, policy };
            let must_exchange = self.circuit_mut(circuit).is_some_and(|known| {
                known.view.age(now);
                known.must_exchange()
            });
            idle = idle.saturating_add(u64::from(!must_exchange));
            let turn = idle.saturating_add(first_idle).checked_rem(idle_turns);
            if must_exchange || turn == Some(0) {
                self.push(host, circuit, now, draw);
            }
            let known = self.circuit(circuit);
            has_pending_work |= known.is_some_and(SharedCircuit::has_pending_work);
        }
        let ends_soon = self.heartbeat.track_until < now.saturating_add(RENEW_BEFORE);
        if self.has_unpublished_event || (has_pending_work && ends_soon) {
            self.publish_failures(host, Duration::ZERO, now);
        }
        self.must_track = has_pending_work || now < self.heartbeat.track_until;
        self.expects_returns = now < self.heartbeat.returns_until;
    }

    /// Pushes the counts of this worker to the shared circuit, and lets time change it.
    pub(super) fn push(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        now: Timestamp,
        draw: f64,
    ) {
        let Some(known) = self.circuit_mut(circuit) else {
            return;
        };
        let unsynced = std::mem::take(&mut known.unsynced);
        let asking = std::mem::take(&mut known.asking);
        let arrivals = std::mem::take(&mut known.arrivals);
        let given_for = known.credited_for;
        for result in std::mem::take(&mut known.unsynced_tests) {
            self.push_test(host, circuit, result, now, draw);
        }
        let sampled = self.routes.sampled(circuit.route);
        let load = sampled.map(|sampled| &sampled.load);
        let credit = Credit {
            per_second: load.map_or(0.0, RouteLoad::sure_rate),
            requests_per_second: load.map_or(0.0, RouteLoad::mean_rate),
            latency: load.map_or(Duration::ZERO, RouteLoad::mean_latency),
            has_several_clients: sampled.is_some_and(|sampled| sampled.clients.are_several(now)),
            given_for,
        };
        let pushed = self.transact(host, circuit, now, draw, |view, settings| {
            for (name, client) in &asking {
                view.note_client(name, *client, now);
            }
            for (name, arrivals) in &arrivals {
                view.count_arrivals(name, arrivals, now);
            }
            if unsynced.is_empty() {
                return Vec::new();
            }
            view.absorb(settings, &unsynced, credit, now, draw)
        });
        let Some(known) = self.circuit_mut(circuit) else {
            return;
        };
        match pushed {
            Ok(()) if unsynced.is_empty() => {}
            Ok(()) => {
                known.credited_for = known.view.watched_since;
            }
            Err(_) => {
                known.unsynced = unsynced;
                known.arrivals = arrivals;
            }
        }
    }

    /// Pushes the result of a request that tested its upstream; at the next tick if that is not
    /// possible now.
    pub(super) fn push_test(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        result: TestResult,
        now: Timestamp,
        draw: f64,
    ) {
        let pushed = self.transact(host, circuit, now, draw, |view, settings| {
            view.record_test(settings, &result, now, draw)
        });
        if pushed.is_err() {
            // The permit of a result that is dropped runs out.
            let known = self.circuit_mut(circuit);
            if let Some(known) = known.filter(|known| known.unsynced_tests.len() < MAX_PERMITS) {
                known.unsynced_tests.push(result);
            }
        }
    }

    /// Lets time and `change` change the shared circuits. The view becomes what was written.
    pub(super) fn transact(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        now: Timestamp,
        draw: f64,
        mut change: impl FnMut(&mut RouteCircuits, &Settings) -> Vec<RouteTransition>,
    ) -> Result<(), SyncError> {
        let settings = self
            .policies
            .get(circuit.policy)
            .ok_or(SyncError::Unavailable)?;
        let key = record_key(&self.prefix, settings, circuit.route);
        let mut transitions = Vec::new();
        let updated = update_circuits(host, &key, settings, |view| {
            // Every worker lets the windows age by itself: that alone needs no write.
            view.age(now);
            let before = view.clone();
            transitions = view.advance(settings, now, draw);
            transitions.extend(change(view, settings));
            *view != before
        });
        match updated {
            Ok(found) => {
                self.apply_remote(circuit, found, now);
                self.announce(host, circuit, transitions, now);
                Ok(())
            }
            Err(error) => {
                if let Some(known) = self.circuit_mut(circuit) {
                    known.is_stale = true;
                }
                self.count_total(WorkerCounter::StoreErrors);
                Err(error)
            }
        }
    }

    /// Notes the changes of state that this worker made, and publishes them.
    fn announce(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        transitions: Vec<RouteTransition>,
        now: Timestamp,
    ) {
        // For the whole open time, even if every worker that knows of it is replaced: after a new
        // configuration no worker remembers any route.
        let mut track_for = None;
        let mut has_opened_or_closed = false;
        for RouteTransition { class, transition } in transitions {
            has_opened_or_closed |= [transition.from, transition.to].contains(&State::Closed);
            track_for = track_for.max(Some(transition.open_for));
            if transition.to == State::Open {
                self.count(circuit.route, RouteCounter::Trips);
            }
            self.events.push(Event::Transition {
                route: circuit.route.clone(),
                class,
                transition,
            });
        }
        if has_opened_or_closed {
            let known = self.circuit(circuit);
            let is_open = known.is_some_and(|known| !known.view.is_closed());
            self.update_open_list(host, circuit, is_open);
        }
        if let Some(open_for) = track_for {
            self.publish_failures(host, open_for, now);
        }
    }

    /// Makes the shared circuits the view of this worker.
    fn apply_remote(&mut self, circuit: CircuitId<'_>, found: FoundCircuits, now: Timestamp) {
        let view = found.circuits;
        if found.was_unreadable {
            self.count_total(WorkerCounter::StoreErrors);
        }
        if !view.is_closed() {
            // Its gauges are reported from now on.
            self.routes.metrics(circuit.route);
        }
        let (width, changes_seen) = (self.width(circuit), self.changes_seen.saturating_add(1));
        if let Some(known) = self.routes.circuit_mut(circuit.route, width) {
            if known.view.changes != view.changes {
                self.changes_seen = changes_seen;
                known.changed = changes_seen;
            }
            known.set_view(view, now);
        }
    }

    /// Adds the circuit if this worker does not know it, and reads it if the view is stale. Returns whether
    /// the view is up to date: not if there is no room for the circuit, nor if shared data failed.
    pub(super) fn refresh(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        now: Timestamp,
    ) -> bool {
        if let Some(known) = self.circuit_mut(circuit) {
            // Of several policies of one circuit, that of the latest request decides.
            known.policy = circuit.policy;
            if !known.is_stale {
                return true;
            }
        }
        let width = self.width(circuit);
        if !self.routes.make_room_for_circuit(circuit.route, width) {
            return false;
        }
        let Some(settings) = self.policies.get(circuit.policy) else {
            return false;
        };
        let key = record_key(&self.prefix, settings, circuit.route);
        let found = read_circuits(host, &key, settings);
        let new = RouteCircuits::new(settings);
        if self.circuit(circuit).is_none() {
            let added = SharedCircuit {
                policy: circuit.policy,
                view: found.clone().map_or(new, |found| found.circuits),
                is_stale: found.is_err(),
                changed: 0,
                unsynced: Vec::new(),
                unsynced_tests: Vec::new(),
                asking: Vec::new(),
                arrivals: BTreeMap::new(),
                credited_for: Timestamp::EPOCH,
                pushed_in_vain_at: Timestamp::EPOCH,
            };
            self.routes.add_circuit(circuit.route, added);
        }
        match found {
            Ok(found) => {
                self.apply_remote(circuit, found, now);
                true
            }
            Err(_) => {
                self.count_total(WorkerCounter::StoreErrors);
                false
            }
        }
    }

    fn open_list_key(&self) -> String {
        format!("{}#", self.prefix)
    }

    /// Returns the line of a circuit in the list of open circuits: its route, and the width of its
    /// buckets if it differs from that of the first policy.
    fn open_list_line(&self, circuit: CircuitId<'_>) -> String {
        let width = self.width(circuit);
        match self.policies.first().map(bucket_width) {
            Some(first) if first != width => {
                format!("{}\0{}", circuit.route, saturating_millis(width))
            }
            _ => circuit.route.to_string(),
        }
    }

    /// Adds a circuit to the shared list of those that are not closed, or removes it.
    fn update_open_list(
        &mut self,
        host: &mut impl SharedData,
        circuit: CircuitId<'_>,
        is_open: bool,
    ) {
        let line = self.open_list_line(circuit);
        let updated = update(host, &self.open_list_key(), |found| {
            let mut list = Vec::new();
            let others = lines(found.unwrap_or_default()).filter(|&other| other != line.as_bytes());
            for line in others.chain(is_open.then_some(line.as_bytes())) {
                list.extend_from_slice(line);
                list.push(b'\n');
            }
            Ok((found != Some(list.as_slice())).then_some(list))
        });
        if updated.is_err() {
            self.count_total(WorkerCounter::StoreErrors);
        }
    }

    /// Adds the circuits that are not closed when this worker starts: after a new configuration or
    /// a new module, no other worker may be left that reports their state.
    fn read_open_list(&mut self, host: &mut impl SharedData, now: Timestamp) {
        let Ok(Some((list, _))) = host.shared_data(&self.open_list_key()) else {
            return;
        };
        for line in lines(&list) {
            let line = String::from_utf8_lossy(line);
            let route = RouteKey::from(line.split('\0').next().unwrap_or_default());
            let route = &route;
            // A circuit is skipped if no policy has a window of its shape any more.
            let circuit = (0..self.policies.len())
                .map(|policy| CircuitId { route, policy })
                .find(|&circuit| self.open_list_line(circuit) == line);
            // The workers of a proxy together may have opened more circuits than one worker keeps.
            if let Some(circuit) = circuit {
                self.refresh(host, circuit, now);
            }
        }
    }

    fn heartbeat_key(&self) -> String {
        format!("{}!", self.prefix)
    }

    fn read_heartbeat(&mut self, host: &mut impl SharedData, now: Timestamp) {
        if let Some(heartbeat) = Heartbeat::read(host, &self.heartbeat_key()) {
            self.note_change(heartbeat.change);
            self.heartbeat = heartbeat;
            if heartbeat.exceeds(self.bounds(now)) {
                // If it cannot be written, at the next tick.
                let _ = self.publish(host, Timestamp::EPOCH, Timestamp::EPOCH, now);
            }
        }
    }

    fn bounds(&self, now: Timestamp) -> Bounds {
        let longest = self.policies.iter().map(longest_open_time).max();
        let longest_track = TRACK_FOR.saturating_add(longest.unwrap_or_default());
        Bounds { now, longest_track }
    }

    /// Marks all views as stale if another worker published an event.
    fn note_change(&mut self, change: u64) {
        if change != self.heartbeat.change {
            for (_, route) in self.routes.iter_mut() {
                for circuit in &mut route.circuits {
                    circuit.is_stale = true;
                }
            }
        }
    }

    /// Lets all workers track requests, for `open_for` and a little longer; at the next tick if that is not
    /// possible now.
    pub(super) fn publish_failures(
        &mut self,
        host: &mut impl SharedData,
        open_for: Duration,
        now: Timestamp,
    ) {
        let track_until = now.saturating_add(open_for).saturating_add(TRACK_FOR);
        match self.publish(host, track_until, Timestamp::EPOCH, now) {
            Ok(()) => self.has_unpublished_event = false,
            Err(_) => {
                self.count_total(WorkerCounter::StoreErrors);
                self.has_unpublished_event = true;
            }
        }
        self.must_track = true;
    }

    /// Lets all workers expect a client that is to come back at `due`.
    pub(super) fn expect_return(
        &mut self,
        host: &mut impl SharedData,
        due: Timestamp,
        now: Timestamp,
    ) {
        let longest = now.saturating_add(LONGEST_RETURN);
        let until = due.saturating_add(RETURN_GRACE).min(longest);
        let published_until = self.heartbeat.returns_until;
        // Not for each client of a crowd. If it cannot be published, some returns are not counted.
        if until > published_until.saturating_add(RETURN_STEP) {
            let _ = self.publish(host, Timestamp::EPOCH, until, now);
        }
    }

    fn publish(
        &mut self,
        host: &mut impl SharedData,
        track_until: Timestamp,
        returns_until: Timestamp,
        now: Timestamp,
    ) -> Result<(), SyncError> {
        let (key, bounds) = (self.heartbeat_key(), self.bounds(now));
        let (before, after) = Heartbeat::publish(host, &key, track_until, returns_until, bounds)?;
        self.note_change(before.change);
        self.heartbeat = after;
        Ok(())
    }
}

/// Returns the lines of a list; a line without an end is ignored.
fn lines(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split_inclusive(|&byte| byte == b'\n')
        .filter_map(|line| line.strip_suffix(b"\n"))
}

/// Returns the key of a circuit in shared data. Circuits with windows of another shape have records
/// of their own: their counts cannot be mixed, and a new configuration may return to the old shape.
fn record_key(prefix: &str, settings: &Settings, route: &RouteKey) -> String {
    let width = saturating_millis(bucket_width(settings));
    format!("{prefix}/{width}/{route}")
}
