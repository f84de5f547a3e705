//! One request and its response.
//!
//! The methods of [`Filter`] are named as the callbacks of proxy-wasm. Each one asks the [`Host`] for a
//! fact when it needs one, and returns what the host should do:
//!
//! ```text
//! on_request_headers  -> RequestAction::{Continue, SendLocalReply}
//! on_response_headers -> ResponseAction::{Continue, SendLocalReply, AddHeader, Replace}
//! on_response_body    -> BodyAction::{Continue, Replace, Reset}
//! on_response_trailers -> whether to drop the trailers
//! on_log
//! ```
//!
//! Host calls are the cost of a request, so a healthy one needs two that return data: its headers, and
//! the status of its response. Its route is looked up only if some circuit is not healthy, or if the
//! configuration needs the route of every request; its time only then, or if slow responses count.
//!
//! # Guarantees
//!
//! * If a host call fails, the request passes, and the failure is counted.
//! * A permit of the circuit breaker is recorded exactly once; that of a probe whose response began well
//!   and is cut off, a second time.
//! * A response of the filter itself is neither replaced nor counted as the upstream's.

mod body;
mod check_in;
mod delivery;
mod intercept;
mod kept_headers;
mod local_reply;
mod request;
mod response;
mod sample;
mod verdict;

use std::rc::Rc;
use std::time::Duration;

use self::check_in::{gate_header, gate_of};
use self::delivery::Delivery;
use self::intercept::{is_skipped, Interception};
use self::local_reply::{FilterState, ReplyContext};
use self::response::ResponseInfo;
use crate::breaker::{ClientId, Outcome, PathClass, State, Verdict};
use crate::config::Mode;
use crate::filter_config::FilterConfig;
use crate::host::{Host, HostError};
use crate::http::format::Format;
use crate::http::headers::HeaderBlock;
use crate::http::negotiate::{negotiate, Preferences};
use crate::http::rpc::is_grpc;
use crate::page::Gate;
use crate::policy::{RouteInfo, RoutePolicy};
use crate::retry::Hint;
use crate::rng::SplitMix64;
use crate::time::Timestamp;
use crate::worker::{CallResult, Caller, Kept, Permit, Worker, WorkerCounter};

pub use body::BodyAction;
pub use local_reply::{Header, LocalReply};
pub use sample::Sample;

/// The header with which the built-in page's script says that it retries as the page asked.
const RETRY_HEADER: &str = "x-tidegate-retry";

/// With this header a gRPC client says that it retries (gRPC over HTTP/2, "Request-Headers").
const GRPC_RETRY_HEADER: &str = "grpc-previous-rpc-attempts";

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestAction {
    /// Let it pass.
    Continue,
    /// Send this response instead.
    SendLocalReply(LocalReply),
}

/// What to do with a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponseAction {
    /// Let it pass unchanged.
    Continue,
    /// Send this response instead.
    SendLocalReply(LocalReply),
    /// Add this header.
    AddHeader(Header),
    /// Replace all headers by these. The body is replaced by [`Filter::on_response_body`].
    Replace(HeaderBlock),
}

/// One request and its response.
#[derive(Debug)]
pub struct Filter {
    config: Rc<FilterConfig>,
    stream_id: u32,
    request: HeaderBlock,
    /// Counts the bytes of the headers while the request is in flight.
    kept: Option<Kept>,
    /// Those cookies of a large request that may be passes: it does not keep its cookies.
    passes: Vec<u8>,
    stage: Stage,
    /// `None` until it is looked up.
    policy: Option<RoutePolicy>,
    /// Whether the configuration excludes the request; `None` until it matters.
    is_skipped: Option<bool>,
    permit: Permit,
    /// When the request began, if it is timed.
    began: Option<Timestamp>,
    /// How long the response headers took, if the request is timed.
    took: Option<Duration>,
    /// Whether the request does not end with its headers.
    sends_body: bool,
    /// `:status` of the response; 0 until it is known.
    status: u16,
    /// What the request says about the upstream, as far as is known.
    verdict: Option<Verdict>,
    /// `Retry-After` of a failed response.
    retry_after: Option<Duration>,
    /// Whether the response is complete.
    has_ended: bool,
    /// Whether the outcome was recorded, or must not be.
    is_recorded: bool,
    /// Whether the response is the answer to a probe and began well, which was recorded: only that it
    /// is cut off still matters.
    has_begun_well: bool,
    /// Whether it was noted that the response has begun, or will not.
    is_answered: bool,
    /// Whether the client says that it retries after a hint.
    is_returning: bool,
    /// What the request asks for, and who sends it; `None` until it matters.
    caller: Option<Rc<Caller>>,
}

#[derive(Debug)]
enum Stage {
    /// The response headers are still to come.
    Waiting,
    /// The response passes, or is the filter's own.
    Decided,
    /// The page replaces the first chunk of the body.
    Page(Vec<u8>),
    /// The page is sent; further chunks are dropped.
    Drain {
        /// Bytes of the body that were dropped.
        dropped: usize,
    },
}

impl Filter {
    /// Begins a request. `stream_id` differs between the requests of a worker.
    pub fn on_request_headers(
        config: Rc<FilterConfig>,
        stream_id: u32,
        host: &mut impl Host,
        worker: &mut Worker,
        end_of_stream: bool,
    ) -> (Self, RequestAction) {
        let mut filter = Self {
            config,
            stream_id,
            request: HeaderBlock::default(),
            kept: None,
            passes: Vec::new(),
            stage: Stage::Waiting,
            policy: None,
            is_skipped: None,
            permit: Permit::default(),
            began: None,
            took: None,
            sends_body: !end_of_stream,
            status: 0,
            verdict: None,
            retry_after: None,
            has_ended: false,
            is_recorded: false,
            has_begun_well: false,
            is_answered: false,
            is_returning: false,
            caller: None,
        };
        if filter.config.is_off() {
            filter.stage = Stage::Decided;
            return (filter, RequestAction::Continue);
        }
        let action = filter.begin(host, worker).unwrap_or_else(|error| {
            filter.fail_open(host, worker, "the request", error);
            RequestAction::Continue
        });
        (filter, action)
    }

    /// Decides about the response.
    pub fn on_response_headers(
        &mut self,
        host: &mut impl Host,
        worker: &mut Worker,
        end_of_stream: bool,
    ) -> ResponseAction {
        // A response of the filter itself passes.
        if !matches!(self.stage, Stage::Waiting) {
            return ResponseAction::Continue;
        }
        self.note_answered(host, worker);
        self.respond(host, worker, end_of_stream)
            .unwrap_or_else(|error| {
                self.fail_open(host, worker, "the response", error);
                ResponseAction::Continue
            })
    }

    /// Ends the request: records its outcome unless that was done before.
    pub fn on_log(&mut self, host: &mut impl Host, worker: &mut Worker) {
        self.note_answered(host, worker);
        if self.is_recorded {
            return;
        }
        let must_record = match self.verdict {
            None => self.end_without_response(host),
            Some(_) if !self.has_ended => self.end_early(host),
            Some(_) => true,
        };
        if must_record && self.is_worth_recording(worker) {
            if let Ok(now) = host.now() {
                self.record(host, worker, now);
            }
        }
    }

    /// Lets the request and its response pass from now on, because a host call failed: one of the
    /// filter's own, or the host could not carry out its action. `subject` names what failed: "the
    /// request" or "the response".
    pub fn fail_open(
        &mut self,
        host: &mut impl Host,
        worker: &mut Worker,
        subject: &str,
        error: HostError,
    ) {
        let line = format!("tidegate: cannot read or write {subject} ({error}); it passes");
        host.log(log::Level::Warn, &line);
        worker.count_total(WorkerCounter::HostErrors);
        self.stage = Stage::Decided;
    }
}

/// The outcome.
impl Filter {
    /// Returns whether recording the verdict changes something.
    fn is_worth_recording(&self, worker: &Worker) -> bool {
        let Some(verdict) = self.verdict else {
            return self.permit.is_probe();
        };
        if verdict.is_bad() || verdict.why.is_some() {
            return true;
        }
        if verdict.outcome == Outcome::Ignored {
            return self.permit.is_probe();
        }
        !self.has_begun_well
            && (self.permit.is_probe()
                || worker.must_track()
                || exceeds(self.took, self.config.slow_threshold()))
    }

    /// Notes, once, that a request that a gate admitted no longer waits for its response.
    fn note_answered(&mut self, host: &mut impl Host, worker: &mut Worker) {
        if !self.permit.is_by_gate() || std::mem::replace(&mut self.is_answered, true) {
            return;
        }
        if let Ok(now) = host.now() {
            let (caller, policy) = (self.caller(host), self.policy(host, worker).clone());
            worker.note_answered(policy.circuit(), &caller, &self.permit, now);
        }
    }

    /// Records the success of a probe at its response headers: the rest of the response may take longer
    /// than the lease of the permit. That it is cut off can be recorded later.
    fn record_beginning(&mut self, host: &mut impl Host, worker: &mut Worker, now: Timestamp) {
        let later = self.permit.after_beginning();
        self.record(host, worker, now);
        if !self.has_ended {
            self.permit = later;
            self.is_recorded = false;
            self.has_begun_well = true;
        }
    }

    /// Records the verdict, once.
    fn record(&mut self, host: &mut impl Host, worker: &mut Worker, now: Timestamp) {
        if std::mem::replace(&mut self.is_recorded, true) {
            return;
        }
        let policy = self.policy(host, worker).clone();
        if policy.has_unknown_name {
            worker.note_unknown_name(&policy.key);
        }
        if policy.mode != Mode::Off {
            let slow = self.config.policy(policy.number).breaker.failures.slow;
            let verdict = self.final_verdict(&policy);
            if let Some(why) = verdict.why {
                worker.count_ignored(&policy.key, why);
            }
            let result = CallResult {
                outcome: verdict.outcome,
                is_slow: exceeds(self.took, slow) && verdict.outcome != Outcome::Ignored,
                retry_after: self.retry_after,
            };
            let permit = std::mem::take(&mut self.permit);
            if result.outcome != Outcome::Ignored || permit.is_probe() {
                let (circuit, mut rng) = (policy.circuit(), self.rng(now));
                let is_counted = result.outcome != Outcome::Success
                    || result.is_slow
                    || permit.is_probe()
                    || worker.must_know_caller(circuit);
                let caller = if is_counted {
                    self.caller(host)
                } else {
                    Rc::default()
                };
                worker.record(host, circuit, &caller, permit, result, now, &mut rng);
            }
        }
        log_events(host, worker, now);
    }

    /// Returns what the request asks for, and who sends it.
    fn caller(&mut self, host: &mut impl Host) -> Rc<Caller> {
        if let Some(caller) = &self.caller {
            return Rc::clone(caller);
        }
        let header = |name| self.request.get(name).unwrap_or_default();
        let caller = Rc::new(Caller {
            class: PathClass::of_request(header(":authority"), header(":path")),
            client: client_of(host),
            // Every gRPC call has a body; nearly all of them are short.
            is_upload: self.sends_body && !is_grpc(&self.request),
            has_pass: false,
        });
        self.caller = Some(Rc::clone(&caller));
        caller
    }

    /// Returns the policy of the request, which is looked up once.
    fn policy(&mut self, host: &mut impl Host, worker: &Worker) -> &RoutePolicy {
        self.policy.get_or_insert_with(|| {
            let route = RouteInfo::read(host, &self.config);
            let mut policy = RoutePolicy::find(&self.config, &route, &self.request);
            policy.key = worker.own_key(policy.key);
            policy
        })
    }

    /// Returns whether the configuration excludes the request, which has this policy.
    fn is_skipped(&mut self, policy: &RoutePolicy) -> bool {
        let is_skipped = || is_skipped(&self.request, &self.config.policy(policy.number).intercept);
        *self.is_skipped.get_or_insert_with(is_skipped)
    }

    fn format(&self, policy: &RoutePolicy) -> Format {
        let formats = &self.config.policy(policy.number).formats;
        let preferences = Preferences {
            always: formats.always.map(Format::from),
            default: formats.default.into(),
            cli_agents: &formats.cli_agents,
        };
        negotiate(&self.request, preferences)
    }

    /// Computes the retry hint unless the failure is not retryable.
    fn hint(
        &mut self,
        host: &mut impl Host,
        worker: &mut Worker,
        policy: &RoutePolicy,
        response: &ResponseInfo,
        interception: &Interception<'_>,
    ) -> Option<Hint> {
        if !interception.is_retryable() {
            return None;
        }
        let failure = interception.failure_info(response);
        let client = self.caller(host).client;
        let retry = &self.config.policy(policy.number).retry;
        let now = response.now.unwrap_or_default();
        let mut rng = match self.request.get("x-request-id") {
            Some(id) if !id.is_empty() => SplitMix64::for_request(id, now),
            // Requests of the same millisecond must not get the same hint.
            _ => self.rng(now),
        };
        Some(worker.hint(host, &policy.key, retry, &failure, client, &mut rng))
    }

    /// Makes the reply of an interception, and counts it.
    fn local_reply(
        &mut self,
        host: &mut impl Host,
        worker: &mut Worker,
        policy: &RoutePolicy,
        response: &ResponseInfo,
        interception: Interception<'_>,
        delivery: Delivery,
    ) -> (LocalReply, FilterState) {
        let Delivery { format, way, .. } = delivery;
        let hint = self.hint(host, worker, policy, response, &interception);
        worker.count_intercepted(&policy.key, interception.reason, false);
        worker.count_reply(format);
        let gate = self.gate(&interception, hint);
        let context = ReplyContext {
            config: &self.config,
            policy,
            request: &self.request,
            response,
            interception,
            format,
            way,
            hint,
            gate,
        };
        let state = FilterState::new(worker, policy, interception.reason, hint);
        let mut reply = LocalReply::new(&context);
        if self.is_check_in() {
            reply.headers.extend(gate.map(gate_header));
        }
        (reply, state)
    }

    /// Returns the gate that the client was sent away from: a maintenance or a circuit that is not closed
    /// rejected the request, or the circuit admitted it in vain.
    fn gate(&self, interception: &Interception<'_>, hint: Option<Hint>) -> Option<Gate> {
        match interception.circuit {
            Some(state) => Some(gate_of(state == State::Ramp, hint)),
            // A check-in costs the upstream nothing, as at a circuit.
            None if interception.maintenance.is_some() => Some(Gate::Wait),
            None if self.permit.is_probe() || self.permit.is_by_gate() => {
                Some(gate_of(false, hint))
            }
            None => None,
        }
    }

    fn rng(&self, now: Timestamp) -> SplitMix64 {
        SplitMix64::for_request(&u64::from(self.stream_id).to_le_bytes(), now)
    }
}

/// Does what is due several times a second: exchanges the state of circuits with the other workers,
/// updates the loads of routes, and reports metrics and events. Returns the time between two ticks if it
/// is another one from now on.
pub fn on_tick(host: &mut impl Host, worker: &mut Worker) -> Option<Duration> {
    let now = host.now().ok()?;
    let before = worker.tick_period();
    let mut rng = SplitMix64::for_request(&0_u64.to_le_bytes(), now);
    worker.tick(host, now, &mut rng);
    worker.report(host, now);
    log_events(host, worker, now);
    let period = worker.tick_period();
    (period != before).then_some(period)
}

/// Returns who sent the current request: the address that Envoy trusts, by its settings for
/// `X-Forwarded-For`.
fn client_of(host: &mut impl Host) -> ClientId {
    let address = host.attribute("source\0address");
    ClientId::of_address(&address.unwrap_or_default())
}

fn log_events(host: &mut impl Host, worker: &mut Worker, now: Timestamp) {
    for line in worker.take_event_lines(now) {
        host.log(log::Level::Info, &line);
    }
}

fn says_it_retries(request: &HeaderBlock) -> bool {
    request.get(RETRY_HEADER).is_some() || request.get(GRPC_RETRY_HEADER).is_some()
}

/// Returns whether a time is known to exceed a limit.
fn exceeds(took: Option<Duration>, limit: Option<Duration>) -> bool {
    matches!((took, limit), (Some(took), Some(limit)) if took > limit)
}

#[cfg(test)]
mod tests;
