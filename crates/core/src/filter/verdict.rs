//! The verdict: what a request says about its upstream.
//!
//! Whatever is asked of the host here is asked only of requests that failed, or whose client left.

use std::time::Duration;

use super::intercept::is_meant;
use super::local_reply::{set_reason, DETAILS_PREFIX};
use super::response::{code_details, ResponseInfo};
use super::{Filter, Stage};
use crate::breaker::{Neutral, Outcome, Verdict};
use crate::failure::{Reason, Source};
use crate::host::{HeaderMap, Host};
use crate::http::headers::HeaderBlock;
use crate::http::rpc::is_grpc;
use crate::policy::RoutePolicy;
use crate::retry::parse_retry_after;
use crate::time::Timestamp;
use crate::worker::Worker;

/// The request headers in which a client may set its own deadline, in milliseconds, and the details of
/// a response to a request that ended at it: where the header is set, Envoy has no other timer that
/// ends a request with these details (`router.cc`). Envoy removes the headers from requests of clients
/// that it does not trust (`conn_manager_utility.cc`).
const DEADLINE_HEADERS: [(&str, &[u8]); 3] = [
    ("x-envoy-upstream-rq-timeout-ms", b"response_timeout"),
    (
        "x-envoy-upstream-rq-per-try-timeout-ms",
        b"upstream_per_try_timeout",
    ),
    (
        "x-envoy-upstream-stream-duration-ms",
        b"upstream_max_stream_duration_reached",
    ),
];
/// The details of a response to a call that ended at the deadline in its `grpc-timeout`
/// (`conn_manager_impl.cc`).
const CALL_DEADLINE: &[u8] = b"max_duration_timeout";

/// A route with a longest duration has it in the `grpc-timeout` of each call that does not set a
/// shorter one: Envoy writes it before any filter runs (`refreshDurationTimeout`). So a deadline is
/// the client's own only if calls of the route may last this many times as long.
const CLEARLY_SHORTER: u32 = 2;
/// A route whose calls are not known is taken to let them last this long.
const UNKNOWN_DURATION: Duration = Duration::from_secs(1);

/// A wait that differs from a deadline by less than this part of it, or by less than
/// [`DEADLINE_SLACK`], ended at that deadline. If Envoy says which timer ended the request, the wait
/// may have been longer: on a busy machine, timers are late.
const DEADLINE_PART: f64 = 0.1;
/// Timers and clocks differ by some milliseconds; a busy worker is late.
const DEADLINE_SLACK: Duration = Duration::from_millis(50);

impl Filter {
    /// Notes what the response says about the upstream.
    pub(super) fn judge(
        &mut self,
        host: &mut impl Host,
        worker: &Worker,
        policy: &RoutePolicy,
        response: &ResponseInfo,
        reason: Reason,
        source: Source,
    ) {
        let retry_after = response.headers.get("retry-after");
        let verdict = match (source, response.headers.get("grpc-status")) {
            (Source::Upstream, Some(status)) => self.of_grpc_status(host, worker, status),
            _ => {
                let settings = &self.config.policy(policy.number).breaker;
                let has_retry_after = retry_after.is_some();
                Verdict::of_response(settings, response.status, reason, source, has_retry_after)
            }
        };
        let verdict = self.excuse(host, worker, policy, response, verdict, source);
        // When the client that sent too much should come back is no open time for all.
        if verdict.is_bad() && response.status != 429 {
            self.retry_after = retry_after.and_then(|value| parse_retry_after(value, response.now));
        }
        self.verdict = Some(verdict);
    }

    /// Returns the verdict on a gRPC call by the status of its service.
    pub(super) fn of_grpc_status(
        &mut self,
        host: &mut impl Host,
        worker: &Worker,
        status: &[u8],
    ) -> Verdict {
        let is_429_bad = || {
            let number = self.policy(host, worker).number;
            let settings = &self.config.policy(number).breaker;
            settings.failures.statuses.contains(429)
        };
        Verdict::of_grpc_status(status, is_429_bad)
    }

    /// Returns the verdict on a failed response, which may not be the upstream's fault.
    fn excuse(
        &mut self,
        host: &mut impl Host,
        worker: &Worker,
        policy: &RoutePolicy,
        response: &ResponseInfo,
        verdict: Verdict,
        source: Source,
    ) -> Verdict {
        if response.is_inner_page && verdict.outcome != Outcome::Success {
            return Neutral::Meant.into();
        }
        if !verdict.is_bad() {
            return verdict;
        }
        let intercept = &self.config.policy(policy.number).intercept;
        if source == Source::Upstream && is_meant(&self.request, intercept, response) {
            return Neutral::Meant.into();
        }
        if needs_whole_request(verdict.outcome) && self.is_request_complete(host) == Some(false) {
            return Neutral::RequestIncomplete.into();
        }
        self.excuse_deadline(host, worker, verdict, &response.details)
    }

    /// Returns the verdict on a request that may have ended at a deadline that its client set. Its
    /// response has these details; empty if the upstream ended it.
    pub(super) fn excuse_deadline(
        &mut self,
        host: &mut impl Host,
        worker: &Worker,
        verdict: Verdict,
        details: &[u8],
    ) -> Verdict {
        let is_by_upstream = match verdict.outcome {
            Outcome::Failure(Reason::HttpResponseTimeout) => false,
            Outcome::Failure(Reason::UpstreamTimeout) if is_grpc(&self.request) => true,
            _ => return verdict,
        };
        let mut deadlines = Vec::new();
        if let Some(after) = call_deadline(&self.request) {
            let is_call = is_grpc(&self.request);
            if !is_call || self.is_clearly_shorter(host, worker, after) {
                // Envoy's timer is the header's only for calls.
                let is_named = is_call && details == CALL_DEADLINE;
                deadlines.push(Deadline { after, is_named });
            }
        }
        for (name, its_details) in DEADLINE_HEADERS {
            let after = self.request.get(name).and_then(parse_millis);
            let is_named = details == its_details;
            deadlines.extend(after.map(|after| Deadline { after, is_named }));
        }
        if deadlines.is_empty() {
            return verdict;
        }
        let now = host.now().ok();
        let Some(waited) = self.waited(host, now) else {
            return verdict;
        };
        let mut deadlines = deadlines.into_iter();
        match deadlines.any(|deadline| deadline.has_ended(waited)) {
            true if is_by_upstream => Neutral::ClientDeadline.into(),
            true => Verdict::of_abandoned(Neutral::ClientDeadline, Some(waited)),
            false => verdict,
        }
    }

    /// Returns whether a deadline is clearly shorter than calls of the route may last.
    fn is_clearly_shorter(
        &mut self,
        host: &mut impl Host,
        worker: &Worker,
        deadline: Duration,
    ) -> bool {
        let longest = worker.longest_deadline(&self.policy(host, worker).key);
        deadline.saturating_mul(CLEARLY_SHORTER) <= longest.unwrap_or(UNKNOWN_DURATION)
    }

    /// Notes what a request says about the upstream that ended before its response began. Returns
    /// whether it says anything.
    pub(super) fn end_without_response(&mut self, host: &mut impl Host) -> bool {
        if !matches!(self.stage, Stage::Waiting) {
            // A host call failed: nothing is known but that a permit must be returned.
            return true;
        }
        let Ok(details) = code_details(host) else {
            return true;
        };
        let verdict = if details == b"internal_redirect" {
            // The upstream answered, and Envoy follows on another route, where a new filter begins.
            Outcome::Success.into()
        } else if details.starts_with(DETAILS_PREFIX) {
            // A plugin closer to the upstream answered, past this one.
            Neutral::Meant.into()
        } else {
            let has_waited = is_client_gone(&details) && self.is_surely_complete(host);
            let now = host.now().ok();
            let waited = has_waited.then(|| self.waited(host, now)).flatten();
            Verdict::of_abandoned(Neutral::ClientLeft, waited)
        };
        self.verdict = Some(verdict);
        true
    }

    /// Notes that the response did not come to its end. Returns whether that is to be recorded: the
    /// upstream may be to blame, but not for a client that left.
    pub(super) fn end_early(&mut self, host: &mut impl Host) -> bool {
        let Ok(details) = code_details(host) else {
            return false;
        };
        if !details.starts_with(b"upstream_reset_after_response_started") {
            self.verdict = Some(Outcome::Ignored.into());
            return true;
        }
        // An upstream that refuses a request need not read its body, and closes (RFC 9113, 8.1). What
        // it answered is what counts.
        if self.sends_body && (400..500).contains(&self.status) {
            return true;
        }
        self.verdict = Some(match self.is_request_complete(host) {
            Some(false) => Neutral::RequestIncomplete.into(),
            Some(true) | None => {
                let reason = Reason::HttpResponseIncomplete;
                set_reason(host, reason);
                Outcome::Failure(reason).into()
            }
        });
        true
    }

    /// Returns the verdict that is recorded: what is skipped says nothing.
    pub(super) fn final_verdict(&mut self, policy: &RoutePolicy) -> Verdict {
        let verdict = self.verdict.unwrap_or(Outcome::Ignored.into());
        match self.is_skipped(policy) {
            true if verdict.is_bad() => Neutral::Skipped.into(),
            true => Outcome::Ignored.into(),
            false => verdict,
        }
    }

    /// Returns the time since the request began; `None` if the host does not know.
    pub(super) fn waited(&self, host: &mut impl Host, now: Option<Timestamp>) -> Option<Duration> {
        let began = match self.began {
            Some(began) => began,
            None => Timestamp::from_nanos(integer(host, "request\0time")?),
        };
        Some(now?.saturating_since(began))
    }

    /// Returns whether the client has sent its request completely; `None` if it did not say how long
    /// the request is.
    fn is_request_complete(&self, host: &mut impl Host) -> Option<bool> {
        if !self.sends_body {
            return Some(true);
        }
        let length = parse_number(self.request.get("content-length")?)?;
        let total = integer(host, "request\0total_size")?;
        // The bytes of the headers are part of it while Envoy has them: not in the response phase.
        let headers = host.headers(HeaderMap::Request).unwrap_or_default();
        let headers = HeaderBlock::from_wire(headers);
        let headers = headers.iter().fold(0_u64, |sum, (name, value)| {
            sum.saturating_add(name.len() as u64)
                .saturating_add(value.len() as u64)
        });
        Some(total.saturating_sub(headers) >= length)
    }

    /// Returns whether the client is sure to wait for the response and not to send its request still.
    /// A gRPC call does not say how long it is; nearly all of them are short.
    fn is_surely_complete(&self, host: &mut impl Host) -> bool {
        let is_complete = self.is_request_complete(host);
        is_complete.unwrap_or_else(|| is_grpc(&self.request))
    }
}

/// Returns whether an outcome could be due to a request that is not complete. That there is no
/// connection to the upstream could not.
fn needs_whole_request(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Failure(reason) => !reason.is_without_connection(),
        Outcome::Overloaded(_) => true,
        Outcome::Success | Outcome::Abandoned(_) | Outcome::Ignored => false,
    }
}

/// Returns whether the client ended the request, by the details of its end: it closed its connection
/// or reset its stream.
fn is_client_gone(details: &[u8]) -> bool {
    details.starts_with(b"downstream_remote_disconnect")
        || details.ends_with(b".remote_reset")
        || details.ends_with(b".remote_refuse")
}

/// A deadline that the headers of a request set.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    /// Time from the beginning of the request.
    after: Duration,
    /// Whether Envoy says that the timer that ended the request was the one that the header sets.
    is_named: bool,
}

impl Deadline {
    /// Returns whether it ended a request that waited for so long.
    fn has_ended(self, waited: Duration) -> bool {
        let slack = DEADLINE_SLACK.max(self.after.mul_f64(DEADLINE_PART));
        let is_over = waited.saturating_add(slack) >= self.after;
        is_over && (self.is_named || waited <= self.after.saturating_add(slack))
    }
}

/// Returns the deadline of a call, by its headers.
pub(super) fn call_deadline(request: &HeaderBlock) -> Option<Duration> {
    request.get("grpc-timeout").and_then(parse_grpc_timeout)
}

/// Parses `grpc-timeout` (gRPC over HTTP/2, "Requests"): up to eight digits and a unit.
fn parse_grpc_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    let number = parse_number(digits).filter(|_| digits.len() <= 8)?;
    match unit {
        b'H' => Some(Duration::from_secs(number.saturating_mul(3_600))),
        b'M' => Some(Duration::from_secs(number.saturating_mul(60))),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// Parses a number of milliseconds. Zero is no deadline.
fn parse_millis(value: &[u8]) -> Option<Duration> {
    let ms = parse_number(value).filter(|ms| *ms > 0)?;
    Some(Duration::from_millis(ms))
}

fn parse_number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

/// Returns an attribute that is an integer. Envoy's are little-endian.
pub(super) fn integer(host: &mut impl Host, path: &str) -> Option<u64> {
    let bytes = host.attribute(path).ok()?;
    bytes
        .first_chunk()
        .map(|bytes| i64::from_le_bytes(*bytes))
        .and_then(|number| u64::try_from(number).ok())
}
