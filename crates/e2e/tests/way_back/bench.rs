//! One Envoy with a host for each scenario, and what the scenarios share.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, merge, route, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::upstream::{Behaviour, Upstream};

use crate::breaker::bench::{is_rejected, logged, plugin, wait_until, Stall};

/// The name of the listener.
const LISTENER: &str = "site";
/// Connections of a client that uses all workers: the kernel distributes them at random.
pub(crate) const CONNECTIONS: usize = 32;

/// A host, and what happens there.
pub(crate) struct Site {
    name: &'static str,
    breaker: Value,
    play: fn(&Stage<'_>),
}

impl Site {
    /// Returns a site whose breaker has these settings besides those of [`quick`].
    pub(crate) fn new(name: &'static str, breaker: Value, play: fn(&Stage<'_>)) -> Self {
        Self {
            name,
            breaker: merge(quick(), breaker),
            play,
        }
    }

    /// Returns a site with exactly these settings of the breaker.
    pub(crate) fn exactly(name: &'static str, breaker: Value, play: fn(&Stage<'_>)) -> Self {
        Self {
            name,
            breaker,
            play,
        }
    }

    fn host(&self) -> String {
        format!("{}.example", self.name)
    }

    fn virtual_host(&self) -> Value {
        let other = json!({ "name": format!("{}-other", self.name) });
        json!({
            "name": self.name,
            "domains": [self.host()],
            "routes": [merge(route("/other", self.name), other), route("/", self.name)],
        })
    }

    fn policy(&self) -> Value {
        let routes = format!("{}*", self.name);
        json!({ "name": self.name, "match": { "route": routes }, "breaker": self.breaker })
    }
}

/// Returns settings with which a circuit opens soon, and probes soon.
fn quick() -> Value {
    json!({
        "consecutive": { "failures": 5, "for": "0s" },
        "open": { "base": "1s", "max": "1s", "jitter": 0 },
        "probe": { "permits": 1 },
    })
}

/// A running Envoy and the upstreams of all sites.
pub(crate) struct Bench {
    // Fields are dropped in this order: Envoy ends before its upstreams.
    pub(crate) envoy: Envoy,
    upstreams: Vec<Upstream>,
    concurrency: u32,
    stall: Stall,
}

type Play = fn(&Stage<'_>);

impl Bench {
    /// Starts Envoy and the upstreams.
    pub(crate) fn start(concurrency: u32, sites: &[Site]) -> Bench {
        let upstream = |_: &Site| Upstream::start(Vec::<(String, Behaviour)>::new());
        let upstreams: Vec<Upstream> = sites.iter().map(upstream).collect();
        let clusters = sites.iter().zip(&upstreams);
        let clusters = clusters
            .map(|(site, upstream)| cluster(site.name, &[upstream.address()]))
            .collect();
        let policies: Vec<Value> = sites.iter().map(Site::policy).collect();
        let hosts: Vec<Value> = sites.iter().map(Site::virtual_host).collect();
        let configuration = json!({ "routes": policies }).to_string();
        let listener = Listener::new(LISTENER)
            .filter(plugin("tidegate", &configuration))
            .manager(json!({
                // A load balancer that Envoy trusts names the addresses of clients.
                "use_remote_address": true,
                "xff_num_trusted_hops": 1,
                "route_config": { "virtual_hosts": hosts },
            }));
        let mut bootstrap = Bootstrap::new(clusters, vec![listener.json()]);
        bootstrap.concurrency = concurrency;
        Bench {
            envoy: Envoy::start(&bootstrap),
            upstreams,
            concurrency,
            stall: Stall::watch(),
        }
    }

    /// Returns each site with its name and its scenario.
    pub(crate) fn stages<'a>(
        &'a self,
        sites: &'a [Site],
    ) -> impl Iterator<Item = (&'a str, Play, Stage<'a>)> {
        let stage = |(site, upstream): (&'a Site, &'a Upstream)| {
            let stage = Stage {
                bench: self,
                site,
                upstream,
                address: self.envoy.listener(LISTENER),
            };
            (site.name, site.play, stage)
        };
        sites.iter().zip(&self.upstreams).map(stage)
    }
}

/// The host of one scenario.
pub(crate) struct Stage<'a> {
    bench: &'a Bench,
    site: &'a Site,
    /// The upstream, which answers 200 unless a request asks for another behaviour.
    pub(crate) upstream: &'a Upstream,
    /// The address of Envoy.
    pub(crate) address: SocketAddr,
}

impl Stage<'_> {
    /// Returns a request of a client, which the upstream counts, and answers, as `name`.
    pub(crate) fn get(&self, client: u32, name: &str) -> Request {
        self.request("GET", client, "/", name)
    }

    /// Returns a check-in of the page of a client.
    pub(crate) fn check_in(&self, client: u32, name: &str) -> Request {
        let request = self.request("HEAD", client, "/", name);
        request.header("x-tidegate-retry", "1")
    }

    /// Returns a request of a client, which the upstream counts, and answers, as `name`.
    pub(crate) fn request(&self, method: &str, client: u32, path: &str, name: &str) -> Request {
        let mut request = Request::new(method, path)
            .header("x-forwarded-for", address(client))
            .header("x-behaviour", name);
        request.authority = self.site.host();
        request
    }

    /// Returns a client that is not connected yet.
    pub(crate) fn connect(&self) -> Client {
        Client::new(Protocol::H1, self.address)
    }

    /// Returns clients that are not connected yet, to send to all workers.
    pub(crate) fn connect_to_all(&self) -> Vec<Client> {
        (0..CONNECTIONS).map(|_| self.connect()).collect()
    }

    /// Sends failing requests of several clients until the circuit is open.
    pub(crate) fn trip(&self, name: &str) {
        let mut clients = 0..;
        wait_until("the circuit to be open", || {
            let request = self.get(clients.next()?, name);
            is_rejected(&self.connect().get(&request)).then_some(())
        });
    }

    /// Waits until a worker knows of the open circuit.
    pub(crate) fn wait_for_rejection(&self, connection: &Client, request: &Request) {
        wait_until("the worker to know", || {
            is_rejected(&connection.get(request)).then_some(())
        });
    }

    /// Waits for the ramp, and returns when it began.
    pub(crate) fn wait_for_ramp(&self) -> Instant {
        wait_until("the ramp", || self.is_in("ramp").then(Instant::now))
    }

    /// Waits until the circuit is closed.
    pub(crate) fn wait_until_closed(&self) {
        wait_until("the circuit to be closed", || {
            self.is_in("closed").then_some(())
        });
    }

    /// Returns whether the last change of the state of a circuit was to this one.
    pub(crate) fn is_in(&self, state: &str) -> bool {
        let last = self.changes().pop();
        last.is_some_and(|(_, to)| to == state)
    }

    /// Returns the changes of state of all circuits of the route.
    pub(crate) fn changes(&self) -> Vec<(String, String)> {
        let key = format!("{0}/{0}", self.site.name);
        let events = logged(&self.bench.envoy, "breaker").into_iter();
        let events = events.filter(|event| event["route"] == key.as_str());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        events
            .map(|event| (text(&event["from"]), text(&event["to"])))
            .collect()
    }

    /// Returns how long the machine has stalled at most.
    pub(crate) fn stall(&self) -> Duration {
        self.bench.stall.worst()
    }

    /// Returns the number of workers.
    pub(crate) fn concurrency(&self) -> u32 {
        self.bench.concurrency
    }
}

/// Returns the address of a client. The block is reserved for benchmarks (RFC 2544).
pub(crate) fn address(client: u32) -> String {
    let first = u32::from(Ipv4Addr::new(198, 18, 0, 0));
    Ipv4Addr::from(first + client).to_string()
}

/// Returns how the filter says that a gate sent the client away, or let it in.
pub(crate) fn gate(answer: &Response) -> Option<&str> {
    answer.header("x-tidegate-gate")
}

/// Returns `Retry-After` in seconds.
pub(crate) fn retry_after(answer: &Response) -> u64 {
    let seconds = answer.header("retry-after").and_then(|s| s.parse().ok());
    seconds.unwrap_or_else(|| panic!("no hint: {answer:?}"))
}
