//! A burst of failures is not an outage.

use std::time::{Duration, Instant};

use tidegate_e2e::message::Request;

use super::bench::{bad_gateway, Addresses, Scenario, Stage};
use super::load::{Shot, Who};
use super::Findings;
use crate::breaker::bench::wait_for_time;
use Shot::Ask;

/// All is well before the first burst for so long.
const WELL: Duration = Duration::from_millis(1500);
/// Time between bursts: just longer than the window.
const PERIOD: Duration = Duration::from_secs(11);
/// What a burst does is seen within this time.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// Failures at once, healthy requests a second, the number of bursts, and the addresses with which it
/// runs. The busy routes leave the machine some time for the others: with 500 requests a second, two slow
/// processors could not always send them.
const CASES: &[(u64, u32, u32, &[Addresses])] = &[
    (20, 2, 2, &Addresses::ALL),
    (40, 2, 2, &Addresses::ALL),
    (20, 20, 2, &Addresses::ALL),
    (40, 20, 2, &Addresses::ALL),
    (20, 100, 2, &[Addresses::One]),
    (40, 100, 2, &[Addresses::Named]),
    (20, 250, 1, &[Addresses::Named]),
    (40, 250, 1, &[Addresses::One]),
];

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    // Those with one burst take turns.
    let mut turns = (0..).map(|turn| (WELL + AFTERWARDS) * turn);
    for &(failures, per_second, bursts, addresses) in CASES {
        let begins = if bursts == 1 { turns.next() } else { None };
        for addresses in addresses {
            let play =
                move |stage: &Stage<'_>| a_burst_opens_nothing(stage, failures, per_second, bursts);
            let name = format!("n-{failures}-{per_second}");
            let scenario = Scenario::new(&name, *addresses, play);
            all.push(scenario.begins(begins.unwrap_or_default()));
        }
    }
    all
}

fn a_burst_opens_nothing(
    stage: &Stage<'_>,
    failures: u64,
    per_second: u32,
    bursts: u32,
) -> Findings {
    stage.upstream.set("bad", bad_gateway());
    let request = stage.get("/");
    let visitors = stage.load(&Who::clients(10), per_second, move |_| Ask(request.clone()));
    let first = Instant::now() + WELL;
    for burst in 0..bursts {
        wait_for_time(first + PERIOD * burst);
        // First a page whose parts are all broken, then what the visitors ask for too.
        stage.burst(&Who::busy(), failures, |part| {
            let path = match burst {
                0 => format!("/img/{part}"),
                _ => "/".to_owned(),
            };
            Ask(Request {
                path,
                ..stage.get_as("/", "bad")
            })
        });
        let reached = stage.upstream.requests("bad");
        if reached != failures * u64::from(burst + 1) {
            return vec![format!("{reached} requests failed in {} bursts", burst + 1)];
        }
    }
    wait_for_time(Instant::now() + AFTERWARDS);
    let mut findings = visitors.is_served();
    let opened = stage.opened();
    if !opened.is_empty() {
        findings.push(format!("opened: {opened:?}"));
    }
    findings
}
