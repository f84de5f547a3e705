//! The reply to a failure that has not happened, so that a preview shows what clients would get.

use std::time::Duration;

use super::check_in::gate_of;
use super::delivery::Way;
use super::intercept::Interception;
use super::local_reply::{LocalReply, ReplyContext};
use super::ResponseInfo;
use crate::breaker::State;
use crate::config::Maintenance;
use crate::failure::{Reason, Source};
use crate::filter_config::FilterConfig;
use crate::http::format::Format;
use crate::http::headers::HeaderBlock;
use crate::page::Gate;
use crate::policy::{RouteInfo, RoutePolicy};
use crate::retry::hint;
use crate::time::Timestamp;

/// A request and its failure.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The headers of the request.
    pub request: &'a HeaderBlock,
    /// The route of the request.
    pub route: &'a RouteInfo,
    /// The format that the client gets.
    pub format: Format,
    /// Why the request failed or was rejected.
    pub reason: Reason,
    /// Who made the failed response.
    pub source: Source,
    /// The status of the failed response, as Envoy would send it.
    pub status: u16,
    /// The maintenance to show if the route of the request is in none.
    pub maintenance: &'a Maintenance,
    /// When the request failed.
    pub now: Timestamp,
    /// The random part of the hint, in `[0, 1)`.
    pub unit: f64,
}

impl Sample<'_> {
    /// Returns the headers of the reply, with `:status`, and its body.
    ///
    /// The policy, the page, the hint and the headers are those that the filter would choose, except that
    /// no clients wait already, that a circuit has just opened, and that neither `mode` nor `intercept`
    /// lets the failure pass.
    pub fn reply(&self, config: &FilterConfig) -> (HeaderBlock, Vec<u8>) {
        let policy = RoutePolicy::find(config, self.route, self.request);
        let response = ResponseInfo {
            status: self.status,
            ..ResponseInfo::none(self.now)
        };
        let interception = self.interception(config, policy.number);
        let failure = interception.failure_info(&response);
        let retry = &config.policy(policy.number).retry;
        let hint = hint(retry, &failure, Duration::ZERO, self.unit);
        let hint = Some(hint).filter(|_| interception.is_retryable());
        let is_rejected = matches!(self.reason, Reason::CircuitOpen | Reason::Maintenance);
        let gate = match interception.maintenance {
            Some(_) => Some(Gate::Wait),
            None => interception.circuit.map(|_| gate_of(false, hint)),
        };
        let reply = LocalReply::new(&ReplyContext {
            config,
            policy: &policy,
            request: self.request,
            response: &response,
            interception,
            format: self.format,
            way: match is_rejected {
                true => Way::LocalReply,
                false => Way::Body,
            },
            hint,
            gate,
        });
        (reply.replacing_headers(Some(reply.body.len())), reply.body)
    }

    fn interception<'c>(&'c self, config: &'c FilterConfig, policy: usize) -> Interception<'c> {
        match self.reason {
            Reason::Maintenance => {
                let own = config.maintenance(policy, self.now);
                Interception::maintenance(own.unwrap_or(self.maintenance), self.now)
            }
            Reason::CircuitOpen => Interception {
                tripped_by: Some(Reason::ConnectionRefused),
                circuit: Some(State::Open),
                remaining: Some(config.policy(policy).breaker.open.base),
                ..Interception::new(self.reason, self.source, self.status)
            },
            reason => Interception {
                is_unsent: is_before_connection(reason)
                    && !matches!(self.request.get(":method"), Some(b"GET" | b"HEAD")),
                ..Interception::new(reason, self.source, self.status)
            },
        }
    }
}

/// Returns whether this failure ends an attempt before there is a connection for the request. The sample
/// had one attempt.
fn is_before_connection(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ConnectionRefused
            | Reason::ConnectionTimeout
            | Reason::TlsProtocolError
            | Reason::TlsCertificateError
            | Reason::DestinationUnavailable
            | Reason::ConnectionLimitReached
    )
}

#[cfg(test)]
mod tests;
