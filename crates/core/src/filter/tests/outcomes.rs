//! What counts: every kind of answer, marked or not, whole, cut off or left by its client.
//!
//! The table is also in docs/breaker.md, in the same words.

use super::*;
use crate::breaker::{CircuitBreaker, Neutral, State};
use crate::worker::CircuitId;

/// What a request counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
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
    fn in_words(self) -> &'static str {
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
enum Asks {
    Get,
    /// A POST of 1,000 bytes that was sent completely.
    Post,
    /// The same, of which 990 bytes have come so far.
    SlowPost,
    Grpc,
}

/// How a response ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    CutOff,
    ClientLeaves,
}

/// What else is known of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Plain,
    OptedOut,
    Skipped,
}

struct Row {
    what: &'static str,
    asks: Asks,
    /// Of the request.
    headers: &'static [(&'static str, &'static str)],
    config: &'static str,
    /// Who answered: `response.code_details`.
    details: &'static str,
    status: u16,
    answer: &'static [(&'static str, &'static str)],
    /// `grpc-status` of the trailers.
    trailers: Option<&'static str>,
    waited_ms: u64,
    /// Whether it is about the body: without one the row does not apply.
    needs_body: bool,
    counts_as: Want,
    because: &'static str,
    /// If it is cut off: like each response that is, unless said here.
    cut_off: Option<(Want, &'static str)>,
}

const ROW: Row = Row {
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

const GRPC: Row = Row {
    asks: Asks::Grpc,
    answer: &[("content-type", "application/grpc")],
    ..ROW
};

const DECIDED: Option<(Want, &str)> = Some((Nothing, "decided at the response headers"));
const ANSWERED: &str = "an upstream that answers is alive";
const NO_RESPONSE: &str = "the upstream gave no response";

const TABLE: &[Row] = &[
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
struct NoResponse {
    what: &'static str,
    asks: Asks,
    details: &'static str,
    waited_ms: u64,
    counts_as: Want,
    because: &'static str,
}

const NO_RESPONSE_TABLE: &[NoResponse] = &[
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
    fn cell(&self, mark: Mark, end: End) -> (Want, &'static str) {
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

const PATH: &str = "/a";

fn request_of(asks: Asks, more: &[(&str, &str)]) -> HeaderBlock {
    let mut headers: Vec<(&str, &str)> = vec![(":authority", "shop.example"), (":path", PATH)];
    match asks {
        Asks::Get => headers.push((":method", "GET")),
        Asks::Post | Asks::SlowPost => {
            headers.extend([(":method", "POST"), ("content-length", "1000")]);
        }
        Asks::Grpc => {
            headers.extend([(":method", "POST"), ("content-type", "application/grpc")]);
        }
    }
    headers.extend_from_slice(more);
    HeaderBlock::from_pairs(&headers)
}

impl World {
    fn set_number(&mut self, path: &str, number: u64) {
        let bytes = number.to_le_bytes().to_vec();
        self.host.attributes.insert(path.to_owned(), bytes);
    }

    /// Begins a request that is known to Envoy as such: as in Envoy, its headers are not there in the
    /// response phase, and `request.total_size` has them only while they are.
    fn ask(&mut self, asks: Asks, more: &[(&str, &str)]) -> (Filter, HeaderBlock) {
        let headers = request_of(asks, more);
        let began = self.host.now.unwrap().as_millis() * 1_000_000;
        self.set_number("request.time", began);
        let (filter, action) = self.begin_with(headers.clone());
        assert_eq!(action, RequestAction::Continue);
        self.host.request = HeaderBlock::default();
        self.set_number("request.total_size", received(asks));
        (filter, headers)
    }

    /// Ends a request.
    fn finish(&mut self, filter: &mut Filter, asks: Asks, headers: &HeaderBlock, details: &str) {
        self.host.request = headers.clone();
        let size: usize = headers.iter().map(|(k, v)| k.len() + v.len()).sum();
        self.set_number("request.total_size", received(asks) + size as u64);
        self.end(filter, details.as_bytes());
    }

    /// Plays a row. Returns what was known when the response headers had passed.
    fn play(&mut self, row: &Row, mark: Mark, end: End, end_of_stream: bool) -> State {
        let (mut filter, headers) = self.ask(row.asks, row.headers);
        self.advance(row.waited_ms);
        let mut answer = row.answer.to_vec();
        if mark == Mark::OptedOut {
            answer.push(("x-tidegate", "off"));
        }
        let answer = response(row.status, &answer);
        self.respond_with(&mut filter, answer, end_of_stream, row.details.as_bytes());
        let state = self.state();
        let details = match end {
            End::Whole if end_of_stream => row.details,
            End::Whole => {
                filter.on_response_body(10, row.trailers.is_none());
                if let Some(status) = row.trailers {
                    self.host.trailers = HeaderBlock::from_pairs(&[("grpc-status", status)]);
                    filter.on_response_trailers(&mut self.host, &self.worker);
                }
                row.details
            }
            End::CutOff => "upstream_reset_after_response_started{remote_reset}",
            End::ClientLeaves => "downstream_remote_disconnect",
        };
        self.finish(&mut filter, row.asks, &headers, details);
        state
    }

    fn id<'a>(route: &'a crate::worker::RouteKey) -> CircuitId<'a> {
        CircuitId { route, policy: 0 }
    }

    fn state(&self) -> State {
        self.worker.state(Self::id(&"shop/app".into()))
    }

    fn route_circuit(&mut self) -> CircuitBreaker {
        self.tick(50);
        let route = "shop/app".into();
        let view = self.worker.view(Self::id(&route));
        view.expect("tracked").route.clone()
    }

    /// Returns a world in which one request has just failed: every outcome is counted now.
    fn watched(config: &str, mark: Mark) -> Self {
        let mut world = World::new(&with_mark(config, mark));
        world.learn_deadlines();
        world.fail_at("/other", 1);
        world.tick(50);
        world
    }

    /// Returns a world in which the next request is the only probe, unless its path is skipped.
    fn half_open(config: &str, mark: Mark) -> Self {
        let mut world = World::new(&with_mark(config, mark));
        world.learn_deadlines();
        world.fail_at("/other", 9);
        world.tick(1_000);
        world.fail_at("/other", 1);
        assert_eq!(world.state(), State::Open);
        world.tick(2_000);
        assert_eq!(world.state(), State::HalfOpen);
        // Uploads are probes too, after a second.
        world.tick(1_000);
        world
    }

    fn fail_at(&mut self, path: &str, many: u32) {
        for _ in 0..many {
            let headers = [
                (":method", "GET"),
                (":authority", "shop.example"),
                (":path", path),
            ];
            let (mut filter, _) = self.begin_with(HeaderBlock::from_pairs(&headers));
            self.respond_with(&mut filter, response(503, &[]), false, REFUSED);
            self.end(&mut filter, b"");
        }
    }

    /// Returns the metrics of neutral outcomes: why, and how many.
    fn ignored(&mut self) -> Vec<(String, u64)> {
        self.metric("");
        let metrics = self.host.metrics.iter();
        let of = |(name, n): (&String, &u64)| {
            let why = name.strip_prefix("tidegate.breaker.ignored.why.")?;
            Some((why.strip_suffix(".route.shop/app")?.to_owned(), *n))
        };
        metrics.filter_map(of).collect()
    }

    /// Returns what the worker counted beyond the one failure before.
    fn counted(&mut self) -> Want {
        let circuit = self.route_circuit();
        let (sum, run) = (circuit.window.sum(), circuit.consecutive.count);
        let ignored = self.ignored();
        let why = ignored.first().map(|(why, n)| {
            assert_eq!((ignored.len(), *n), (1, 1));
            let mut all = Neutral::ALL.into_iter();
            all.find(|known| known.as_str() == why).expect("known")
        });
        match (sum.total, sum.failed, run, why) {
            (2, 1, 0, None) => Success,
            (2, 2, 2, None) => Failure,
            (2, 2, 1, None) => Overloaded,
            (1, 1, 1, Some(why)) if circuit.abandoned.count == 0 => Ignored(why),
            (1, 1, 1, Some(why)) => Abandoned(why),
            (1, 1, 1, None) => Nothing,
            other => panic!("{other:?}"),
        }
    }

    /// Lets the route be known to answer at once.
    fn learn_latency(&mut self) {
        self.learn_latencies(std::iter::repeat_n(20, 20));
    }

    fn learn_latencies(&mut self, all_ms: impl IntoIterator<Item = u64>) {
        for ms in all_ms {
            while !self.worker.should_sample() {
                self.tick(50);
            }
            let took = Some(Duration::from_millis(ms));
            self.worker.sample(&"shop/app".into(), b"", took);
        }
    }

    /// Lets the calls of the route be known to have no deadlines, as a rule.
    fn learn_deadlines(&mut self) {
        self.worker.note_deadline(&"shop/app".into(), Duration::MAX);
    }
}

/// Returns the bytes of the request's body that have come.
fn received(asks: Asks) -> u64 {
    match asks {
        Asks::Get | Asks::Grpc => 0,
        Asks::Post => 1_000,
        Asks::SlowPost => 990,
    }
}

/// Returns a configuration with one permit for probes, and with the path skipped if so marked.
fn with_mark(config: &str, mark: Mark) -> String {
    let mut config: serde_json::Value = serde_json::from_str(config).unwrap();
    config["breaker"]["probe"]["permits"] = 1.into();
    config["breaker"]["open"]["jitter"] = 0.into();
    config["breaker"]["scope"] = "route".into();
    if mark == Mark::Skipped {
        config["intercept"]["skip"]["paths"] = vec![PATH].into();
    }
    config.to_string()
}

const MARKS: [Mark; 3] = [Mark::Plain, Mark::OptedOut, Mark::Skipped];
const ENDS: [End; 3] = [End::Whole, End::CutOff, End::ClientLeaves];

fn cells() -> impl Iterator<Item = (&'static Row, Mark, End)> {
    let of_row = |row| {
        MARKS
            .into_iter()
            .flat_map(move |m| ENDS.map(|end| (row, m, end)))
    };
    TABLE.iter().flat_map(of_row)
}

#[test]
fn every_answer_counts_as_the_table_says() {
    for (row, mark, end) in cells() {
        let (want, because) = row.cell(mark, end);
        assert!(!because.is_empty(), "{}", row.what);
        let is_decided_by_headers = end == End::Whole && row.trailers.is_none() && !row.needs_body;
        for end_of_stream in [false, true] {
            if end_of_stream && !is_decided_by_headers {
                continue;
            }
            let mut world = World::watched(row.config, mark);
            world.learn_latency();
            world.fail_at("/other", 0);
            world.play(row, mark, end, end_of_stream);
            let place = format!("{}, {mark:?}, {end:?}, {end_of_stream}", row.what);
            assert_eq!(world.counted(), want, "{place}: {because}");
        }
    }
}

#[test]
fn a_probe_is_settled_at_its_headers_and_fails_again_if_it_is_cut_off() {
    for (row, mark, end) in cells() {
        let (whole, _) = row.cell(mark, End::Whole);
        let (want, _) = row.cell(mark, end);
        let mut world = World::half_open(row.config, mark);
        let at_headers = world.play(row, mark, end, false);
        let place = format!("{}, {mark:?}, {end:?}", row.what);
        let begins_well = whole == Success || row.trailers.is_some();
        let expected = match whole {
            // It is no probe.
            _ if mark == Mark::Skipped => State::HalfOpen,
            _ if begins_well => State::Ramp,
            Failure | Overloaded => State::Open,
            _ => State::HalfOpen,
        };
        assert_eq!(at_headers, expected, "{place}");
        let circuit = world.route_circuit();
        assert_eq!(circuit.state, expected, "{place}");
        let is_late_failure = expected == State::Ramp && want == Failure;
        assert_eq!(circuit.step.failed, u32::from(is_late_failure), "{place}");
        if expected == State::HalfOpen {
            let is_free =
                circuit.may_acquire_probe(&world.config.policy(0).breaker, world.host.now.unwrap());
            assert!(is_free, "{place}: the permit came back");
        }
    }
}

#[test]
fn a_request_without_a_response_counts_as_the_table_says() {
    for row in NO_RESPONSE_TABLE {
        for mark in [Mark::Plain, Mark::Skipped] {
            let mut world = World::watched("{}", mark);
            world.learn_latency();
            let (mut filter, headers) = world.ask(row.asks, &[]);
            world.advance(row.waited_ms);
            world.finish(&mut filter, row.asks, &headers, row.details);
            let want = if mark == Mark::Skipped {
                Nothing
            } else {
                row.counts_as
            };
            let verdict = filter.verdict;
            assert_eq!(world.counted(), want, "{}, {mark:?}: {verdict:?}", row.what);

            let mut world = World::half_open("{}", mark);
            let (mut filter, headers) = world.ask(row.asks, &[]);
            world.advance(row.waited_ms);
            world.finish(&mut filter, row.asks, &headers, row.details);
            let want = if want == Success {
                State::Ramp
            } else {
                State::HalfOpen
            };
            assert_eq!(world.state(), want, "{}, {mark:?}", row.what);
        }
    }
}

#[test]
fn whoever_leaves_after_ten_times_the_median_is_a_sign_if_nearly_all_take_less_than_a_second() {
    for (usually_ms, rarely_ms, waited_ms, is_sign) in [
        // The slow ones are slow enough to be waited for, but they are few.
        (20, 400, 1_000, true),
        (20, 400, 999, false),
        (125, 900, 1_250, true),
        (125, 900, 1_249, false),
        // Some may be long polls.
        (20, 1_100, 30_000, false),
        (20, 20, 1_000, true),
    ] {
        let mut world = World::watched("{}", Mark::Plain);
        let usual = std::iter::repeat_n(usually_ms, 18);
        world.learn_latencies(usual.chain([rarely_ms; 2]));
        let (mut filter, headers) = world.ask(Asks::Get, &[]);
        world.advance(waited_ms);
        let details = "downstream_remote_disconnect";
        world.finish(&mut filter, Asks::Get, &headers, details);
        let counted = world.route_circuit().abandoned.count;
        let place = format!("{usually_ms}, {rarely_ms}: {waited_ms} ms");
        assert_eq!(counted, u32::from(is_sign), "{place}");
    }
}

#[test]
fn retry_after_of_a_429_is_for_its_client_and_that_of_a_503_for_all() {
    let json = r#"{"breaker":{"failures":{"statuses":[429,503]}}}"#;
    for (status, want_s) in [(429, None), (503, Some(30))] {
        let mut world = World::new(json);
        let (mut filter, _) = world.begin_with(request_of(Asks::Get, &[]));
        let answer = response(status, &[("retry-after", "30")]);
        world.respond_with(&mut filter, answer, false, VIA);
        assert_eq!(
            filter.retry_after,
            want_s.map(Duration::from_secs),
            "{status}"
        );
    }
}

/// Returns the table as documentation.
fn documented() -> String {
    let mut lines = vec![
        "| what happened | counts as | because | if it is cut off |".to_owned(),
        "| --- | --- | --- | --- |".to_owned(),
    ];
    for row in TABLE {
        let (what, counts_as, because) = (row.what, row.counts_as.in_words(), row.because);
        let cut_off = match row.cut_off {
            Some((Nothing, _)) => "the same".to_owned(),
            Some((want, because)) => format!("{}: {because}", want.in_words()),
            None => "failure".to_owned(),
        };
        lines.push(format!("| {what} | {counts_as} | {because} | {cut_off} |"));
    }
    for row in NO_RESPONSE_TABLE {
        let (what, counts_as, because) = (row.what, row.counts_as.in_words(), row.because);
        lines.push(format!("| {what} | {counts_as} | {because} | |"));
    }
    lines.join("\n")
}

#[test]
fn the_documentation_has_the_table() {
    let docs = include_str!("../../../../../docs/breaker.md");
    let begin = "<!-- generated: outcomes -->\n";
    let table = docs
        .split(begin)
        .nth(1)
        .and_then(|rest| rest.split("\n<!-- end -->").next());
    let documented = documented();
    assert!(
        table == Some(&documented),
        "docs/breaker.md should have, between the marks:\n{documented}"
    );
}
