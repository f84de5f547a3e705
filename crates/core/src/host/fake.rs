//! A host for tests: everything in memory, each fact set by the test.

use std::collections::{BTreeMap, HashMap};

use super::{HeaderMap, Host, HostError, MetricKind, MetricStore, SharedData};
use crate::http::headers::HeaderBlock;
use crate::time::Timestamp;

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
    pub(crate) filter_state: BTreeMap<String, String>,
    /// Lines of the log, with their level.
    pub(crate) lines: Vec<String>,
    /// Calls that return data, in order.
    pub(crate) reads: Vec<String>,
    pub(crate) shared: HashMap<String, (Vec<u8>, u32)>,
    /// Calls about shared data.
    pub(crate) shared_calls: u32,
    pub(crate) version: u32,
    /// Names of metrics by their number.
    pub(crate) names: Vec<String>,
    /// Metrics by name.
    pub(crate) metrics: BTreeMap<String, u64>,
}

impl FakeHost {
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
        self.now.ok_or(HostError::Status(10))
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

    fn attribute(&mut self, path: &[&str]) -> Result<Vec<u8>, HostError> {
        let path = path.join(".");
        let found = self.attributes.get(&path).cloned();
        self.read(path, found)
    }

    fn set_filter_state(&mut self, name: &str, value: &str) -> Result<(), HostError> {
        self.filter_state.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    fn log(&mut self, level: log::Level, line: &str) {
        self.lines.push(format!("{level} {line}"));
    }
}

impl SharedData for FakeHost {
    fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        self.shared_calls += 1;
        Ok(self.shared.get(key).cloned())
    }

    fn compare_and_swap(
        &mut self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<(), HostError> {
        self.shared_calls += 1;
        if let (Some((_, current)), Some(version)) = (self.shared.get(key), version) {
            if *current != version {
                return Err(HostError::CasMismatch);
            }
        }
        self.version += 1;
        let entry = (value.to_vec(), self.version);
        self.shared.insert(key.to_owned(), entry);
        Ok(())
    }
}

impl MetricStore for FakeHost {
    fn define_metric(&mut self, _kind: MetricKind, name: &str) -> Result<u32, HostError> {
        self.names.push(name.to_owned());
        Ok(u32::try_from(self.names.len() - 1).unwrap())
    }

    fn increment_metric(&mut self, id: u32, by: u64) {
        *self
            .metrics
            .entry(self.names[id as usize].clone())
            .or_default() += by;
    }

    fn record_metric(&mut self, id: u32, value: u64) {
        self.metrics.insert(self.names[id as usize].clone(), value);
    }
}
