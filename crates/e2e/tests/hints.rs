//! When clients retry that got a retry hint: a crowd and an upstream of known capacity.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, route, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::{Answer, Behaviour, Upstream};
use tokio::task::JoinSet;

use crate::breaker::bench::{events, logged, plugin, Stall};

/// New visitors per second.
const DEMAND: u32 = 200;
/// Requests per second that the upstream serves.
const CAPACITY: u32 = 300;
/// Additional visitors during the outage.
const CROWD: u32 = 1_400;
/// Time without failures before the outage.
const BEFORE: Duration = Duration::from_secs(8);
const OUTAGE: Duration = Duration::from_secs(8);
/// Time after the outage within which every visitor must be served.
const LIMIT: Duration = Duration::from_secs(150);

/// One request at the upstream.
#[derive(Debug, Clone, Copy)]
struct Came {
    at: Instant,
    is_served: bool,
    is_back: bool,
}

/// The requests of a run.
#[derive(Debug)]
struct Run {
    /// In order of arrival.
    came: Vec<Came>,
    /// When the upstream recovered.
    back: Instant,
    /// When the last visitor from before the recovery was served.
    served: Instant,
    /// How often the circuit opened after the recovery.
    trips: usize,
    /// Longest stall of the machine.
    stall: Duration,
}

impl Run {
    /// For each second after the recovery: all requests, and those of visitors from before it.
    fn seconds(&self) -> Vec<(u32, u32)> {
        let until = self.served.duration_since(self.back).as_secs() as usize + 1;
        let mut seconds = vec![(0, 0); until];
        for one in &self.came {
            let Some(at) = one.at.checked_duration_since(self.back) else {
                continue;
            };
            if let Some((all, back)) = seconds.get_mut(at.as_secs() as usize) {
                *all += 1;
                *back += u32::from(one.is_back);
            }
        }
        seconds
    }

    /// Returns the peak number of requests per second, allowing for the longest stall of the
    /// machine.
    fn peak(&self) -> f64 {
        let window = Duration::from_secs(1) + self.stall;
        let times: Vec<Instant> = self.came.iter().map(|one| one.at).collect();
        let after = times.partition_point(|at| *at < self.back);
        let times = &times[after..];
        let most = (0..times.len()).map(|from| {
            let end = times[from] + window;
            times[from..].partition_point(|at| *at < end)
        });
        most.max().unwrap_or(0) as f64 / window.as_secs_f64()
    }
}

/// A visitor: retries until it is served, each time after the hint.
async fn visit(address: SocketAddr, seen: Arc<Mutex<Vec<Came>>>) {
    let mut is_back = false;
    loop {
        let at = Instant::now();
        let answer = Client::new(Protocol::H1, address)
            .send(&Request::get("/shop"))
            .await
            .unwrap_or_else(|error| panic!("a visitor: {error}"));
        let is_served = answer.status == 200;
        seen.lock().expect("what came").push(Came {
            at,
            is_served,
            is_back,
        });
        if is_served {
            return;
        }
        let hint = answer.header("retry-after").map(str::parse);
        let Some(Ok(seconds)) = hint else {
            panic!("no hint: {answer:?}");
        };
        is_back = true;
        tokio::time::sleep_until((at + Duration::from_secs(seconds)).into()).await;
    }
}

/// Sends visitors at an even rate for a while.
async fn stream(
    visitors: &mut JoinSet<()>,
    address: SocketAddr,
    seen: &Arc<Mutex<Vec<Came>>>,
    per_second: u32,
    time: Duration,
) {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
    let end = tokio::time::Instant::now() + time;
    while pace.tick().await < end {
        visitors.spawn(visit(address, seen.clone()));
    }
}

fn run(retry: serde_json::Value) -> Run {
    let capacity = || Behaviour::Capacity {
        per_second: CAPACITY,
        patience: Duration::from_secs(1),
    };
    let upstream = Upstream::start([("shop", capacity())]);
    let configuration = json!({
        "retry": retry,
        "breaker": { "open": { "base": "1s", "max": "2s" }, "ramp": { "duration": "4s" } },
    });
    let envoy = start(&configuration, &upstream, 2);
    let address = envoy.listener("main");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let stall = Stall::watch();
    let opened = |envoy: &Envoy| {
        let events = events(envoy, "app/app");
        events.iter().filter(|(_, to)| to == "open").count()
    };
    let (back, served, before) = tidegate_e2e::runtime().block_on(async {
        let (mut early, mut late) = (JoinSet::new(), JoinSet::new());
        stream(&mut early, address, &seen, DEMAND, BEFORE).await;
        upstream.set("shop", Answer::status(503));
        let in_outage = DEMAND + CROWD / OUTAGE.as_secs() as u32;
        stream(&mut early, address, &seen, in_outage, OUTAGE).await;
        upstream.set("shop", capacity());
        let (back, before) = (Instant::now(), opened(&envoy));
        assert!(before > 0, "the outage opens the circuit");
        // The usual visitors continue until all visitors from before are served.
        let all = async {
            while let Some(one) = early.join_next().await {
                one.expect("a visitor");
            }
            Instant::now()
        };
        let limit = stream(&mut late, address, &seen, DEMAND, LIMIT);
        let served = tokio::select! {
            served = all => served,
            () = limit => panic!("not all are served in {LIMIT:?}"),
        };
        (back, served, before)
    });
    let mut came = seen.lock().expect("what came").clone();
    came.sort_by_key(|one| one.at);
    Run {
        came,
        back,
        served,
        trips: opened(&envoy) - before,
        stall: stall.worst(),
    }
}

/// Formats the result of a run for people.
fn summary(name: &str, run: &Run) -> String {
    let mut text = format!(
        "{name}: peak {:.0}/s of {CAPACITY}/s, all served after {:.0} s, {} requests in vain, opened {} times again, machine stood still for {:?}\n",
        run.peak(),
        run.served.duration_since(run.back).as_secs_f64(),
        run.came.iter().filter(|one| !one.is_served).count(),
        run.trips,
        run.stall,
    );
    for (second, (all, back)) in run.seconds().into_iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{second:4} s  {all:5} came, {back:5} of them again");
    }
    text
}

#[test]
fn pacing_keeps_a_crowd_within_capacity() {
    let base = json!({ "default": "2s", "504": "2s" });
    let paced = run(json!({ "after": base }));
    println!("{}", summary("paced", &paced));
    let fixed = run(json!({ "after": base, "pace": "off" }));
    println!("{}", summary("fixed", &fixed));
    let capacity = f64::from(CAPACITY);
    assert!(paced.peak() <= 1.1 * capacity, "{}", paced.peak());
    assert_eq!(paced.trips, 0, "the circuit opened again");
    assert!(fixed.peak() > 1.5 * capacity, "{}", fixed.peak());
}

fn start(configuration: &serde_json::Value, upstream: &Upstream, workers: u32) -> Envoy {
    let listener = Listener::new("main")
        .filter(plugin("tidegate", &configuration.to_string()))
        .routes(vec![route("/", "app")])
        .json();
    let mut bootstrap = Bootstrap::new(vec![cluster("app", &[upstream.address()])], vec![listener]);
    bootstrap.concurrency = workers;
    Envoy::start(&bootstrap)
}

/// A client gets one number, whatever form of it it reads.
#[test]
fn every_format_has_the_same_hint() {
    let upstream = Upstream::start([("down", Answer::status(503))]);
    let configuration = json!({
        "breaker": { "mode": "disabled" },
        "retry": { "after": { "default": "7s", "504": "7s" }, "pace": 4 },
    });
    let envoy = start(&configuration, &upstream, 2);
    let client = Client::new(Protocol::H2, envoy.listener("main"));
    let seconds = |ms: u64| ms.div_ceil(1000).to_string();
    // All workers share the slots of a fixed pace: each is a quarter of a second after the last.
    let mut last = 0;
    let begun = Instant::now();
    for n in 0..8_u32 {
        let json = Request::get("/down").header("accept", "application/json");
        let asked = begun.elapsed().as_millis() as u64;
        let answer = Client::new(Protocol::H1, envoy.listener("main")).get(&json);
        let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        let ms = body["retry_after_ms"].as_u64().expect("a time");
        assert_eq!(answer.header("retry-after"), Some(seconds(ms).as_str()));
        assert_eq!(body["retry_after"], ms.div_ceil(1000));
        // The slot is this long after a moment between request and response.
        let latest = ms + begun.elapsed().as_millis() as u64;
        assert!(latest >= 7_000 + u64::from(n) * 250, "{n}: {latest}");
        assert!(
            n == 0 || latest + 2 >= last + 250,
            "{n}: {latest} after {last}"
        );
        last = asked + ms;
    }
    let html = Request::get("/down").header("accept", "text/html");
    let page = client.get(&html);
    let text = String::from_utf8(page.body.clone()).expect("a page");
    let ms: u64 = text
        .split("data-retry-after-ms=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next()?.parse().ok())
        .expect("the hint of the page");
    assert_eq!(page.header("retry-after"), Some(seconds(ms).as_str()));
    let call = Request::get("/down")
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let answer = client.get(&call);
    let pushback: u64 = answer
        .header("grpc-retry-pushback-ms")
        .and_then(|ms| ms.parse().ok())
        .expect("the pushback");
    assert!((7_000..20_000).contains(&pushback), "{pushback}");
}

/// The usual rate of a route is known even if no rule names routes; one log line covers many
/// responses and names the releases before and after; a retry that reports its hint is counted.
#[test]
fn usual_rate_and_failing_release_are_known() {
    let release = |name: &str| Answer::status(200).header("x-release", name);
    let upstream = Upstream::start([("shop", release("1.0"))]);
    let configuration = json!({
        "breaker": { "mode": "disabled" },
        "retry": { "after": { "default": "1s", "504": "1s" } },
    });
    // One worker: a second one would not have seen the requests and would not know the rate.
    let envoy = start(&configuration, &upstream, 1);
    let address = envoy.listener("main");
    let kept = "wasmcustom.tidegate.hints_kept.route.app/app";
    let one_by_one = |path: &str, header: Option<(&str, &str)>, count: u32, per_second: u32| {
        tidegate_e2e::runtime().block_on(async {
            let mut answers = Vec::new();
            let client = Client::new(Protocol::H1, address);
            let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
            for _ in 0..count {
                pace.tick().await;
                let mut request = Request::get(path).header("accept", "application/json");
                if let Some((name, value)) = header {
                    request = request.header(name, value);
                }
                answers.push(client.send(&request).await.expect("an answer"));
            }
            answers
        })
    };
    // 200 per second for five seconds.
    one_by_one("/shop", Some(("x-tidegate-retry", "1")), 1_000, 200);
    assert_eq!(envoy.stat(kept), 0, "no client got a hint");
    upstream.set("shop", Answer::status(503).header("x-release", "1.1"));
    let failed = one_by_one("/shop", None, 40, 1_000);
    let hints: Vec<u64> = failed
        .iter()
        .map(|answer| {
            let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
            body["retry_after_ms"].as_u64().expect("a time")
        })
        .collect();
    // 0.3 of 200 is 60 per second. The machine may not have reached 200, and the peak may be
    // higher. For an unknown route the slots would be a second apart.
    let spread = hints[39].saturating_sub(hints[0]);
    assert!((200..10_000).contains(&spread), "{hints:?}");
    let other = one_by_one("/other", None, 1, 1);
    assert_eq!(other[0].status, 200);

    // A retry that reports its hint and gets through is counted; one that does not get through is
    // not.
    std::thread::sleep(Duration::from_millis(hints[0]));
    one_by_one("/shop", Some(("x-tidegate-retry", "1")), 2, 100);
    upstream.set("shop", release("1.1"));
    one_by_one("/shop", Some(("x-tidegate-retry", "1")), 3, 100);
    one_by_one("/shop", Some(("grpc-previous-rpc-attempts", "1")), 2, 100);
    one_by_one("/shop", None, 5, 100);
    assert_eq!(envoy.wait_for_stat(kept, 5), 5);
    let given = "wasmcustom.tidegate.hints_given.route.app/app";
    assert_eq!(envoy.wait_for_stat(given, 42), 42);
    let reason = "wasmcustom.tidegate.intercepted.reason.upstream_unavailable.route.app/app";
    assert_eq!(envoy.wait_for_stat(reason, 42), 42);
    assert_eq!(
        envoy.wait_for_stat("wasmcustom.tidegate.replies.format.problem", 42),
        42
    );

    crate::breaker::bench::wait_until("all to be in the log", || {
        let count = |line: &serde_json::Value| line["count"].as_u64().expect("a number");
        let sum: u64 = logged(&envoy, "intercepted").iter().map(count).sum();
        (sum == 42).then_some(())
    });
    let lines = logged(&envoy, "intercepted");
    assert_eq!(
        lines.len(),
        2,
        "the first at once, the rest ten seconds later: {lines:?}"
    );
    for line in &lines {
        assert_eq!(line["route"], "app/app");
        assert_eq!(line["reason"], "upstream_unavailable");
        assert_eq!(line["release"], "1.1");
        assert_eq!(line["release_before"], "1.0");
    }
}
