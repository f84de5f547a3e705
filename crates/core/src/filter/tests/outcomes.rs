//! What counts: every kind of answer, marked or not, whole, cut off or left by its client.
//!
//! The table is also in docs/breaker.md, in the same words.

mod table;

use super::*;
use crate::breaker::{CircuitBreaker, Neutral, State};
use crate::worker::CircuitId;
use table::Want::{self, *};
use table::{cells, Asks, End, Mark, Row, NO_RESPONSE_TABLE, TABLE};

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
    /// Begins a request that is known to Envoy as such: as in Envoy, its headers are not there in the
    /// response phase, and `request.total_size` has them only while they are.
    fn ask(&mut self, asks: Asks, more: &[(&str, &str)]) -> (Filter, HeaderBlock) {
        let headers = request_of(asks, more);
        self.note_request_time();
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
        assert_eq!(
            circuit.recovery.step.failed,
            u32::from(is_late_failure),
            "{place}"
        );
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
