//! One client whose requests always fail asks most, for the page that all ask for. It cannot keep a
//! circuit open by taking the probes: they go to different addresses.

use std::time::{Duration, Instant};

use tidegate_e2e::message::Request;

use super::bench::{Addresses, Scenario, Stage};
use super::load::{Load, Shot, Who};
use super::paths::failing;
use super::voices::SLOW;
use super::Findings;
use crate::breaker::bench::wait_for_time;

/// The visitors are served again within this time: the circuit is open for at most 2.5 s, three
/// visitors come within 1.5 s, and the ramp takes 4 s. See [`Scenario::quick`].
const BACK: Duration = Duration::from_secs(10);
/// So many visits are then served.
const STAYS: usize = 4;

pub(super) fn scenarios() -> Vec<Scenario> {
    let outage = Scenario::new("probes", Addresses::Named, after_an_outage);
    let night = Scenario::new("night", Addresses::Named, after_it_was_alone);
    let uploads = Scenario::new(
        "uploads",
        Addresses::Named,
        after_an_outage_with_slow_uploads,
    );
    vec![outage.quick(), night.quick(), uploads.quick()]
}

fn visits(stage: &Stage<'_>) -> Load {
    let request = stage.get("/");
    stage.load(&Who::clients(10), 2, move |_| Shot::Ask(request.clone()))
}

fn after_an_outage(stage: &Stage<'_>) -> Findings {
    let _hostile = failing(stage, |_| "/".to_owned());
    an_outage_ends(stage)
}

/// The hostile client is slow, not the upstream: each of its requests takes a minute.
fn after_an_outage_with_slow_uploads(stage: &Stage<'_>) -> Findings {
    let request = Request {
        method: "POST".to_owned(),
        ..stage.get("/")
    };
    let _hostile = stage.load(&[Who::busy()], 5, move |_| {
        Shot::Upload(SLOW, request.clone())
    });
    an_outage_ends(stage)
}

fn an_outage_ends(stage: &Stage<'_>) -> Findings {
    /// The hostile client alone opens nothing, and of the visitors two a second fail.
    const OUTAGE: Duration = Duration::from_secs(8);
    let visitors = visits(stage);
    visitors.run_for(Duration::from_secs(1));
    stage.upstream.close_port();
    let closed = Instant::now();
    wait_for_time(closed + OUTAGE);
    stage.upstream.open_port();
    let recovered = Instant::now();
    let mut findings = Findings::new();
    if visitors.first_rejection(closed).is_none() {
        findings.push("no visitor was rejected: that shows nothing".to_owned());
    }
    findings.extend(visitors.is_served_since(recovered + BACK, STAYS));
    findings
}

/// Nobody else is known when it opens the circuit.
fn after_it_was_alone(stage: &Stage<'_>) -> Findings {
    let hostile = failing(stage, |_| "/".to_owned());
    hostile.run_for(Duration::from_secs(2));
    let visitors = visits(stage);
    let begun = Instant::now();
    let mut findings = Findings::new();
    if hostile.rejected() == 0 {
        findings.push("the circuit did not open: that shows nothing".to_owned());
    }
    findings.extend(visitors.is_served_since(begun + BACK, STAYS));
    findings
}
