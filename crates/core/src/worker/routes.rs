//! What a worker keeps per route.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use crate::breaker::ClientId;
use crate::retry::RouteLoad;
use crate::time::Timestamp;
use crate::worker::metrics::RouteMetrics;
use crate::worker::releases::Releases;
use crate::worker::shared_circuit::SharedCircuit;

/// Maximum number of circuits, of routes with metrics, and of routes with samples. Bounds the memory of a
/// worker.
///
/// A circuit that is clean, or a load that is forgotten, gives its place to another route. If there is none
/// of those, further routes have no circuit, or no load: strangers never share a decision. Metrics cannot
/// be deleted at the host, so further routes share one set of them.
pub const MAX_ROUTES: usize = 1024;

/// For this long after one client followed another, a route is believed to have several.
const SEVERAL_FOR: Duration = Duration::from_secs(60);

/// Identifies a route in metrics, logs and shared data.
///
/// Comparing it with its own copies is cheap, and a request does little else: it has a copy of the key that the
/// worker has ([`Worker::own_key`](crate::worker::Worker::own_key)).
#[derive(Debug, Clone, Eq)]
pub struct RouteKey(Arc<str>);

impl PartialEq for RouteKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl PartialOrd for RouteKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RouteKey {
    fn cmp(&self, other: &Self) -> Ordering {
        match Arc::ptr_eq(&self.0, &other.0) {
            true => Ordering::Equal,
            false => self.0.cmp(&other.0),
        }
    }
}

impl RouteKey {
    /// Returns the key of an Envoy route: its name and its cluster.
    pub fn of_route(name: &[u8], cluster: &[u8]) -> Self {
        let key = [name, b"/", cluster].concat();
        match std::str::from_utf8(&key) {
            Ok(key) => key.into(),
            Err(_) => String::from_utf8_lossy(&key).as_ref().into(),
        }
    }

    /// Returns the key of a group of routes that share a circuit. It differs from the key of every
    /// route, which has a slash.
    pub fn of_group(name: &str) -> Self {
        format!("group {name}").as_str().into()
    }

    /// Returns the key of the metrics that routes beyond the limit share. It differs from the key of
    /// every route, which has a slash.
    pub fn overflow() -> Self {
        "*".into()
    }

    /// Returns whether this is the key of the metrics that routes beyond the limit share.
    pub fn is_overflow(&self) -> bool {
        self.as_str() == "*"
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RouteKey {
    fn from(key: &str) -> Self {
        Self(key.into())
    }
}

impl Borrow<str> for RouteKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a worker keeps for one route. Each part exists from its first use.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// The circuits of the route, by the width of their buckets: hosts and paths of one Envoy route
    /// may have policies whose windows differ in shape, which cannot be counted together.
    pub(super) circuits: Vec<SharedCircuit>,
    /// In boxes, as is the next one: few routes have all parts.
    pub(super) metrics: Option<Box<RouteMetrics>>,
    pub(super) sampled: Option<Box<Sampled>>,
}

/// What a few requests of a route say about the others.
#[derive(Debug, Default)]
pub(super) struct Sampled {
    pub(super) load: RouteLoad,
    /// The releases that the responses name.
    pub(super) releases: Releases,
    pub(super) clients: SampledClients,
}

/// Whether several clients use a route, by a few of its requests.
#[derive(Debug, Default)]
pub(super) struct SampledClients {
    last: ClientId,
    /// When a client followed another one.
    changed_at: Timestamp,
}

impl SampledClients {
    pub(super) fn note(&mut self, client: ClientId, now: Timestamp) {
        let last = std::mem::replace(&mut self.last, client);
        if last != client && last != ClientId::UNKNOWN {
            self.changed_at = now;
        }
    }

    fn set_back(&mut self, back: Duration) {
        self.changed_at = self.changed_at.saturating_sub(back);
    }

    /// Returns whether several clients came lately.
    pub(super) fn are_several(&self, now: Timestamp) -> bool {
        now.saturating_since(self.changed_at) < SEVERAL_FOR
    }
}

impl Route {
    pub(super) fn circuit(&self, width: Duration) -> Option<&SharedCircuit> {
        let mut circuits = self.circuits.iter();
        circuits.find(|circuit| circuit.view.bucket_width() == width)
    }

    pub(super) fn circuit_mut(&mut self, width: Duration) -> Option<&mut SharedCircuit> {
        let mut circuits = self.circuits.iter_mut();
        circuits.find(|circuit| circuit.view.bucket_width() == width)
    }

    fn has_clean_circuit(&self) -> bool {
        !self.circuits.iter().all(SharedCircuit::has_pending_work)
    }

    fn is_empty(&self) -> bool {
        self.circuits.is_empty() && self.metrics.is_none() && self.sampled.is_none()
    }
}

/// The routes of a worker, ordered by key.
#[derive(Debug, Default)]
pub(super) struct Routes {
    by_key: BTreeMap<RouteKey, Route>,
    circuits: usize,
    metrics: usize,
    sampled: usize,
    /// The last route that gave back the place of a circuit.
    gave_back: Option<RouteKey>,
    /// Whether no circuit was clean when one was looked for since the last tick.
    has_no_clean_one: bool,
}

impl Routes {
    pub(super) fn get(&self, key: &RouteKey) -> Option<&Route> {
        self.by_key.get(key)
    }

    /// Returns this key, or the equal one that is kept.
    pub(super) fn own_key(&self, key: RouteKey) -> RouteKey {
        let own = self.by_key.get_key_value(&key);
        own.map(|(own, _)| own.clone()).unwrap_or(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&RouteKey, &Route)> {
        self.by_key.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&RouteKey, &mut Route)> {
        self.by_key.iter_mut()
    }

    /// Returns the circuit of a route whose buckets have this width.
    pub(super) fn circuit(&self, key: &RouteKey, width: Duration) -> Option<&SharedCircuit> {
        self.by_key.get(key)?.circuit(width)
    }

    /// Returns a mutable reference to the circuit of a route whose buckets have this width.
    pub(super) fn circuit_mut(
        &mut self,
        key: &RouteKey,
        width: Duration,
    ) -> Option<&mut SharedCircuit> {
        self.by_key.get_mut(key)?.circuit_mut(width)
    }

    /// Returns whether the circuit exists or may be added. If all places are taken, a clean circuit gives
    /// its place back.
    pub(super) fn make_room_for_circuit(&mut self, key: &RouteKey, width: Duration) -> bool {
        if self.circuits < MAX_ROUTES || self.circuit(key, width).is_some() {
            return true;
        }
        if !self.has_no_clean_one {
            self.has_no_clean_one = !self.give_back_circuit();
        }
        !self.has_no_clean_one
    }

    /// Gives back the place of a clean circuit: the next one in turn, so that a search rarely takes long.
    /// Its record stays in shared data. Returns whether there was one.
    fn give_back_circuit(&mut self) -> bool {
        let last = self.gave_back.as_ref().map_or("", RouteKey::as_str);
        let after: (Bound<&str>, Bound<&str>) = (Bound::Excluded(last), Bound::Unbounded);
        let up_to: (Bound<&str>, Bound<&str>) = (Bound::Unbounded, Bound::Included(last));
        let after = self.by_key.range::<str, _>(after);
        let mut in_turn = after.chain(self.by_key.range::<str, _>(up_to));
        let found = in_turn.find(|(_, route)| route.has_clean_circuit());
        let Some(key) = found.map(|(key, _)| key.clone()) else {
            return false;
        };
        if let Some(route) = self.by_key.get_mut(&key) {
            let before = route.circuits.len();
            route.circuits.retain(SharedCircuit::has_pending_work);
            let given_back = before.saturating_sub(route.circuits.len());
            self.circuits = self.circuits.saturating_sub(given_back);
            if route.is_empty() {
                self.by_key.remove(&key);
            }
        }
        self.gave_back = Some(key);
        true
    }

    /// Sets back all times, as the clock was.
    pub(super) fn set_back(&mut self, back: Duration) {
        for route in self.by_key.values_mut() {
            for circuit in &mut route.circuits {
                circuit.pushed_in_vain_at = circuit.pushed_in_vain_at.saturating_sub(back);
            }
            if let Some(metrics) = &mut route.metrics {
                metrics.set_back(back);
            }
            if let Some(sampled) = &mut route.sampled {
                sampled.load.set_back(back);
                sampled.releases.set_back(back);
                sampled.clients.set_back(back);
            }
        }
    }

    /// Begins a new tick, in which circuits may have become clean.
    pub(super) fn begin_tick(&mut self) {
        self.has_no_clean_one = false;
    }

    /// Adds a circuit to a route.
    pub(super) fn add_circuit(&mut self, key: &RouteKey, circuit: SharedCircuit) {
        self.circuits = self.circuits.saturating_add(1);
        let route = self.by_key.entry(key.clone()).or_default();
        // Nearly all routes have one circuit: room for more would double their memory.
        route.circuits.reserve_exact(1);
        route.circuits.push(circuit);
    }

    /// Returns the metrics of a route, or the metrics that routes beyond the limit share.
    pub(super) fn metrics(&mut self, key: &RouteKey) -> &mut RouteMetrics {
        let has_metrics = |route: &Route| route.metrics.is_some();
        let has_room = self.metrics < MAX_ROUTES || self.get(key).is_some_and(has_metrics);
        let key = if has_room {
            key.clone()
        } else {
            RouteKey::overflow()
        };
        let route = self.by_key.entry(key).or_default();
        route.metrics.get_or_insert_with(|| {
            self.metrics = self.metrics.saturating_add(1);
            Box::default()
        })
    }

    /// Returns what samples say of a route, if there were any.
    pub(super) fn sampled(&self, key: &RouteKey) -> Option<&Sampled> {
        self.by_key.get(key)?.sampled.as_deref()
    }

    /// Returns what samples say of a route, which is nothing if there were none; `None` if all places are
    /// taken.
    pub(super) fn sampled_mut(&mut self, key: &RouteKey) -> Option<&mut Sampled> {
        let is_known = self.sampled(key).is_some();
        if !is_known && self.sampled >= MAX_ROUTES {
            return None;
        }
        self.sampled = self.sampled.saturating_add(usize::from(!is_known));
        let route = self.by_key.entry(key.clone()).or_default();
        Some(route.sampled.get_or_insert_default())
    }

    /// Returns what samples say of a route, if there were any.
    pub(super) fn sampled_if_known(&mut self, key: &RouteKey) -> Option<&mut Sampled> {
        self.by_key.get_mut(key)?.sampled.as_deref_mut()
    }

    /// Ends a second of all loads. If all places are taken, those of forgotten loads are given back.
    pub(super) fn end_second(&mut self, elapsed: Duration) {
        let is_full = self.sampled >= MAX_ROUTES;
        let mut given_back = 0_usize;
        self.by_key.retain(|_, route| {
            let is_well = route.circuits.iter().all(|known| known.view.is_closed());
            if let Some(sampled) = &mut route.sampled {
                sampled.load.end_second(elapsed, is_well);
            }
            let is_forgotten = |sampled: &mut Box<Sampled>| is_full && sampled.load.is_forgotten();
            let forgotten = route.sampled.take_if(is_forgotten);
            given_back = given_back.saturating_add(usize::from(forgotten.is_some()));
            !route.is_empty()
        });
        self.sampled = self.sampled.saturating_sub(given_back);
    }

    /// Moves what samples say from the routes of another worker.
    pub(super) fn take_sampled(&mut self, from: &mut Self) {
        from.sampled = 0;
        for (key, route) in &mut from.by_key {
            if let Some(sampled) = route.sampled.take() {
                if let Some(own) = self.sampled_mut(key) {
                    *own = *sampled;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
