//! Stories of requests and their route's breaker.

use super::tests::TestWorker;
use super::*;
use crate::config::Config;

const NOW_MS: u64 = 1_795_413_600_000;
const REFUSED: &[u8] = b"upstream_reset_before_response_started{remote_connection_failure}";

/// One worker with its store and a clock.
struct World {
    gate: Gate,
    worker: TestWorker,
    now_ms: u64,
}

impl World {
    fn new(json: &str) -> Self {
        let gate = Gate::new(Config::from_json(json.as_bytes()).unwrap());
        let worker = TestWorker::new(&gate);
        Self {
            gate,
            worker,
            now_ms: NOW_MS,
        }
    }

    fn at(&self) -> Moment {
        // Draws less than 1 %: nothing is lengthened by chance, and every ramp admits.
        let now = Timestamp::from_millis(self.now_ms);
        let mut seed = 0_u64;
        loop {
            let rng = SplitMix64::new(seed);
            if crate::rng::Rng::unit(&mut rng.clone()) < 0.01 {
                return Moment { now, rng };
            }
            seed += 1;
        }
    }

    fn begin(&mut self, headers: &[(&str, &str)]) -> (Exchange, Option<Reply>) {
        let mut all = vec![
            (":method", "GET"),
            (":path", "/a"),
            ("accept", "application/json"),
        ];
        // The first of a name is the one that counts.
        all.splice(0..0, headers.iter().copied());
        let mut exchange = Exchange::default();
        let request = HeaderBlock::from_pairs(&all);
        let at = self.at();
        let mut breakers = self.worker.breakers();
        let must_be_admitted = exchange.begin(request, &self.gate, &breakers);
        if self.gate.slow_ms().is_some() {
            exchange.began(at.now.as_millis());
        }
        let reply = if must_be_admitted {
            exchange.admit(&self.gate, &mut breakers, &route(), at)
        } else {
            None
        };
        (exchange, reply)
    }

    fn respond(
        &mut self,
        exchange: &mut Exchange,
        status: u16,
        details: &[u8],
        headers: &[(&str, &str)],
    ) -> Verdict {
        if self.gate.slow_ms().is_some() {
            exchange.answered(self.now_ms);
        }
        let look = exchange.saw_status(&self.gate, &mut self.worker.worker, status, false);
        match look {
            Look::Pass => Verdict::Pass,
            Look::Sample => {
                let mut breakers = self.worker.breakers();
                exchange.sample(&self.gate, &mut breakers, &route(), b"");
                Verdict::Pass
            }
            Look::Settle => {
                self.settle(exchange);
                Verdict::Pass
            }
            Look::Inspect => {
                let code = status.to_string();
                let mut all = vec![(":status", code.as_str())];
                all.extend_from_slice(headers);
                let facts = ResponseFacts {
                    status,
                    end_of_stream: false,
                    headers: HeaderBlock::from_pairs(&all),
                    details: details.to_vec(),
                    flags: 0,
                    now_ns: Some(self.now_ms * 1_000_000),
                    route: route(),
                };
                let mut breakers = self.worker.breakers();
                let verdict = exchange.decide(&self.gate, &mut breakers, &facts);
                if exchange.can_settle() {
                    self.settle(exchange);
                }
                verdict
            }
        }
    }

    fn settle(&mut self, exchange: &mut Exchange) {
        let at = self.at();
        let mut breakers = self.worker.breakers();
        exchange.settle(&self.gate, &mut breakers, route, at);
    }

    /// The end of a request, as the adapter sees it.
    fn close(&mut self, exchange: &mut Exchange, details: &[u8]) {
        let must_settle = match exchange.close(&self.gate, &self.worker.worker) {
            Closing::Nothing => false,
            Closing::Settle => true,
            Closing::Details => exchange.broke_off(details),
        };
        if must_settle {
            self.settle(exchange);
        }
    }

    /// A whole request that fails.
    fn fail(&mut self) {
        let (mut exchange, reply) = self.begin(&[]);
        assert_eq!(reply, None);
        self.respond(&mut exchange, 503, REFUSED, &[]);
        self.close(&mut exchange, b"");
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        let mut at = self.at();
        let TestWorker { worker, host } = &mut self.worker;
        worker.tick(host, at.now, &mut at.rng);
    }

    fn report(&mut self) {
        let now = Timestamp::from_millis(self.now_ms);
        let TestWorker { worker, host } = &mut self.worker;
        worker.report(host, now);
    }

    /// What is written to the log.
    fn lines(&mut self) -> Vec<String> {
        let now = Timestamp::from_millis(self.now_ms);
        self.worker.worker.take_event_lines(now)
    }

    /// Failures in the window of the route's breaker; none where nobody knows of it.
    fn failed(&self) -> u32 {
        let view = self.worker.view();
        view.map_or(0, |view| view.window.sum().failed)
    }

    fn state(&self) -> crate::breaker::State {
        self.worker
            .view()
            .map_or(crate::breaker::State::Closed, |view| view.state)
    }
}

impl TestWorker {
    fn view(&self) -> Option<&crate::breaker::CircuitBreaker> {
        let route = &"shop/app".into();
        self.worker.view(CircuitId { route, policy: 0 })
    }
}

fn route() -> RouteFacts {
    RouteFacts {
        route: b"shop".to_vec(),
        cluster: b"app".to_vec(),
        ..RouteFacts::default()
    }
}

fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    let found = reply.headers.iter().find(|(n, _)| n == name);
    std::str::from_utf8(&found.unwrap_or_else(|| panic!("no {name}")).1).unwrap()
}

#[test]
fn an_open_circuit_rejects_with_its_cause_and_the_time_that_remains() {
    let mut world = World::new(r#"{"breaker":{"open":{"jitter":0}},"retry":{"pace":"off"}}"#);
    for _ in 0..20 {
        world.fail();
    }
    let (mut exchange, reply) = world.begin(&[]);
    let reply = reply.expect("rejected");
    assert_eq!(reply.status, 503);
    assert_eq!(
        String::from_utf8_lossy(&reply.details),
        "tidegate_circuit_open{connection_refused}"
    );
    assert_eq!(
        header(&reply, "proxy-status"),
        "gateway; error=circuit_open"
    );
    // Two seconds, and up to a fifth more.
    assert!(["2", "3"].contains(&header(&reply, "retry-after")));
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["tripped_by"], "connection_refused");
    assert_eq!(body["reason"], "circuit_open");
    // Its own answer comes by, and is neither replaced nor counted.
    assert_eq!(
        world.respond(&mut exchange, 503, b"tidegate_circuit_open", &[]),
        Verdict::Pass
    );
    assert_eq!(
        exchange.close(&world.gate, &world.worker.worker),
        Closing::Nothing
    );
}

#[test]
fn a_healthy_request_asks_for_nothing() {
    let mut world = World::new("{}");
    let (mut exchange, reply) = world.begin(&[]);
    assert_eq!(reply, None);
    assert_eq!(world.respond(&mut exchange, 200, b"", &[]), Verdict::Pass);
    exchange.body(true);
    assert_eq!(
        exchange.close(&world.gate, &world.worker.worker),
        Closing::Nothing
    );
    assert_eq!((world.worker.host.reads, world.worker.host.writes), (0, 0));
}

#[test]
fn an_answer_that_broke_off_counts_and_a_client_that_left_does_not() {
    for (details, failures) in [
        (
            &b"upstream_reset_after_response_started{remote_reset}"[..],
            1,
        ),
        (b"downstream_remote_disconnect", 0),
        (b"", 0),
    ] {
        let mut world = World::new("{}");
        let (mut exchange, _) = world.begin(&[]);
        world.respond(&mut exchange, 200, b"", &[]);
        exchange.body(false);
        assert_eq!(
            exchange.close(&world.gate, &world.worker.worker),
            Closing::Details
        );
        world.close(&mut exchange, details);
        world.pass(50);
        assert_eq!(
            world.failed(),
            failures,
            "{}",
            String::from_utf8_lossy(details)
        );
    }
}

#[test]
fn a_probe_whose_client_left_gives_its_permit_back() {
    let mut world = World::new(r#"{"breaker":{"open":{"jitter":0},"probe":{"permits":1}}}"#);
    for _ in 0..20 {
        world.fail();
    }
    world.pass(2_000);
    let (mut left, reply) = world.begin(&[]);
    assert_eq!(reply, None, "the probe");
    assert!(world.begin(&[]).1.is_some(), "one permit");
    world.close(&mut left, b"");
    let (mut next, reply) = world.begin(&[]);
    assert_eq!(reply, None, "the permit came back");
    world.respond(&mut next, 200, b"", &[]);
    assert_eq!(
        world.state(),
        crate::breaker::State::Ramp,
        "at its headers: a stream may be long"
    );
}

#[test]
fn grpc_services_speak_in_headers_or_in_trailers() {
    let grpc = [("content-type", "application/grpc")];
    let mut world = World::new("{}");
    let (mut exchange, _) = world.begin(&grpc);
    world.respond(&mut exchange, 200, b"via_upstream", &[]);
    assert!(exchange.saw_trailers());
    exchange.saw_grpc_status(b"14");
    world.close(&mut exchange, b"");
    assert_eq!(
        world.worker.view().map(|v| v.state),
        Some(crate::breaker::State::Closed)
    );
    world.pass(50);
    assert_eq!(world.failed(), 1);
}

#[test]
fn neutral_and_limited_answers() {
    for (status, details, headers, failed) in [
        (503, &b"no_healthy_upstream"[..], &[][..], 0),
        (
            503,
            b"upstream_reset_before_response_started{overflow}",
            &[],
            0,
        ),
        (503, b"fault_filter_abort", &[], 0),
        (404, b"via_upstream", &[], 0),
        (429, b"via_upstream", &[], 1),
        (503, b"via_upstream", &[("retry-after", "3")], 1),
        (502, b"via_upstream", &[], 1),
    ] {
        let mut world = World::new("{}");
        let (mut exchange, _) = world.begin(&[]);
        world.respond(&mut exchange, status, details, headers);
        exchange.body(true);
        world.close(&mut exchange, b"");
        world.pass(50);
        assert_eq!(
            world.failed(),
            failed,
            "{status} {}",
            String::from_utf8_lossy(details)
        );
    }
}

#[test]
fn maintenance_answers_before_the_upstream() {
    let json = r#"{"routes":[{"name":"shop","match":{"route":"shop"},
        "maintenance":{"until":"2026-11-23T06:10:00Z","message":"Moving house"}}]}"#;
    let mut world = World::new(json);
    let reply = world.begin(&[]).1.expect("rejected");
    assert_eq!(reply.status, 503);
    let after: u64 = header(&reply, "retry-after").parse().unwrap();
    assert!((600..=720).contains(&after), "{after}");
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["reason"], "maintenance");
    assert_eq!(body["detail"], "Moving house");
    assert_eq!(body["until"], "2026-11-23T06:10:00Z");
    world.now_ms += 600_000;
    assert_eq!(world.begin(&[]).1, None, "over");
}

#[test]
fn shadow_and_off_reject_nothing() {
    for json in [
        r#"{"breaker":{"mode":"shadow"}}"#,
        r#"{"breaker":{"mode":"disabled"}}"#,
        r#"{"mode":"shadow"}"#,
        r#"{"mode":"shadow","breaker":{"mode":"forced_open"}}"#,
    ] {
        let mut world = World::new(json);
        for _ in 0..50 {
            world.fail();
        }
    }
    let mut world = World::new(r#"{"breaker":{"mode":"forced_open"}}"#);
    assert!(world.begin(&[]).1.is_some());
}

/// Whole requests that succeed, of which the response headers take so long.
fn take(world: &mut World, many: u32, ms: u64) {
    for _ in 0..many {
        let (mut exchange, reply) = world.begin(&[]);
        assert_eq!(reply, None);
        world.now_ms += ms;
        world.respond(&mut exchange, 200, b"", &[]);
        // The body may take as long as it likes.
        world.now_ms += 60_000;
        exchange.body(true);
        world.now_ms -= 60_000;
        world.close(&mut exchange, b"");
    }
}

#[test]
fn slowness_alone_trips_a_breaker_that_minds_it() {
    let minds = r#"{"breaker":{"failures":{"slow":"100ms"}}}"#;
    for (json, ms, want) in [
        (minds, 101, crate::breaker::State::Open),
        (minds, 100, crate::breaker::State::Closed),
        ("{}", 400, crate::breaker::State::Closed),
    ] {
        let mut world = World::new(json);
        take(&mut world, 20, ms);
        assert_eq!(world.state(), want, "{json} {ms}");
        if want == crate::breaker::State::Open {
            let reply = world.begin(&[]).1.expect("rejected");
            let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!(body["tripped_by"], "http_response_timeout");
        }
    }
}

#[test]
fn what_is_slow_for_another_route_is_looked_at_and_not_counted() {
    let json = r#"{"routes":[{"name":"a","match":{"route":"other"},"breaker":{"failures":{"slow":"10ms"}}}]}"#;
    let mut world = World::new(json);
    take(&mut world, 40, 200);
    assert_eq!(world.state(), crate::breaker::State::Closed);
}

#[test]
fn a_failure_from_before_a_trip_does_not_count_after_it() {
    let mut world = World::new(
        r#"{"breaker":{"open":{"jitter":0},"probe":{"permits":1},"ramp":{"duration":"1s"}}}"#,
    );
    // Nobody looks at the breakers when they begin.
    let mut late: Vec<Exchange> = (0..40).map(|_| world.begin(&[]).0).collect();
    for _ in 0..20 {
        world.fail();
    }
    world.pass(2_000);
    let (mut probe, _) = world.begin(&[]);
    world.respond(&mut probe, 200, b"", &[]);
    world.pass(1_000);
    world.pass(1_000);
    assert_eq!(world.state(), crate::breaker::State::Closed);
    for exchange in &mut late {
        world.respond(exchange, 503, REFUSED, &[]);
        world.close(exchange, b"");
    }
    world.pass(50);
    assert_eq!(world.state(), crate::breaker::State::Closed);
    assert_eq!(world.failed(), 0);
}

/// A worker that knows nothing of a route has it take one request a second.
#[test]
fn everybody_gets_a_slot_of_his_own() {
    let mut world = World::new("{}");
    let mut told = Vec::new();
    for _ in 0..4 {
        let (mut exchange, _) = world.begin(&[]);
        let verdict = world.respond(&mut exchange, 503, REFUSED, &[]);
        let Verdict::Rewrite(headers, _) = verdict else {
            panic!("{verdict:?}")
        };
        let hint = headers.get("retry-after").unwrap().to_vec();
        told.push(String::from_utf8(hint).unwrap());
    }
    assert_eq!(told, ["10", "11", "12", "13"]);
}

#[test]
fn who_says_that_he_came_back_is_counted_where_somebody_is_awaited() {
    let mut world = World::new("{}");
    let kept = |world: &mut World, headers: &[(&str, &str)], status: u16| {
        world.pass(1_000);
        let (mut exchange, _) = world.begin(headers);
        world.respond(&mut exchange, status, REFUSED, &[]);
        world.close(&mut exchange, b"");
        world.report();
        let found = world
            .worker
            .host
            .metrics
            .get("tidegate.hints_kept.route.shop/app");
        found.copied().unwrap_or(0)
    };
    let back = [(BACK_HEADER, "1")];
    assert_eq!(kept(&mut world, &back, 200), 0, "nobody was told anything");
    assert_eq!(kept(&mut world, &[], 503), 0);
    assert_eq!(kept(&mut world, &[], 200), 0, "does not say so");
    assert_eq!(kept(&mut world, &back, 503), 0, "did not get through");
    assert_eq!(kept(&mut world, &back, 404), 1);
    let grpc = [("grpc-previous-rpc-attempts", "1")];
    assert_eq!(kept(&mut world, &grpc, 200), 2);
    world.pass(120_000);
    assert_eq!(kept(&mut world, &back, 200), 2, "long ago");
    let told = world
        .worker
        .host
        .metrics
        .get("tidegate.hints_given.route.shop/app");
    assert_eq!(told, Some(&2));
}

#[test]
fn answers_are_counted_by_reason_and_format() {
    let mut world =
        World::new(r#"{"routes":[{"name":"s","match":{"path_prefix":"/s"},"mode":"shadow"}]}"#);
    for (path, times) in [("/a", 3), ("/s", 2)] {
        for _ in 0..times {
            let (mut exchange, _) = world.begin(&[(":path", path)]);
            world.respond(&mut exchange, 503, REFUSED, &[("x-release", "v2")]);
            world.close(&mut exchange, b"");
        }
    }
    world.report();
    let metrics: Vec<String> = world
        .worker
        .host
        .metrics
        .iter()
        .map(|(k, v)| format!("{k} {v}"))
        .collect();
    assert_eq!(
        metrics,
        [
            "tidegate.breaker.admitted_percent.route.shop/app 100",
            "tidegate.breaker.state.route.shop/app 0",
            "tidegate.hints_given.route.shop/app 3",
            "tidegate.intercepted.reason.connection_refused.route.shop/app 3",
            "tidegate.replies.format.problem 3",
            "tidegate.would_intercept.reason.connection_refused.route.shop/app 2",
        ]
    );
    let lines = world.lines();
    assert_eq!(
        lines,
        [
            r#"{"event":"intercepted","route":"shop/app","reason":"connection_refused","count":3}"#,
            r#"{"event":"would_intercept","route":"shop/app","reason":"connection_refused","count":2}"#,
        ]
    );
}

#[test]
fn a_policy_that_is_not_there_is_said_once() {
    let mut world = World::new("{}");
    let names = HeaderBlock::from_pairs(&[("policy", "gone")]);
    for _ in 0..3 {
        let (mut exchange, _) = world.begin(&[]);
        world.respond(&mut exchange, 200, b"", &[]);
        exchange.body(true);
        let at = world.at();
        let mut breakers = world.worker.breakers();
        let facts = || RouteFacts {
            metadata: names.clone(),
            ..route()
        };
        exchange.settle(&world.gate, &mut breakers, facts, at);
    }
    assert_eq!(
        world.lines(),
        [r#"{"event":"unknown_name","route":"shop/app"}"#]
    );
}

#[test]
fn what_a_shadow_would_reject_is_counted_so() {
    let mut world = World::new(r#"{"mode":"shadow","breaker":{"open":{"jitter":0}}}"#);
    for _ in 0..20 {
        world.fail();
    }
    let (_, reply) = world.begin(&[]);
    assert_eq!(reply, None);
    world.report();
    assert_eq!(
        world
            .worker
            .host
            .breaker_metric("would_reject.route.shop/app"),
        1
    );
    assert_eq!(
        world.worker.host.breaker_metric("rejected.route.shop/app"),
        0
    );
    let reason = "tidegate.would_intercept.reason.circuit_open.route.shop/app";
    assert_eq!(world.worker.host.metrics.get(reason), Some(&1));
}
