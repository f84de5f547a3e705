//! What a request says about its upstream: what the circuit breaker counts.
//!
//! It counts what is the upstream's fault, and nothing else. docs/breaker.md has the rules as a table
//! for operators; the tests of the filter decide and explain each of its cells.

use std::time::Duration;

use crate::config::Breaker as Settings;
use crate::failure::{Reason, Source};

/// What a request says about its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream answers.
    Success,
    /// The upstream failed, for this reason.
    Failure(Reason),
    /// The upstream is overloaded. Counts in the failure ratio, but not as a consecutive failure.
    Overloaded(Reason),
    /// The client left before the response began, after waiting this long. If many leave after they
    /// waited far longer than usual while nothing is answered, the upstream hangs.
    Abandoned(Duration),
    /// Says nothing about the upstream. Changes nothing, and returns the permit of a probe.
    Ignored,
}

/// Why an outcome says nothing about the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Neutral {
    /// The upstream means its response for the client as it is: it opted out, it is a page of another
    /// Tidegate, or the configuration keeps bodies.
    Meant,
    /// The configuration skips the path or the host.
    Skipped,
    /// The upstream or a filter limits this client: 429, or RESOURCE_EXHAUSTED.
    RateLimited,
    /// The client left.
    ClientLeft,
    /// The client set the deadline that passed.
    ClientDeadline,
    /// The client had not sent its request completely.
    RequestIncomplete,
    /// A limit of Envoy's was reached.
    EnvoyLimit,
    /// Envoy had no upstream to ask.
    NoUpstream,
    /// Another filter responded, or Envoy for another reason of its own.
    OtherReply,
}

impl Neutral {
    /// All of them, in the order of the variants.
    pub const ALL: [Self; 9] = [
        Self::Meant,
        Self::Skipped,
        Self::RateLimited,
        Self::ClientLeft,
        Self::ClientDeadline,
        Self::RequestIncomplete,
        Self::EnvoyLimit,
        Self::NoUpstream,
        Self::OtherReply,
    ];

    /// Returns the word for it in the names of metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Meant => "meant",
            Self::Skipped => "skipped",
            Self::RateLimited => "rate_limited",
            Self::ClientLeft => "client_left",
            Self::ClientDeadline => "client_deadline",
            Self::RequestIncomplete => "request_incomplete",
            Self::EnvoyLimit => "envoy_limit",
            Self::NoUpstream => "no_upstream",
            Self::OtherReply => "other_reply",
        }
    }
}

/// An outcome, and why it is neutral if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The outcome.
    pub outcome: Outcome,
    /// Why the outcome is [`Outcome::Ignored`] or [`Outcome::Abandoned`].
    pub why: Option<Neutral>,
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, why: None }
    }
}

impl From<Neutral> for Verdict {
    fn from(why: Neutral) -> Self {
        Self {
            outcome: Outcome::Ignored,
            why: Some(why),
        }
    }
}

impl Verdict {
    /// Returns the verdict on a response that was inspected.
    ///
    /// A response that Envoy made because it could not get one from the upstream is a failure. A
    /// response that Envoy made because of its own limits, because it has no host, or for another
    /// filter is not the upstream's fault: rejecting more requests would not help.
    pub fn of_response(
        settings: &Settings,
        status: u16,
        reason: Reason,
        source: Source,
        has_retry_after: bool,
    ) -> Self {
        match source {
            Source::Proxy => Self::of_proxy_error(reason),
            Source::Upstream if !settings.failures.statuses.contains(status) => {
                Self::of_status(status)
            }
            Source::Upstream if status == 503 && has_retry_after => {
                Outcome::Overloaded(reason).into()
            }
            Source::Upstream => Outcome::Failure(reason).into(),
        }
    }

    /// Returns the verdict on a response of the upstream whose status is not configured as a failure:
    /// an upstream that answers is alive. A 429 is about the client that sends too much.
    pub fn of_status(status: u16) -> Self {
        match status {
            429 => Neutral::RateLimited.into(),
            _ => Outcome::Success.into(),
        }
    }

    /// Returns the verdict on a gRPC call by the `grpc-status` of its service. UNAVAILABLE (14) and
    /// DEADLINE_EXCEEDED (4) are failures. RESOURCE_EXHAUSTED (8) is what 429 is in HTTP: a failure
    /// only if the settings say so of 429, which only such a call has to ask. Other statuses are
    /// responses of a service that works.
    pub fn of_grpc_status(status: &[u8], is_429_bad: impl FnOnce() -> bool) -> Self {
        match status {
            b"14" => Outcome::Failure(Reason::UpstreamUnavailable).into(),
            b"4" => Outcome::Failure(Reason::UpstreamTimeout).into(),
            b"8" if is_429_bad() => Outcome::Failure(Reason::UpstreamUnavailable).into(),
            b"8" => Neutral::RateLimited.into(),
            _ => Outcome::Success.into(),
        }
    }

    /// Returns the verdict on a request whose client gave up after waiting this long, `None` if not
    /// known, for a response that never began. Waiting less than a second says nothing.
    pub fn of_abandoned(why: Neutral, waited: Option<Duration>) -> Self {
        match waited.filter(|waited| *waited >= MIN_ABANDONED) {
            Some(waited) => Self {
                outcome: Outcome::Abandoned(waited),
                why: Some(why),
            },
            None => why.into(),
        }
    }

    /// Returns whether this counts against the upstream.
    pub fn is_bad(self) -> bool {
        matches!(self.outcome, Outcome::Failure(_) | Outcome::Overloaded(_))
    }

    fn of_proxy_error(reason: Reason) -> Self {
        match reason {
            Reason::ConnectionRefused
            | Reason::ConnectionTimeout
            | Reason::ConnectionTerminated
            | Reason::TlsProtocolError
            | Reason::TlsCertificateError
            | Reason::DnsError
            | Reason::HttpProtocolError
            | Reason::HttpResponseTimeout
            | Reason::HttpResponseIncomplete => Outcome::Failure(reason).into(),
            Reason::ConnectionLimitReached => Neutral::EnvoyLimit.into(),
            Reason::DestinationUnavailable
            | Reason::DestinationNotFound
            | Reason::ProxyConfigurationError => Neutral::NoUpstream.into(),
            Reason::RateLimited => Neutral::RateLimited.into(),
            Reason::UpstreamError
            | Reason::UpstreamBadGateway
            | Reason::UpstreamUnavailable
            | Reason::UpstreamTimeout
            | Reason::CircuitOpen
            | Reason::Maintenance
            | Reason::ProxyInternalError
            | Reason::Unauthorized
            | Reason::Forbidden
            | Reason::AuthorizationUnavailable
            | Reason::ClientError => Neutral::OtherReply.into(),
        }
    }
}

/// A client that leaves sooner was impatient.
const MIN_ABANDONED: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
