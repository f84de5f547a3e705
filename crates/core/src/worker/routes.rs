//! What a worker keeps per route.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::breaker::ClientId;
use crate::retry::RouteLoad;
use crate::time::Timestamp;
use crate::worker::metrics::RouteMetrics;
use crate::worker::releases::Releases;
use crate::worker::shared_circuit::SharedCircuit;

/// Maximum number of circuits; further routes share one. The same limit applies to routes with
/// metrics and to routes with a load.
///
/// Bounds the memory of a worker, and the shared data, whose keys can never be deleted
/// (proxy-wasm-cpp-host, `shared_data.cc`).
pub const MAX_ROUTES: usize = 1024;

/// For this long after one client followed another, a route is believed to have several.
const SEVERAL_FOR: Duration = Duration::from_secs(60);

/// Identifies a route in metrics, logs and shared data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey(Arc<str>);

impl RouteKey {
    /// Returns the key of an Envoy route: its name and its cluster.
    pub fn of_route(name: &[u8], cluster: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name);
        let cluster = String::from_utf8_lossy(cluster);
        format!("{name}/{cluster}").as_str().into()
    }

    /// Returns the key of a group of routes that share a circuit. It differs from the key of every
    /// route, which has a slash.
    pub fn of_group(name: &str) -> Self {
        format!("group {name}").as_str().into()
    }

    /// Returns the key that routes beyond the limit share. It differs from the key of every route,
    /// which has a slash.
    pub fn overflow() -> Self {
        "*".into()
    }

    /// Returns whether this is the key that routes beyond the limit share.
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
    pub(super) metrics: Option<RouteMetrics>,
    pub(super) load: Option<RouteLoad>,
    /// The releases that the responses of the route name.
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
}

/// The routes of a worker, ordered by key.
#[derive(Debug, Default)]
pub(super) struct Routes {
    by_key: BTreeMap<RouteKey, Route>,
    circuits: usize,
    metrics: usize,
    loads: usize,
}

impl Routes {
    pub(super) fn get(&self, key: &RouteKey) -> Option<&Route> {
        self.by_key.get(key)
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

    /// Returns whether the circuit exists or may be added.
    pub(super) fn has_room_for_circuit(&self, key: &RouteKey, width: Duration) -> bool {
        self.circuits < MAX_ROUTES || self.circuit(key, width).is_some()
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
            RouteMetrics::default()
        })
    }

    /// Returns the key of the load of a route: its own, or the key that routes beyond the limit
    /// share.
    pub(super) fn load_key(&self, key: &RouteKey) -> RouteKey {
        let has_load = |route: &Route| route.load.is_some();
        if self.loads < MAX_ROUTES || self.get(key).is_some_and(has_load) {
            key.clone()
        } else {
            RouteKey::overflow()
        }
    }

    /// Returns the load and the releases of the route with this [key](Self::load_key).
    pub(super) fn load(&mut self, key: RouteKey) -> (&mut RouteLoad, &mut Releases) {
        let route = self.by_key.entry(key).or_default();
        let load = route.load.get_or_insert_with(|| {
            self.loads = self.loads.saturating_add(1);
            RouteLoad::default()
        });
        (load, &mut route.releases)
    }

    /// Returns what is known of the clients of the route with this [load key](Self::load_key), which has
    /// a load.
    pub(super) fn clients(&mut self, key: RouteKey) -> &mut SampledClients {
        self.load(key.clone());
        &mut self.by_key.entry(key).or_default().clients
    }

    /// Moves all loads and releases from the routes of another worker.
    pub(super) fn take_loads(&mut self, from: &mut Self) {
        from.loads = 0;
        for (key, route) in from.iter_mut() {
            if let Some(load) = route.load.take() {
                let releases = std::mem::take(&mut route.releases);
                let (own_load, own_releases) = self.load(key.clone());
                (*own_load, *own_releases) = (load, releases);
            }
        }
    }
}

#[cfg(test)]
mod tests;
