//! The response: replaced by a page if it is a failure that the configuration intercepts.

use std::rc::Rc;
use std::time::Duration;

use super::delivery::{Delivery, Way};
use super::intercept::Interception;
use super::local_reply::{reason_so_far, FilterState, DETAILS_PREFIX};
use super::verdict::{call_deadline, integer};
use super::{client_of, Filter, ResponseAction, Stage};
use crate::breaker::{Outcome, Verdict};
use crate::config::{InnerPages, Mode};
use crate::failure::{
    classify, details_decide, is_direct_response, is_of_upstream, sent_nothing, FailedResponse,
    Reason, Source,
};
use crate::host::{HeaderMap, Host, HostError};
use crate::http::header_policy::MARKER;
use crate::http::headers::HeaderBlock;
use crate::http::rpc::is_grpc;
use crate::policy::RoutePolicy;
use crate::time::Timestamp;
use crate::worker::{RouteCounter, Worker};

impl Filter {
    pub(super) fn respond(
        &mut self,
        host: &mut impl Host,
        worker: &mut Worker,
        end_of_stream: bool,
    ) -> Result<ResponseAction, HostError> {
        let status = parse_status(&host.header(HeaderMap::Response, ":status")?);
        self.status = status;
        if self.config.slow_threshold().is_some() {
            // Only up to the headers: a slow client takes long for a fast response.
            if let (Some(began), Ok(now)) = (self.began, host.now()) {
                self.took = Some(now.saturating_since(began));
            }
        }
        self.has_ended = end_of_stream;
        // Envoy responds to a failed gRPC call with 200, `grpc-status` and no body.
        let may_be_grpc_failure = status == 200 && end_of_stream && is_grpc(&self.request);
        let is_relevant = may_be_grpc_failure || self.config.is_relevant(status);
        // By default a 500 is the application's own, unless a route has it instead of an upstream.
        let may_be_empty_route = status == 500 && end_of_stream;
        if is_relevant || may_be_empty_route {
            let details = code_details(host)?;
            if is_relevant || is_direct_response(&details) {
                return self.inspect(host, worker, status, details, end_of_stream);
            }
        }
        self.stage = Stage::Decided;
        self.verdict = Some(Verdict::of_status(status));
        let pass = self.pass_of_response(host, worker);
        if self.permit.is_probe() {
            if let Ok(now) = host.now() {
                self.record_beginning(host, worker, now);
            }
        } else if worker.should_sample() {
            self.sample(host, worker);
        }
        self.count_kept_hint(host, worker);
        Ok(pass.map_or(ResponseAction::Continue, ResponseAction::AddHeader))
    }

    /// Counts the hint of a client that waited for it and was let in, if the client says so.
    pub(super) fn count_kept_hint(&mut self, host: &mut impl Host, worker: &mut Worker) {
        if self.is_returning {
            worker.count(&self.policy(host, worker).key, RouteCounter::HintsKept);
        }
    }

    /// Adds a request that succeeded to the load of its route, and how long its response took to begin.
    fn sample(&mut self, host: &mut impl Host, worker: &mut Worker) {
        let now = host.now().ok();
        let took = self.waited(host, now);
        let client = client_of(host);
        let deadline = Some(&self.request)
            .filter(|request| is_grpc(request))
            .map(|request| call_deadline(request).unwrap_or(Duration::MAX));
        let config = Rc::clone(&self.config);
        let key = &self.policy(host, worker).key;
        worker.note_client(key, client);
        let release = host.header(HeaderMap::Response, &config.config.release_header);
        worker.sample(key, &release.unwrap_or_default(), took);
        if let Some(deadline) = deadline {
            worker.note_deadline(key, deadline);
        }
    }

    /// Decides about a response that may be a failure.
    fn inspect(
        &mut self,
        host: &mut impl Host,
        worker: &mut Worker,
        status: u16,
        details: Vec<u8>,
        end_of_stream: bool,
    ) -> Result<ResponseAction, HostError> {
        let mut response = ResponseInfo {
            status,
            end_of_stream,
            details,
            headers: HeaderBlock::from_wire(host.headers(HeaderMap::Response)?),
            is_inner_page: false,
            now: None,
        };
        let flags = if details_decide(&response.details) {
            0
        } else {
            response_flags(host)
        };
        response.now = host.now().ok();
        self.stage = Stage::Decided;
        // No host makes a header map without these: decisions by it would be wrong.
        if self.request.get(":method").is_none() || response.headers.get(":status").is_none() {
            return Ok(ResponseAction::Continue);
        }
        if status == 200 && !is_of_upstream(&response.details) {
            response.status = status_of_local_reply(host).unwrap_or(status);
        }
        let (reason, source) = classify(&FailedResponse {
            status: response.status,
            details: &response.details,
            flags,
            has_body: response.has_content(),
        });
        response.is_inner_page = self.is_inner_page(host, &response, source);
        let policy = self.policy(host, worker).clone();
        self.judge(host, worker, &policy, &response, reason, source);
        if source == Source::Upstream {
            let release = response.headers.get(&self.config.config.release_header);
            worker.note_release(&policy.key, release.unwrap_or_default());
        }
        let action = self.intercept(host, worker, &policy, &response, reason, source);
        match (self.verdict, response.now) {
            // What is bad or neutral is so however the response ends.
            (Some(verdict), Some(now)) if verdict.outcome != Outcome::Success => {
                self.record(host, worker, now);
            }
            (_, Some(now)) if self.permit.is_probe() => self.record_beginning(host, worker, now),
            _ => {}
        }
        Ok(action)
    }

    /// Returns whether a Tidegate closer to the upstream made the response: one of another proxy, or
    /// another plugin of this one.
    ///
    /// Only filters of this proxy give response code details, and headers to a reply of Envoy's. The marker
    /// of an upstream's response can be anybody's, if the configuration says so, unless a plugin of this
    /// proxy has set the same reason.
    fn is_inner_page(&self, host: &mut impl Host, response: &ResponseInfo, source: Source) -> bool {
        if response.details.starts_with(DETAILS_PREFIX) {
            return true;
        }
        let Some(marker) = response.headers.get(MARKER) else {
            return false;
        };
        let is_trusted = self.config.config.security.inner_pages == InnerPages::Trust;
        is_trusted || source == Source::Proxy || reason_so_far(host).as_deref() == Some(marker)
    }

    /// Returns whether an unsafe request certainly never reached an upstream: the failure happened before
    /// there was a connection for it, and it was the only attempt. Envoy reports the last attempt, so after
    /// a retry nothing is known of the others.
    fn is_unsent(&self, host: &mut impl Host, response: &ResponseInfo) -> bool {
        const ATTEMPTS: &str = "upstream\0request_attempt_count";
        let is_safe = matches!(self.request.get(":method"), Some(b"GET" | b"HEAD"));
        // No reply to a call says what became of it.
        let says_so = !is_safe && !is_grpc(&self.request);
        says_so
            && sent_nothing(&response.details)
            && integer(host, ATTEMPTS).is_some_and(|n| n <= 1)
    }

    /// Replaces the response if it is to be intercepted.
    fn intercept(
        &mut self,
        host: &mut impl Host,
        worker: &mut Worker,
        policy: &RoutePolicy,
        response: &ResponseInfo,
        reason: Reason,
        source: Source,
    ) -> ResponseAction {
        let config = Rc::clone(&self.config);
        let intercept = &config.policy(policy.number).intercept;
        let interception =
            Interception::of_response(intercept, &self.request, response, reason, source);
        let interception = interception.filter(|_| policy.mode != Mode::Off);
        let Some(mut interception) = interception.filter(|_| !self.is_skipped(policy)) else {
            return ResponseAction::Continue;
        };
        interception.is_unsent = self.is_unsent(host, response);
        if policy.mode == Mode::Shadow {
            worker.count_intercepted(&policy.key, reason, true);
        }
        let delivery = Delivery::of_response(&self.request, self.format(policy), response, source);
        let Some(delivery) = delivery.filter(|_| policy.mode == Mode::Enforce) else {
            FilterState::new(worker, policy, reason, None).set(host);
            return ResponseAction::Continue;
        };
        let (reply, state) =
            self.local_reply(host, worker, policy, response, interception, delivery);
        state.set(host);
        let length = reply.body.len();
        match delivery.way {
            Way::LocalReply => ResponseAction::SendLocalReply(reply),
            Way::Headers => {
                self.stage = Stage::Drain { dropped: 0 };
                ResponseAction::Replace(reply.replacing_headers(delivery.promised_length(length)))
            }
            Way::Body => {
                let promised = response.has_length().then_some(length);
                let headers = reply.replacing_headers(promised);
                self.stage = Stage::Page(reply.body);
                ResponseAction::Replace(headers)
            }
        }
    }
}

/// A response that may be a failure.
#[derive(Debug, Clone)]
pub(super) struct ResponseInfo {
    /// `:status`; of a reply of Envoy's to a gRPC call, the status before Envoy made it a `grpc-status`.
    pub(super) status: u16,
    /// Whether the response ends with its headers.
    pub(super) end_of_stream: bool,
    pub(super) headers: HeaderBlock,
    /// `response.code_details`; empty if Envoy has none.
    pub(super) details: Vec<u8>,
    /// Whether a Tidegate closer to the upstream made the response.
    pub(super) is_inner_page: bool,
    /// When the headers came; `None` if the host has no clock.
    pub(super) now: Option<Timestamp>,
}

impl ResponseInfo {
    /// Returns the info of a request that is rejected now, without a response.
    pub(super) fn none(now: Timestamp) -> Self {
        Self {
            status: 0,
            end_of_stream: true,
            headers: HeaderBlock::default(),
            details: Vec::new(),
            is_inner_page: false,
            now: Some(now),
        }
    }

    /// Returns `content-type`; empty if there is none.
    pub(super) fn content_type(&self) -> &[u8] {
        self.headers.get("content-type").unwrap_or_default()
    }

    /// Returns whether a body is to come.
    pub(super) fn has_body(&self) -> bool {
        !self.end_of_stream && self.headers.get("content-length") != Some(b"0")
    }

    /// Returns whether the response says how long its body is, so that the page may: the body callback is
    /// sure to run. After chunks it may not, because trailers may follow the headers at once, and a promise
    /// that is not kept leaves the client without an end.
    fn has_length(&self) -> bool {
        let length = self.headers.get("content-length");
        length.is_some_and(|length| length.trim_ascii() != b"0")
    }

    /// Returns whether a body is sure to come. Without a length, over HTTP/2, trailers may follow the
    /// headers at once.
    pub(super) fn announces_body(&self) -> bool {
        !self.end_of_stream
            && (self.has_length() || self.headers.get("transfer-encoding").is_some())
    }

    /// Returns whether the response has a body; for Envoy's reply to a gRPC call, a message.
    pub(super) fn has_content(&self) -> bool {
        let header = |name| self.headers.get(name);
        match header("grpc-status") {
            Some(_) => header("grpc-message").is_some_and(|message| !message.is_empty()),
            None if self.end_of_stream => self.has_length(),
            None => self.has_body(),
        }
    }
}

/// Returns `response.code_details`; empty if Envoy has none.
pub(super) fn code_details(host: &mut impl Host) -> Result<Vec<u8>, HostError> {
    match host.attribute("response\0code_details") {
        Err(HostError::NotFound) => Ok(Vec::new()),
        other => other,
    }
}

/// Returns the status of a reply that Envoy made, even if Envoy turned it into a `grpc-status`, which means
/// less: 14 stands for 429, 502, 503 and 504 alike. Envoy notes the status first (`local_reply.cc`,
/// `rewrite`).
fn status_of_local_reply(host: &mut impl Host) -> Option<u16> {
    let code = integer(host, "response\0code")?;
    u16::try_from(code).ok()
}

/// Returns `response.flags`; 0 if Envoy has none. Envoy's integers are little-endian.
fn response_flags(host: &mut impl Host) -> u64 {
    let bytes = host.attribute("response\0flags").unwrap_or_default();
    bytes
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Parses `:status`. Returns 0, which is not a failure, for anything but a number.
fn parse_status(bytes: &[u8]) -> u16 {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    text.parse().unwrap_or(0)
}
