//! One Envoy with the routes of all scenarios, and what the scenarios share.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::{cluster, h2_cluster, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::upstream::{Answer, Upstream};

use super::load::Load;
use super::{back, deadlines, hang, hosts, meant, uploads};
use crate::breaker::bench::{logged, plugin};

/// Time after which a probe without a response headers is undecided.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Metrics are reported by the tick. A busy machine is late.
const REPORTED: Duration = Duration::from_secs(5);

/// How a scenario speaks: between client and Envoy, and between Envoy and upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// HTTP/1.1 on both sides.
    H1,
    /// HTTP/2 on both sides.
    H2,
    /// Unary gRPC calls or streams.
    Grpc,
}

impl Kind {
    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Kind::H1 => Protocol::H1,
            Kind::H2 | Kind::Grpc => Protocol::H2,
        }
    }

    /// Returns the cluster of the scripted upstream.
    pub(crate) fn cluster(self) -> &'static str {
        match self {
            Kind::H1 => "app",
            Kind::H2 | Kind::Grpc => "h2",
        }
    }

    /// Returns the name of the route of a scenario.
    pub(crate) fn route(self, scenario: &str) -> String {
        let kind = match self {
            Kind::H1 => "h1",
            Kind::H2 => "h2",
            Kind::Grpc => "grpc",
        };
        format!("{scenario}-{kind}")
    }

    /// Returns the name of the breaker of a scenario.
    pub(crate) fn key(self, scenario: &str) -> String {
        format!("{}/{}", self.route(scenario), self.cluster())
    }

    /// Returns a request for the route of a scenario. The upstream answers it well.
    pub(crate) fn request(self, scenario: &str) -> Request {
        let path = format!("/{}", self.route(scenario));
        match self {
            Kind::H1 | Kind::H2 => Request::get(&path),
            Kind::Grpc => Request::grpc(&path),
        }
    }

    /// Returns a response that the client takes for a success.
    pub(crate) fn success(self) -> Answer {
        match self {
            Kind::H1 | Kind::H2 => Answer::status(200).body("text/plain", "fine"),
            Kind::Grpc => Answer::status(200)
                .chunks("application/grpc", &[&[0, 0, 0, 0, 0]])
                .trailer("grpc-status", "0"),
        }
    }

    /// Returns a response that says that the upstream is ill.
    pub(crate) fn failure(self) -> Answer {
        match self {
            Kind::H1 | Kind::H2 => Answer::status(502).body("text/html", "<h1>down"),
            Kind::Grpc => Answer::status(200)
                .header("content-type", "application/grpc")
                .header("grpc-status", "14"),
        }
    }

    /// Returns whether a response is a success of the upstream.
    pub(crate) fn is_success(self, response: &Response) -> bool {
        let grpc_status = response.trailers.get("grpc-status");
        response.status == 200 && (self != Kind::Grpc || grpc_status == Some("0"))
    }
}

/// A running Envoy and its upstream.
#[derive(Debug)]
pub(crate) struct Bench {
    // Fields are dropped in this order: Envoy ends before its upstream.
    pub(crate) envoy: Envoy,
    pub(crate) upstream: Upstream,
}

fn configuration() -> String {
    let rules = [meant::rules(), back::rules(), hang::rules()].concat();
    json!({
        // The defaults, except that a circuit that opened is back within seconds.
        "breaker": {
            "open": { "base": "1s", "max": "1s", "jitter": 0 },
            "probe": { "timeout": format!("{}ms", PROBE_TIMEOUT.as_millis()) },
            "ramp": { "duration": "4s" },
        },
        "routes": rules,
    })
    .to_string()
}

impl Bench {
    /// Starts Envoy and the upstream.
    pub(crate) fn start(concurrency: u32) -> Bench {
        let behaviours = [
            meant::behaviours(),
            back::behaviours(),
            hang::behaviours(),
            deadlines::behaviours(),
            uploads::behaviours(),
        ];
        let upstream = Upstream::start(behaviours.concat());
        let clusters = vec![
            cluster("app", &[upstream.address()]),
            h2_cluster("h2", &[upstream.address()]),
            hosts::cluster(),
        ];
        let configuration = configuration();
        let routes = [meant::routes(), back::routes()];
        let of = |listener: &Listener, more: Value| {
            let filter = plugin("tidegate", &configuration);
            listener.clone().filter(filter).manager(more).json()
        };
        let (main, internal, uploads) = (
            Listener::new("main").routes(routes.concat()),
            Listener::new("internal").routes(deadlines::routes()),
            Listener::new("uploads").routes(uploads::routes()),
        );
        let trusts_loopback = json!({
            "use_remote_address": true,
            "internal_address_config": {
                "cidr_ranges": [{ "address_prefix": "127.0.0.0", "prefix_len": 8 }],
            },
        });
        let log = json!({ "access_log": uploads::access_log("uploads") });
        let mut listeners = vec![
            of(&main, json!({})),
            of(&internal, trusts_loopback),
            of(&uploads, log),
            hosts::listener(plugin("hosts", &configuration)),
        ];
        listeners.extend(hang::listeners().map(|(name, routes)| {
            let listener = Listener::new(name).routes(routes);
            listener.filter(plugin(name, &configuration)).json()
        }));
        let mut bootstrap = Bootstrap::new(clusters, listeners);
        bootstrap.concurrency = concurrency;
        Bench {
            envoy: Envoy::start(&bootstrap),
            upstream,
        }
    }

    /// Returns the address of a listener.
    pub(crate) fn address(&self, listener: &str) -> SocketAddr {
        self.envoy.listener(listener)
    }

    /// Sends a request to the listener `main`, so many times a second.
    pub(crate) fn load(&self, kind: Kind, request: Request, per_second: u32) -> Load {
        self.load_of("main", kind, request, per_second)
    }

    /// Sends a request to a listener, so many times a second.
    pub(crate) fn load_of(
        &self,
        listener: &str,
        kind: Kind,
        request: Request,
        per_second: u32,
    ) -> Load {
        let address = self.address(listener);
        Load::start(kind.protocol(), address, request, per_second, None)
    }

    /// Returns the changes of state of a breaker, from the log.
    pub(crate) fn changes(&self, key: &str) -> Vec<Value> {
        let mut events = logged(&self.envoy, "breaker");
        events.retain(|event| event["route"] == key);
        events
    }

    /// Returns the changes by which the circuit opened.
    pub(crate) fn opened(&self, key: &str) -> Vec<Value> {
        let mut events = self.changes(key);
        events.retain(|event| event["to"] == "open");
        events
    }

    /// Waits for ten answers to other clients of a route. Returns a finding if not all are good, and one
    /// if a circuit of the route opened.
    pub(crate) fn is_noticed(&self, name: &str, kind: Kind, others: &Load) -> Vec<String> {
        let key = kind.key(name);
        let wrong = others.unlike(&format!("{key}, others"), 10, |response| {
            kind.is_success(response)
        });
        let mut findings = Vec::from_iter(wrong);
        let opened = self.opened(&key);
        if !opened.is_empty() {
            findings.push(format!("{key} opened: {opened:?}"));
        }
        findings
    }

    /// Waits until the breaker has ignored so many requests of a route for a reason. Returns a finding
    /// if it does not.
    pub(crate) fn too_few_ignored(&self, why: &str, key: &str, least: usize) -> Option<String> {
        let end = Instant::now() + REPORTED;
        while self.ignored(why, key) < least as u64 {
            if Instant::now() > end {
                let counted = self.ignored(why, key);
                return Some(format!("{key}: {counted} of {least} ignored as {why}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Returns how many requests of a route the breaker ignored for a reason.
    fn ignored(&self, why: &str, key: &str) -> u64 {
        let name = format!("wasmcustom.tidegate.breaker.ignored.why.{why}.route.{key}");
        self.envoy.stat(&name)
    }
}
