//! Recovery: probes, ramp, full traffic.

use std::time::{Duration, Instant};

use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::{Answer, Behaviour};
use tokio::task::JoinSet;

use super::bench::{is_rejected, wait_until, Bench, Stall, FAILURES, HANGING, PERMITS, SLOW};
use super::crowd::{on_every_worker, Crowd, Seen};

pub(crate) fn recovery_sends_probes_then_ramps(bench: &Bench) {
    // Enough clients on all workers that every permit is taken. The upstream holds each request for
    // a while.
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

    // The upstream recovers. Probes are sent one at a time, by whichever client asks first.
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
    // Of a route of which no usual rate is known: a request in the first second, then twice as many in
    // each. If the machine stalls, requests of the next second come as well.
    let seen = crowd.seen();
    for (seconds, due) in [
        (1, 1.0),
        (2, 3.0),
        (3, 7.0),
        (4, 15.0),
        (5, 31.0),
        (6, 63.0),
    ] {
        let part = back..back + Duration::from_secs(seconds);
        let part: Vec<&Seen> = seen.iter().filter(|one| part.contains(&one.sent)).collect();
        assert!(part.len() as f64 >= 2.0 * due, "{} requests", part.len());
        let admitted = part.iter().filter(|one| !one.is_rejected).count() as f64;
        let most = 1.25 * due + 3.0 + (due + 1.0) * stall.worst().as_secs_f64();
        assert!(
            (0.6 * due - 1.0..=most).contains(&admitted),
            "{admitted} in {seconds} s, not {due}"
        );
    }
    wait_until("the breaker to be closed", || {
        let last = bench.events("back/app").pop()?;
        (last == ("ramp".to_owned(), "closed".to_owned())).then_some(())
    });
    let since = Instant::now();
    let seen = crowd.wait_for_each(5, since);
    let mut late = seen.iter().filter(|one| one.sent > since);
    assert!(late.all(|one| one.status == 200));
}

/// A client that disconnects returns its permit; an upstream that hangs keeps it until the lease ends.
pub(crate) fn lost_probes_do_not_block_recovery(bench: &Bench) {
    const GONE: u64 = 6;
    bench.trip("/lost-down");
    let times = |to: &str| {
        let events = bench.events("lost/app");
        events.iter().filter(|(_, entered)| entered == to).count()
    };
    let client = bench.client();
    // More probes than there are permits, so permits must have been returned.
    for n in 1..=GONE {
        wait_until("a probe", || {
            // A rejected client has its answer at once; an admitted one disconnects.
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

    // Now the clients stay, and the upstream still hangs: these probes have no outcome. When their
    // leases have ended, others are sent.
    let mut patient = JoinSet::new();
    wait_until("more probes than there are permits", || {
        let client = bench.client();
        let one = async move { client.send(&Request::get("/lost-hang")).await };
        patient.spawn_on(one, tidegate_e2e::runtime().handle());
        (bench.upstream.requests("lost-hang") > GONE + PERMITS).then_some(())
    });
    assert_eq!((times("open"), times("half_open")), (1, 1), "undecided");
    // Then the upstream recovers, and every worker notices soon.
    wait_until("the route to be well", || {
        let client = bench.client();
        let all = (0..10).all(|_| client.get(&Request::get("/lost")).status == 200);
        all.then_some(())
    });
    patient.abort_all();
}

/// The circuit probes again when its open time is over, however many requests it rejects.
pub(crate) fn rejections_do_not_keep_the_circuit_open(bench: &Bench) {
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

/// A probe that fails at once opens the circuit while others hang at the upstream. Those still
/// count in the next half-open periods.
pub(crate) fn probes_of_all_periods_stay_within_the_limit(bench: &Bench) {
    const PERIODS: usize = 5;
    /// So many connections leave none of four workers out, but for one run of a hundred.
    const CONNECTIONS: u32 = 20;
    /// How much later than Envoy's timer begins a probe may come to the upstream.
    const LATE: Duration = Duration::from_millis(300);
    bench.trip("/overlap-down");
    // Until a worker knows of the trip, its requests pass and are no probes.
    wait_until("every worker to reject", || {
        let is_rejected_by_one =
            || is_rejected(&bench.client().get(&Request::get("/overlap-down")));
        (0..CONNECTIONS).all(|_| is_rejected_by_one()).then_some(())
    });
    let rest = Duration::from_millis(10);
    let start = |path: &str| Crowd::start(Crowd::clients(bench.address("main"), 6), path, rest);
    let crowds = [start("/overlap-hang"), start("/overlap-down")];
    wait_until("some half-open periods", || {
        let events = bench.events("overlap/app");
        let tries = events.iter().filter(|(_, to)| to == "half_open").count();
        let both = ["overlap-hang", "overlap-down"].map(|name| bench.upstream.requests(name));
        (tries >= PERIODS && both[0] > PERMITS && both[1] > FAILURES).then_some(())
    });
    // Each of these probes lasts until Envoy's timeout. By then Envoy has closed its connection, but the upstream may see the
    // next probe before that. So the times of arrival are compared: of more probes than there are permits, the first and the
    // last are as far from each other as a probe is long.
    let arrivals = bench.upstream.arrivals("overlap-hang");
    let permits = usize::try_from(PERMITS).expect("few");
    for probes in arrivals.windows(permits + 1) {
        let apart = probes[permits] - probes[0];
        assert!(apart > HANGING - LATE, "{apart:?} of {HANGING:?}");
    }
    drop(crowds);
}

/// The upstream recovers with half of the needed capacity. The ramp finds that level and stays near
/// it.
pub(crate) fn ramp_finds_half_of_the_capacity(bench: &Bench) {
    const WANTED: u32 = 80;
    const CAPACITY: u32 = WANTED / 2;
    const MEASURED: Duration = Duration::from_secs(12);
    /// The longest time of a request in the queue of the upstream.
    const QUEUED: Duration = Duration::from_millis(500);
    let stall = Stall::watch();
    bench.trip("/half-down");
    bench.upstream.set(
        "half",
        Behaviour::Capacity {
            per_second: CAPACITY,
            patience: QUEUED,
        },
    );
    // Open-loop clients: none waits for its answer before the next request.
    let crowd = Crowd::steady(bench.address("main"), "/half", WANTED);
    wait_until("the ramp to have been too high", || {
        crowd.look(|seen| {
            seen.iter()
                .any(|one| one.status == 503 && !one.is_rejected)
                .then_some(())
        })
    });
    // A few seconds to find the level, then the measurement.
    wait_until("the ramp to have found a level", || {
        let ramp = "wasmcustom.tidegate.breaker.admitted_percent.route.half/app";
        (25..75).contains(&bench.envoy.stat(ramp)).then_some(())
    });
    let from = Instant::now() + Duration::from_secs(8);
    // Requests that were sent last are served when they have been in the queue.
    wait_until("the time to be over", || {
        (Instant::now() > from + MEASURED + QUEUED + stall.worst()).then_some(())
    });
    let (mut came, mut served) = (0_u32, 0_u32);
    for one in crowd.seen() {
        if (from..from + MEASURED).contains(&one.sent) {
            came += 1;
            served += u32::from(one.status == 200);
        }
    }
    // A machine that is too busy to send this many requests cannot have this many served.
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

/// Counts the results of the requests of each second.
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

/// No request fails, but all are too slow.
pub(crate) fn slow_responses_trip_the_breaker(bench: &Bench) {
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
