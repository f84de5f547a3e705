//! The whole upstream fails: then everything is closed, as without classes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::bench::{bad_gateway, Addresses, Scenario, Stage, FLUSH, OPEN};
use super::load::{End, Load, Shot, Who};
use super::paths::{failing, page, visits, VISITS};
use super::Findings;
use crate::breaker::bench::wait_for_time;
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::{Answer, Behaviour, Upstream};
use Shot::Ask;

/// All that is well before an outage lasts so long.
const WELL: Duration = Duration::from_secs(3);
/// An upstream that is dead is found within this time.
const FOUND: Duration = Duration::from_millis(1500);

/// As many requests still pass at most: one of each class that was good, or three tries a second.
const MOST_PASS: usize = 6;

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    all.extend(Scenario::twice("f", the_port_closes_while_a_path_fails));
    all.extend(Scenario::twice("dead", the_port_closes));
    all.extend(Scenario::twice("each", each_path_fails));
    let once = all_pages_fail_that_are_seen_once;
    all.push(Scenario::new("each-once", Addresses::Named, once));
    let hangs = Scenario::new("each-hangs", Addresses::Named, each_path_hangs);
    all.push(hangs.timeout("1s"));
    let refused =
        |stage: &Stage<'_>| an_outage_ends(stage, Upstream::close_port, Upstream::open_port);
    all.push(Scenario::new("refused", Addresses::One, refused).quick());
    let failing = |stage: &Stage<'_>| {
        let fail = |upstream: &Upstream| upstream.set("page", bad_gateway());
        let answer = |upstream: &Upstream| upstream.set("page", Answer::status(200));
        an_outage_ends(stage, fail, answer)
    };
    all.push(Scenario::new("failing", Addresses::Named, failing).quick());
    // Not just half: the share of failures would be at the threshold.
    let half = |stage: &Stage<'_>| a_part_of_the_load_can_be_served(stage, 34);
    all.push(Scenario::new("half", Addresses::One, half).quick());
    let third = |stage: &Stage<'_>| a_part_of_the_load_can_be_served(stage, 24);
    all.push(Scenario::new("third", Addresses::Named, third).quick());
    for addresses in Addresses::ALL {
        all.push(Scenario::new("back", addresses, a_path_comes_back));
    }
    all.extend(Scenario::twice("g", over_half_of_all_requests_fail));
    all
}

/// Returns visits of ten clients, to which the upstream answers as set for `page`.
fn visits_of_pages(
    stage: &Stage<'_>,
    per_second: u32,
    path: impl Fn(u64) -> String + Send + 'static,
) -> Load {
    let paths = Shot::paths(stage.get_as("/", "page"), path);
    stage.load(&Who::clients(10), per_second, paths)
}

fn the_port_closes_while_a_path_fails(stage: &Stage<'_>) -> Findings {
    let _bad = failing(stage, |_| "/bad".to_owned());
    let visitors = visits(stage, page);
    visitors.run_for(WELL);
    let mut findings = visitors.is_served();
    let since = Instant::now();
    stage.upstream.close_port();
    findings.extend(is_cut_off(stage, &visitors, since));
    findings
}

fn the_port_closes(stage: &Stage<'_>) -> Findings {
    let visitors = visits(stage, page);
    visitors.run_for(WELL);
    let since = Instant::now();
    stage.upstream.close_port();
    is_cut_off(stage, &visitors, since)
}

fn each_path_fails(stage: &Stage<'_>) -> Findings {
    everything_fails(stage, |number| format!("/p{}", number % 6))
}

fn all_pages_fail_that_are_seen_once(stage: &Stage<'_>) -> Findings {
    everything_fails(stage, |number| format!("/page-{number}"))
}

fn each_path_hangs(stage: &Stage<'_>) -> Findings {
    let visitors = visits_of_pages(stage, VISITS, page);
    visitors.run_for(WELL);
    stage.upstream.set("page", Behaviour::Hang);
    // Until then nothing has failed.
    let timed_out = Instant::now() + Duration::from_secs(1);
    is_cut_off(stage, &visitors, timed_out)
}

/// All is back soon after an outage, though most of what is known of the parts is bad.
fn an_outage_ends(stage: &Stage<'_>, begin: fn(&Upstream), end: fn(&Upstream)) -> Findings {
    const LASTS: Duration = Duration::from_secs(3);
    const BACK: Duration = Duration::from_secs(8);
    let visitors = visits_of_pages(stage, VISITS, page);
    visitors.run_for(Duration::from_secs(2));
    let mut findings = visitors.is_served();
    begin(stage.upstream);
    let failed = Instant::now();
    wait_for_time(failed + LASTS);
    if visitors.first_rejection(failed).is_none() {
        findings.push("no visitor was rejected: that shows nothing".to_owned());
    }
    end(stage.upstream);
    let recovered = Instant::now();
    findings.extend(visitors.is_served_since(recovered + BACK, 30));
    findings
}

/// What fails is spread over all paths. The upstream can serve `per_second` of 80 requests a second.
fn a_part_of_the_load_can_be_served(stage: &Stage<'_>, per_second: u32) -> Findings {
    const WANTED: u32 = 80;
    /// The share of what the upstream can serve that it must serve. It is more in virtual time, where
    /// no machine is busy.
    const GOODPUT: f64 = 0.8;
    /// The circuit opens, is tried, and the ramp finds the level: it begins with a request per second, since
    /// the route was never well, and needs five seconds to pass what the upstream can serve.
    const SETTLED: Duration = Duration::from_secs(13);
    /// The level swings: the rate grows until the queue of the upstream is full, and is cut. In a run that
    /// served 0.74 in six of these seconds, because of a cut in the first, it had served all in the three before.
    const MEASURED: Duration = Duration::from_secs(12);
    /// The longest time of a request in the queue of the upstream.
    const QUEUED: Duration = Duration::from_millis(500);
    let capacity = Behaviour::Capacity {
        per_second,
        patience: QUEUED,
    };
    stage.upstream.set("page", capacity);
    let begun = Instant::now();
    let visitors = visits_of_pages(stage, WANTED, |number| {
        // In no order: a steady one would let the same paths meet the full upstream each time.
        format!("/p{}", (number.wrapping_mul(0x9E37_79B9) >> 16) % 7)
    });
    let measured = begun + SETTLED..begun + SETTLED + MEASURED;
    // Requests that were sent last are served when they have been in the queue.
    wait_for_time(measured.end + QUEUED + stage.stall());
    let mut seen = visitors.seen();
    seen.retain(|one| measured.contains(&one.sent));
    let served = seen.iter().filter(|one| one.end == End::Served).count();
    let could = per_second as usize * MEASURED.as_secs() as usize;
    let could = seen.len().min(could);
    println!("{served} of {could} were served with {per_second} per second");
    let mut findings = Findings::new();
    if (served as f64) < GOODPUT * could as f64 {
        let by_second = visitors.by_second();
        findings.push(format!(
            "{served} of {could} were served; served and not, by second: {by_second:?}"
        ));
    }
    findings
}

fn everything_fails(stage: &Stage<'_>, page: fn(u64) -> String) -> Findings {
    let visitors = visits_of_pages(stage, VISITS, page);
    visitors.run_for(WELL);
    let since = Instant::now();
    stage.upstream.set("page", bad_gateway());
    is_cut_off(stage, &visitors, since)
}

/// A path that works again is served again, while nobody else noticed anything.
fn a_path_comes_back(stage: &Stage<'_>) -> Findings {
    const FAILS: Duration = Duration::from_secs(2);
    /// The circuit opens after one second, for 2.5 at most; the probes take less than one, the ramp
    /// takes ten.
    const BACK: Duration = Duration::from_millis(13_500);
    stage.upstream.set("part", bad_gateway());
    let request = stage.get_as("/part", "part");
    let part = stage.load(&Who::clients(10), 10, move |_| Ask(request.clone()));
    let request = stage.get("/");
    let visitors = stage.load(&Who::clients(10), 10, move |_| Ask(request.clone()));
    visitors.run_for(FAILS);
    stage.upstream.set("part", Answer::status(200));
    let recovered = Instant::now();
    let mut findings = part.is_served_since(recovered + BACK, 10);
    findings.extend(visitors.is_served());
    findings.extend(stage.only_opened(&["/part"]));
    findings
}

/// Checks that a dead upstream is soon found, that all workers then reject everything, and that no
/// more than one request of each class that was good is still sent.
fn is_cut_off(stage: &Stage<'_>, visitors: &Load, since: Instant) -> Findings {
    wait_for_time(since + FOUND + FLUSH + OPEN + stage.stall());
    let Some(first) = visitors.first_rejection(since) else {
        return vec!["no visitor was rejected".to_owned()];
    };
    let mut findings = Findings::new();
    let (found, allowed) = (first.sent - since, FOUND + stage.stall());
    if found > allowed {
        findings.push(format!("found after {found:?}, not within {allowed:?}"));
    }
    // Until the circuit is tried.
    let all_know = first.sent + FLUSH + stage.stall()..first.sent + OPEN;
    let mut seen = visitors.seen();
    // Paths that are seen once are not known to be good; some are tried.
    let paths: BTreeSet<String> = seen.iter().map(|one| one.path.clone()).collect();
    let allowed = paths.len().min(MOST_PASS);
    seen.retain(|one| all_know.contains(&one.sent));
    let passed = seen.iter().filter(|one| one.end != End::Rejected);
    let passed: Vec<&str> = passed.map(|one| one.path.as_str()).collect();
    let different: BTreeSet<&str> = passed.iter().copied().collect();
    if passed.len() > different.len() || passed.len() > allowed {
        findings.push(format!(
            "of {} requests after the circuit had opened, {} passed: {passed:?}",
            seen.len(),
            passed.len()
        ));
    }
    if seen.len() < 10 {
        findings.push(format!("only {} requests: that shows nothing", seen.len()));
    }
    findings
}

fn over_half_of_all_requests_fail(stage: &Stage<'_>) -> Findings {
    stage.upstream.set("bad", bad_gateway());
    let (good, bad) = (stage.get("/"), stage.get_as("/", "bad"));
    // Six of ten requests of each client and of each path fail.
    let visitors = stage.load(&Who::clients(10), 40, move |number| {
        let fails = (number + number / 10) * 9 % 10 < 6;
        let request = if fails { &bad } else { &good };
        let path = format!("/p{}", number % 7);
        Ask(Request {
            path,
            ..request.clone()
        })
    });
    visitors.run_for(Duration::from_secs(5));
    let Some(first) = visitors.first_rejection(Instant::now() - visitors.age()) else {
        return vec!["no visitor was rejected".to_owned()];
    };
    let mut findings = Findings::new();
    let opened = stage.opened();
    let of_all = ["(route)".to_owned(), stage.host()];
    if !opened.iter().any(|class| of_all.contains(class)) {
        findings.push(format!("opened: {opened:?}, but not the circuit of all"));
    }
    let all_know = first.sent + FLUSH + stage.stall()..first.sent + OPEN;
    let mut seen = visitors.seen();
    seen.retain(|one| all_know.contains(&one.sent));
    let rejected = seen.iter().filter(|one| one.end == End::Rejected).count();
    if seen.len() < 20 || (rejected as f64) < 0.9 * seen.len() as f64 {
        findings.push(format!(
            "{rejected} of {} requests after the circuit had opened were rejected",
            seen.len()
        ));
    }
    findings
}
