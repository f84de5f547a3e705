//! The host of the core's tests: everything in memory, each fact set by the test.

use std::collections::BTreeMap;

use super::{HeaderMap, Host, HostError, MetricKind, MetricStore, SharedData};
use crate::http::headers::HeaderBlock;
use crate::time::Timestamp;

/// An error of a host that does not work.
pub(crate) const BROKEN: HostError = HostError::Status(10);

/// A host in memory.
#[derive(Debug, Default)]
pub(crate) struct FakeHost {
    /// `None`: it has no clock.
    pub(crate) now: Option<Timestamp>,
    pub(crate) request: HeaderBlock,
    pub(crate) response: HeaderBlock,
    pub(crate) trailers: HeaderBlock,
    /// Attributes by their path, joined by dots.
    pub(crate) attributes: BTreeMap<String, Vec<u8>>,
    /// Makes every call fail that reads headers or attributes.
    pub(crate) failure: Option<HostError>,
    /// Makes [`Host::headers`] return bytes that are not a header map.
    pub(crate) is_garbled: bool,
    /// The calls that read headers or attributes, in order.
    pub(crate) reads: Vec<String>,
    pub(crate) filter_state: BTreeMap<String, String>,
    /// `None`: it has no source of randomness.
    pub(crate) random: Option<[u8; 32]>,
    /// Lines of the log, with their level.
    pub(crate) lines: Vec<String>,
    /// Shared data: values and versions.
    pub(crate) shared: BTreeMap<String, (Vec<u8>, u32)>,
    pub(crate) last_version: u32,
    /// The errors of the next calls about shared data, from the end. A read takes no
    /// [`HostError::CasMismatch`].
    pub(crate) shared_errors: Vec<HostError>,
    pub(crate) shared_reads: u32,
    pub(crate) shared_writes: u32,
    /// The metrics that were reported, by name.
    pub(crate) metrics: BTreeMap<String, u64>,
    pub(crate) metric_names: Vec<String>,
    /// Whether metrics cannot be defined.
    pub(crate) refuses_metrics: bool,
}

impl FakeHost {
    /// Returns the value of a metric of the circuits.
    pub(crate) fn breaker_metric(&self, name: &str) -> u64 {
        self.metric(&format!("tidegate.breaker.{name}"))
    }

    /// Returns the value of a metric.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        self.metrics.get(name).copied().unwrap_or(0)
    }

    fn read<T>(&mut self, what: String, found: Option<T>) -> Result<T, HostError> {
        self.reads.push(what);
        match self.failure {
            Some(error) => Err(error),
            None => found.ok_or(HostError::NotFound),
        }
    }

    fn map(&self, map: HeaderMap) -> &HeaderBlock {
        match map {
            HeaderMap::Request => &self.request,
            HeaderMap::Response => &self.response,
            HeaderMap::ResponseTrailers => &self.trailers,
        }
    }
}

impl Host for FakeHost {
    fn now(&mut self) -> Result<Timestamp, HostError> {
        self.now.ok_or(BROKEN)
    }

    fn headers(&mut self, map: HeaderMap) -> Result<Vec<u8>, HostError> {
        let found = match self.is_garbled {
            true => vec![0xff; 40],
            false => self.map(map).as_wire().to_vec(),
        };
        self.read(format!("{map:?}"), Some(found))
    }

    fn header(&mut self, map: HeaderMap, name: &str) -> Result<Vec<u8>, HostError> {
        let found = self.map(map).get(name).map(<[u8]>::to_vec);
        self.read(format!("{map:?} {name}"), found)
    }

    fn attribute(&mut self, path: &str) -> Result<Vec<u8>, HostError> {
        let path = path.replace('\0', ".");
        let found = self.attributes.get(&path).cloned();
        self.read(path, found)
    }

    fn set_filter_state(&mut self, name: &str, value: &str) -> Result<(), HostError> {
        self.filter_state.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    fn random(&mut self) -> Result<[u8; 32], HostError> {
        self.random.ok_or(BROKEN)
    }

    fn log(&mut self, level: log::Level, line: &str) {
        self.lines.push(format!("{level} {line}"));
    }
}

/// As in proxy-wasm-cpp-host, the version is not checked when a value is created, and a write without
/// a version always succeeds.
impl SharedData for FakeHost {
    fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        self.shared_reads += 1;
        match self.shared_errors.last() {
            Some(HostError::CasMismatch) | None => Ok(self.shared.get(key).cloned()),
            Some(_) => Err(self.shared_errors.pop().unwrap()),
        }
    }

    fn compare_and_swap(
        &mut self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<(), HostError> {
        self.shared_writes += 1;
        if let Some(error) = self.shared_errors.pop() {
            return Err(error);
        }
        if let (Some((_, current)), Some(version)) = (self.shared.get(key), version) {
            if *current != version {
                return Err(HostError::CasMismatch);
            }
        }
        self.last_version += 1;
        let written = (value.to_vec(), self.last_version);
        self.shared.insert(key.to_owned(), written);
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
