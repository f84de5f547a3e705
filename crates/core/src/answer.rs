//! What is answered, and with which reply: the failures that are ours to answer, and the requests
//! that the filter rejects itself.

use crate::breaker::Rejection;
use crate::config::{InnerPages, Intercept, Maintenance, SourceFilter, StatusRule, UpstreamBody};
use crate::exchange::{Breakers, ResponseFacts};
use crate::gate::{without_port, without_query, Choice, Gate};
use crate::headers::{trim, HeaderBlock};
use crate::hint::{self, Hint};
use crate::millis::{self, times};
use crate::negotiate::{self, Format};
use crate::page::{PageInfo, GRPC_STATUS_UNAVAILABLE};
use crate::prelude::*;
use crate::reason::{Reason, Source};
use crate::reply::{self, Mark, Reply, MARKER};

/// A failure that is ours to answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    pub(crate) source: Source,
    /// The status, as Envoy would send it to a client that is not gRPC.
    pub(crate) status: u16,
}

/// What is to be answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    failure: Failure,
    tripped_by: Option<Reason>,
    maintenance: Option<&'a Maintenance>,
    /// When to come back at the earliest, in milliseconds; `None`: by the configuration.
    remaining_ms: Option<u64>,
    /// When to come back, where that helps: [`Answer::tell`].
    hint: Option<Hint>,
}

impl<'a> Answer<'a> {
    /// To a failure.
    pub(crate) fn of(failure: &Failure) -> Self {
        Self {
            failure: *failure,
            tripped_by: None,
            maintenance: None,
            remaining_ms: None,
            hint: None,
        }
    }

    /// To a request that an open circuit rejects.
    pub(crate) fn open_circuit(rejection: Rejection) -> Self {
        let failure = Failure {
            reason: Reason::CircuitOpen,
            source: Source::Proxy,
            status: 503,
        };
        Self {
            tripped_by: rejection.reason,
            remaining_ms: Some(rejection.remaining_ms).filter(|&ms| ms > 0),
            ..Self::of(&failure)
        }
    }

    /// To a request of a route in maintenance.
    pub(crate) fn maintenance(maintenance: &'a Maintenance, now_ms: u64) -> Self {
        let failure = Failure {
            reason: Reason::Maintenance,
            source: Source::Proxy,
            status: 503,
        };
        let until_ms = maintenance.until.map(|until| times(until, 1000));
        Self {
            maintenance: Some(maintenance),
            remaining_ms: until_ms.map(|until| until.saturating_sub(now_ms)),
            ..Self::of(&failure)
        }
    }

    /// Why.
    pub(crate) fn reason(&self) -> Reason {
        self.failure.reason
    }

    /// Has the client told when to come back; nobody is, where trying again is of no use. Says
    /// whether it is.
    pub(crate) fn tell(
        &mut self,
        gate: &Gate,
        request: &HeaderBlock,
        facts: &ResponseFacts,
        choice: &Choice,
        breakers: &mut Breakers<'_>,
    ) -> bool {
        if !self.failure.reason.is_retryable() {
            return false;
        }
        let request_id = request.get("x-request-id").unwrap_or_default();
        let asked = hint::Facts {
            status: self.failure.status,
            remaining_ms: self.remaining_ms,
            upstream: facts.headers.get("retry-after"),
            now_ms: facts.now_ns.map(millis::from_ns),
            seed: hint::seed(request_id, facts.now_ns.unwrap_or(0)),
        };
        let retry = &gate.policy(choice.policy).retry;
        let (pacer, keys) = (&mut *breakers.pacer, breakers.bank.keys());
        let hint = pacer.hint(breakers.store, keys, &choice.key, retry, &asked);
        self.hint = Some(hint);
        if let Some(now_ms) = asked.now_ms {
            let due_ms = now_ms.saturating_add(hint.ms);
            breakers.bank.await_somebody(breakers.store, due_ms);
        }
        true
    }
}

/// What failed, if it did and if it is ours to answer.
pub(crate) fn failure(
    gate: &Gate,
    request: &HeaderBlock,
    facts: &ResponseFacts,
    policy: usize,
    reason: Reason,
    source: Source,
) -> Option<Failure> {
    let intercept = &gate.policy(policy).intercept;
    let status = match (facts.status, source) {
        // The answer of a gRPC service, whatever its status.
        (200, Source::Upstream) => return None,
        (200, Source::Proxy) => implied_status(reason, facts.headers.get("grpc-status")?)?,
        (status, _) => status,
    };
    let wanted = intercept.statuses.contains(status)
        && match intercept.source {
            SourceFilter::Any => true,
            SourceFilter::Proxy => source == Source::Proxy,
            SourceFilter::Upstream => source == Source::Upstream,
        };
    if !wanted || is_skipped(request, intercept) {
        return None;
    }
    if source == Source::Upstream && is_meant(gate, request, intercept, facts) {
        return None;
    }
    Some(Failure {
        reason,
        source,
        status,
    })
}

/// Makes the reply. `is_local`: it goes out as a local reply of Envoy, not as a rewritten response.
pub(crate) fn reply(
    gate: &Gate,
    request: &HeaderBlock,
    facts: &ResponseFacts,
    answer: &Answer<'_>,
    choice: &Choice,
    format: Format,
    is_local: bool,
) -> Reply {
    let config = &gate.config;
    let policy = gate.policy(choice.policy);
    let failure = &answer.failure;
    let request_id = request.get("x-request-id");
    let hint = answer.hint;
    let status = match policy.intercept.status {
        StatusRule::Standard => failure.reason.standard_status().unwrap_or(failure.status),
        StatusRule::Keep => failure.status,
    };
    let page = gate.pages.render(&PageInfo {
        format,
        status,
        reason: failure.reason,
        source: failure.source,
        tripped_by: answer.tripped_by,
        maintenance: answer.maintenance,
        retry_after: hint.map(|hint: Hint| std::time::Duration::from_millis(hint.ms)),
        page_retry: Some(&policy.retry.page),
        request_id,
        now: facts.now_ns.map(crate::time::Timestamp::from_nanos),
        method: request.get(":method").unwrap_or_default(),
        host: request.get(":authority").unwrap_or_default(),
        path: request.get(":path").unwrap_or_default(),
        language: gate.pages.language(request),
        route: &choice.route,
        page: choice.page,
    });
    // What an answer of Envoy's own carries was added by the route; Envoy adds it to a local
    // reply once more, and two `access-control-allow-origin` are as bad as none.
    let nothing = HeaderBlock::default();
    let is_added_again = is_local && failure.source == Source::Proxy;
    let response = if is_added_again {
        &nothing
    } else {
        &facts.headers
    };
    let cause = answer
        .tripped_by
        .map_or(facts.details.as_slice(), |r| r.as_str().as_bytes());
    let headers = reply::headers(
        &config.headers,
        &page,
        &reply::Facts {
            format,
            reason: failure.reason,
            source: failure.source,
            received_status: failure.status,
            hint,
            response,
            details: config.proxy_status.details.then_some(cause),
            proxy_name: &config.proxy_status.name,
        },
    );
    Reply {
        status,
        grpc_status: (format == Format::Grpc).then_some(GRPC_STATUS_UNAVAILABLE),
        headers,
        body: page.body,
        details: local_details(failure.reason, cause),
        mark: Mark {
            reason: failure.reason,
            hint_ms: hint.map(|hint: Hint| hint.ms),
        },
    }
}

/// Whether the body callback is sure to run, so that the page's length can be promised. A response
/// that goes from its headers straight to its trailers never has it run, and a promise that is
/// not kept breaks the whole message.
pub(crate) fn has_body_for_sure(facts: &ResponseFacts, source: Source) -> bool {
    let header = |name| facts.headers.get(name);
    source == Source::Proxy
        || header("content-length").is_some_and(|length| trim(length) != b"0")
        || (header("transfer-encoding").is_some() && header("trailer").is_none())
}

fn is_skipped(request: &HeaderBlock, intercept: &Intercept) -> bool {
    let path = without_query(request.get(":path").unwrap_or_default());
    let host = without_port(request.get(":authority").unwrap_or_default());
    intercept
        .skip_paths
        .iter()
        .any(|pattern| pattern.matches(path))
        || intercept
            .skip_hosts
            .iter()
            .any(|pattern| pattern.matches_ignore_case(host))
}

/// Whether an answer of the upstream is meant for the client as it is.
fn is_meant(
    gate: &Gate,
    request: &HeaderBlock,
    intercept: &Intercept,
    facts: &ResponseFacts,
) -> bool {
    let opted_out = facts
        .headers
        .get(&intercept.opt_out_header)
        .is_some_and(|value| trim(value).eq_ignore_ascii_case(b"off"));
    let is_inner_page = gate.config.security.inner_pages == InnerPages::Trust
        && facts.headers.get(MARKER).is_some();
    let content_type = facts.headers.get("content-type").unwrap_or_default();
    // A gRPC service's own word, in headers or in trailers to come; anything else a gRPC client
    // cannot read.
    let speaks_grpc =
        facts.headers.get("grpc-status").is_some() || negotiate::is_grpc_content_type(content_type);
    let is_head = request.get(":method") == Some(b"HEAD");
    let has_body = !facts.end_of_stream && facts.headers.get("content-length") != Some(b"0");
    let keeps_body = match intercept.upstream_body {
        _ if negotiate::is_grpc(request) => false,
        // HEAD is answered as GET would be.
        UpstreamBody::KeepStructured => (has_body || is_head) && is_structured(content_type),
        UpstreamBody::Keep => has_body || (is_head && !content_type.is_empty()),
        UpstreamBody::Replace => false,
    };
    opted_out || is_inner_page || speaks_grpc || keeps_body
}

/// The HTTP status that Envoy turned into a `grpc-status` (its `grpc/status.cc`,
/// `httpToGrpcStatus`, read backwards with the help of the reason); `None`: no failure.
fn implied_status(reason: Reason, grpc_status: &[u8]) -> Option<u16> {
    match trim(grpc_status) {
        b"14" => Some(match reason {
            Reason::HttpResponseTimeout => 504,
            Reason::HttpProtocolError => 502,
            _ => 503,
        }),
        b"4" => Some(504),
        b"2" => Some(500),
        _ => None,
    }
}

/// `tidegate_<reason>{<Envoy's own details, or what tripped the breaker>}`.
fn local_details(reason: Reason, cause: &[u8]) -> Vec<u8> {
    let mut details = ["tidegate_", reason.as_str(), "{"].joined().into_bytes();
    details.extend_from_slice(cause);
    details.push(b'}');
    details
}

/// Whether a body of this type speaks to programs: JSON or XML, but no page for a person.
fn is_structured(content_type: &[u8]) -> bool {
    let media = content_type
        .split(|&b| b == b';')
        .next()
        .map(trim)
        .unwrap_or_default();
    let media = media.to_ascii_lowercase();
    let ends = |end: &[u8]| media.ends_with(end);
    ends(b"/json") || ends(b"+json") || ends(b"/xml") || (ends(b"+xml") && !ends(b"/xhtml+xml"))
}
