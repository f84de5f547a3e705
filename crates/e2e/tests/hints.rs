//! When clients come back that were told when to: a crowd against an upstream of known capacity.

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

use crate::breaker::bench::{events, plugin, Stall};

/// New visitors per second.
const DEMAND: u32 = 200;
/// Requests per second that the upstream serves.
const CAPACITY: u32 = 300;
/// More visitors, who come during the outage.
const CROWD: u32 = 1_400;
/// All is well for so long before it.
const BEFORE: Duration = Duration::from_secs(8);
const OUTAGE: Duration = Duration::from_secs(8);
/// All must be served so long after it.
const LIMIT: Duration = Duration::from_secs(150);

/// A request that came.
#[derive(Debug, Clone, Copy)]
struct Came {
    at: Instant,
    is_served: bool,
    is_back: bool,
}

/// What came in a run.
#[derive(Debug)]
struct Run {
    /// In the order of coming.
    came: Vec<Came>,
    /// When the upstream was back.
    back: Instant,
    /// When the last was served of those who came before that.
    served: Instant,
    /// How often the circuit opened after that.
    trips: usize,
    /// For how long the machine stood still at most.
    stall: Duration,
}

impl Run {
    /// For each second after the upstream was back: requests that came, and those that had come before.
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

    /// The most that came within any second, per second, for what the machine stood still.
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

/// A visitor: asks until it is served, and comes back when it is told to.
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

/// So many visitors per second for a while, evenly.
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
    let listener = Listener::new("main")
        .filter(plugin("tidegate", &configuration.to_string()))
        .routes(vec![route("/", "app")])
        .json();
    let mut bootstrap = Bootstrap::new(vec![cluster("app", &[upstream.address()])], vec![listener]);
    bootstrap.concurrency = 2;
    let envoy = Envoy::start(&bootstrap);
    let address = envoy.listener("main");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let stall = Stall::watch();
    let opened = |envoy: &Envoy| {
        let events = events(envoy, "site/app");
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
        // The usual visitors go on coming until all are served who came before.
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

/// What came of a run, to be looked at.
fn told(name: &str, run: &Run) -> String {
    let mut text = format!(
        "{name}: peak {:.0}/s of {CAPACITY}/s, all served after {:.0} s, {} requests in vain, opened {} times again, machine stood still for {:?}\n",
        run.peak(),
        run.served.duration_since(run.back).as_secs_f64(),
        run.came.iter().filter(|one| !one.is_served).count(),
        run.trips,
        run.stall,
    );
    for (second, (all, back)) in run.seconds().into_iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{second:4} s  {all:5} came, {back:5} of them again");
    }
    text
}

#[test]
fn a_paced_crowd_is_within_the_capacity_and_an_unpaced_one_is_not() {
    let base = json!({ "default": "2s", "504": "2s" });
    let paced = run(json!({ "after": base }));
    println!("{}", told("paced", &paced));
    let fixed = run(json!({ "after": base, "pace": "off" }));
    println!("{}", told("fixed", &fixed));
    let capacity = f64::from(CAPACITY);
    assert!(paced.peak() <= 1.1 * capacity, "{}", paced.peak());
    assert_eq!(paced.trips, 0, "the circuit opened again");
    assert!(fixed.peak() > 1.5 * capacity, "{}", fixed.peak());
}
