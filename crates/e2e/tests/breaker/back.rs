//! The way back: probes, a ramp, all.

use std::time::{Duration, Instant};

use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::Answer;
use tokio::task::JoinSet;

use super::bench::{is_rejected, wait_until, Bench, PERMITS};
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
    let crowd = Crowd::start(clients, "/back", Duration::from_millis(25));
    wait_until("some half-open periods", || {
        (bench.upstream.requests("back") > 2 * PERMITS).then_some(())
    });
    assert_eq!(bench.upstream.most_at_once("back"), PERMITS);

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
    // Four steps of a second: the least share, a quarter, half, three quarters.
    let seen = crowd.seen();
    let share = |from: u64, to: u64| {
        let part = back + Duration::from_millis(from)..back + Duration::from_millis(to);
        let part: Vec<&Seen> = seen.iter().filter(|one| part.contains(&one.sent)).collect();
        let admitted = part.iter().filter(|one| !one.is_rejected).count();
        assert!(part.len() >= 50, "{} requests in {from}..{to}", part.len());
        admitted as f64 / part.len() as f64
    };
    let (first, second) = (share(50, 1950), share(2050, 3950));
    assert!((0.02..0.35).contains(&first), "{first}, then {second}");
    assert!((0.4..0.85).contains(&second), "{first}, then {second}");
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
    wait_until("requests to get through", || {
        let is_late = |one: &Seen| one.status == 200 && one.sent > since;
        crowd.look(|seen| seen.iter().any(is_late)).then_some(())
    });
}
