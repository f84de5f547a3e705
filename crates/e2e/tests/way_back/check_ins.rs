//! Check-ins: what a gate answers, and what it lets through.

use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_e2e::message::Response;
use tidegate_e2e::upstream::Answer;

use super::bench::{gate, retry_after, Site, Stage};
use super::crowd::Crowd;
use crate::breaker::bench::{is_rejected, wait_until};

/// Check-ins a second.
const PER_SECOND: u32 = 50;

pub(super) fn sites() -> Vec<Site> {
    let long = json!({ "open": { "base": "60s", "max": "60s" } });
    vec![
        Site::new("open", long, an_open_gate_answers_all_check_ins),
        Site::new("story", json!({}), each_state_answers_check_ins_in_its_way),
    ]
}

/// Says that the site is down.
fn down() -> Answer {
    Answer::status(502).body("text/html", "<h1>down")
}

fn an_open_gate_answers_all_check_ins(stage: &Stage<'_>) {
    stage.upstream.set("down", down());
    stage.trip("down");
    for (client, connection) in (0..).zip(stage.connect_to_all()) {
        stage.wait_for_rejection(&connection, &stage.get(client, "down"));
        let answer = connection.get(&stage.check_in(client, "check-in"));
        assert!(is_sent_away(&answer, "wait"), "{answer:?}");
        // A HEAD that is no check-in, and a check-in that is no HEAD, get no more than others.
        let head = stage.request("HEAD", client, "/", "check-in");
        let get = stage
            .get(client, "check-in")
            .header("x-tidegate-retry", "1");
        for other in [head, get] {
            let answer = connection.get(&other);
            assert!(
                is_rejected(&answer) && gate(&answer).is_none(),
                "{answer:?}"
            );
        }
    }
    assert_eq!(stage.upstream.requests("check-in"), 0);
}

/// From the closed circuit to the closed circuit: down, still down at the first probe, back.
fn each_state_answers_check_ins_in_its_way(stage: &Stage<'_>) {
    let came = || stage.upstream.requests("check-in");
    let check_in = {
        let requests: Vec<_> = (0..100).map(|n| stage.check_in(n, "check-in")).collect();
        move |n: u32| requests[(n % 100) as usize].clone()
    };
    // Closed: the upstream answers. While all is well nobody gets a pass.
    let crowd = Crowd::start(stage, PER_SECOND, check_in.clone());
    wait_until("some check-ins", || {
        (crowd.seen().len() >= 20).then_some(())
    });
    for one in crowd.seen() {
        assert!(is_the_upstreams(&one.answer), "{:?}", one.answer);
    }
    drop(crowd);

    stage.upstream.set("down", down());
    stage.upstream.set("check-in", down());
    stage.trip("down");
    for connection in stage.connect_to_all() {
        stage.wait_for_rejection(&connection, &stage.get(1, "down"));
    }
    let before = came();
    let started = Instant::now();
    let crowd = Crowd::start(stage, PER_SECOND, check_in);
    // Half-open: one check-in is the probe. It fails, and says so to the page.
    let probe = crowd.wait_for("the probe", started, |answer| answer.status == 502);
    assert_eq!(gate(&probe.answer), Some("wait"), "{:?}", probe.answer);
    assert_eq!(came() - before, 1);
    // The site is back, and slow. Until the next probe is answered, everybody waits.
    let slow = Answer::status(200).after(Duration::from_millis(400));
    stage.upstream.set("check-in", slow);
    let success = crowd.wait_for("the next probe", started, |answer| answer.status == 200);
    assert_eq!(gate(&success.answer), None);
    assert_is_pass(&success.answer);
    assert_eq!(came() - before, 2, "no check-in but the probes");
    // The ramp: check-ins are let in step by step, without the upstream.
    let admitted = crowd.wait_for("a pass", started, |answer| answer.status == 204);
    assert!(admitted.got > success.got);
    let crowded = |answer: &Response| gate(answer) == Some("crowd");
    crowd.wait_for("a crowd", started, crowded);
    stage.wait_until_closed();
    let closed = Instant::now();
    // Closed: the upstream answers again.
    stage.upstream.set("check-in", Answer::status(200));
    let last = crowd.wait_for("the upstream's answer", closed, |answer| {
        answer.status == 200
    });
    for one in crowd.seen().iter().filter(|one| one.sent < last.sent) {
        let (answer, is_ramp) = (&one.answer, one.got > success.got);
        let is_known = match answer.status {
            502 => one.sent == probe.sent,
            200 => one.sent == success.sent || (is_ramp && is_the_upstreams(answer)),
            204 => is_ramp && is_admitted(answer),
            _ if is_ramp => is_sent_away(answer, "crowd") || is_sent_away(answer, "wait"),
            _ => is_sent_away(answer, "wait"),
        };
        assert!(is_known, "{one:?}");
    }
}

/// Returns whether a check-in was answered by a gate that is not open to it.
fn is_sent_away(answer: &Response, to: &str) -> bool {
    answer.status == 503
        && is_rejected(answer)
        && gate(answer) == Some(to)
        && (1..=75).contains(&retry_after(answer))
        && !answer.headers.has("set-cookie")
}

/// Returns whether a check-in was let in.
fn is_admitted(answer: &Response) -> bool {
    assert_is_pass(answer);
    gate(answer) == Some("admitted")
        && answer.header("cache-control") == Some("no-store")
        && !answer.headers.has("x-tidegate-page")
}

/// Returns whether the upstream answered, as if there was no filter.
fn is_the_upstreams(answer: &Response) -> bool {
    answer.status == 200
        && ["x-tidegate-gate", "x-tidegate-page", "set-cookie"]
            .iter()
            .all(|name| !answer.headers.has(name))
}

/// Checks the attributes of the cookie (RFC 6265, 4.1).
fn assert_is_pass(answer: &Response) {
    let cookie = answer.header("set-cookie").unwrap_or_default();
    let (pair, attributes) = cookie.split_once("; ").unwrap_or_default();
    let (name, value) = pair.split_once('=').unwrap_or_default();
    assert!(name.starts_with("tidegate_pass_"), "{answer:?}");
    assert!(value.len() > 20, "{answer:?}");
    assert_eq!(attributes, "Max-Age=60; Path=/; HttpOnly; SameSite=Lax");
}
