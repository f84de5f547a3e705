//! What all workers of a proxy share, as the breakers need it: data, and metrics.

use alloc::vec::Vec;

use tidegate_core::host::{HostError as CoreError, MetricKind, MetricStore, SharedData};

use crate::host::{self, HostError, LogLevel, MetricType};
use crate::log_sink;

/// The shared data of all workers that have the same `vm_id`.
pub(crate) struct Shared;

impl SharedData for Shared {
    fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, CoreError> {
        match host::shared_data(key) {
            Ok(found) => Ok(Some(found)),
            Err(HostError::NOT_FOUND) => Ok(None),
            Err(_) => Err(CoreError::Status(10)),
        }
    }

    fn compare_and_swap(
        &mut self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<(), CoreError> {
        match host::set_shared_data(key, value, version.unwrap_or(0)) {
            Ok(()) => Ok(()),
            Err(HostError::CHANGED) => Err(CoreError::CasMismatch),
            Err(_) => Err(CoreError::Status(10)),
        }
    }
}

impl MetricStore for Shared {
    fn define_metric(&mut self, kind: MetricKind, name: &str) -> Result<u32, CoreError> {
        let kind = match kind {
            MetricKind::Counter => MetricType::Counter,
            MetricKind::Gauge => MetricType::Gauge,
        };
        host::define_metric(kind, name).map_err(|_| CoreError::Status(10))
    }

    fn increment_metric(&mut self, id: u32, by: u64) {
        note(host::increment_metric(id, by));
    }

    fn record_metric(&mut self, id: u32, value: u64) {
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
        log_sink::failed(LogLevel::Debug, "a metric cannot be written", error, "");
    }
}
