//! A page with its parts, loaded in the middle of a ramp.

use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_e2e::client::Protocol;
use tidegate_e2e::upstream::Answer;

use super::bench::{Site, Stage};
use super::crowd::Crowd;
use super::visitor::Visitor;
use crate::breaker::bench::wait_for_time;

/// The parts of a page: styles, scripts, pictures.
const PARTS: usize = 20;
/// Visitors, one after the other.
const VISITORS: u32 = 10;
/// Requests per second that the ramp admits.
const RATE: u32 = 60;
/// The time between two visitors. Requests with a pass are admitted up to the rate of the ramp, so pages that
/// come faster than that cannot all be whole.
const EACH: Duration = Duration::from_millis(500);
/// Requests per second of the crowd, and its clients.
const CROWD: u32 = 150;

pub(super) fn sites() -> Vec<Site> {
    let ramp = json!({ "ramp": { "rate": RATE } });
    vec![
        Site::new("pages-h1", ramp.clone(), |stage| {
            pages_come_whole_with_a_pass(stage, Protocol::H1);
        }),
        Site::new("pages-h2", ramp, |stage| {
            pages_come_whole_with_a_pass(stage, Protocol::H2);
        }),
    ]
}

fn pages_come_whole_with_a_pass(stage: &Stage<'_>, protocol: Protocol) {
    let (_crowd, _) = ramp_under_a_crowd(stage, CROWD);
    let page = Answer::status(200).header("cache-control", "private");
    stage
        .upstream
        .set("page", page.body("text/html", "<h1>Shop"));
    let mut parts = stage.upstream.requests("part");
    let first = Instant::now();
    for n in 0..VISITORS {
        wait_for_time(first + n * EACH);
        let mut visitor = Visitor::new(stage, CROWD + n, protocol);
        // Half of them have waited at the page of the filter, the others have just come.
        if n % 2 == 0 {
            visitor.check_in();
        }
        visitor.navigate("page");
        let missing = visitor.load_parts(PARTS);
        let changes = stage.changes();
        assert!(missing.is_empty(), "visitor {n}: {missing:#?}, {changes:?}");
        parts += PARTS as u64;
        assert_eq!(stage.upstream.requests("part"), parts, "visitor {n}");
    }
    let whole = (0..VISITORS).filter(|n| {
        let mut visitor = Visitor::new(stage, CROWD + VISITORS + n, protocol);
        visitor.navigate("page");
        visitor.forget();
        visitor.load_parts(PARTS).is_empty()
    });
    let whole = whole.count();
    assert!(whole <= 2, "{whole} of {VISITORS} without a pass");
    assert!(stage.is_in("ramp"), "{:?}", stage.changes());
}

/// Lets a site be down and come back to a crowd that does not stop. Returns the crowd, and when the ramp
/// began.
pub(super) fn ramp_under_a_crowd(stage: &Stage<'_>, per_second: u32) -> (Crowd, Instant) {
    stage.upstream.close_port();
    let crowd = Crowd::of_clients(stage, per_second, per_second, "crowd");
    let started = Instant::now();
    crowd.wait_for_rejection(started);
    stage.upstream.open_port();
    let ramp = stage.wait_for_ramp();
    // By then the rate has grown to that of the settings.
    let full = ramp + Duration::from_secs(4);
    wait_for_time(full);
    (crowd, ramp)
}
