//! What all workers of a proxy share, as the breakers need it: data, and metrics.

use tidegate_core::breaker::meters::{Kind, Metrics};
use tidegate_core::breaker::{Store, StoreError};

use crate::host::{self, HostError, MetricType};

/// The shared data of all workers that have the same `vm_id`.
pub(crate) struct SharedData;

impl Store for SharedData {
    fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        match host::shared_data(key) {
            Ok(found) => Ok(Some(found)),
            Err(HostError::NOT_FOUND) => Ok(None),
            Err(_) => Err(StoreError::Broken),
        }
    }

    fn set(&mut self, key: &str, value: &[u8], number: Option<u32>) -> Result<(), StoreError> {
        match host::set_shared_data(key, value, number.unwrap_or(0)) {
            Ok(()) => Ok(()),
            Err(HostError::CHANGED) => Err(StoreError::Changed),
            Err(_) => Err(StoreError::Broken),
        }
    }
}

/// The metrics of the host.
pub(crate) struct HostMetrics;

impl Metrics for HostMetrics {
    fn define(&mut self, kind: Kind, name: &str) -> Option<u32> {
        let kind = match kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
        };
        host::define_metric(kind, name).ok()
    }

    fn add(&mut self, id: u32, by: u64) {
        note(host::increment_metric(id, by));
    }

    fn set(&mut self, id: u32, value: u64) {
        note(host::record_metric(id, value));
    }
}

/// Adds one to a counter that nobody keeps the number of.
pub(crate) fn count_once(name: &str) {
    if let Ok(id) = host::define_metric(MetricType::Counter, name) {
        note(host::increment_metric(id, 1));
    }
}

fn note(told: Result<(), HostError>) {
    if let Err(error) = told {
        log::debug!("tidegate: a metric cannot be written ({error})");
    }
}
