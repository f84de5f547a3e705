//! Check-ins: requests with which the script of the built-in page asks whether its visitor is let in.
//!
//! While the gate, the circuit that decides about a request, is not closed, check-ins are answered here,
//! without the upstream: with the next time to ask, or with a pass (`crate::pass`). In a half-open circuit
//! a check-in that gets a permit is the probe, so that no page is reloaded into a site that is still down.

use super::local_reply::{Header, LocalReply};
use super::{Filter, RETRY_HEADER};
use crate::host::{HeaderMap, Host};
use crate::http::headers::{list_has, HeaderBlock};
use crate::page::Gate;
use crate::policy::RoutePolicy;
use crate::retry::Hint;
use crate::time::Timestamp;
use crate::worker::Worker;

/// Tells the script of the page about the gate: `wait`, `crowd` or `admitted`.
const GATE_HEADER: &str = "x-tidegate-gate";
const ADMITTED: &str = "admitted";
/// The response code details of the answer to a check-in that is let in.
const DETAILS: &[u8] = b"tidegate_check_in{admitted}";

impl Filter {
    /// Returns whether the request is a check-in.
    pub(super) fn is_check_in(&self) -> bool {
        self.request.get(":method") == Some(b"HEAD") && self.request.get(RETRY_HEADER).is_some()
    }

    /// Returns the answer to a check-in that a gate lets in: the pass, with which the page is loaded.
    pub(super) fn admitted(
        &self,
        host: &mut impl Host,
        worker: &mut Worker,
        policy: &RoutePolicy,
        now: Timestamp,
    ) -> LocalReply {
        let mut headers: Vec<Header> = vec![
            ("cache-control".into(), b"no-store".into()),
            (GATE_HEADER.into(), ADMITTED.as_bytes().into()),
        ];
        headers.extend(self.new_pass(host, worker, policy, now));
        LocalReply {
            status: 204,
            grpc_status: None,
            headers,
            body: Vec::new(),
            details: DETAILS.to_vec(),
        }
    }

    /// Returns the pass as a header of the response, if the client is to get one with it: with the answer
    /// to a probe that was a check-in, or with a page that a gate let in and that no cache may keep.
    pub(super) fn pass_of_response(
        &mut self,
        host: &mut impl Host,
        worker: &mut Worker,
    ) -> Option<Header> {
        // Nearly all requests are admitted by a closed circuit.
        if !self.permit.is_by_gate() && !self.permit.is_probe() {
            return None;
        }
        let is_navigation = || self.request.get("sec-fetch-mode") == Some(b"navigate");
        let is_for_pass = self.is_check_in() || (is_navigation() && is_private(host));
        if !is_for_pass {
            return None;
        }
        let now = host.now().ok()?;
        let policy = self.policy(host, worker).clone();
        self.new_pass(host, worker, &policy, now)
    }

    fn new_pass(
        &self,
        host: &mut impl Host,
        worker: &mut Worker,
        policy: &RoutePolicy,
        now: Timestamp,
    ) -> Option<Header> {
        let is_secure = is_secure(&self.request);
        let pass = worker.new_pass(host, policy.circuit(), now, is_secure)?;
        Some(("set-cookie".into(), pass.into_bytes().into()))
    }
}

/// Returns what a page says of the gate that sent the client away.
pub(super) fn gate_of(is_ramp: bool, hint: Option<Hint>) -> Gate {
    if is_ramp || hint.is_some_and(Hint::is_crowded) {
        Gate::Crowd
    } else {
        Gate::Wait
    }
}

/// Returns the header that tells a check-in about the gate.
pub(super) fn gate_header(gate: Gate) -> Header {
    (GATE_HEADER.into(), gate.as_str().as_bytes().into())
}

/// Returns whether the response is for this client only, so that no shared cache keeps it with its cookies
/// (RFC 9111, 5.2.2).
fn is_private(host: &mut impl Host) -> bool {
    let header = host.header(HeaderMap::Response, "cache-control");
    let directives = header.unwrap_or_default();
    list_has(&directives, "private") || list_has(&directives, "no-store")
}

/// Returns whether the client uses TLS, as far as Envoy knows.
fn is_secure(request: &HeaderBlock) -> bool {
    let is_https = |name| request.get(name) == Some(b"https".as_slice());
    is_https("x-forwarded-proto") || is_https(":scheme")
}
