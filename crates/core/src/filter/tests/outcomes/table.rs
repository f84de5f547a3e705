//! The table of answers, each with what it counts as and why.

use crate::breaker::Neutral;

/// What a request counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Success,
    Failure,
    Overloaded,
    /// Neutral, and counted by why in the metrics.
    Ignored(Neutral),
    /// Neutral; if many of a route that usually answers at once, the upstream hangs.
    Abandoned(Neutral),
    /// Neither for nor against the upstream.
    Nothing,
}

use Neutral::*;
use Want::*;

impl Want {
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Success => "success",
            Failure => "failure",
            Overloaded => "overloaded",
            Ignored(why) | Abandoned(why) => match why {
                Meant => "neutral (`meant`)",
                Skipped => "neutral (`skipped`)",
                RateLimited => "neutral (`rate_limited`)",
                ClientLeft => "neutral (`client_left`)",
                ClientDeadline => "neutral (`client_deadline`)",
                RequestIncomplete => "neutral (`request_incomplete`)",
                EnvoyLimit => "neutral (`envoy_limit`)",
                NoUpstream => "neutral (`no_upstream`)",
                OtherReply => "neutral (`other_reply`)",
            },
            Nothing => "nothing",
        }
    }
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Get,
    /// A POST of 1,000 bytes that was sent completely.
    Post,
    /// The same, of which 990 bytes have come so far.
    SlowPost,
    Grpc,
}

/// How a response ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    CutOff,
    ClientLeaves,
}

/// What else is known of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Plain,
    OptedOut,
    Skipped,
}

pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) asks: Asks,
    /// Of the request.
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) config: &'static str,
    /// Who answered: `response.code_details`.
    pub(super) details: &'static str,
    pub(super) status: u16,
    pub(super) answer: &'static [(&'static str, &'static str)],
    /// `grpc-status` of the trailers.
    pub(super) trailers: Option<&'static str>,
    pub(super) waited_ms: u64,
    /// Whether it is about the body: without one the row does not apply.
    pub(super) needs_body: bool,
    pub(super) counts_as: Want,
    pub(super) because: &'static str,
    /// If it is cut off: like each response that is, unless said here.
    pub(super) cut_off: Option<(Want, &'static str)>,
}

pub(super) const ROW: Row = Row {
    what: "",
    asks: Asks::Get,
    headers: &[],
    config: "{}",
    details: "via_upstream",
    status: 200,
    answer: &[("content-type", "text/html"), ("content-length", "10")],
    trailers: None,
    waited_ms: 300,
    needs_body: false,
    counts_as: Success,
    because: "",
    cut_off: None,
};

pub(super) const GRPC: Row = Row {
    asks: Asks::Grpc,
    answer: &[("content-type", "application/grpc")],
    ..ROW
};

pub(super) const DECIDED: Option<(Want, &str)> = Some((Nothing, "decided at the response headers"));
pub(super) const ANSWERED: &str = "an upstream that answers is alive";
pub(super) const NO_RESPONSE: &str = "the upstream gave no response";

pub(super) const TABLE: &[Row] = &[
    Row {
        what: "2xx, 1xx upgrades",
        because: ANSWERED,
        ..ROW
    },
    Row {
        what: "3xx",
        status: 302,
        because: ANSWERED,
        ..ROW
    },
    Row {
        what: "4xx",
        status: 401,
        because: "the upstream lives; the request was wrong",
        ..ROW
    },
    Row {
        what: "2xx before the upload was complete",
        asks: Asks::SlowPost,
        because: ANSWERED,
        cut_off: Some((Ignored(RequestIncomplete), "a slow client may be the cause")),
        ..ROW
    },
    Row {
        what: "4xx to an upload",
        asks: Asks::SlowPost,
        status: 413,
        because: "an upstream need not read a body that it refuses",
        cut_off: Some((Success, "it answered, then closed: RFC 9113, 8.1")),
        ..ROW
    },
    Row {
        what: "429",
        status: 429,
        answer: &[("retry-after", "600")],
        counts_as: Ignored(RateLimited),
        because: "about the client that sent too much; its `Retry-After` is for that client",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "429 that `failures.statuses` names",
        config: r#"{"breaker":{"failures":{"statuses":[429,"502-504"]}}}"#,
        status: 429,
        answer: &[("retry-after", "600")],
        counts_as: Failure,
        because: "so configured; its `Retry-After` still sets no open time",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "a 5xx that `failures.statuses` does not name",
        status: 500,
        because: "an error of one page, unless configured",
        ..ROW
    },
    Row {
        what: "a status of `failures.statuses`",
        status: 502,
        counts_as: Failure,
        because: "so configured",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "the same with a JSON or XML body",
        status: 502,
        answer: &[("content-type", "application/json"), ("content-length", "10")],
        counts_as: Failure,
        because: "programs get the error as it is, but it is an error",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "503 with `Retry-After`",
        status: 503,
        answer: &[("retry-after", "3")],
        counts_as: Overloaded,
        because: "the upstream lives and has too much to do",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "a status of `failures.statuses`, kept by `upstream_body: keep`",
        config: r#"{"intercept":{"upstream_body":"keep"}}"#,
        status: 503,
        answer: &[("content-type", "text/html"), ("retry-after", "60")],
        needs_body: true,
        counts_as: Ignored(Meant),
        because: "the configuration says that such pages are meant",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "a page of another Tidegate, further in",
        status: 503,
        answer: &[("x-tidegate-page", "dns_error"), ("content-type", "text/html")],
        counts_as: Ignored(Meant),
        because: "the other one decides",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "a status of `failures.statuses` before the upload was complete",
        asks: Asks::SlowPost,
        status: 503,
        counts_as: Ignored(RequestIncomplete),
        because: "a slow client may be the cause",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "no connection: refused, timed out, TLS, DNS",
        asks: Asks::SlowPost,
        details: "upstream_reset_before_response_started{remote_connection_failure}",
        status: 503,
        counts_as: Failure,
        because: "the upstream accepts no connection, whatever the request",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "closed or reset without a response",
        asks: Asks::Post,
        details: "upstream_reset_before_response_started{connection_termination}",
        status: 503,
        counts_as: Failure,
        because: NO_RESPONSE,
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "the same before the upload was complete",
        asks: Asks::SlowPost,
        details: "upstream_reset_before_response_started{connection_termination}",
        status: 503,
        counts_as: Ignored(RequestIncomplete),
        because: "upstreams close on slow and on refused uploads",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "timed out by Envoy's route",
        headers: &[("x-envoy-upstream-rq-timeout-ms", "60000")],
        details: "response_timeout",
        status: 504,
        waited_ms: 5_000,
        counts_as: Failure,
        because: NO_RESPONSE,
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "timed out at a deadline that the request's headers set, within a second",
        headers: &[("x-envoy-upstream-rq-timeout-ms", "1")],
        details: "response_timeout",
        status: 504,
        waited_ms: 3,
        counts_as: Ignored(ClientDeadline),
        because: "any upstream is too slow for a client that does not wait",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "the same after a second or more",
        asks: Asks::Grpc,
        headers: &[("grpc-timeout", "2S")],
        details: "max_duration_timeout",
        status: 504,
        waited_ms: 2_004,
        counts_as: Abandoned(ClientDeadline),
        because: "one says nothing; many, on a route that usually answers at once, are a sign of an upstream that hangs",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "a limit of Envoy: connections, pending requests, overload",
        details: "upstream_reset_before_response_started{overflow}",
        status: 503,
        counts_as: Ignored(EnvoyLimit),
        because: "the upstream was not asked",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "no host, no cluster, no route",
        details: "no_healthy_upstream",
        status: 503,
        counts_as: Ignored(NoUpstream),
        because: "Envoy itself knows when there is a host again",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "a reply of another filter, or of the route itself",
        details: "fault_filter_abort",
        status: 503,
        counts_as: Ignored(OtherReply),
        because: "the upstream was not asked",
        cut_off: DECIDED,
        ..ROW
    },
    Row {
        what: "gRPC: OK and all other statuses",
        trailers: Some("13"),
        because: "a service that reports an error of its own works",
        ..GRPC
    },
    Row {
        what: "gRPC: UNAVAILABLE (14), DEADLINE_EXCEEDED (4)",
        trailers: Some("14"),
        counts_as: Failure,
        because: "the service, or what it needs, does not answer",
        ..GRPC
    },
    Row {
        what: "gRPC: DEADLINE_EXCEEDED (4) at the client's own deadline",
        headers: &[("grpc-timeout", "300m")],
        trailers: Some("4"),
        counts_as: Ignored(ClientDeadline),
        because: "any service is too slow for a client that does not wait",
        ..GRPC
    },
    Row {
        what: "gRPC: RESOURCE_EXHAUSTED (8)",
        trailers: Some("8"),
        counts_as: Ignored(RateLimited),
        because: "what 429 is in HTTP; a failure if `failures.statuses` names 429",
        ..GRPC
    },
];

/// A row without a response.
pub(super) struct NoResponse {
    pub(super) what: &'static str,
    pub(super) asks: Asks,
    pub(super) details: &'static str,
    pub(super) waited_ms: u64,
    pub(super) counts_as: Want,
    pub(super) because: &'static str,
}

pub(super) const NO_RESPONSE_TABLE: &[NoResponse] = &[
    NoResponse {
        what: "the client leaves within a second",
        asks: Asks::Get,
        details: "downstream_remote_disconnect",
        waited_ms: 999,
        counts_as: Ignored(ClientLeft),
        because: "it was impatient",
    },
    NoResponse {
        what: "the client leaves later",
        asks: Asks::Get,
        details: "downstream_remote_disconnect",
        waited_ms: 1_000,
        counts_as: Abandoned(ClientLeft),
        because: "as with a deadline: many are a sign of an upstream that hangs",
    },
    NoResponse {
        what: "a gRPC client resets the call at its deadline",
        asks: Asks::Grpc,
        details: "http2.remote_reset",
        waited_ms: 2_000,
        counts_as: Abandoned(ClientLeft),
        because: "the same",
    },
    NoResponse {
        what: "the client leaves in the middle of its upload",
        asks: Asks::SlowPost,
        details: "downstream_remote_disconnect",
        waited_ms: 5_000,
        counts_as: Ignored(ClientLeft),
        because: "it did not wait for the upstream",
    },
    NoResponse {
        what: "a redirect that Envoy follows itself to another route",
        asks: Asks::Get,
        details: "internal_redirect",
        waited_ms: 5,
        counts_as: Success,
        because: ANSWERED,
    },
];

impl Row {
    /// Returns what the row counts as, and why.
    pub(super) fn cell(&self, mark: Mark, end: End) -> (Want, &'static str) {
        let is_whole = (self.counts_as, self.because);
        // Only what begins well can still go wrong.
        let begins_well = self.counts_as == Success || self.trailers.is_some();
        let by_end = match end {
            End::Whole => is_whole,
            End::CutOff => match self.cut_off {
                Some((Nothing, _)) => is_whole,
                Some(cell) => cell,
                None => (Failure, "the upstream did not finish its response"),
            },
            End::ClientLeaves if begins_well => (Nothing, "the client did not wait for the rest"),
            End::ClientLeaves => is_whole,
        };
        let is_bad = matches!(by_end.0, Failure | Overloaded);
        match mark {
            Mark::Plain => by_end,
            // Only the headers of a response that may be a failure are read; Envoy's own responses
            // and an incomplete one mean nothing.
            Mark::OptedOut if self.details != "via_upstream" || begins_well => by_end,
            Mark::OptedOut if is_bad || by_end.0 == Ignored(RequestIncomplete) => (
                Ignored(Meant),
                "the upstream says that its response is meant",
            ),
            Mark::OptedOut => by_end,
            Mark::Skipped if is_bad => (Ignored(Skipped), "the configuration skips it"),
            Mark::Skipped => (Nothing, "the configuration skips it, and nothing is wrong"),
        }
    }
}

pub(super) const MARKS: [Mark; 3] = [Mark::Plain, Mark::OptedOut, Mark::Skipped];
pub(super) const ENDS: [End; 3] = [End::Whole, End::CutOff, End::ClientLeaves];

pub(super) fn cells() -> impl Iterator<Item = (&'static Row, Mark, End)> {
    let of_row = |row| {
        MARKS
            .into_iter()
            .flat_map(move |m| ENDS.map(|end| (row, m, end)))
    };
    TABLE.iter().flat_map(of_row)
}
