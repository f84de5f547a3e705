//! A crowd that comes back after an outage, to an upstream of known capacity.
//!
//! Three sites with a plugin each, so that none knows of the others, at the same time: all clients obey
//! their hints; some ask every second; one client asks again and again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, route, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::machine;
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::upstream::{Behaviour, Upstream};
use tokio::task::JoinSet;

use crate::breaker::bench::{events, plugin, Stall};
use crate::scenarios::{highest_mean, names_of_failed, run_at_once};
use crate::way_back::bench::address;
use crate::way_back::visitor::pass_of;

/// New visitors per second.
const USUAL: u32 = 150;
/// Requests per second that the upstream serves.
const CAPACITY: u32 = 300;
/// Additional visitors per second during the outage.
const CROWD: u32 = 150;
/// Check-ins per second: few, so that the hints must grow.
const CHECK_INS: u32 = 250;
/// The longest hint, and that of a visitor alone, in seconds.
const MAX_HINT: u64 = 60;
const USUAL_HINT: u64 = 5;
/// Time without failures before the outage.
const WELL: Duration = Duration::from_secs(8);
const OUTAGE: Duration = Duration::from_secs(8);
/// Time after the outage within which every visitor must be served.
const LIMIT: Duration = Duration::from_secs(75);
/// Seconds after the outage within which half, and nearly all, of the visitors from before must be served.
const HALF_BACK: f64 = 35.0;
const NEARLY_ALL_BACK: f64 = 60.0;
/// The most that reaches the upstream, as a part of its capacity, in the mean of three seconds. Who is let in is
/// drawn: as in the simulation, one second of a single run may be a tenth above.
const PEAK: f64 = 1.15;
const ONE_RUN: f64 = 1.1;
/// Connections of all clients together, since a load balancer names their addresses.
const CONNECTIONS: usize = 64;

/// What a client does that was sent away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The built-in page: it checks in at the hinted time, and reloads when it is let in.
    Page,
    /// A program that obeys `Retry-After`.
    Program,
    /// Ignores hints and asks every second.
    Impatient,
}

impl Kind {
    fn obeys(self) -> bool {
        self != Self::Impatient
    }
}

/// One request that was sent away.
#[derive(Debug, Clone, Copy)]
struct Away {
    at: Instant,
    kind: Kind,
    /// Whether the client was told before when to come back.
    is_back: bool,
    /// The hint in seconds.
    hint: u64,
}

/// One of the sites.
struct Site {
    name: &'static str,
    /// How many in ten visitors are impatient.
    impatient: u32,
    /// Requests per second of a client that is no visitor.
    hammer: u32,
    upstream: Upstream,
    clients: Vec<Client>,
    away: Mutex<Vec<Away>>,
}

impl Site {
    fn request(&self, method: &str, client: u32) -> Request {
        Request::new(method, "/shop").header("x-forwarded-for", address(client))
    }

    fn kind(&self, client: u32) -> Kind {
        match client % 10 {
            n if n < self.impatient => Kind::Impatient,
            n if n % 2 == 0 => Kind::Page,
            _ => Kind::Program,
        }
    }

    async fn send(&self, client: u32, request: &Request) -> Response {
        let connection = &self.clients[client as usize % CONNECTIONS];
        let answer = connection.send(request).await;
        answer.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Comes back until the page is there.
    async fn visit(&self, client: u32) {
        let (page, check_in) = (
            self.request("GET", client),
            self.request("HEAD", client).header("x-tidegate-retry", "1"),
        );
        let kind = self.kind(client);
        let mut is_back = false;
        let mut request = page.clone();
        loop {
            let at = Instant::now();
            let answer = self.send(client, &request).await;
            if answer.status < 300 {
                if request.method == "GET" {
                    return;
                }
                request = match pass_of(&answer) {
                    Some(pass) => page.clone().header("cookie", pass),
                    None => page.clone(),
                };
                continue;
            }
            let hint = answer.header("retry-after").and_then(|s| s.parse().ok());
            let hint = hint.unwrap_or_else(|| panic!("no hint: {answer:?}"));
            let away = Away {
                at,
                kind,
                is_back,
                hint,
            };
            self.away.lock().expect("who was sent away").push(away);
            is_back = true;
            let wait = if kind.obeys() { hint } else { 1 };
            tokio::time::sleep_until((at + Duration::from_secs(wait)).into()).await;
            request = match kind {
                Kind::Page => check_in.clone(),
                Kind::Program | Kind::Impatient => page.clone(),
            };
        }
    }
}

/// Sends visitors at an even rate for a while.
async fn stream(
    site: &Arc<Site>,
    visitors: &mut JoinSet<Instant>,
    numbers: &mut std::ops::RangeFrom<u32>,
    per_second: u32,
    time: Duration,
) {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
    let end = tokio::time::Instant::now() + time;
    while pace.tick().await < end {
        let (site, client) = (site.clone(), numbers.next().expect("a number"));
        visitors.spawn(async move {
            site.visit(client).await;
            Instant::now()
        });
    }
}

/// The result of a run.
struct Run {
    /// The number of visitors from before the recovery that were not served in time.
    missing: usize,
    /// When visitors from before the recovery were served, in seconds after it, in order.
    served: Vec<f64>,
    /// For each second after the recovery, the requests that reached the upstream.
    upstream: Vec<u32>,
    /// For each second after the recovery, the check-ins of those who obey.
    check_ins: Vec<u32>,
    /// The longest hint of those who obey.
    longest: u64,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} visitors ({} not served); half, 95 %, all are back after {:.0}, {:.0}, {:.0} s; longest hint {} s; \
             per second, at the upstream {:?}, check-ins {:?}",
            self.served.len(),
            self.missing,
            self.back(0.5),
            self.back(0.95),
            self.back(0.9999),
            self.longest,
            self.upstream,
            self.check_ins,
        )
    }
}

impl Run {
    /// Returns when this part of the visitors was served.
    fn back(&self, part: f64) -> f64 {
        self.served[(self.served.len() as f64 * part) as usize]
    }

    /// Asserts what holds for each site. The machine stood still for up to `stall`.
    fn check(&self, name: &str, stall: Duration, envoy: &Envoy) {
        println!("{name}: {self:?}, machine stood still for {stall:?}");
        // A second in which the machine stood still may hold what came in the stall as well.
        let longest_second = 1.0 + stall.as_secs_f64();
        let most = PEAK * f64::from(CAPACITY) * longest_second;
        assert_eq!(self.missing, 0, "{name}: not all are served in {LIMIT:?}");
        let peak = f64::from(*self.upstream.iter().max().expect("seconds"));
        assert!(peak <= most * ONE_RUN, "{name}: {peak}/s at the upstream");
        let mean = highest_mean(&self.upstream, 3);
        assert!(
            mean <= most,
            "{name}: {mean}/s at the upstream for three seconds"
        );
        assert!(self.back(0.5) <= HALF_BACK, "{name}: {}", self.back(0.5));
        assert!(
            self.back(0.95) <= NEARLY_ALL_BACK,
            "{name}: {}",
            self.back(0.95)
        );
        assert!(
            self.longest <= MAX_HINT,
            "{name}: a hint of {} s",
            self.longest
        );
        assert!(
            self.longest > 2 * USUAL_HINT,
            "{name}: check_ins did not bind"
        );
        // The crowd still grows when the first ones are told. So: in the mean of some seconds.
        let most = 1.5 * f64::from(CHECK_INS) * longest_second;
        let check_ins = highest_mean(&self.check_ins, 5);
        assert!(
            check_ins <= most,
            "{name}: {check_ins} check-ins per second"
        );
        let events = events(envoy, &format!("{name}/{name}"));
        let again = events
            .iter()
            .filter(|(from, to)| from == "ramp" && to == "open");
        assert_eq!(again.count(), 0, "{name} opened again: {events:?}");
    }
}

fn run(site: &Arc<Site>) -> Run {
    tidegate_e2e::runtime().block_on(async {
        let (mut early, mut late) = (JoinSet::new(), JoinSet::new());
        let mut numbers = 1..;
        let mut hammer = JoinSet::new();
        if site.hammer > 0 {
            let site = site.clone();
            hammer.spawn(async move {
                let mut pace = tokio::time::interval(Duration::from_secs(1) / site.hammer);
                let request = site.request("GET", 0);
                for n in 0.. {
                    pace.tick().await;
                    site.send(n, &request).await;
                }
            });
        }
        stream(site, &mut early, &mut numbers, USUAL, WELL).await;
        let down = Instant::now();
        tokio::task::block_in_place(|| site.upstream.close_port());
        stream(site, &mut early, &mut numbers, USUAL + CROWD, OUTAGE).await;
        site.upstream.open_port();
        let back = Instant::now();
        // The usual visitors continue until all visitors from before are served.
        let mut served = Vec::new();
        let all = async {
            while let Some(one) = early.join_next().await {
                served.push(one.expect("a visitor"));
            }
        };
        tokio::select! {
            () = all => {}
            () = stream(site, &mut late, &mut numbers, USUAL, LIMIT) => {}
        };
        let end = Instant::now();
        let since = |at: &Instant| at.checked_duration_since(back);
        let mut served: Vec<f64> = served
            .iter()
            .filter_map(since)
            .map(|t| t.as_secs_f64())
            .collect();
        served.sort_by(f64::total_cmp);
        let mut upstream = vec![0; (end - back).as_secs() as usize + 1];
        for at in site.upstream.arrivals("shop").iter().filter_map(since) {
            if let Some(count) = upstream.get_mut(at.as_secs() as usize) {
                *count += 1;
            }
        }
        let away = site.away.lock().expect("who was sent away").clone();
        let mut check_ins = vec![0; (end - down).as_secs() as usize + 1];
        let obeying = away.iter().filter(|one| one.kind.obeys());
        for one in obeying.clone().filter(|one| one.is_back) {
            check_ins[(one.at - down).as_secs() as usize] += 1;
        }
        let longest = obeying.map(|one| one.hint).max().unwrap_or(0);
        Run {
            missing: early.len(),
            served,
            upstream,
            check_ins,
            longest,
        }
    })
}

/// Tests that run alone (`scripts/lib.sh`).
mod under_load {
    #[test]
    fn a_crowd_comes_back_within_capacity() {
        super::play();
    }
}

fn play() {
    machine::under_load(|| {
        let site = |name, impatient, hammer| {
            let upstream = Upstream::start([(
                "shop",
                Behaviour::Capacity {
                    per_second: CAPACITY,
                    patience: Duration::from_secs(1),
                },
            )]);
            (name, impatient, hammer, upstream)
        };
        let sites = [
            site("obey", 0, 0),
            site("impatient", 3, 0),
            site("hammer", 0, 50),
        ];
        let clusters = sites
            .iter()
            .map(|site| cluster(site.0, &[site.3.address()]));
        let configuration = json!({
            "retry": { "check_ins": CHECK_INS, "max": format!("{MAX_HINT}s") },
        });
        let listeners = sites.iter().map(|site| {
            Listener::new(site.0)
                .filter(plugin(site.0, &configuration.to_string()))
                .routes(vec![route("/", site.0)])
                .manager(json!({ "use_remote_address": true, "xff_num_trusted_hops": 1 }))
                .json()
        });
        let mut bootstrap = Bootstrap::new(clusters.collect(), listeners.collect());
        bootstrap.concurrency = 2;
        let envoy = Envoy::start(&bootstrap);
        let stall = Stall::watch();
        let runs = sites.map(|(name, impatient, hammer, upstream)| {
            let address = envoy.listener(name);
            let clients = (0..CONNECTIONS).map(|_| Client::new(Protocol::H1, address));
            let site = Arc::new(Site {
                name,
                impatient,
                hammer,
                upstream,
                clients: clients.collect(),
                away: Mutex::default(),
            });
            let (envoy, stall) = (&envoy, &stall);
            let play = move || run(&site).check(name, stall.worst(), envoy);
            (name.to_owned(), play)
        });
        let ends = run_at_once(runs.into_iter());
        machine::Findings::new(names_of_failed(ends), &envoy)
    });
}
