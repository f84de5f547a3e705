//! What all workers of an Envoy share: shared data and metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::abi::status;

/// The process of the workers. Clones share the same data: several VMs with clones of one world act as
/// the worker threads of one Envoy.
#[derive(Debug, Clone, Default)]
pub struct World(Arc<Mutex<Inner>>);

#[derive(Debug, Clone, Default)]
struct Inner {
    shared: BTreeMap<Vec<u8>, (Vec<u8>, u32)>,
    last_cas: u32,
    metrics: Vec<Metric>,
}

#[derive(Debug, Clone)]
struct Metric {
    name: String,
    kind: u32,
    value: u64,
}

const COUNTER: u32 = 0;
const GAUGE: u32 = 1;
const HISTOGRAM: u32 = 2;

impl World {
    /// Creates a world without data or metrics.
    pub fn new() -> World {
        World::default()
    }

    /// Returns another world with the same data and metrics.
    pub(crate) fn copy(&self) -> World {
        let inner = self.inner().clone();
        World(Arc::new(Mutex::new(inner)))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the value of a key, and its version for compare-and-swap.
    pub fn shared(&self, key: &[u8]) -> Option<(Vec<u8>, u32)> {
        self.inner().shared.get(key).cloned()
    }

    /// Returns all keys of the shared data.
    pub fn shared_keys(&self) -> Vec<Vec<u8>> {
        self.inner().shared.keys().cloned().collect()
    }

    /// Sets a value as the C++ host's `SharedData::set` does: unconditionally if `cas` is 0, and for a
    /// missing key whatever `cas` is.
    pub fn set_shared(&self, key: &[u8], value: &[u8], cas: u32) -> u32 {
        let mut inner = self.inner();
        if let Some((_, current)) = inner.shared.get(key) {
            if cas != 0 && cas != *current {
                return status::CAS_MISMATCH;
            }
        }
        inner.last_cas = inner.last_cas.wrapping_add(1).max(1);
        let cas = inner.last_cas;
        inner.shared.insert(key.to_vec(), (value.to_vec(), cas));
        status::OK
    }

    /// Returns the id of a metric, which is created at its first definition; `None` for an unknown kind.
    /// The low two bits are the kind, as in Envoy.
    pub(crate) fn define(&self, kind: u32, name: &str) -> Option<u32> {
        if kind > HISTOGRAM {
            return None;
        }
        let mut inner = self.inner();
        let known = inner
            .metrics
            .iter()
            .position(|m| m.name == name && m.kind == kind);
        let index = known.unwrap_or_else(|| {
            inner.metrics.push(Metric {
                name: name.to_owned(),
                kind,
                value: 0,
            });
            inner.metrics.len() - 1
        });
        Some(index as u32 * 4 + kind)
    }

    fn with<T>(&self, id: u32, f: impl FnOnce(&mut Metric) -> Result<T, u32>) -> Result<T, u32> {
        let mut inner = self.inner();
        match inner.metrics.get_mut(id as usize / 4) {
            Some(metric) if metric.kind == id % 4 => f(metric),
            _ => Err(status::NOT_FOUND),
        }
    }

    /// Increments a metric. Envoy refuses to lower a counter, and to increment a histogram.
    pub(crate) fn increment(&self, id: u32, offset: i64) -> Result<(), u32> {
        self.with(id, |m| {
            if (m.kind == COUNTER && offset <= 0) || m.kind == HISTOGRAM {
                return Err(status::BAD_ARGUMENT);
            }
            m.value = m.value.wrapping_add_signed(offset);
            Ok(())
        })
    }

    pub(crate) fn record(&self, id: u32, value: u64) -> Result<(), u32> {
        self.with(id, |m| {
            m.value = if m.kind == GAUGE {
                value
            } else {
                m.value.wrapping_add(value)
            };
            Ok(())
        })
    }

    pub(crate) fn value(&self, id: u32) -> Result<u64, u32> {
        self.with(id, |m| {
            if m.kind == HISTOGRAM {
                Err(status::BAD_ARGUMENT)
            } else {
                Ok(m.value)
            }
        })
    }

    /// Returns the value of a metric: a counter's total, a gauge's value or a histogram's sum.
    pub fn metric(&self, name: &str) -> Option<u64> {
        self.inner()
            .metrics
            .iter()
            .find(|m| m.name == name)
            .map(|m| m.value)
    }

    /// Returns all metrics with their values, in the order of definition.
    pub fn metrics(&self) -> Vec<(String, u64)> {
        self.inner()
            .metrics
            .iter()
            .map(|m| (m.name.clone(), m.value))
            .collect()
    }
}
