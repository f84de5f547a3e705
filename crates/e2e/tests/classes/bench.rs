//! One Envoy with a route `/` for the host of each scenario, and what the scenarios share.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::process::{getrlimit, setrlimit, Resource, Rlimit};
use serde_json::{json, Value};
use tidegate_e2e::config::{cluster, merge, route, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::message::Request;
use tidegate_e2e::upstream::{Answer, Behaviour, Upstream};

use super::load::{Load, Shot, Who};
use super::Findings;
use crate::breaker::bench::{logged, plugin, wait_for_time, Stall};

/// A circuit that has to open opens within this time of the first failure.
pub(crate) const SOON: Duration = Duration::from_secs(2);
/// All workers know of an open circuit after this time.
pub(crate) const FLUSH: Duration = Duration::from_millis(100);
/// The shortest time that a circuit is open, by default.
pub(crate) const OPEN: Duration = Duration::from_secs(2);
/// Requests that may reach a part of the upstream in a second while it is closed: probes, and first
/// tries of what is not known yet. By default three.
const TRIES: f64 = 3.0;
/// What [`Stage::eventually`] waits for.
const PATIENCE: Duration = Duration::from_secs(5);

/// With this begin the names of the routes that have other settings than the defaults.
const QUICK: &str = "quick-";

/// Whether Envoy knows the addresses of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
    /// A load balancer that Envoy trusts names them in `X-Forwarded-For`.
    Named,
    /// All clients seem to have the address of the load balancer.
    One,
}

impl Addresses {
    pub(crate) const ALL: [Self; 2] = [Self::Named, Self::One];

    /// Returns the listener.
    fn listener(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::One => "one",
        }
    }
}

type Play = dyn Fn(&Stage<'_>) -> Findings + Send + Sync;

/// What happens on one route.
pub(crate) struct Scenario {
    name: String,
    addresses: Addresses,
    begins: Duration,
    timeout: &'static str,
    play: Box<Play>,
}

impl Scenario {
    /// Returns a scenario that begins at once.
    pub(crate) fn new(
        name: &str,
        addresses: Addresses,
        play: impl Fn(&Stage<'_>) -> Findings + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            addresses,
            begins: Duration::ZERO,
            timeout: "15s",
            play: Box::new(play),
        }
    }

    /// Returns the same scenario with known addresses and with one, the latter later.
    pub(crate) fn twice(
        name: &str,
        play: impl Fn(&Stage<'_>) -> Findings + Copy + Send + Sync + 'static,
    ) -> Vec<Self> {
        let of = |addresses| {
            let scenario = Self::new(name, addresses, play);
            match addresses {
                Addresses::Named => scenario,
                Addresses::One => scenario.begins(super::SECOND_HALF),
            }
        };
        Addresses::ALL.map(of).into()
    }

    /// Sets when it begins.
    #[must_use]
    pub(crate) fn begins(mut self, after: Duration) -> Self {
        self.begins = after;
        self
    }

    /// Gives its route a short open time and a short ramp.
    #[must_use]
    pub(crate) fn quick(mut self) -> Self {
        self.name.insert_str(0, QUICK);
        self
    }

    /// Sets the time-out of the route.
    #[must_use]
    pub(crate) fn timeout(mut self, timeout: &'static str) -> Self {
        self.timeout = timeout;
        self
    }

    /// Plays it and returns what is wrong.
    pub(crate) fn play(&self, stage: &Stage<'_>) -> Findings {
        (self.play)(stage)
    }

    /// Names its route and its cluster.
    fn id(&self) -> String {
        format!("{}-{}", self.name, self.addresses.listener())
    }

    fn virtual_host(&self) -> Value {
        let id = self.id();
        let timeout = json!({ "route": { "timeout": self.timeout } });
        json!({
            "name": id,
            "domains": [host(&id), format!("*.{}", host(&id))],
            "routes": [merge(route("/", &id), timeout)],
        })
    }
}

fn host(id: &str) -> String {
    format!("{id}.example")
}

/// A running Envoy and the upstreams of all scenarios.
pub(crate) struct Bench {
    // Fields are dropped in this order: Envoy ends before its upstreams.
    pub(crate) envoy: Envoy,
    upstreams: Vec<Upstream>,
    stall: Stall,
    started: Instant,
}

impl Bench {
    /// Starts Envoy and the upstreams.
    pub(crate) fn start(concurrency: u32, scenarios: &[Scenario]) -> Bench {
        allow_many_connections();
        let upstream = |_: &Scenario| Upstream::start(Vec::<(String, Behaviour)>::new());
        let upstreams: Vec<Upstream> = scenarios.iter().map(upstream).collect();
        let clusters = scenarios.iter().zip(&upstreams);
        let clusters = clusters
            .map(|(scenario, upstream)| cluster(&scenario.id(), &[upstream.address()]))
            .collect();
        let listeners = Addresses::ALL.map(|addresses| listener(addresses, scenarios));
        let mut bootstrap = Bootstrap::new(clusters, listeners.into());
        bootstrap.concurrency = concurrency;
        let envoy = Envoy::start(&bootstrap);
        for addresses in Addresses::ALL {
            check_addresses(&envoy, addresses);
        }
        Bench {
            envoy,
            upstreams,
            stall: Stall::watch(),
            started: Instant::now(),
        }
    }

    /// Returns each scenario with its stage.
    pub(crate) fn stages<'a>(
        &'a self,
        scenarios: &'a [Scenario],
    ) -> impl Iterator<Item = (&'a Scenario, Stage<'a>)> {
        let stage = |(scenario, upstream): (&'a Scenario, &'a Upstream)| {
            let stage = Stage {
                bench: self,
                id: scenario.id(),
                addresses: scenario.addresses,
                address: self.envoy.listener(scenario.addresses.listener()),
                begins: self.started + scenario.begins,
                upstream,
            };
            (scenario, stage)
        };
        scenarios.iter().zip(&self.upstreams).map(stage)
    }
}

/// Lets this process, and the Envoys that it starts, have as many connections as the system allows.
fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, most).expect("raise the limit of open files");
}

/// Returns the defaults, except for some routes.
fn configuration() -> String {
    let quick = json!({
        "open": { "base": "2s", "max": "2s" },
        "ramp": { "duration": "4s" },
    });
    let quick = json!({
        "name": "quick", "match": { "route": format!("{QUICK}*") }, "breaker": quick,
    });
    json!({ "routes": [quick] }).to_string()
}

fn listener(addresses: Addresses, scenarios: &[Scenario]) -> Value {
    let of_listener = scenarios.iter().filter(|s| s.addresses == addresses);
    let hosts: Vec<Value> = of_listener.map(Scenario::virtual_host).collect();
    let trust = match addresses {
        Addresses::Named => json!({ "use_remote_address": true, "xff_num_trusted_hops": 1 }),
        Addresses::One => json!({ "use_remote_address": true }),
    };
    let more = json!({
        "max_request_headers_kb": 96,
        "route_config": { "virtual_hosts": hosts },
    });
    Listener::new(addresses.listener())
        .filter(plugin("tidegate", &configuration()))
        .manager(merge(trust, more))
        .json()
}

/// Checks that Envoy takes the address that a client sends for the client's, or does not.
fn check_addresses(envoy: &Envoy, addresses: Addresses) {
    let who = Who::client(7);
    let listener = addresses.listener();
    let request = Request::get("/who").header("x-forwarded-for", &who.address);
    let client = who.connect(envoy.listener(listener)).remove(0);
    client.get(&request);
    let line = envoy.wait_for_access(listener, "/who");
    let expected = match addresses {
        Addresses::Named => who.address.as_str(),
        Addresses::One => "127.0.0.1",
    };
    assert_eq!(line["client"], expected, "{line}");
}

/// The route of one scenario.
pub(crate) struct Stage<'a> {
    bench: &'a Bench,
    id: String,
    addresses: Addresses,
    address: SocketAddr,
    begins: Instant,
    /// The upstream, which answers 200 unless a request asks for another behaviour.
    pub(crate) upstream: &'a Upstream,
}

impl Stage<'_> {
    /// Returns the name of the scenario and its addresses.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the host whose requests the route takes; those of the hosts below it are taken too.
    pub(crate) fn host(&self) -> String {
        host(&self.id)
    }

    /// Waits until the scenario has to begin.
    pub(crate) fn wait_for_its_turn(&self) {
        wait_for_time(self.begins);
    }

    /// Returns a request for the host.
    pub(crate) fn get(&self, path: &str) -> Request {
        let mut request = Request::get(path);
        request.authority = self.host();
        request
    }

    /// Returns a request for the host to which the upstream answers with this behaviour, from now on.
    pub(crate) fn get_as(&self, path: &str, name: &str) -> Request {
        self.get(path).header("x-behaviour", name)
    }

    /// Sends requests, so many a second, as long as the value lives. The clients take turns.
    pub(crate) fn load(
        &self,
        who: &[Who],
        per_second: u32,
        what: impl Fn(u64) -> Shot + Send + 'static,
    ) -> Load {
        let names = self.addresses == Addresses::Named;
        Load::start(self.address, who, names, per_second, what)
    }

    /// Sends so many requests at the same moment, and waits for the ends of all.
    pub(crate) fn burst(&self, who: &Who, count: u64, what: impl Fn(u64) -> Shot) {
        let names = self.addresses == Addresses::Named;
        super::load::burst(self.address, who, names, count, what);
    }

    /// Returns which circuits of the route have opened: the names of their classes, and `(route)`.
    pub(crate) fn opened(&self) -> BTreeSet<String> {
        let opened = self
            .changes()
            .into_iter()
            .filter(|event| event["to"] == "open");
        let class = |event: Value| event["class"].as_str().unwrap_or("(route)").to_owned();
        opened.map(class).collect()
    }

    /// Returns the changes of state of all circuits of the route.
    pub(crate) fn changes(&self) -> Vec<Value> {
        let key = format!("{0}/{0}", self.id);
        let mut events = logged(&self.bench.envoy, "breaker");
        events.retain(|event| event["route"] == key);
        events
    }

    /// Returns a counter of the breaker of the route.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        let name = format!("wasmcustom.tidegate.breaker.{name}.route.{0}/{0}", self.id);
        self.bench.envoy.stat(&name)
    }

    /// Returns how long the machine has stalled at most: so much later may anything happen.
    pub(crate) fn stall(&self) -> Duration {
        self.bench.stall.worst()
    }

    /// Polls, and returns whether the condition became true.
    pub(crate) fn eventually(&self, condition: impl Fn() -> bool) -> bool {
        let end = Instant::now() + PATIENCE;
        while !condition() {
            if Instant::now() > end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Checks that only these classes have opened a circuit, and that each has.
    pub(crate) fn only_opened(&self, classes: &[&str]) -> Findings {
        let expected: BTreeSet<String> = classes
            .iter()
            .map(|below| format!("{}{below}", self.host()))
            .collect();
        let opened = self.opened();
        let differs = opened != expected;
        let finding = || format!("opened: {opened:?}, not {expected:?}");
        differs.then(finding).into_iter().collect()
    }

    /// Checks that what fails was soon rejected: of the requests that were sent so many times a second,
    /// to which the upstream does `name`, only those of the first [`SOON`] (after `known`, when the
    /// first failure is known) have reached it, and single tries.
    pub(crate) fn is_soon_rejected(&self, name: &str, load: &Load, known: Duration) -> Findings {
        let (sent, reached) = (load.count(), self.upstream.requests(name));
        let first = f64::from(load.per_second) * (known + SOON + self.stall()).as_secs_f64();
        let allowed = first + TRIES * (1.0 + load.age().as_secs_f64());
        let mut findings = Findings::new();
        if reached as f64 > allowed {
            findings.push(format!(
                "{reached} requests ({sent} sent) have reached what fails; {allowed:.0} may"
            ));
        }
        if (sent as f64) < 1.3 * allowed {
            findings.push(format!(
                "only {sent} requests were sent: that shows nothing"
            ));
        }
        findings
    }
}

/// Returns an answer that says that the upstream is ill.
pub(crate) fn bad_gateway() -> Answer {
    Answer::status(502).body("text/html", "<h1>down")
}
