//! Clients that leave before there is an answer. Only where a route is known to answer soon, and
//! answers nothing at all, is that the upstream's fault.

use std::time::{Duration, Instant};

use serde_json::{json, Value};
use tidegate_e2e::config::merge;
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::{Answer, Behaviour};

use super::bench::{Bench, Kind};
use super::load::{End, Load, Seen};
use crate::breaker::bench::{is_rejected, route_to, wait_until};
use Kind::{Grpc, H1, H2};

/// Time in which each worker learns how soon a route answers. A worker measures one request of all
/// its routes in each tick, so each group of routes here has a listener and a plugin of its own.
const LEARNS: Duration = Duration::from_secs(5);
/// Patience of visitors: longer than a second, which is the least that counts.
const PATIENCE: Duration = Duration::from_millis(1300);
/// How much longer a visitor waits than the slowest of the answers before: ten times what is usual,
/// which the filter rounds up to at most twice of it.
const FAR_LONGER: u32 = 20;
/// Requests a second.
const RATE: u32 = 30;
/// Time to observe what must not happen.
const OBSERVED: Duration = Duration::from_secs(7);

/// Routes whose upstream hangs. Calls have a deadline of a second. The last route honours it, so that
/// Envoy ends the call; on the other one the client resets the stream.
const HUNG: &[(Kind, &str)] = &[(H1, "hang"), (H2, "hang"), (Grpc, "hang"), (Grpc, HONOURED)];

const HONOURED: &str = "hang-honoured";

/// Settings of the routes here: a circuit that opens stays open.
pub(crate) fn rules() -> Vec<Value> {
    let long = json!({ "open": { "base": "60s", "max": "60s" } });
    vec![json!({ "name": "hang", "match": { "route": "hang-*" }, "breaker": long })]
}

/// Returns the listeners, each with its routes.
pub(crate) fn listeners() -> [(&'static str, Vec<Value>); 3] {
    let honours = json!({ "grpc_timeout_header_max": "60s" });
    let route = |(kind, name): (Kind, &str)| {
        let mut action = json!({ "timeout": "15s" });
        if name == HONOURED {
            action["max_stream_duration"] = honours.clone();
        }
        let route = route_to(&kind.route(name), kind.cluster());
        merge(route, json!({ "route": action }))
    };
    [
        ("hang", HUNG.to_vec()),
        ("hang-some", vec![(H1, "hang-some"), (H2, "hang-some")]),
        ("hang-night", vec![(H1, "hang-night"), (Grpc, "hang-night")]),
    ]
    .map(|(listener, all)| (listener, all.into_iter().map(route).collect()))
}

pub(crate) fn behaviours() -> Vec<(String, Behaviour)> {
    let night = |kind: Kind| kind.success().after(Duration::from_millis(1500));
    let all = [
        (Grpc.route("hang"), Grpc.success()),
        (Grpc.route(HONOURED), Grpc.success()),
        (H1.route("hang-night"), night(H1)),
        (Grpc.route("hang-night"), night(Grpc)),
    ];
    all.into_iter()
        .map(|(name, answer)| (name, answer.into()))
        .collect()
}

/// c13: an upstream that accepted and answered well, and now never answers. Each client leaves.
pub(crate) fn a_hanging_upstream_opens_though_all_clients_leave(bench: &Bench) {
    const SOON: Duration = Duration::from_secs(5);
    let healthy: Vec<Load> = HUNG
        .iter()
        .map(|(kind, name)| bench.load_of("hang", *kind, kind.request(name), RATE))
        .collect();
    wait_for(LEARNS);
    let slowest = healthy
        .iter()
        .flat_map(Load::seen)
        .map(|one| one.took)
        .max();
    // Milliseconds, unless the machine is busy with other things.
    let far_longer = slowest.expect("answers") * FAR_LONGER;
    drop(healthy);
    let running: Vec<_> = HUNG
        .iter()
        .map(|&(kind, name)| {
            bench.upstream.set(&kind.route(name), Behaviour::Hang);
            let deadline = far_longer.max(Duration::from_secs(1));
            let (request, patience) = match kind {
                Grpc => {
                    let announced = format!("{}m", deadline.as_millis());
                    let request = kind.request(name).header("grpc-timeout", announced);
                    // Envoy ends the call where the route honours the deadline.
                    let spare = if name == HONOURED {
                        PATIENCE
                    } else {
                        Duration::ZERO
                    };
                    (request, deadline + spare)
                }
                H1 | H2 => (kind.request(name), far_longer.max(PATIENCE)),
            };
            let load = leaving(bench, "hang", kind, request, RATE, patience);
            (kind.key(name), load)
        })
        .collect();
    let soon = SOON + far_longer;
    let since = Instant::now();
    for (key, load) in running {
        let event = wait_until(&format!("{key} to open"), || bench.opened(&key).pop());
        let after = since.elapsed();
        assert!(after < soon, "{key} after {after:?}, not {soon:?}");
        assert_eq!(event["reason"], "http_response_timeout", "{event}");
        wait_until(&format!("{key} to reject"), || {
            let last = load.seen().pop()?;
            last.response().is_some_and(is_rejected).then_some(())
        });
    }
}

/// Some visitors leave a slow page, and others wait for it and get it.
pub(crate) fn a_slow_page_that_some_leave_does_not_open(bench: &Bench) {
    let kinds = [H1, H2];
    let healthy =
        kinds.map(|kind| bench.load_of("hang-some", kind, kind.request("hang-some"), RATE));
    wait_for(LEARNS);
    drop(healthy);
    let running = kinds.map(|kind| {
        let slow = Answer::status(200).after(Duration::from_millis(1700));
        bench.upstream.set(&kind.route("hang-some"), slow);
        let request = kind.request("hang-some");
        let waiting = bench.load_of("hang-some", kind, request.clone(), 6);
        (
            kind,
            waiting,
            leaving(bench, "hang-some", kind, request, 6, PATIENCE),
        )
    });
    for (kind, waiting, left) in running {
        let key = kind.key("hang-some");
        let seen = left.wait_for(35);
        assert_eq!(
            other_than(&seen, |end| matches!(end, End::Left)),
            None,
            "{key}"
        );
        let seen = waiting.seen();
        let is_fine = |end: &End| matches!(end, End::Answered(answer) if answer.status == 200);
        assert!(seen.len() > 20, "{} waited", seen.len());
        assert_eq!(other_than(&seen, is_fine), None, "{key}");
        assert_eq!(bench.opened(&key), Vec::<Value>::new(), "{key}");
    }
}

/// c09: what polls are answered after a second and a half as a rule. At night nothing happens, so
/// that all clients leave.
pub(crate) fn long_polls_that_all_leave_do_not_open(bench: &Bench) {
    let kinds = [H1, Grpc];
    let day = kinds.map(|kind| bench.load_of("hang-night", kind, kind.request("hang-night"), RATE));
    wait_for(LEARNS + Duration::from_millis(1500));
    drop(day);
    let night = kinds.map(|kind| {
        bench
            .upstream
            .set(&kind.route("hang-night"), Behaviour::Hang);
        let request = kind.request("hang-night");
        (
            kind,
            leaving(bench, "hang-night", kind, request, RATE, PATIENCE),
        )
    });
    wait_for(OBSERVED);
    for (kind, load) in night {
        let key = kind.key("hang-night");
        let seen = load.seen();
        assert!(seen.len() > 100, "{} left", seen.len());
        assert_eq!(
            other_than(&seen, |end| matches!(end, End::Left)),
            None,
            "{key}"
        );
        assert_eq!(bench.opened(&key), Vec::<Value>::new(), "{key}");
        let too_few = bench.too_few_ignored("client_left", &key, 100);
        assert_eq!(too_few, None);
    }
}

/// Returns the first request that did not end as expected.
fn other_than(seen: &[Seen], is_expected: impl Fn(&End) -> bool) -> Option<String> {
    let other = seen.iter().find(|one| !is_expected(&one.end));
    other.map(ToString::to_string)
}

fn leaving(
    bench: &Bench,
    listener: &str,
    kind: Kind,
    request: Request,
    per_second: u32,
    patience: Duration,
) -> Load {
    let address = bench.address(listener);
    Load::start(
        kind.protocol(),
        address,
        request,
        per_second,
        Some(patience),
    )
}

/// Lets traffic go on for a while.
fn wait_for(time: Duration) {
    let end = Instant::now() + time;
    wait_until("the time to be over", || {
        (Instant::now() > end).then_some(())
    });
}
