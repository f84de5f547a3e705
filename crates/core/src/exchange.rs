//! The machine of one request: facts in, effects out.
//!
//! The adapter tells what happened, in the order in which Envoy tells it; the exchange answers with
//! what is to be done. It never asks for a fact before it is needed: a healthy request is decided
//! by its status alone.
//!
//! ```text
//! begin (request headers) -> saw_status -> Pass
//!                                       -> Inspect -> decide -> Pass | Shadow
//!                                                            -> Reply    (local reply)
//!                                                            -> Rewrite  -> body*, trailers?
//! ```
//!
//! A reply of the filter's own is never replaced a second time: once an exchange has answered,
//! everything that still comes by is its own answer, and passes.

use crate::config::{Config, InnerPages, Intercept, Mode, SourceFilter, StatusRule, UpstreamBody};
use crate::headers::{trim, HeaderBlock};
use crate::hint::{self, Hint};
use crate::negotiate::{self, Format};
use crate::page::{PageFacts, Pages, GRPC_STATUS_UNAVAILABLE};
use crate::reason::{self, Reason, Source};
use crate::reply::{self, Reply, MARKER};

/// A configuration, made ready to serve.
#[derive(Debug)]
pub struct Gate {
    config: Config,
    pages: Pages,
}

impl Gate {
    /// Makes `config` ready.
    pub fn new(config: Config) -> Self {
        let pages = Pages::new(&config);
        Self { config, pages }
    }

    /// What it was made from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether requests need an exchange at all.
    pub fn is_off(&self) -> bool {
        self.config.mode == Mode::Off
    }
}

/// What is to be done after the status of a response is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing: the response passes.
    Pass,
    /// It may be a failure: read the facts and [`Exchange::decide`].
    Inspect,
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
    Rewrite(HeaderBlock),
}

/// One request and its response.
#[derive(Debug, Default)]
pub struct Exchange {
    request: HeaderBlock,
    stage: Stage,
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
    /// Takes the request's headers, unparsed.
    pub fn begin(&mut self, request: HeaderBlock) {
        self.request = request;
    }

    /// What a response with this status needs.
    pub fn saw_status(&mut self, gate: &Gate, status: u16, end_of_stream: bool) -> Look {
        if !matches!(self.stage, Stage::Waiting) || gate.is_off() {
            return Look::Pass;
        }
        // Envoy answers a gRPC call that fails with 200 and a `grpc-status`, and no body.
        let maybe_grpc = status == 200 && end_of_stream && negotiate::is_grpc(&self.request);
        if maybe_grpc || gate.config.policy.intercept.statuses.contains(status) {
            return Look::Inspect;
        }
        self.stage = Stage::Decided;
        Look::Pass
    }

    /// Decides about a response that was to be inspected.
    pub fn decide(&mut self, gate: &Gate, facts: &ResponseFacts) -> Verdict {
        if !matches!(self.stage, Stage::Waiting) {
            return Verdict::Pass;
        }
        self.stage = Stage::Decided;
        // A block without these is none that a host makes: nothing that is decided by it is right.
        if self.request.get(":method").is_none() || facts.headers.get(":status").is_none() {
            return Verdict::Pass;
        }
        let Some(failure) = self.failure(gate, facts) else {
            return Verdict::Pass;
        };
        match gate.config.mode {
            Mode::Off => return Verdict::Pass,
            Mode::Shadow => return Verdict::Shadow(failure.reason),
            Mode::Enforce => {}
        }
        let format = negotiate::format(&self.request, &gate.config.formats);
        // A local reply while the upstream's body is still coming would cost its connection; but a
        // gRPC client wants its status in the headers, with nothing after them.
        let is_local = facts.end_of_stream || format == Format::Grpc;
        let reply = self.reply(gate, facts, &failure, format, is_local);
        if is_local {
            return Verdict::Reply(reply);
        }
        let headers = reply.rewrite_headers(has_body_for_sure(facts, failure.source));
        self.stage = Stage::Page(reply.body);
        Verdict::Rewrite(headers)
    }

    /// What the next chunk of the response body becomes; `None`: it stays as it is.
    pub fn body(&mut self) -> Option<Vec<u8>> {
        match std::mem::replace(&mut self.stage, Stage::Drain) {
            Stage::Page(page) => Some(page),
            Stage::Drain => Some(Vec::new()),
            other => {
                self.stage = other;
                None
            }
        }
    }

    /// Whether trailers of the response belong to a body that was replaced, and must go.
    pub fn drops_trailers(&self) -> bool {
        matches!(self.stage, Stage::Page(_) | Stage::Drain)
    }

    /// The verdict could not be carried out: the response passes as it is.
    pub fn give_up(&mut self) {
        self.stage = Stage::Decided;
    }

    /// What failed, if it did and if it is ours to answer.
    fn failure(&self, gate: &Gate, facts: &ResponseFacts) -> Option<Failure> {
        let intercept = &gate.config.policy.intercept;
        let (reason, source) = reason::classify(&reason::Facts {
            status: facts.status,
            flags: facts.flags,
            details: &facts.details,
        });
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
        if !wanted || self.is_skipped(intercept) {
            return None;
        }
        if source == Source::Upstream && self.is_meant(gate, intercept, facts) {
            return None;
        }
        Some(Failure {
            reason,
            source,
            status,
        })
    }

    fn is_skipped(&self, intercept: &Intercept) -> bool {
        let path = without_query(self.request.get(":path").unwrap_or_default());
        let host = without_port(self.request.get(":authority").unwrap_or_default());
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
    fn is_meant(&self, gate: &Gate, intercept: &Intercept, facts: &ResponseFacts) -> bool {
        let opted_out = facts
            .headers
            .get(&intercept.opt_out_header)
            .is_some_and(|value| trim(value).eq_ignore_ascii_case(b"off"));
        let is_inner_page = gate.config.security.inner_pages == InnerPages::Trust
            && facts.headers.get(MARKER).is_some();
        let content_type = facts.headers.get("content-type").unwrap_or_default();
        // A gRPC service's own word, in headers or in trailers to come; anything else a gRPC
        // client cannot read.
        let speaks_grpc = facts.headers.get("grpc-status").is_some()
            || negotiate::is_grpc_content_type(content_type);
        let is_head = self.request.get(":method") == Some(b"HEAD");
        let has_body = !facts.end_of_stream && facts.headers.get("content-length") != Some(b"0");
        let keeps_body = match intercept.upstream_body {
            // HEAD is answered as GET would be.
            _ if negotiate::is_grpc(&self.request) => false,
            UpstreamBody::KeepStructured => (has_body || is_head) && is_structured(content_type),
            UpstreamBody::Keep => has_body || (is_head && !content_type.is_empty()),
            UpstreamBody::Replace => false,
        };
        opted_out || is_inner_page || speaks_grpc || keeps_body
    }

    fn reply(
        &self,
        gate: &Gate,
        facts: &ResponseFacts,
        failure: &Failure,
        format: Format,
        is_local: bool,
    ) -> Reply {
        let config = &gate.config;
        let policy = &config.policy;
        let now_ms = facts.now_ns.and_then(|ns| ns.checked_div(1_000_000));
        let request_id = self.request.get("x-request-id");
        let hint = failure.reason.is_retryable().then(|| {
            hint::hint(
                &policy.retry,
                &hint::Facts {
                    status: failure.status,
                    upstream: facts.headers.get("retry-after"),
                    now_ms,
                    seed: hint::seed(request_id.unwrap_or_default(), facts.now_ns.unwrap_or(0)),
                },
            )
        });
        let status = match policy.intercept.status {
            StatusRule::Standard => failure.reason.standard_status().unwrap_or(failure.status),
            StatusRule::Keep => failure.status,
        };
        let page = gate.pages.render(&PageFacts {
            format,
            status,
            reason: failure.reason,
            source: failure.source,
            retry_after_ms: hint.map(|hint: Hint| hint.ms),
            request_id,
            now_ms,
            method: self.request.get(":method").unwrap_or_default(),
            host: self.request.get(":authority").unwrap_or_default(),
            path: self.request.get(":path").unwrap_or_default(),
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
                details: config.proxy_status.details.then_some(&facts.details),
                proxy_name: &config.proxy_status.name,
            },
        );
        Reply {
            status,
            grpc_status: (format == Format::Grpc).then_some(GRPC_STATUS_UNAVAILABLE),
            headers,
            body: page.body,
            details: local_details(failure.reason, &facts.details),
        }
    }
}

/// A failure that is ours to answer.
#[derive(Debug, Clone, Copy)]
struct Failure {
    reason: Reason,
    source: Source,
    /// The status, as Envoy would send it to a client that is not gRPC.
    status: u16,
}

/// Whether the body callback is sure to run, so that the page's length can be promised. A response
/// that goes from its headers straight to its trailers never has it run, and a promise that is
/// not kept breaks the whole message.
fn has_body_for_sure(facts: &ResponseFacts, source: Source) -> bool {
    let header = |name| facts.headers.get(name);
    source == Source::Proxy
        || header("content-length").is_some_and(|length| trim(length) != b"0")
        || (header("transfer-encoding").is_some() && header("trailer").is_none())
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

/// `tidegate_<reason>{<Envoy's own details>}`.
fn local_details(reason: Reason, details: &[u8]) -> Vec<u8> {
    [
        b"tidegate_",
        reason.as_str().as_bytes(),
        b"{",
        details,
        b"}",
    ]
    .concat()
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

fn without_query(path: &[u8]) -> &[u8] {
    path.split(|&b| b == b'?' || b == b'#')
        .next()
        .unwrap_or_default()
}

/// The host without its port; an IPv6 address keeps its brackets.
fn without_port(authority: &[u8]) -> &[u8] {
    match authority.iter().rposition(|&b| b == b':') {
        Some(at) if !authority.get(at..).unwrap_or_default().contains(&b']') => {
            authority.get(..at).unwrap_or_default()
        }
        _ => authority,
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
