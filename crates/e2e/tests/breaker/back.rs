//! The way back: probes, a ramp, all.

use std::time::{Duration, Instant};

use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::{Answer, Behaviour};
use tokio::task::JoinSet;

use super::bench::{is_rejected, wait_until, Bench, Stall, FAILURES, PERMITS, SLOW};
use super::crowd::{on_every_worker, Crowd, Seen};

pub(crate) fn probes_then_a_ramp_then_all(bench: &Bench) {
    // So many ask, on all workers, that no permit is left; the upstream holds each for a while.
    let mut clients = on_every_worker(bench, "main", 2);
    clients.extend(Crowd::clients(bench.address("main"), 8));
    let many = clients.len();
    bench.trip("/back-down");
    for client in &clients {
        wait_until("every worker to know", || {
            is_rejected(&client.get(&Request::get("/back-down"))).then_some(())
        });
    }
    let stall = Stall::watch();
    let crowd = Crowd::start(clients, "/back", Duration::from_millis(25));
    wait_until("some half-open periods", || {
        (bench.upstream.requests("back") > 2 * PERMITS).then_some(())
    });
    assert_eq!(bench.upstream.most_at_once("back"), PERMITS);
    let others = |one: &Seen| !one.is_rejected && one.status != 503;
    assert!(!crowd.look(|seen| seen.iter().any(others)));

    // It comes back. Probes come one by one, from whoever asks first.
    let answer = Answer::status(200).body("text/plain", "back");
    bench
        .upstream
        .set("back", answer.after(Duration::from_millis(10)));
    let last_probe = usize::try_from(PERMITS - 1).expect("few");
    let back = wait_until("all probes to succeed", || {
        crowd.look(|seen| {
            let mut good = seen.iter().filter(|one| one.status == 200);
            good.nth(last_probe).map(|one| one.got)
        })
    });
    wait_until("all to be admitted", || {
        crowd.look(|seen| {
            let last = &seen[seen.len().saturating_sub(many * 10)..];
            let is_late = |one: &Seen| one.status == 200 && one.sent > back;
            last.iter().all(is_late).then_some(())
        })
    });
    // Four steps of a second: the least share, a quarter, half, three quarters. A machine that stands
    // still moves what was sent from one half to the other.
    let slack = 0.1 + stall.worst().as_secs_f64() / 2.0;
    let seen = crowd.seen();
    let share = |from: u64, to: u64| {
        let part = back + Duration::from_millis(from)..back + Duration::from_millis(to);
        let part: Vec<&Seen> = seen.iter().filter(|one| part.contains(&one.sent)).collect();
        let admitted = part.iter().filter(|one| !one.is_rejected).count();
        assert!(part.len() >= 50, "{} requests in {from}..{to}", part.len());
        admitted as f64 / part.len() as f64
    };
    let (first, second) = (share(50, 1950), share(2050, 3950));
    let is_near = |share: f64, wanted: f64| (share - wanted).abs() <= slack;
    assert!(
        is_near(first, 0.15) && is_near(second, 0.625),
        "{first}, then {second}"
    );
    wait_until("the breaker to be closed", || {
        let last = bench.events("back/app").pop()?;
        (last == ("ramp".to_owned(), "closed".to_owned())).then_some(())
    });
    let since = Instant::now();
    let seen = crowd.wait_for_each(5, since);
    let mut late = seen.iter().filter(|one| one.sent > since);
    assert!(late.all(|one| one.status == 200));
}

/// Clients that go away give their permits back; an upstream that hangs loses them.
pub(crate) fn lost_probes_wedge_nothing(bench: &Bench) {
    const GONE: u64 = 6;
    bench.trip("/lost-down");
    let times = |to: &str| {
        let events = bench.events("lost/app");
        events.iter().filter(|(_, entered)| entered == to).count()
    };
    let client = bench.client();
    // As many probes as it takes to see that permits come back: more than there are.
    for n in 1..=GONE {
        wait_until("a probe", || {
            // Whoever is rejected has an answer at once; whoever is not goes away.
            let request = Request::get("/lost-hang");
            let _ = tidegate_e2e::runtime().block_on(async {
                tokio::time::timeout(Duration::from_millis(100), client.send(&request)).await
            });
            (bench.upstream.requests("lost-hang") >= n).then_some(())
        });
    }
    assert_eq!(
        (times("open"), times("half_open")),
        (1, 1),
        "{:?}",
        bench.events("lost/app")
    );

    // Now they stay, and the upstream still hangs: nothing is known of these probes any more.
    let mut patient = JoinSet::new();
    wait_until("all permits to be out", || {
        let client = bench.client();
        let one = async move { client.send(&Request::get("/lost-hang")).await };
        patient.spawn_on(one, tidegate_e2e::runtime().handle());
        (bench.upstream.requests("lost-hang") >= GONE + PERMITS).then_some(())
    });
    wait_until("the lost probes to be given up", || {
        (times("open") >= 2).then_some(())
    });
    // And then it is well, and everybody can tell soon.
    wait_until("the route to be well", || {
        let client = bench.client();
        let all = (0..10).all(|_| client.get(&Request::get("/lost")).status == 200);
        all.then_some(())
    });
    patient.abort_all();
}

/// However many are rejected, the circuit is tried again when its time is over.
pub(crate) fn rejections_do_not_keep_it_open(bench: &Bench) {
    bench.trip("/hammered-down");
    let rest = Duration::from_millis(10);
    let crowd = Crowd::start(Crowd::clients(bench.address("main"), 8), "/hammered", rest);
    let events = wait_until("the circuit to be tried", || {
        Some(bench.events("hammered/app")).filter(|events| events.len() >= 2)
    });
    let since = Instant::now();
    let entered: Vec<&str> = events.iter().map(|(_, to)| to.as_str()).take(2).collect();
    assert_eq!(entered, ["open", "half_open"]);
    assert!(crowd.look(|seen| seen.iter().any(|one| one.is_rejected)));
    wait_until("requests to get through", || {
        let is_late = |one: &Seen| one.status == 200 && one.sent > since;
        crowd.look(|seen| seen.iter().any(is_late)).then_some(())
    });
}

/// A probe that fails at once opens the circuit while others hang at the upstream: in the next
/// half-open periods those still count.
pub(crate) fn probes_of_several_periods_are_never_too_many(bench: &Bench) {
    const PERIODS: usize = 5;
    bench.trip("/overlap-down");
    let rest = Duration::from_millis(10);
    let start = |path: &str| Crowd::start(Crowd::clients(bench.address("main"), 6), path, rest);
    let crowds = [start("/overlap-hang"), start("/overlap-down")];
    wait_until("some half-open periods", || {
        let events = bench.events("overlap/app");
        let tries = events.iter().filter(|(_, to)| to == "half_open").count();
        let both = ["overlap-hang", "overlap-down"].map(|name| bench.upstream.requests(name));
        (tries >= PERIODS && both[0] > PERMITS && both[1] > FAILURES).then_some(())
    });
    assert!(bench.upstream.most_at_once("overlap-hang") <= PERMITS);
    drop(crowds);
}

/// The upstream is back with half of what is wanted of it: the ramp finds that, and stays near it.
pub(crate) fn half_of_the_capacity_is_found_and_used(bench: &Bench) {
    const WANTED: u32 = 80;
    const CAPACITY: u32 = WANTED / 2;
    const MEASURED: Duration = Duration::from_secs(12);
    bench.trip("/half-down");
    bench.upstream.set(
        "half",
        Behaviour::Capacity {
            per_second: CAPACITY,
            patience: Duration::from_millis(500),
        },
    );
    // Each client is one of those who come anyway: it does not wait for its answer to ask again.
    let crowd = Crowd::steady(bench.address("main"), "/half", WANTED);
    wait_until("the ramp to have been too high", || {
        crowd.look(|seen| {
            seen.iter()
                .any(|one| one.status == 503 && !one.is_rejected)
                .then_some(())
        })
    });
    // A few seconds to find the level; then it is measured.
    wait_until("the ramp to have found a level", || {
        let ramp = "wasmcustom.tidegate.breaker.admitted_percent.route.half/app";
        (25..75).contains(&bench.envoy.stat(ramp)).then_some(())
    });
    let from = Instant::now() + Duration::from_secs(8);
    wait_until("the time to be over", || {
        (Instant::now() > from + MEASURED).then_some(())
    });
    let (mut came, mut served) = (0_u32, 0_u32);
    for one in crowd.seen() {
        if (from..from + MEASURED).contains(&one.sent) {
            came += 1;
            served += u32::from(one.status == 200);
        }
    }
    // A machine that is too busy to send as many cannot be served as many.
    let could = came.min(CAPACITY * u32::try_from(MEASURED.as_secs()).expect("few"));
    assert!(came > could, "{came} of which {could} can be served");
    assert!(
        f64::from(served) >= 0.8 * f64::from(could),
        "{served} of {could}\n{}",
        by_second(&crowd.seen())
    );
    let events = bench.events("half/app");
    let trips = events.iter().filter(|(_, to)| to == "open").count();
    assert_eq!(trips, 1, "it does not flap: {events:?}");
}

/// What became of the requests of each second.
fn by_second(seen: &[Seen]) -> String {
    let start = seen.first().map(|one| one.sent);
    let mut seconds: Vec<[u32; 3]> = Vec::new();
    for one in seen {
        let second = start.map_or(0, |start| (one.sent - start).as_secs() as usize);
        seconds.resize(seconds.len().max(second + 1), [0; 3]);
        let end = match one.status {
            200 => 1,
            _ if one.is_rejected => 0,
            _ => 2,
        };
        seconds[second][end] += 1;
    }
    format!("rejected, served, failed in each second: {seconds:?}")
}

/// Nothing fails, but everything takes too long.
pub(crate) fn slowness_alone_trips_it(bench: &Bench) {
    let client = Client::new(Protocol::H1, bench.address("slow"));
    let mut passed = 0;
    wait_until("a rejection", || {
        let answer = client.get(&Request::get("/slow"));
        passed += u64::from(answer.status == 200);
        is_rejected(&answer).then_some(())
    });
    assert_eq!(passed, SLOW, "one connection, one worker");
    let other = client.get(&Request::get("/near"));
    assert_eq!(other.status, 200, "it is the route that is slow");
}
