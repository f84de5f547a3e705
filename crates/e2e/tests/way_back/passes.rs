//! What a pass is worth, and who gets one.

use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_e2e::client::Protocol;
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::Answer;

use super::bench::{Bench, Site, Stage};
use super::crowd::Crowd;
use super::pages::ramp_under_a_crowd;
use super::visitor::{pass_of, Visitor};
use crate::breaker::bench::{is_rejected, wait_until, FLUSH};

/// Requests of each client that tries a pass.
const TRIES: usize = 20;
/// As many of them pass at most without a pass: a client takes a sixteenth of the rate of three seconds.
const FEW: usize = 8;
/// Requests per second of a client that hammers.
const HAMMER: u32 = 200;
/// Time until a limit holds that is counted over some seconds.
const SETTLES: Duration = Duration::from_secs(4);
/// Time over which requests are counted.
const MEASURED: Duration = Duration::from_secs(8);

pub(super) fn sites() -> Vec<Site> {
    vec![
        passes(),
        Site::new("hammer-80", rate(80), |stage| {
            a_pass_is_worth_a_part_of_the_rate(stage, 80, 20);
        }),
        Site::new("hammer-20", rate(20), |stage| {
            a_pass_is_worth_a_part_of_the_rate(stage, 20, 10);
        }),
        Site::new("cookies", rate(20), pages_that_bring_a_pass),
    ]
}

fn passes() -> Site {
    Site::new(
        "passes",
        rate(20),
        only_a_pass_of_this_route_is_worth_something,
    )
}

fn rate(per_second: u32) -> serde_json::Value {
    json!({ "ramp": { "rate": per_second } })
}

fn only_a_pass_of_this_route_is_worth_something(stage: &Stage<'_>) {
    const OTHER: &str = "/other";
    // The same site at another Envoy, and another route of this site.
    let sites = [passes()];
    let elsewhere = Bench::start(1, &sites);
    let (_, _, other_stage) = elsewhere.stages(&sites).next().expect("a site");
    let of_other_envoy = pass_of_a_probe(&other_stage, "/");
    let of_other_route = pass_of_a_probe(stage, OTHER);

    let (crowd, _) = ramp_under_a_crowd(stage, 60);
    let pass = Visitor::new(stage, 1000, Protocol::H1)
        .check_in()
        .to_owned();
    let (name, value) = pass.split_once('=').expect("a cookie");
    let (expiry, code) = value.split_once('.').expect("an expiry and a code");
    let expiry = u64::from_str_radix(expiry, 16).expect("seconds");
    let renamed = of_other_route.split_once('=').expect("a cookie").1;
    let flipped = if code.starts_with('A') { 'B' } else { 'A' };
    let worthless = [
        ("none", String::new()),
        (
            "forged",
            format!("{name}={expiry:x}.{flipped}{}", &code[1..]),
        ),
        ("cut", format!("{name}={expiry:x}.{}", &code[..8])),
        ("without a code", format!("{name}={expiry:x}.")),
        ("empty", format!("{name}=")),
        ("over", format!("{name}={:x}.{code}", expiry - 120)),
        ("longer", format!("{name}={:x}.{code}", expiry + 30)),
        ("of another Envoy", of_other_envoy),
        ("of another route", of_other_route.clone()),
        ("of another route, renamed", format!("{name}={renamed}")),
    ];
    // Not bound to an address, which a visitor may change.
    let mut clients = 1001..;
    let mut tries = |cookie: &str| {
        // What others have taken in advance must have come in.
        crowd.wait_for("room", Instant::now(), |answer| answer.status == 200);
        let client = clients.next().expect("an address");
        let request = stage.get(client, "try").header("cookie", cookie);
        let connection = stage.connect();
        let passed = (0..TRIES).filter(|_| connection.get(&request).status == 200);
        passed.count()
    };
    for (what, cookie) in worthless {
        let passed = tries(&cookie);
        assert!(passed <= FEW, "{what}: {passed} of {TRIES}: {cookie}");
    }
    // Among others, and not the first of its name.
    let among = format!("a=b; {name}=0.x; {pass}; c=d");
    assert_eq!(tries(&among), TRIES, "{pass}");
    assert!(stage.is_in("ramp"), "{:?}", stage.changes());
}

/// Lets a route fail and come back, and returns the pass of the check-in that was the probe.
fn pass_of_a_probe(stage: &Stage<'_>, path: &str) -> String {
    stage.upstream.close_port();
    let mut clients = 0..;
    wait_until("the circuit to be open", || {
        let request = stage.request("GET", clients.next()?, path, "down");
        is_rejected(&stage.connect().get(&request)).then_some(())
    });
    let mut check_in = stage.check_in(1000, "check-in");
    check_in.path = path.to_owned();
    let connection = stage.connect();
    stage.wait_for_rejection(&connection, &check_in);
    stage.upstream.open_port();
    let pass = wait_until("the probe", || pass_of(&connection.get(&check_in)));
    assert_eq!(stage.upstream.requests("check-in"), 1);
    pass
}

/// A client with a pass sends as much as it can, to all workers. It may take so many requests a second.
fn a_pass_is_worth_a_part_of_the_rate(stage: &Stage<'_>, rate: u32, limit: u32) {
    let (_crowd, _) = ramp_under_a_crowd(stage, 2 * rate);
    let mut visitor = Visitor::new(stage, 1000, Protocol::H1);
    let pass = visitor.check_in();
    let request = stage.get(1000, "hammer").header("cookie", pass);
    let hammer = Crowd::start(stage, HAMMER, move |_| request.clone());
    let from = Instant::now() + SETTLES;
    let until = from + MEASURED;
    wait_until("the time to be over", || {
        (Instant::now() > until).then_some(())
    });
    let count = |times: Vec<Instant>| {
        let counted = times.iter().filter(|at| (from..until).contains(at));
        counted.count() as f64
    };
    let hammered = count(stage.upstream.arrivals("hammer"));
    let others = count(stage.upstream.arrivals("crowd"));
    let sent = count(hammer.seen().iter().map(|one| one.sent).collect());
    let seconds = MEASURED.as_secs_f64();
    // In the worst case, so many seconds of the ramp begin in this time.
    let steps = seconds + 1.0;
    // As many come to the others before a worker knows that they are too many. What is above the limit is
    // missing in the next two seconds.
    let late = f64::from(HAMMER) * (FLUSH + stage.stall()).as_secs_f64();
    let late = late * (1.0 - 1.0 / f64::from(stage.concurrency())) / 3.0;
    let most = steps * (f64::from(limit) + late);
    let found = format!("{hammered} of {sent} by the pass ({most:.0} may), {others} of others");
    assert!(sent > 1.5 * most, "that shows nothing: {found}");
    assert!(hammered <= most, "{found}");
    let rate = f64::from(rate);
    assert!(others >= 0.5 * (rate * seconds - most), "{found}");
    assert!(hammered + others <= 1.1 * rate * steps, "{found}");
    assert!(stage.is_in("ramp"), "{:?}", stage.changes());
}

fn pages_that_bring_a_pass(stage: &Stage<'_>) {
    /// What a response says of caches, and whether it may bring a pass.
    const PAGES: [(&str, &str, bool); 6] = [
        ("private", "private, max-age=60", true),
        ("no-store", "no-store", true),
        ("capitals", "No-Store", true),
        ("cached", "max-age=60", false),
        ("public", "public", false),
        ("silent", "", false),
    ];
    for (name, cache_control, _) in PAGES {
        let page = Answer::status(200).body("text/html", "<h1>Shop");
        let page = match cache_control {
            "" => page,
            directives => page.header("cache-control", directives),
        };
        stage.upstream.set(name, page);
    }
    let navigation = |client, page| {
        let request = stage.get(client, page);
        request.header("sec-fetch-mode", "navigate")
    };
    let brings = |request: &Request| {
        let answer = stage.connect().get(request);
        (answer.status == 200).then(|| answer.header("set-cookie").map(str::to_owned))
    };
    let nobody_gets_one = || {
        for (page, _, _) in PAGES {
            let bogus = navigation(1, page).header("cookie", "tidegate_pass_x=1.2");
            for request in [navigation(1, page), bogus, stage.check_in(1, page)] {
                assert_eq!(brings(&request), Some(None), "{request:?}");
            }
        }
    };
    nobody_gets_one();
    let (crowd, _) = ramp_under_a_crowd(stage, 40);
    let mut clients = 1000..;
    for (page, cache_control, expected) in PAGES {
        for https in [false, true] {
            let cookie = wait_until("the page", || {
                let request = navigation(clients.next()?, page);
                let request = match https {
                    true => request.header("x-forwarded-proto", "https"),
                    false => request,
                };
                brings(&request)
            });
            assert_eq!(cookie.is_some(), expected, "{cache_control}: {cookie:?}");
            let is_secure = cookie.is_some_and(|cookie| cookie.ends_with("; SameSite=Lax; Secure"));
            assert_eq!(is_secure, expected && https, "{cache_control}");
        }
    }
    // A script that asks is no visitor that comes.
    let cookie = wait_until("an answer", || {
        let request = stage.get(clients.next()?, "private");
        brings(&request.header("sec-fetch-mode", "cors"))
    });
    assert_eq!(cookie, None);
    assert!(stage.is_in("ramp"), "{:?}", stage.changes());
    drop(crowd);
    stage.wait_until_closed();
    for connection in stage.connect_to_all() {
        wait_until("every worker to know", || {
            let answer = connection.get(&navigation(1, "private"));
            (answer.status == 200 && pass_of(&answer).is_none()).then_some(())
        });
    }
    nobody_gets_one();
}
