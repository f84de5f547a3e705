//! One part of a site fails; the others do not notice.

use std::time::{Duration, Instant};

use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::Behaviour;

use super::bench::{bad_gateway, Addresses, Scenario, Stage};
use super::load::{Load, Shot, Who};
use super::{Findings, SECOND_HALF};
use crate::breaker::bench::wait_for_time;
use Shot::Ask;

/// How long most scenarios last: the circuit opens, and is tried twice.
pub(super) const LASTS: Duration = Duration::from_secs(8);
/// Requests a second for what fails.
pub(super) const FAILING: u32 = 40;
/// Requests a second of the visitors.
pub(super) const VISITS: u32 = 20;

/// If no path fails often, only the share of failures tells, and that is judged later, so that a burst
/// does not count.
const BY_SHARE: Duration = Duration::from_secs(1);
/// A client alone is held back when it fails half as often as the requests of all succeed, in the window of
/// ten seconds.
const BY_CLIENT: Duration = Duration::from_secs(3);

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    all.extend(Scenario::twice("a", one_path_fails_for_one_client));
    all.extend(Scenario::twice("b", all_poll_a_path_that_fails));
    for (addresses, known) in [(Addresses::One, BY_SHARE), (Addresses::Named, BY_CLIENT)] {
        let play = move |stage: &Stage<'_>| paths_that_nobody_else_uses_fail(stage, known);
        all.push(Scenario::new("c", addresses, play));
    }
    let hangs = Scenario::twice("e", a_path_hangs);
    all.extend(hangs.into_iter().map(|scenario| scenario.timeout("2s")));
    all.extend(Scenario::twice("h", one_directory_fails));
    all.extend(Scenario::twice("i", one_of_two_deep_siblings_fails));
    all.extend(Scenario::twice("j", one_host_of_a_route_fails));
    let named =
        |name, play: fn(&Stage<'_>) -> Findings| Scenario::new(name, Addresses::Named, play);
    all.push(named("c-all", paths_of_many_clients_fail));
    all.push(named("c-once", pages_that_are_seen_once));
    all.push(named("root", only_the_root_fails));
    all.push(named("a-many", one_of_many_paths_fails));
    let one = |name, play: fn(&Stage<'_>) -> Findings| {
        Scenario::new(name, Addresses::One, play).begins(SECOND_HALF)
    };
    all.push(one("h-mixed", one_page_of_a_directory_is_well));
    all.push(one("i-all", all_poll_a_deep_path_that_fails));
    all.push(one("j-many", one_of_many_hosts_fails));
    all.push(one("j-random", hosts_that_nobody_else_uses_fail));
    // The first visitor comes while the circuit is open, and while it is tried.
    for seconds in [5, 8, 11] {
        for addresses in Addresses::ALL {
            let after = Duration::from_secs(seconds);
            let play = move |stage: &Stage<'_>| only_a_monitor_asks(stage, after);
            all.push(Scenario::new(&format!("d{seconds}"), addresses, play));
        }
    }
    all
}

/// Returns the busy client's requests, to which the upstream answers 502.
pub(super) fn failing(stage: &Stage<'_>, path: impl Fn(u64) -> String + Send + 'static) -> Load {
    failing_for(stage, &[Who::busy()], FAILING, path)
}

/// Returns requests of clients, to which the upstream answers 502.
fn failing_for(
    stage: &Stage<'_>,
    who: &[Who],
    per_second: u32,
    path: impl Fn(u64) -> String + Send + 'static,
) -> Load {
    stage.upstream.set("bad", bad_gateway());
    stage.load(who, per_second, Shot::paths(stage.get_as("/", "bad"), path))
}

/// Returns the visits of ten clients. The argument is the number of the request.
pub(super) fn visits(stage: &Stage<'_>, path: impl Fn(u64) -> String + Send + 'static) -> Load {
    stage.load(&Who::clients(10), VISITS, Shot::paths(stage.get("/"), path))
}

/// Returns one of a few pages that everybody visits.
pub(super) fn page(number: u64) -> String {
    let pages = ["/", "/a", "/b"];
    pages[number as usize % pages.len()].to_owned()
}

fn one_path_fails_for_one_client(stage: &Stage<'_>) -> Findings {
    let bad = failing(stage, |_| "/bad".to_owned());
    let visitors = visits(stage, |_| "/".to_owned());
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &bad, Duration::ZERO));
    findings.extend(stage.only_opened(&["/bad"]));
    let rejected = bad.rejected() as u64;
    let counted = || {
        let of_class = stage.counter("rejected_by_class");
        of_class >= rejected && of_class <= stage.counter("rejected")
    };
    if !stage.eventually(counted) {
        findings.push(format!(
            "{rejected} requests were rejected by the circuit of a class, but counted: {}",
            stage.counter("rejected_by_class")
        ));
    }
    findings
}

fn all_poll_a_path_that_fails(stage: &Stage<'_>) -> Findings {
    let polls = failing_for(stage, &Who::clients(10), 20, |_| "/bad".to_owned());
    let visitors = stage.load(&Who::clients(10), 10, Shot::paths(stage.get("/"), page));
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &polls, Duration::ZERO));
    findings.extend(stage.only_opened(&["/bad"]));
    findings
}

fn paths_that_nobody_else_uses_fail(stage: &Stage<'_>, known: Duration) -> Findings {
    let bad = failing(stage, |number| format!("/x{number}"));
    let visitors = visits(stage, page);
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &bad, known));
    findings
}

/// As before, but it is no single client.
fn paths_of_many_clients_fail(stage: &Stage<'_>) -> Findings {
    let path = |number| format!("/x{number}");
    let bad = failing_for(stage, &Who::clients(10), FAILING, path);
    let visitors = visits(stage, page);
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &bad, BY_SHARE));
    findings
}

/// No page is known to be good, since each is visited once.
fn pages_that_are_seen_once(stage: &Stage<'_>) -> Findings {
    let _bad = failing(stage, |number| format!("/x{number}"));
    let visitors = visits(stage, |number| format!("/page-{number}"));
    visitors.run_for(LASTS);
    visitors.is_served()
}

/// There are more paths than a route keeps.
fn one_of_many_paths_fails(stage: &Stage<'_>) -> Findings {
    let bad = failing(stage, |number| format!("/bad?n={number}"));
    let visitors = visits(stage, |number| format!("/page-{}", number % 300));
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &bad, Duration::ZERO));
    findings.extend(stage.only_opened(&["/bad"]));
    findings
}

fn only_the_root_fails(stage: &Stage<'_>) -> Findings {
    let bad = failing(stage, |_| "/".to_owned());
    let visitors = visits(stage, |number| format!("/a/{number}"));
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &bad, Duration::ZERO));
    findings.extend(stage.only_opened(&["/"]));
    findings
}

fn a_path_hangs(stage: &Stage<'_>) -> Findings {
    stage.upstream.set("bad", Behaviour::Hang);
    let request = stage.get_as("/bad", "bad");
    let bad = stage.load(&[Who::busy()], FAILING, move |_| Ask(request.clone()));
    let visitors = visits(stage, page);
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &bad, Duration::from_secs(2)));
    findings.extend(stage.only_opened(&["/bad"]));
    findings
}

fn one_directory_fails(stage: &Stage<'_>) -> Findings {
    let bad = failing(stage, |number| format!("/users/{}", 1 + number % 900));
    let visitors = visits(stage, |number| match number % 2 {
        0 => "/".to_owned(),
        _ => format!("/items/{number}"),
    });
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &bad, Duration::ZERO));
    findings.extend(stage.only_opened(&["/users"]));
    findings
}

fn one_page_of_a_directory_is_well(stage: &Stage<'_>) -> Findings {
    let bad = failing(stage, |number| format!("/users/{}", 1 + number % 900));
    let visitors = visits(stage, |number| match number % 2 {
        0 => "/".to_owned(),
        _ => "/users/me".to_owned(),
    });
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &bad, BY_SHARE));
    findings
}

fn all_poll_a_deep_path_that_fails(stage: &Stage<'_>) -> Findings {
    let polls = failing_for(stage, &Who::clients(10), 20, |_| "/api/v1/bad".to_owned());
    let visitors = visits(stage, |_| "/api/v1/good".to_owned());
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &polls, Duration::ZERO));
    findings.extend(stage.only_opened(&["/api/v1/bad"]));
    findings
}

fn one_of_two_deep_siblings_fails(stage: &Stage<'_>) -> Findings {
    let bad = failing(stage, |_| "/api/v1/a".to_owned());
    let visitors = visits(stage, |_| "/api/v1/b".to_owned());
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &bad, Duration::ZERO));
    findings.extend(stage.only_opened(&["/api/v1/a"]));
    findings
}

fn one_host_of_a_route_fails(stage: &Stage<'_>) -> Findings {
    a_host_fails(stage, |_| "b".to_owned())
}

/// There are more hosts than a route keeps classes.
fn one_of_many_hosts_fails(stage: &Stage<'_>) -> Findings {
    a_host_fails(stage, |number| format!("b{}", number % 200))
}

/// There is a circuit of the route then, above those of the hosts.
fn hosts_that_nobody_else_uses_fail(stage: &Stage<'_>) -> Findings {
    stage.upstream.set("bad", bad_gateway());
    let below = stage.host();
    let request = stage.get_as("/", "bad");
    let bad = stage.load(&[Who::busy()], FAILING, move |number| {
        Ask(Request {
            authority: format!("x{number}.{below}"),
            ..request.clone()
        })
    });
    let visitors = visits(stage, page);
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &bad, BY_SHARE));
    findings
}

fn a_host_fails(stage: &Stage<'_>, visited: fn(u64) -> String) -> Findings {
    stage.upstream.set("bad", bad_gateway());
    let below = stage.host();
    let host = format!("a.{below}");
    let mut request = stage.get_as("/", "bad");
    request.authority.clone_from(&host);
    let bad = stage.load(&[Who::busy()], FAILING, Shot::paths(request, page));
    let request = stage.get("/");
    let visitors = stage.load(&Who::clients(10), VISITS, move |number| {
        Ask(Request {
            path: page(number),
            authority: format!("{}.{below}", visited(number)),
            ..request.clone()
        })
    });
    visitors.run_for(LASTS);
    let mut findings = visitors.is_served();
    findings.extend(stage.is_soon_rejected("bad", &bad, Duration::ZERO));
    let opened = stage.opened();
    if opened.is_empty() || !opened.iter().all(|class| class.starts_with(&host)) {
        findings.push(format!("opened: {opened:?}, not {host}"));
    }
    findings
}

/// A quiet route at night: the first visitor of another path is served.
fn only_a_monitor_asks(stage: &Stage<'_>, visitor_after: Duration) -> Findings {
    let begun = Instant::now();
    let monitor = failing_for(stage, &[Who::client(99)], 3, |_| "/bad".to_owned());
    wait_for_time(begun + visitor_after);
    let request = stage.get("/");
    let visitor = stage.load(&[Who::client(1)], 1, move |_| Ask(request.clone()));
    visitor.run_for(Duration::from_secs(1));
    let mut findings = visitor.is_served();
    if monitor.rejected() == 0 {
        findings.push("no request of the monitor was rejected: that shows nothing".to_owned());
    }
    findings.extend(stage.only_opened(&["/bad"]));
    findings
}
