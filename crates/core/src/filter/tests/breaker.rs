//! Requests and the circuit of their route.

mod check_ins;
mod deadlines;
mod uploads;

use std::collections::BTreeSet;

use super::*;
use crate::breaker::State;
use crate::worker::CircuitId;

impl World {
    /// Begins a request that accepts JSON; the first header of a name counts.
    fn begin(&mut self, headers: &[(&str, &str)]) -> (Filter, Option<LocalReply>) {
        let mut all = headers.to_vec();
        all.extend([
            (":method", "GET"),
            (":path", "/a"),
            ("accept", "application/json"),
        ]);
        let (filter, action) = self.begin_with(HeaderBlock::from_pairs(&all));
        match action {
            RequestAction::Continue => (filter, None),
            RequestAction::SendLocalReply(reply) => (filter, Some(reply)),
        }
    }

    /// Sends a response with a body to come.
    fn respond(
        &mut self,
        filter: &mut Filter,
        status: u16,
        details: &[u8],
        headers: &[(&str, &str)],
    ) -> ResponseAction {
        self.respond_with(filter, response(status, headers), false, details)
    }

    /// Plays a request that fails.
    fn fail(&mut self) {
        let (mut filter, reply) = self.begin(&[]);
        assert_eq!(reply, None);
        self.respond(&mut filter, 503, REFUSED, &[]);
        self.end(&mut filter, b"");
    }

    /// Lets the circuit open: ten failures in a row, which last for a second.
    fn trip(&mut self) {
        for _ in 0..9 {
            self.fail();
        }
        self.tick(1_000);
        self.fail();
    }

    /// Failures in the window of the route's circuit; 0 if it is not known.
    fn failed(&self) -> u32 {
        let route = "shop/app".into();
        let view = self.worker.view(CircuitId {
            route: &route,
            policy: 0,
        });
        view.map_or(0, |view| view.route.window.sum().failed)
    }

    fn circuit(&self) -> State {
        let route = "shop/app".into();
        self.worker.state(CircuitId {
            route: &route,
            policy: 0,
        })
    }
}

fn header<'a>(reply: &'a LocalReply, name: &str) -> &'a str {
    let found = reply.headers.iter().find(|(n, _)| n == name);
    std::str::from_utf8(&found.unwrap_or_else(|| panic!("no {name}")).1).unwrap()
}

#[test]
fn an_open_circuit_rejects_with_its_cause_and_the_remaining_time() {
    let mut world = World::new(r#"{"breaker":{"open":{"jitter":0}}}"#);
    world.trip();
    let (mut filter, reply) = world.begin(&[]);
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
    assert_eq!(header(&reply, "retry-after"), "2");
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["tripped_by"], "connection_refused");
    assert_eq!(body["reason"], "circuit_open");
    // The filter's own response is neither replaced nor counted.
    assert_eq!(
        world.respond(&mut filter, 503, b"tidegate_circuit_open", &[]),
        ResponseAction::Continue
    );
    assert!(filter.is_recorded);
}

#[test]
fn a_healthy_request_reads_its_headers_and_its_status_and_nothing_else() {
    let mut world = World::new("{}");
    let (mut filter, reply) = world.begin(&[]);
    assert_eq!(reply, None);
    assert_eq!(
        world.respond(&mut filter, 200, b"", &[]),
        ResponseAction::Continue
    );
    filter.on_response_body(1, true);
    world.end(&mut filter, b"");
    assert_eq!(world.host.reads, ["Request", "Response :status"]);
    assert_eq!((world.host.shared_reads, world.host.shared_writes), (0, 0));
}

#[test]
fn an_incomplete_response_counts_unless_the_client_left() {
    for (details, failures) in [
        (
            &b"upstream_reset_after_response_started{remote_reset}"[..],
            1,
        ),
        (b"downstream_remote_disconnect", 0),
        (b"", 0),
    ] {
        let mut world = World::new("{}");
        let (mut filter, _) = world.begin(&[]);
        world.respond(&mut filter, 200, b"", &[]);
        filter.on_response_body(1, false);
        world.end(&mut filter, details);
        let reason = world.host.filter_state.get("tidegate.reason");
        let want = (failures > 0).then_some("http_response_incomplete");
        assert_eq!(reason.map(String::as_str), want);
        world.tick(50);
        assert_eq!(
            world.failed(),
            failures,
            "{}",
            String::from_utf8_lossy(details)
        );
    }
}

#[test]
fn a_probe_whose_client_left_returns_its_permit() {
    let mut world = World::new(r#"{"breaker":{"open":{"jitter":0},"probe":{"permits":1}}}"#);
    world.trip();
    world.tick(2_000);
    let (mut left, reply) = world.begin(&[]);
    assert_eq!(reply, None, "the probe");
    assert!(world.begin(&[]).1.is_some(), "one permit");
    world.end(&mut left, b"");
    let (mut next, reply) = world.begin(&[]);
    assert_eq!(reply, None, "the permit came back");
    world.respond(&mut next, 200, b"", &[]);
    assert_eq!(
        world.circuit(),
        State::Ramp,
        "at its headers: a stream may be long"
    );
}

#[test]
fn what_is_skipped_passes_whatever_the_circuit_says() {
    let skip = r#""intercept":{"skip":{"paths":["/.well-known/*"],"hosts":["status.example"]}}"#;
    let paths = [(":path", "/.well-known/x"), (":authority", "shop.example")];
    let hosts = [(":path", "/a"), (":authority", "status.example")];
    let forced = format!(r#"{{{skip},"breaker":{{"mode":"forced_open"}}}}"#);
    let mut world = World::new(&forced);
    assert!(world.begin(&[]).1.is_some());
    for skipped in [&paths, &hosts] {
        assert_eq!(world.begin(skipped).1, None);
    }
    let closed = format!(r#"{{{skip},"breaker":{{"open":{{"jitter":0}}}}}}"#);
    let mut world = World::new(&closed);
    world.trip();
    for _ in 0..50 {
        for skipped in [&paths, &hosts] {
            let (mut filter, reply) = world.begin(skipped);
            assert_eq!(reply, None);
            let passes = world.respond(&mut filter, 503, VIA, &[("retry-after", "60")]);
            assert_eq!(passes, ResponseAction::Continue);
            world.end(&mut filter, VIA);
        }
    }
    assert_eq!(world.circuit(), State::Open);
    world.tick(2_000);
    assert_eq!(world.circuit(), State::HalfOpen);
    assert_eq!(world.begin(&paths).1, None, "is no probe");
    assert_eq!(world.begin(&[]).1, None, "is one");
}

#[test]
fn a_grpc_status_in_the_trailers_counts() {
    let grpc = [("content-type", "application/grpc")];
    let mut world = World::new("{}");
    let (mut filter, _) = world.begin(&grpc);
    world.respond(&mut filter, 200, b"via_upstream", &[]);
    world.host.trailers = HeaderBlock::from_pairs(&[("grpc-status", "14")]);
    assert!(
        !filter.on_response_trailers(&mut world.host, &world.worker),
        "they pass"
    );
    world.end(&mut filter, b"");
    assert_eq!(world.circuit(), State::Closed);
    world.tick(50);
    assert_eq!(world.failed(), 1);
}

#[test]
fn only_failures_of_the_upstream_count() {
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
        (429, b"via_upstream", &[("retry-after", "600")], 0),
        (503, b"via_upstream", &[("retry-after", "3")], 1),
        (502, b"via_upstream", &[], 1),
    ] {
        let mut world = World::new("{}");
        let (mut filter, _) = world.begin(&[]);
        world.respond(&mut filter, status, details, headers);
        filter.on_response_body(1, true);
        world.end(&mut filter, b"");
        world.tick(50);
        assert_eq!(
            world.failed(),
            failed,
            "{status} {}",
            String::from_utf8_lossy(details)
        );
    }
}

#[test]
fn maintenance_rejects_until_it_ends() {
    let json = r#"{"routes":[{"name":"shop","match":{"route":"shop"},
        "maintenance":{"until":"2026-11-23T06:10:00Z","message":"Moving house"}}],
        "retry":{"max":"15m"}}"#;
    let mut world = World::new(json);
    let reply = world.begin(&[]).1.expect("rejected");
    assert_eq!(reply.status, 503);
    let after: u64 = header(&reply, "retry-after").parse().unwrap();
    // A hundredth of the time later at most.
    assert!((600..=606).contains(&after), "{after}");
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["reason"], "maintenance");
    assert_eq!(body["detail"], "Moving house");
    assert_eq!(body["until"], "2026-11-23T06:10:00Z");
    assert_eq!(body["retry_after"], after);
    // However long it takes, the page checks in: that costs the upstream nothing.
    let check_in = world.begin_with(request("HEAD", &[(RETRY_HEADER, "1")])).1;
    let RequestAction::SendLocalReply(reply) = check_in else {
        panic!("{check_in:?}")
    };
    assert_eq!(header(&reply, "x-tidegate-gate"), "wait");
    world.advance(600_000);
    assert_eq!(world.begin(&[]).1, None, "over");
}

#[test]
fn shadow_and_disabled_breakers_reject_nothing() {
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

/// Requests that succeed, whose response headers take this long.
fn take(world: &mut World, many: u32, ms: u64) {
    for _ in 0..many {
        let (mut filter, reply) = world.begin(&[]);
        assert_eq!(reply, None);
        world.advance(ms);
        world.respond(&mut filter, 200, b"", &[]);
        // Only the time up to the headers counts.
        let headers_came = world.host.now;
        world.advance(60_000);
        filter.on_response_body(1, true);
        world.host.now = headers_came;
        world.end(&mut filter, b"");
    }
}

#[test]
fn slow_responses_alone_open_a_circuit_if_so_configured() {
    let minds = r#"{"breaker":{"failures":{"slow":"100ms"},"consecutive":{"for":"0s"}}}"#;
    for (json, ms, want) in [
        (minds, 101, State::Open),
        (minds, 100, State::Closed),
        ("{}", 400, State::Closed),
    ] {
        let mut world = World::new(json);
        take(&mut world, 20, ms);
        assert_eq!(world.circuit(), want, "{json} {ms}");
        if want == State::Open {
            let reply = world.begin(&[]).1.expect("rejected");
            let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!(body["tripped_by"], "http_response_timeout");
        }
    }
}

#[test]
fn a_request_that_is_slow_by_another_policy_does_not_count() {
    let json = r#"{"routes":[{"name":"a","match":{"route":"other"},"breaker":{"failures":{"slow":"10ms"}}}]}"#;
    let mut world = World::new(json);
    take(&mut world, 40, 200);
    assert_eq!(world.circuit(), State::Closed);
}

#[test]
fn a_failure_of_a_request_from_before_a_trip_does_not_count_after_it() {
    let mut world = World::new(
        r#"{"breaker":{"open":{"jitter":0},"probe":{"permits":1},"ramp":{"duration":"1s"}}}"#,
    );
    // They begin while no circuit is tracked.
    let mut late: Vec<Filter> = (0..40).map(|_| world.begin(&[]).0).collect();
    world.trip();
    world.tick(2_000);
    let (mut probe, _) = world.begin(&[]);
    world.respond(&mut probe, 200, b"", &[]);
    for _ in 0..3 {
        world.tick(1_000);
    }
    assert_eq!(world.circuit(), State::Closed);
    let before = world.failed();
    for filter in &mut late {
        world.respond(filter, 503, REFUSED, &[]);
        world.end(filter, b"");
    }
    world.tick(50);
    assert_eq!(world.circuit(), State::Closed);
    assert_eq!(world.failed(), before);
}

#[test]
fn clients_that_fail_at_the_same_time_are_told_different_times() {
    let mut world = World::new("{}");
    let mut hints = BTreeSet::new();
    for n in 0..20 {
        let id = format!("request-{n}");
        let (mut filter, _) = world.begin(&[("x-request-id", &id)]);
        world.respond(&mut filter, 503, REFUSED, &[]);
        let ms = world.host.filter_state["tidegate.hint_ms"].parse().unwrap();
        assert!((3_000..=5_000_u64).contains(&ms), "{ms}");
        hints.insert(ms);
    }
    assert!(hints.len() > 15, "{hints:?}");
}

#[test]
fn a_returning_client_that_succeeds_is_counted_while_a_hint_is_outstanding() {
    let mut world = World::new("{}");
    let kept = |world: &mut World, headers: &[(&str, &str)], status: u16| {
        world.tick(1_000);
        let (mut filter, _) = world.begin(headers);
        world.respond(&mut filter, status, REFUSED, &[]);
        world.end(&mut filter, b"");
        world.metric("tidegate.hints_kept.route.shop/app")
    };
    let returning = [(RETRY_HEADER, "1")];
    assert_eq!(kept(&mut world, &returning, 200), 0, "no hint was given");
    assert_eq!(kept(&mut world, &[], 503), 0);
    assert_eq!(kept(&mut world, &[], 200), 0, "does not say so");
    assert_eq!(kept(&mut world, &returning, 503), 0, "failed again");
    assert_eq!(kept(&mut world, &returning, 404), 1);
    let grpc = [("grpc-previous-rpc-attempts", "1")];
    assert_eq!(kept(&mut world, &grpc, 200), 2);
    world.tick(120_000);
    assert_eq!(kept(&mut world, &returning, 200), 2, "long ago");
    assert_eq!(world.metric("tidegate.hints_given.route.shop/app"), 2);
}

#[test]
fn interceptions_are_counted_by_reason_and_replies_by_format() {
    let mut world =
        World::new(r#"{"routes":[{"name":"s","match":{"path_prefix":"/s"},"mode":"shadow"}]}"#);
    for (path, times) in [("/a", 3), ("/s", 2)] {
        for _ in 0..times {
            let (mut filter, _) = world.begin(&[(":path", path)]);
            world.respond(&mut filter, 503, REFUSED, &[("x-release", "v2")]);
            world.end(&mut filter, b"");
        }
    }
    world.metric("");
    let metrics = world.host.metrics.iter();
    let metrics: Vec<String> = metrics.map(|(k, v)| format!("{k} {v}")).collect();
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
    assert_eq!(
        world.take_events(),
        [
            r#"{"event":"intercepted","route":"shop/app","reason":"connection_refused","count":3}"#,
            r#"{"event":"would_intercept","route":"shop/app","reason":"connection_refused","count":2}"#,
        ]
    );
}

#[test]
fn an_unknown_policy_name_is_logged_once() {
    let mut world = World::new("{}");
    let names = HeaderBlock::from_pairs(&[("policy", "gone")]);
    let path = "xds.route_metadata.filter_metadata.tidegate".to_owned();
    let metadata = names.as_wire().to_vec();
    world.host.attributes.insert(path, metadata);
    for _ in 0..3 {
        let (mut filter, _) = world.begin(&[]);
        // Recorded, and not intercepted.
        world.respond(&mut filter, 429, b"via_upstream", &[]);
        filter.on_response_body(1, true);
        world.end(&mut filter, b"");
    }
    assert_eq!(
        world.take_events(),
        [r#"{"event":"unknown_name","route":"shop/app"}"#]
    );
    assert_eq!(world.metric("tidegate.breaker.unknown_name"), 3);
}

#[test]
fn rejections_in_shadow_mode_are_counted_as_would_reject() {
    let mut world = World::new(r#"{"mode":"shadow","breaker":{"open":{"jitter":0}}}"#);
    world.trip();
    let (_, reply) = world.begin(&[]);
    assert_eq!(reply, None);
    let breaker = |name: &str| format!("tidegate.breaker.{name}.route.shop/app");
    assert_eq!(world.metric(&breaker("would_reject")), 1);
    assert_eq!(world.metric(&breaker("rejected")), 0);
    let reason = "tidegate.would_intercept.reason.circuit_open.route.shop/app";
    assert_eq!(world.metric(reason), 1);
}
