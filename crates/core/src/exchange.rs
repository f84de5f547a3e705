//! The machine of one request: facts in, effects out.
//!
//! The adapter tells what happened, in the order in which Envoy tells it; the exchange answers with
//! what is to be done. It never asks for a fact before it is needed: a healthy request is decided
//! by its status alone.
//!
//! ```text
//! begin (request headers) -> [admit -> Reject(reply)]
//!   saw_status -> Pass | Sample
//!              -> Inspect -> decide -> Pass | Shadow
//!                                   -> Reply    (local reply)
//!                                   -> Rewrite  -> body*, trailers?
//!   saw_end, saw_trailers, close (the outcome goes to the breaker)
//! ```
//!
//! `admit` is asked only while some breaker is not closed and clean, or where the configuration
//! wants the route of every request known; the time only then, or where slowness matters. A permit that was given is settled exactly once.
//!
//! A reply of the filter's own is never replaced a second time: once an exchange has answered,
//! everything that still comes by is its own answer, and passes.

use crate::answer::{self, Answer, Failure};
use crate::breaker::bank::{Ending, Moment};
use crate::breaker::meters::Count;
use crate::breaker::{outcome, Admission, Bank, Outcome, State, Store, Ticket};
use crate::config::Mode;
use crate::gate::{Choice, Gate, RouteFacts};
use crate::headers::HeaderBlock;
use crate::hint;
use crate::millis::{self, millis};
use crate::negotiate::{self, Format};
use crate::pace::Pacer;
use crate::prelude::*;
use crate::reason::{self, Reason, Source};
use crate::reply::{Mark, Reply};

/// With this header the built-in page's script says that it has come back because it was told to.
pub const BACK_HEADER: &str = "x-tidegate-retry";

/// What is to be done after the status of a response is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing: the response passes.
    Pass,
    /// It may be a failure: read the facts and [`Exchange::decide`].
    Inspect,
    /// It passes, and ends a probe: [`Exchange::settle`] at once.
    Settle,
    /// It passes, and tells something about its route: [`Exchange::sample`].
    Sample,
}

/// What is known of a response that may be a failure.
#[derive(Debug, Clone, Default)]
pub struct ResponseFacts {
    /// `:status`.
    pub status: u16,
    /// Whether the response ends with its headers.
    pub end_of_stream: bool,
    /// All its headers.
    pub headers: HeaderBlock,
    /// `response.code_details`; empty: Envoy has none.
    pub details: Vec<u8>,
    /// `response.flags`.
    pub flags: u64,
    /// Nanoseconds since the Unix epoch; `None`: not known.
    pub now_ns: Option<u64>,
    /// The route; not needed where [`Exchange::knows_route`].
    pub route: RouteFacts,
}

/// What is to be done with a response that was inspected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: the response passes untouched.
    Pass,
    /// Nothing either, but in enforce mode it would have been replaced.
    Shadow(Reason),
    /// Send this as a local reply.
    Reply(Reply),
    /// Set these headers, then ask [`Exchange::body`] for each chunk of the body.
    Rewrite(HeaderBlock, Mark),
}

impl Verdict {
    /// What the access log is told.
    pub fn mark(&self) -> Option<Mark> {
        match self {
            Self::Pass => None,
            Self::Shadow(reason) => Some(Mark {
                reason: *reason,
                hint_ms: None,
            }),
            Self::Reply(reply) => Some(reply.mark),
            Self::Rewrite(_, mark) => Some(*mark),
        }
    }
}

/// What is needed to close an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Nothing.
    Nothing,
    /// [`Exchange::settle`].
    Settle,
    /// `response.code_details` for [`Exchange::broke_off`], then [`Exchange::settle`].
    Details,
}

/// The breakers of this worker, what they share with those of the others, and what is known of the
/// routes besides.
pub struct Breakers<'a> {
    /// This worker's.
    pub bank: &'a mut Bank,
    /// What tells its clients when to come back.
    pub pacer: &'a mut Pacer,
    /// The shared data.
    pub store: &'a mut dyn Store,
}

/// One request and its response.
#[derive(Debug, Default)]
pub struct Exchange {
    request: HeaderBlock,
    stage: Stage,
    /// Which policy and which breaker; `None`: not looked up yet.
    choice: Option<Choice>,
    ticket: Option<Ticket>,
    /// When it began, in milliseconds since the Unix epoch, where slowness matters.
    began_ms: Option<u64>,
    /// How long the response headers took, in milliseconds, where slowness matters.
    took_ms: Option<u64>,
    /// What is known of the outcome so far; `None`: nothing.
    outcome: Option<Outcome>,
    /// `Retry-After` of a failed response, in milliseconds.
    retry_after_ms: Option<u64>,
    has_ended: bool,
    is_settled: bool,
    /// Whether the client says that it has come back because it was told to.
    is_back: bool,
}

#[derive(Debug, Default)]
enum Stage {
    /// The response is still to come.
    #[default]
    Waiting,
    /// The response passes, or is our own.
    Decided,
    /// The page goes out instead of the first chunk of the body.
    Page(Vec<u8>),
    /// The page is out; what else the upstream sends is dropped.
    Drain,
}

impl Exchange {
    /// Takes the request's headers, unparsed. Says whether the request must be
    /// [admitted](Exchange::admit) before it passes.
    pub fn begin(&mut self, request: HeaderBlock, gate: &Gate, breakers: &Breakers<'_>) -> bool {
        self.request = request;
        let must_be_admitted = breakers.bank.is_watching() || gate.always_looks_up();
        if !must_be_admitted {
            self.ticket = Some(breakers.bank.ticket());
        }
        // Nobody looks into the headers unless somebody was told to come back.
        self.is_back = breakers.bank.is_awaiting() && says_it_is_back(&self.request);
        must_be_admitted
    }

    /// Takes the time at which the request began; needed where [`Gate::slow_ms`] is known.
    pub fn began(&mut self, now_ms: u64) {
        self.began_ms = Some(now_ms);
    }

    /// Takes the time at which response headers came. What comes after them is not the upstream's
    /// time alone: a slow client takes long for a fast answer.
    pub fn answered(&mut self, now_ms: u64) {
        if self.is_waiting() {
            self.took_ms = self.began_ms.map(|since| now_ms.saturating_sub(since));
        }
    }

    /// Whether the request may pass: `None`; or what answers it instead.
    pub fn admit(
        &mut self,
        gate: &Gate,
        breakers: &mut Breakers<'_>,
        route: &RouteFacts,
        at: Moment,
    ) -> Option<Reply> {
        let choice = gate.choose(route, &self.request);
        let (policy, mode) = (choice.policy, choice.mode);
        let rejected = match gate.maintenance(policy, at.now_ms) {
            _ if mode == Mode::Off => None,
            Some(maintenance) => Some(Answer::maintenance(maintenance, at.now_ms)),
            None => {
                let is_shadow = mode == Mode::Shadow;
                let (bank, store) = (&mut *breakers.bank, &mut *breakers.store);
                match bank.admit(store, &choice.key, policy, is_shadow, at) {
                    Admission::Admit(ticket) => {
                        self.ticket = Some(ticket);
                        None
                    }
                    Admission::Reject(rejection) => {
                        // It passes only as a shadow does, and its outcome says nothing.
                        self.ticket = Some(Ticket {
                            is_shadow,
                            ..Ticket::default()
                        });
                        Some(Answer::open_circuit(rejection))
                    }
                }
            }
        };
        self.choice = Some(choice);
        let mut rejected = rejected?;
        let choice = self.choice.as_ref()?;
        if mode == Mode::Shadow {
            let reason = rejected.reason();
            breakers.bank.answered(&choice.key, reason, true);
            return None;
        }
        (self.stage, self.is_settled) = (Stage::Decided, true);
        let facts = ResponseFacts {
            now_ns: at.now_ms.checked_mul(1_000_000),
            ..ResponseFacts::default()
        };
        let (request, format) = (&self.request, self.format(gate));
        tell(
            gate,
            request,
            &facts,
            &mut rejected,
            choice,
            format,
            breakers,
        );
        Some(answer::reply(
            gate, request, &facts, &rejected, choice, format, true,
        ))
    }

    /// Whether the response is still to come: once the filter has answered itself, what comes by is that
    /// answer.
    pub fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting)
    }

    /// What a response with this status needs.
    pub fn saw_status(
        &mut self,
        gate: &Gate,
        pacer: &mut Pacer,
        status: u16,
        end_of_stream: bool,
    ) -> Look {
        if !self.is_waiting() {
            return Look::Pass;
        }
        self.has_ended = end_of_stream;
        // Envoy answers a gRPC call that fails with 200 and a `grpc-status`, and no body.
        let maybe_grpc = status == 200 && end_of_stream && negotiate::is_grpc(&self.request);
        if maybe_grpc || gate.is_interesting(status) {
            return Look::Inspect;
        }
        self.stage = Stage::Decided;
        self.outcome = Some(outcome::of_status(status));
        // What comes after the headers of a probe may take for ever; its lease does not.
        if self.holds_permit() && !self.may_still_fail() {
            return Look::Settle;
        }
        if pacer.passed() || self.is_back {
            return Look::Sample;
        }
        Look::Pass
    }

    /// Tells what a request that passed says about its route. `release`: what its response says of
    /// the upstream's release, empty where nothing; `route` only unless [`Exchange::knows_route`].
    pub fn sample(
        &mut self,
        gate: &Gate,
        breakers: &mut Breakers<'_>,
        route: &RouteFacts,
        release: &[u8],
    ) {
        let request = &self.request;
        let choice = self
            .choice
            .get_or_insert_with(|| gate.choose(route, request));
        let keys = breakers.bank.keys();
        breakers.pacer.sample(keys, &choice.key, release);
        if self.is_back {
            breakers.bank.count_of(&choice.key, Count::HintsKept);
        }
    }

    /// Whether the route has been looked up.
    pub fn knows_route(&self) -> bool {
        self.choice.is_some()
    }

    /// Decides about a response that was to be inspected. Its outcome can then be
    /// [settled](Exchange::settle).
    pub fn decide(
        &mut self,
        gate: &Gate,
        breakers: &mut Breakers<'_>,
        facts: &ResponseFacts,
    ) -> Verdict {
        if !self.is_waiting() {
            return Verdict::Pass;
        }
        self.stage = Stage::Decided;
        // A block without these is none that a host makes: nothing that is decided by it is right.
        if self.request.get(":method").is_none() || facts.headers.get(":status").is_none() {
            return Verdict::Pass;
        }
        let choice = self
            .choice
            .get_or_insert_with(|| gate.choose(&facts.route, &self.request))
            .clone();
        let (reason, source) = reason::classify(&reason::Facts {
            status: facts.status,
            flags: facts.flags,
            details: &facts.details,
        });
        self.weigh(gate, facts, &choice, reason, source);
        if source == Source::Upstream {
            let release = facts.headers.get(&gate.config.release_header);
            let release = release.unwrap_or_default();
            let keys = breakers.bank.keys();
            breakers.pacer.saw_release(keys, &choice.key, release);
        }
        let failure = answer::failure(gate, &self.request, facts, choice.policy, reason, source);
        let Some(failure) = failure else {
            return Verdict::Pass;
        };
        match choice.mode {
            Mode::Off => return Verdict::Pass,
            Mode::Shadow => {
                breakers.bank.answered(&choice.key, reason, true);
                return Verdict::Shadow(reason);
            }
            Mode::Enforce => {}
        }
        self.replace(gate, breakers, facts, &failure, &choice)
    }

    /// The state of the circuit, as this worker knows it, of a request that failed for this reason.
    pub fn circuit(&self, bank: &Bank, reason: Reason) -> State {
        let of_choice = |choice: &Choice| bank.circuit(&choice.key, choice.policy);
        match self.choice.as_ref().map_or(State::Closed, of_choice) {
            // The configuration has it so, whatever its record says.
            State::Closed if reason == Reason::CircuitOpen => State::Open,
            state => state,
        }
    }

    /// Why it failed, as far as that is known.
    pub fn failed_with(&self) -> Option<Reason> {
        match self.outcome {
            Some(Outcome::Failure(reason)) => Some(reason),
            _ => None,
        }
    }

    /// What the next chunk of the response body becomes; `None`: it stays as it is.
    pub fn body(&mut self, end_of_stream: bool) -> Option<Vec<u8>> {
        self.has_ended |= end_of_stream;
        match core::mem::replace(&mut self.stage, Stage::Drain) {
            Stage::Page(page) => Some(page),
            Stage::Drain => Some(Vec::new()),
            other => {
                self.stage = other;
                None
            }
        }
    }

    /// Trailers have come: says whether their `grpc-status` is wanted.
    pub fn saw_trailers(&mut self) -> bool {
        self.has_ended = true;
        !self.is_settled && negotiate::is_grpc(&self.request)
    }

    /// Takes the `grpc-status` of the trailers.
    pub fn saw_grpc_status(&mut self, status: &[u8]) {
        self.outcome = Some(outcome::of_grpc_status(status));
    }

    /// Whether trailers of the response belong to a body that was replaced, and must go.
    pub fn drops_trailers(&self) -> bool {
        matches!(self.stage, Stage::Page(_) | Stage::Drain)
    }

    /// The verdict could not be carried out: the response passes as it is.
    pub fn give_up(&mut self) {
        self.stage = Stage::Decided;
    }

    /// The request is over: what is still needed to tell its breaker.
    pub fn close(&self, gate: &Gate, bank: &Bank) -> Closing {
        if self.is_settled {
            return Closing::Nothing;
        }
        match self.outcome {
            // The client went away before there was an answer.
            None if self.holds_permit() => Closing::Settle,
            None => Closing::Nothing,
            Some(_) if !self.has_ended => Closing::Details,
            Some(Outcome::Failure(_) | Outcome::Limited(_)) => Closing::Settle,
            Some(_) if self.holds_permit() || bank.is_watching() => Closing::Settle,
            Some(_) if exceeds(self.took_ms, gate.slow_ms()) => Closing::Settle,
            Some(_) => Closing::Nothing,
        }
    }

    /// Takes the details of a response that did not come to its end. Says whether the upstream is
    /// to blame; the client that went away is not, and nobody counts it.
    pub fn broke_off(&mut self, details: &[u8]) -> bool {
        let is_upstreams = details.starts_with(b"upstream_reset_after_response_started");
        self.outcome = Some(match is_upstreams {
            true => Outcome::Failure(Reason::HttpResponseIncomplete),
            false => Outcome::Neutral,
        });
        is_upstreams || self.holds_permit()
    }

    /// Tells the breaker how the request ended; `route` where it was not looked up before. Does so
    /// once, however often it is called.
    pub fn settle(
        &mut self,
        gate: &Gate,
        breakers: &mut Breakers<'_>,
        route: impl FnOnce() -> RouteFacts,
        at: Moment,
    ) {
        if core::mem::replace(&mut self.is_settled, true) {
            return;
        }
        let request = &self.request;
        let choice = self
            .choice
            .get_or_insert_with(|| gate.choose(&route(), request));
        if choice.has_unknown_name {
            breakers.bank.note_unknown_name(&choice.key);
        }
        if choice.mode == Mode::Off {
            return;
        }
        let policy = choice.policy;
        let slow_ms = gate.policy(policy).breaker.failures.slow.map(millis);
        let ending = Ending {
            outcome: self.outcome.unwrap_or(Outcome::Neutral),
            is_slow: exceeds(self.took_ms, slow_ms),
            retry_after_ms: self.retry_after_ms,
        };
        let ticket = self.ticket.unwrap_or_default();
        let (bank, store) = (&mut *breakers.bank, &mut *breakers.store);
        bank.settle(store, &choice.key, policy, ticket, ending, at);
    }

    /// Whether the outcome is known, so that it can be settled before the request is over: a
    /// failure is, at its headers.
    pub fn can_settle(&self) -> bool {
        !self.is_settled
            && matches!(
                self.outcome,
                Some(Outcome::Failure(_) | Outcome::Limited(_))
            )
    }

    /// Whether the request is a probe, whose permit must be given back however it ends.
    fn holds_permit(&self) -> bool {
        self.ticket.is_some_and(|ticket| ticket.permit.is_some())
    }

    /// A gRPC service says only in its trailers how the call went.
    fn may_still_fail(&self) -> bool {
        !self.has_ended && negotiate::is_grpc(&self.request)
    }

    /// What the response says about the upstream.
    fn weigh(
        &mut self,
        gate: &Gate,
        facts: &ResponseFacts,
        choice: &Choice,
        reason: Reason,
        source: Source,
    ) {
        let settings = &gate.policy(choice.policy).breaker;
        let retry_after = facts.headers.get("retry-after");
        let grpc_status = facts.headers.get("grpc-status");
        self.outcome = Some(match (source, grpc_status) {
            (Source::Upstream, Some(status)) => outcome::of_grpc_status(status),
            _ => outcome::of_response(
                settings,
                facts.status,
                reason,
                source,
                retry_after.is_some(),
            ),
        });
        let now_ms = facts.now_ns.map(millis::from_ns);
        self.retry_after_ms = retry_after.and_then(|v| hint::parse_retry_after(v, now_ms));
    }

    fn format(&self, gate: &Gate) -> Format {
        negotiate::format(&self.request, &gate.config.formats)
    }

    fn replace(
        &mut self,
        gate: &Gate,
        breakers: &mut Breakers<'_>,
        facts: &ResponseFacts,
        failure: &Failure,
        choice: &Choice,
    ) -> Verdict {
        let format = self.format(gate);
        // A local reply while the upstream's body is still coming would cost its connection; but a
        // gRPC client wants its status in the headers, with nothing after them.
        let is_local = facts.end_of_stream || format == Format::Grpc;
        let (request, mut answer) = (&self.request, Answer::of(failure));
        tell(gate, request, facts, &mut answer, choice, format, breakers);
        let reply = answer::reply(gate, request, facts, &answer, choice, format, is_local);
        if is_local {
            return Verdict::Reply(reply);
        }
        let headers = reply.rewrite_headers(answer::has_body_for_sure(facts, failure.source));
        self.stage = Stage::Page(reply.body);
        Verdict::Rewrite(headers, reply.mark)
    }
}

/// Counts an answer, and has its client told when to come back.
fn tell(
    gate: &Gate,
    request: &HeaderBlock,
    facts: &ResponseFacts,
    answer: &mut Answer<'_>,
    choice: &Choice,
    format: Format,
    breakers: &mut Breakers<'_>,
) {
    let is_told = answer.tell(gate, request, facts, choice, breakers);
    let bank = &mut *breakers.bank;
    bank.answered(&choice.key, answer.reason(), false);
    bank.replied(format);
    if is_told {
        bank.count_of(&choice.key, Count::HintsGiven);
    }
}

/// Whether a client says that it has come back because it was told to: the built-in page's script
/// does, and a gRPC client that tries again (gRPC over HTTP/2, "Request-Headers").
fn says_it_is_back(request: &HeaderBlock) -> bool {
    let has = |name| request.get(name).is_some();
    has(BACK_HEADER) || has("grpc-previous-rpc-attempts")
}

/// Whether something took longer than it may; nothing that is not known did.
fn exceeds(took_ms: Option<u64>, limit_ms: Option<u64>) -> bool {
    matches!((took_ms, limit_ms), (Some(took), Some(limit)) if took > limit)
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "exchange_breaker_tests.rs"]
mod breaker_tests;
