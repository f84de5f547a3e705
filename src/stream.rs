//! The context of one request: each callback reads facts, asks the core, and does what it says.

use alloc::rc::Rc;
use alloc::vec::Vec;

use tidegate_core::breaker::State;
use tidegate_core::exchange::{Closing, Exchange, Look, Moment, ResponseFacts, Verdict};
use tidegate_core::gate::RouteFacts;
use tidegate_core::headers::HeaderBlock;
use tidegate_core::millis::from_ns;
use tidegate_core::reason::details_decide;
use tidegate_core::reply::{Mark, Reply};
use tidegate_core::text::{decimal, Joined};

use crate::host::{self, BufferType, HostError, LogLevel, MapType};
use crate::log_sink;
use crate::worker::{route_facts, Worker};

/// One request. Without a worker (no configuration was ever accepted) everything passes.
pub(crate) struct Stream {
    id: u32,
    worker: Option<Rc<Worker>>,
    exchange: Exchange,
}

impl Stream {
    pub(crate) fn new(id: u32, worker: Option<Rc<Worker>>) -> Self {
        let worker = worker.filter(|worker| !worker.gate.is_off());
        Self {
            id,
            worker,
            exchange: Exchange::default(),
        }
    }

    fn begin(&mut self, worker: &Worker) -> Result<(), HostError> {
        let headers = host::headers(MapType::RequestHeaders)?;
        let headers = HeaderBlock::from_wire(headers);
        let must_be_admitted = worker
            .with_breakers(|gate, breakers| self.exchange.begin(headers, gate, breakers))
            .unwrap_or(false);
        if !must_be_admitted && worker.gate.slow_ms().is_none() {
            return Ok(());
        }
        // Without the time nobody can be rejected for some time.
        let Ok(now_ns) = host::now_ns() else {
            return Ok(());
        };
        self.exchange.began(from_ns(now_ns));
        if !must_be_admitted {
            return Ok(());
        }
        let at = Moment::new(now_ns, u64::from(self.id));
        let route = route_facts(&worker.gate);
        let now = at.now;
        let rejected =
            worker.with_breakers(|gate, breakers| self.exchange.admit(gate, breakers, &route, at));
        worker.report(now);
        match rejected.flatten() {
            Some(reply) => {
                self.mark(worker, reply.mark);
                send(&reply)
            }
            None => Ok(()),
        }
    }

    fn respond(&mut self, worker: &Worker, end_of_stream: bool) -> Result<(), HostError> {
        // Of the filter's own answer there is nothing to find out.
        if !self.exchange.is_waiting() {
            return Ok(());
        }
        let status = parse_status(&host::header(MapType::ResponseHeaders, ":status")?);
        if worker.gate.slow_ms().is_some() {
            if let Ok(now_ns) = host::now_ns() {
                self.exchange.answered(from_ns(now_ns));
            }
        }
        let look = worker.with_breakers(|gate, breakers| {
            self.exchange
                .saw_status(gate, breakers.worker, status, end_of_stream)
        });
        match look.unwrap_or(Look::Pass) {
            Look::Pass => Ok(()),
            Look::Settle => {
                self.settle(worker, host::now_ns().ok());
                Ok(())
            }
            Look::Sample => {
                self.sample(worker);
                Ok(())
            }
            Look::Inspect => {
                let facts = self.response_facts(worker, status, end_of_stream)?;
                let verdict = worker
                    .with_breakers(|gate, breakers| self.exchange.decide(gate, breakers, &facts))
                    .unwrap_or(Verdict::Pass);
                if let Some(mark) = verdict.mark() {
                    self.mark(worker, mark);
                }
                if self.exchange.can_settle() {
                    self.settle(worker, facts.now_ns);
                }
                carry_out(verdict)
            }
        }
    }

    /// Tells what a request that passed says about its route.
    fn sample(&mut self, worker: &Worker) {
        let route = self.route(worker);
        let name = &worker.gate.config().release_header;
        // Most upstreams name none.
        let release = host::header(MapType::ResponseHeaders, name).unwrap_or_default();
        worker.with_breakers(|gate, breakers| {
            self.exchange.sample(gate, breakers, &route, &release);
        });
    }

    /// The facts of the route, unless they are known.
    fn route(&self, worker: &Worker) -> RouteFacts {
        if self.exchange.knows_route() {
            RouteFacts::default()
        } else {
            route_facts(&worker.gate)
        }
    }

    /// Reads what is to be known of a response that may be a failure.
    fn response_facts(
        &self,
        worker: &Worker,
        status: u16,
        end_of_stream: bool,
    ) -> Result<ResponseFacts, HostError> {
        let details = details()?;
        Ok(ResponseFacts {
            status,
            end_of_stream,
            headers: HeaderBlock::from_wire(host::headers(MapType::ResponseHeaders)?),
            flags: if details_decide(&details) {
                0
            } else {
                host::property_u64("response\0flags").unwrap_or(0)
            },
            details,
            now_ns: host::now_ns().ok(),
            route: self.route(worker),
        })
    }

    /// Has the access log told: filter state, which it shows as `wasm.tidegate.<name>`. Of a circuit
    /// that is closed nothing is said, since nearly all are.
    fn mark(&self, worker: &Worker, mark: Mark) {
        set_state(REASON, mark.reason.as_str());
        let circuit = worker
            .with_breakers(|_, breakers| self.exchange.circuit(breakers.worker, mark.reason))
            .filter(|circuit| *circuit != State::Closed);
        if let Some(circuit) = circuit {
            set_state("tidegate.breaker", circuit.as_str());
        }
        if let Some(ms) = mark.hint_ms {
            set_state("tidegate.hint_ms", &decimal(ms));
        }
    }

    /// Tells the breaker how the request ended; unless the time is not known.
    fn settle(&mut self, worker: &Worker, now_ns: Option<u64>) {
        let Some(now_ns) = now_ns else { return };
        let at = Moment::new(now_ns, u64::from(self.id));
        let now = at.now;
        worker.with_breakers(|gate, breakers| {
            self.exchange
                .settle(gate, breakers, || route_facts(gate), at);
        });
        worker.report(now);
    }

    /// An error of the filter's own: from here on it leaves the request alone.
    fn stand_aside(&mut self, what: &str, error: HostError) {
        let before = ["cannot read or write ", what].joined();
        log_sink::failed(LogLevel::Warn, &before, error, "; it passes");
        self.exchange.give_up();
        if let Some(worker) = &self.worker {
            worker.count_host_error();
        }
    }
}

/// The callbacks. None of them ever pauses the request or the response.
impl Stream {
    pub(crate) fn request_headers(&mut self) {
        if let Some(worker) = self.worker.clone() {
            if let Err(error) = self.begin(&worker) {
                self.stand_aside("the request", error);
            }
        }
    }

    pub(crate) fn response_headers(&mut self, end_of_stream: bool) {
        if let Some(worker) = self.worker.clone() {
            if let Err(error) = self.respond(&worker, end_of_stream) {
                self.stand_aside("the response", error);
            }
        }
    }

    pub(crate) fn response_body(&mut self, size: usize, end_of_stream: bool) {
        if let Some(bytes) = self.exchange.body(end_of_stream) {
            if size == 0 && bytes.is_empty() {
                return;
            }
            if let Err(error) = host::set_buffer(BufferType::ResponseBody, size, &bytes) {
                let what = "the body cannot be replaced";
                log_sink::failed(LogLevel::Warn, what, error, "");
            }
        }
    }

    pub(crate) fn response_trailers(&mut self) {
        if self.exchange.saw_trailers() {
            if let Ok(status) = host::header(MapType::ResponseTrailers, "grpc-status") {
                self.exchange.saw_grpc_status(&status);
            }
        }
        if self.exchange.drops_trailers() {
            let none = HeaderBlock::from_pairs::<&[u8], &[u8]>(&[]);
            if let Err(error) = host::set_headers(MapType::ResponseTrailers, none.as_wire()) {
                let what = "trailers cannot be dropped";
                log_sink::failed(LogLevel::Debug, what, error, "");
            }
        }
    }

    pub(crate) fn log(&mut self) {
        let Some(worker) = self.worker.clone() else {
            return;
        };
        let closing =
            worker.with_breakers(|gate, breakers| self.exchange.close(gate, breakers.worker));
        let must_settle = match closing {
            None | Some(Closing::Nothing) => false,
            Some(Closing::Settle) => true,
            Some(Closing::Details) => {
                let is_told = details().is_ok_and(|details| self.exchange.broke_off(&details));
                if let Some(reason) = self.exchange.failed_with() {
                    set_state(REASON, reason.as_str());
                }
                is_told
            }
        };
        if must_settle {
            self.settle(&worker, host::now_ns().ok());
        }
    }
}

/// Filter state of this name: why a request failed.
const REASON: &str = "tidegate.reason";

/// Sets filter state. Nobody but the access log misses it.
fn set_state(name: &str, value: &str) {
    if let Err(error) = host::set_property(name, value.as_bytes()) {
        log_sink::failed(LogLevel::Debug, "filter state cannot be set", error, "");
    }
}

/// `response.code_details`; empty where Envoy has none.
fn details() -> Result<Vec<u8>, HostError> {
    match host::property("response\0code_details") {
        Err(HostError::NOT_FOUND) => Ok(Vec::new()),
        other => other,
    }
}

fn carry_out(verdict: Verdict) -> Result<(), HostError> {
    match verdict {
        // Counted, and told in the log with the others.
        Verdict::Pass | Verdict::Shadow(_) => Ok(()),
        Verdict::Reply(reply) => send(&reply),
        Verdict::Rewrite(headers, _) => {
            host::set_headers(MapType::ResponseHeaders, headers.as_wire())
        }
    }
}

fn send(reply: &Reply) -> Result<(), HostError> {
    host::send_local_response(
        reply.status,
        &reply.details,
        &reply.body,
        reply.local_headers().as_wire(),
        reply.grpc_status,
    )
}

/// `:status` as Envoy writes it: three digits. Anything else is no failure of anybody's.
fn parse_status(bytes: &[u8]) -> u16 {
    let number = tidegate_core::text::parse(bytes);
    number
        .and_then(|number| u16::try_from(number).ok())
        .unwrap_or(0)
}
