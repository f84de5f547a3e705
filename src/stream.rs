//! The context of one request: each callback reads facts, asks the core, and does what it says.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, BufferType, MapType};
use tidegate_core::exchange::{Exchange, Gate, Look, ResponseFacts, Verdict};
use tidegate_core::headers::HeaderBlock;
use tidegate_core::reason::details_decide;

use crate::host::{self, HostError};

/// One request. Without a gate (no configuration was ever accepted) everything passes.
pub(crate) struct Stream {
    gate: Option<Rc<Gate>>,
    exchange: Exchange,
}

impl Stream {
    pub(crate) fn new(gate: Option<Rc<Gate>>) -> Self {
        Self {
            gate: gate.filter(|gate| !gate.is_off()),
            exchange: Exchange::default(),
        }
    }

    /// Reads what is to be known of a response that may be a failure.
    fn response_facts(status: u16, end_of_stream: bool) -> Result<ResponseFacts, HostError> {
        let details = match host::property("response\0code_details") {
            Ok(details) => details,
            Err(HostError::NOT_FOUND) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(ResponseFacts {
            status,
            end_of_stream,
            headers: HeaderBlock::from_wire(host::headers(MapType::HttpResponseHeaders)?),
            flags: if details_decide(&details) {
                0
            } else {
                host::property_u64("response\0flags").unwrap_or(0)
            },
            details,
            now_ns: host::now_ns().ok(),
        })
    }

    fn carry_out(verdict: Verdict) -> Result<(), HostError> {
        match verdict {
            Verdict::Pass => Ok(()),
            Verdict::Shadow(reason) => {
                log::debug!("tidegate: shadow: would have answered {}", reason.as_str());
                Ok(())
            }
            Verdict::Reply(reply) => host::send_local_response(
                reply.status,
                &reply.details,
                &reply.body,
                reply.local_headers().as_wire(),
                reply.grpc_status,
            ),
            Verdict::Rewrite(headers) => {
                host::set_headers(MapType::HttpResponseHeaders, headers.as_wire())
            }
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if self.gate.is_some() {
            match host::headers(MapType::HttpRequestHeaders) {
                Ok(bytes) => self.exchange.begin(HeaderBlock::from_wire(bytes)),
                // Without them no answer fits the client: leave it all alone.
                Err(error) => self.stand_aside("request headers", error),
            }
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let Some(gate) = &self.gate else {
            return Action::Continue;
        };
        let status = match host::header(MapType::HttpResponseHeaders, ":status") {
            Ok(bytes) => parse_status(&bytes),
            Err(error) => {
                self.stand_aside(":status", error);
                return Action::Continue;
            }
        };
        if self.exchange.saw_status(gate, status, end_of_stream) == Look::Inspect {
            let done = Self::response_facts(status, end_of_stream)
                .map(|facts| self.exchange.decide(gate, &facts))
                .and_then(Self::carry_out);
            if let Err(error) = done {
                self.stand_aside("the response", error);
            }
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, _end_of_stream: bool) -> Action {
        if let Some(bytes) = self.exchange.body() {
            if let Err(error) = host::set_buffer(BufferType::HttpResponseBody, size, &bytes) {
                log::warn!(
                    "tidegate: the body cannot be replaced (host status {})",
                    error.0
                );
            }
        }
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        if self.exchange.drops_trailers() {
            let none = HeaderBlock::from_pairs::<&[u8], &[u8]>(&[]);
            if let Err(error) = host::set_headers(MapType::HttpResponseTrailers, none.as_wire()) {
                log::debug!(
                    "tidegate: trailers cannot be dropped (host status {})",
                    error.0
                );
            }
        }
        Action::Continue
    }
}

impl Stream {
    /// An error of the filter's own: from here on it leaves the request alone.
    fn stand_aside(&mut self, what: &str, HostError(status): HostError) {
        log::warn!("tidegate: cannot read or write {what} (host status {status}); it passes");
        self.exchange.give_up();
        self.gate = None;
    }
}

/// `:status` as Envoy writes it: three digits. Anything else is no failure of anybody's.
fn parse_status(bytes: &[u8]) -> u16 {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}
