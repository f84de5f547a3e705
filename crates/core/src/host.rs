//! What the core asks of its host.
//!
//! The core pulls: it asks for a fact when it needs one. Actions are returned to the caller instead
//! (`filter`), so that a host is a small thing to fake in a test.

use std::fmt;

use crate::time::Timestamp;

/// A host of the filter: Envoy in production, a fake in tests.
pub trait Host: SharedData + MetricStore {
    /// Returns the current time.
    ///
    /// # Errors
    /// [`HostError`] if the host has no clock.
    fn now(&mut self) -> Result<Timestamp, HostError>;

    /// Returns all headers of a map, in the encoding of `http::headers`.
    ///
    /// # Errors
    /// [`HostError`] if the host does not provide this map.
    fn headers(&mut self, map: HeaderMap) -> Result<Vec<u8>, HostError>;

    /// Returns the first value of a header.
    ///
    /// # Errors
    /// [`HostError::NotFound`] if there is no such header.
    fn header(&mut self, map: HeaderMap, name: &str) -> Result<Vec<u8>, HostError>;

    /// Returns an attribute of the request (Envoy's documentation, "Attributes"). `path` has the form of the
    /// host call, so that it need not be joined for each request: `response\0code_details`.
    ///
    /// # Errors
    /// [`HostError::NotFound`] if the attribute has no value.
    fn attribute(&mut self, path: &str) -> Result<Vec<u8>, HostError>;

    /// Sets filter state, which the access log shows as `wasm.<name>`.
    ///
    /// # Errors
    /// [`HostError`] if the host refuses.
    fn set_filter_state(&mut self, name: &str, value: &str) -> Result<(), HostError>;

    /// Returns random bytes that nobody can foresee.
    ///
    /// # Errors
    /// [`HostError`] if the host has no source of randomness.
    fn random(&mut self) -> Result<[u8; 32], HostError>;

    /// Writes a line to the host's log.
    fn log(&mut self, level: log::Level, line: &str);
}

/// The data that the workers of a host share: values with a version that changes with each write.
pub trait SharedData {
    /// Returns a value and its version, or `None` if there is no value.
    ///
    /// # Errors
    /// [`HostError`] if the host fails.
    fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError>;

    /// Writes a value if its version still is `version`; without a version, unconditionally.
    ///
    /// # Errors
    /// [`HostError::CasMismatch`] if another worker has written in between.
    fn compare_and_swap(
        &mut self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<(), HostError>;
}

/// The metrics of a host.
pub trait MetricStore {
    /// Defines a metric, or finds the one of this name, and returns its number.
    ///
    /// # Errors
    /// [`HostError`] if the host fails.
    fn define_metric(&mut self, kind: MetricKind, name: &str) -> Result<u32, HostError>;

    /// Adds to a counter.
    fn increment_metric(&mut self, id: u32, by: u64);

    /// Sets a gauge.
    fn record_metric(&mut self, id: u32, value: u64);
}

/// A header map of a request or its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderMap {
    /// The request's headers.
    Request,
    /// The response's headers.
    Response,
    /// The response's trailers.
    ResponseTrailers,
}

/// Whether a metric only grows or shows a current value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It shows a current value.
    Gauge,
}

/// Why a host call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostError {
    /// There is no such value.
    NotFound,
    /// Another worker wrote in between.
    CasMismatch,
    /// Any other status of the host (proxy-wasm ABI 0.2.1).
    Status(u32),
}

impl fmt::Display for HostError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self {
            Self::NotFound => 1,
            Self::CasMismatch => 8,
            Self::Status(status) => *status,
        };
        write!(formatter, "host status {status}")
    }
}

#[cfg(test)]
pub(crate) mod fake;
