//! Interim: replaced by the module of the circuit branch.

use std::time::Duration;

use crate::time::Timestamp;

/// When a client should come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint(Duration);

impl Hint {
    /// Creates a hint.
    pub fn new(delay: Duration) -> Self {
        Self(delay)
    }

    /// Returns the delay from now.
    pub fn delay(self) -> Duration {
        self.0
    }

    /// Returns the value of `Retry-After`: whole seconds, rounded up (RFC 9110 §10.2.3).
    pub fn seconds(self) -> u64 {
        crate::time::saturating_millis(self.0).div_ceil(1000)
    }
}

/// What a hint depends on.
#[derive(Debug, Clone, Copy)]
pub struct FailureInfo<'a> {
    /// Status of the failure, as Envoy would have sent it.
    pub status: u16,
    /// How much longer the request would be rejected, if known.
    pub remaining: Option<Duration>,
    /// `Retry-After` of the failed response.
    pub retry_after: Option<&'a [u8]>,
    /// The current time; `None` if the host has no clock.
    pub now: Option<Timestamp>,
}

/// Parses `Retry-After` (RFC 9110 §10.2.3) into a delay from now.
pub fn parse_retry_after(value: &[u8], now: Option<Timestamp>) -> Option<Duration> {
    crate::hint::parse_retry_after(value, now.map(Timestamp::as_millis)).map(Duration::from_millis)
}
