//! Deadlines: whose they were, and what is usual on a route.

use super::*;

impl World {
    /// Begins a request that is known to Envoy as such.
    fn begin_timed(&mut self, headers: &[(&str, &str)]) -> Filter {
        self.note_request_time();
        self.begin(headers).0
    }

    /// Returns whether a request counts as a failure that ends with a time-out after so long.
    fn times_out(&mut self, headers: &[(&str, &str)], waited_ms: u64, details: &str) -> bool {
        let before = self.failed();
        let mut filter = self.begin_timed(headers);
        self.advance(waited_ms);
        self.respond(&mut filter, 504, details.as_bytes(), &[]);
        self.end(&mut filter, details.as_bytes());
        self.tick(50);
        self.failed() > before
    }

    /// Lets a call with this `grpc-timeout` succeed, and be sampled.
    fn sample_call(&mut self, grpc_timeout: Option<&str>) {
        let key: crate::worker::RouteKey = "shop/app".into();
        let mut headers = vec![GRPC];
        headers.extend(grpc_timeout.map(|value| ("grpc-timeout", value)));
        // Each second call is sampled at the latest.
        for _ in 0..3 {
            let mut filter = self.begin_timed(&headers);
            self.respond(&mut filter, 200, b"", &[]);
            filter.on_response_body(1, true);
            self.end(&mut filter, b"");
            self.tick(50);
        }
        assert!(self.worker.longest_deadline(&key).is_some());
    }
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");

#[test]
fn the_usual_time_to_the_headers_is_learned_from_samples() {
    let mut world = World::new("{}");
    let key: crate::worker::RouteKey = "shop/app".into();
    let mut samples = 0;
    while world.worker.usual_latency(&key).is_none() {
        let mut filter = world.begin_timed(&[]);
        world.advance(100);
        world.host.reads.clear();
        world.respond(&mut filter, 200, b"", &[]);
        samples += u32::from(world.host.reads.contains(&"request.time".to_owned()));
        filter.on_response_body(1, true);
        world.end(&mut filter, b"");
        world.tick(50);
    }
    assert_eq!(samples, 5);
    // Rounded up: 1 s by a power of two.
    let usual = world.worker.usual_latency(&key).unwrap();
    let rounded = Duration::from_millis(125);
    assert_eq!((usual.median, usual.nearly_all), (rounded, rounded));
}

#[test]
fn a_deadline_of_the_clients_own_is_the_cause_if_the_wait_was_as_long() {
    let total = "x-envoy-upstream-rq-timeout-ms";
    let per_try = "x-envoy-upstream-rq-per-try-timeout-ms";
    let stream = "x-envoy-upstream-stream-duration-ms";
    let tried = "upstream_per_try_timeout";
    let timed_out = "response_timeout";
    let reached = "upstream_max_stream_duration_reached";
    for (name, value, waited_ms, details, fails) in [
        (total, "300", 300, timed_out, false),
        (total, "300", 250, timed_out, false),
        (total, "300", 249, timed_out, true),
        (total, "2000", 1_800, timed_out, false),
        (total, "2000", 1_799, timed_out, true),
        // Envoy has one such timer: it was late.
        (total, "1", 400, timed_out, false),
        (per_try, "1", 400, tried, false),
        (stream, "1", 400, reached, false),
        // Another timer, unless it ended at the same time.
        (total, "300", 350, tried, false),
        (total, "300", 351, tried, true),
        (per_try, "300", 351, timed_out, true),
        (stream, "300", 351, timed_out, true),
        // The route's own time-out was shorter.
        (total, "60000", 15_000, timed_out, true),
        (total, "0", 1, timed_out, true),
        (total, "soon", 300, timed_out, true),
        (per_try, "300", 300, timed_out, false),
        (stream, "300", 300, timed_out, false),
        ("grpc-timeout", "300m", 300, timed_out, false),
        ("grpc-timeout", "300m", 350, timed_out, false),
        ("grpc-timeout", "300m", 351, timed_out, true),
        ("grpc-timeout", "300000u", 300, timed_out, false),
        ("grpc-timeout", "300000000n", 300, timed_out, true),
        ("grpc-timeout", "3S", 3_000, timed_out, false),
        ("grpc-timeout", "1M", 60_000, timed_out, false),
        ("grpc-timeout", "1H", 3_600_000, timed_out, false),
        ("grpc-timeout", "300", 300, timed_out, true),
        ("grpc-timeout", "", 300, timed_out, true),
        ("x-other", "300", 300, timed_out, true),
    ] {
        let got = World::new("{}").times_out(&[(name, value)], waited_ms, details);
        assert_eq!(got, fails, "{name}: {value}, {waited_ms} ms, {details}");
    }
}

/// Envoy writes the longest duration of a route into `grpc-timeout` of its calls.
#[test]
fn a_deadline_of_a_call_is_the_clients_own_if_calls_of_the_route_may_last_twice_as_long() {
    for (lately, grpc_timeout, waited_ms, fails) in [
        // The route's own duration.
        (&[Some("1500m")][..], "1500m", 1_500, true),
        (&[Some("200m")], "200m", 200, true),
        (&[Some("1500m"), Some("1m")], "1500m", 1_500, true),
        (&[Some("1500m"), Some("1m")], "751m", 751, true),
        (&[Some("1500m"), Some("1m")], "750m", 750, false),
        (&[Some("1m"), Some("1500m")], "1m", 1, false),
        // Envoy says which timer it was: it was late.
        (&[Some("1500m")], "1m", 400, false),
        (&[Some("1500m")], "750m", 600, true),
        // A call without: the route has no duration.
        (&[None, Some("300m")], "300m", 300, false),
        (&[None], "30S", 30_000, false),
        // Nothing is known of the route.
        (&[], "500m", 500, false),
        (&[], "501m", 501, true),
        (&[], "1500m", 1_500, true),
    ] {
        let mut world = World::new("{}");
        for deadline in lately {
            world.sample_call(*deadline);
        }
        let headers = [GRPC, ("grpc-timeout", grpc_timeout)];
        let got = world.times_out(&headers, waited_ms, "max_duration_timeout");
        assert_eq!(got, fails, "{lately:?}: {grpc_timeout}, {waited_ms} ms");
    }
}

#[test]
fn what_fails_does_not_say_how_long_calls_may_last() {
    let mut world = World::new("{}");
    world.sample_call(Some("400m"));
    let mut fails = |grpc_timeout, waited_ms| {
        let headers = [GRPC, ("grpc-timeout", grpc_timeout)];
        world.times_out(&headers, waited_ms, "max_duration_timeout")
    };
    assert!(fails("60S", 60_000));
    assert!(fails("400m", 400), "is the route's own as before");
}
