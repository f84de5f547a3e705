//! A host in memory: shared data and metrics.

use std::collections::BTreeMap;

use super::*;

/// Shared data and metrics in memory. As in proxy-wasm-cpp-host, the version is not checked when a
/// value is created, and a write without a version always succeeds.
#[derive(Debug, Default)]
pub(crate) struct FakeHost {
    pub(crate) values: BTreeMap<String, (Vec<u8>, u32)>,
    last_version: u32,
    /// The errors of the next calls, from the end. A read takes no [`HostError::CasMismatch`].
    pub(crate) errors: Vec<HostError>,
    pub(crate) reads: u32,
    pub(crate) writes: u32,
    /// The metrics that were reported, by name.
    pub(crate) metrics: BTreeMap<String, u64>,
    metric_names: Vec<String>,
    /// Whether metrics cannot be defined.
    pub(crate) refuses_metrics: bool,
}

/// An error of a host that does not work.
pub(crate) const BROKEN: HostError = HostError::Status(10);

impl FakeHost {
    /// Returns the value of a metric of the circuits.
    pub(crate) fn breaker_metric(&self, name: &str) -> u64 {
        self.metric(&format!("tidegate.breaker.{name}"))
    }

    /// Returns the value of a metric.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        self.metrics.get(name).copied().unwrap_or(0)
    }
}

impl SharedData for FakeHost {
    fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        self.reads += 1;
        match self.errors.last() {
            Some(HostError::CasMismatch) | None => Ok(self.values.get(key).cloned()),
            Some(_) => Err(self.errors.pop().unwrap()),
        }
    }

    fn compare_and_swap(
        &mut self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<(), HostError> {
        self.writes += 1;
        if let Some(error) = self.errors.pop() {
            return Err(error);
        }
        if let (Some((_, current)), Some(version)) = (self.values.get(key), version) {
            if *current != version {
                return Err(HostError::CasMismatch);
            }
        }
        self.last_version += 1;
        let written = (value.to_vec(), self.last_version);
        self.values.insert(key.to_owned(), written);
        Ok(())
    }
}

impl MetricStore for FakeHost {
    fn define_metric(&mut self, kind: MetricKind, name: &str) -> Result<u32, HostError> {
        let is_gauge = name.contains("state") || name.contains("percent");
        assert_eq!(kind == MetricKind::Gauge, is_gauge, "{name}");
        if self.refuses_metrics {
            return Err(BROKEN);
        }
        let id = self.metric_names.iter().position(|known| known == name);
        let id = id.unwrap_or_else(|| {
            self.metric_names.push(name.to_owned());
            self.metric_names.len() - 1
        });
        Ok(u32::try_from(id).unwrap())
    }

    fn increment_metric(&mut self, id: u32, by: u64) {
        assert!(by > 0);
        let name = self.metric_names[id as usize].clone();
        *self.metrics.entry(name).or_default() += by;
    }

    fn record_metric(&mut self, id: u32, value: u64) {
        let name = self.metric_names[id as usize].clone();
        self.metrics.insert(name, value);
    }
}

/// A host where another worker writes a value between each read and write of it.
pub(super) struct ConcurrentWriter<'a> {
    pub(super) host: &'a mut FakeHost,
    pub(super) key: &'a str,
    pub(super) value: Vec<u8>,
    pub(super) times: u32,
}

impl SharedData for ConcurrentWriter<'_> {
    fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        self.host.shared_data(key)
    }

    fn compare_and_swap(
        &mut self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<(), HostError> {
        if key == self.key && self.times > 0 {
            self.times -= 1;
            let _ = self.host.compare_and_swap(key, &self.value, None);
        }
        self.host.compare_and_swap(key, value, version)
    }
}
