//! One Envoy with a route for each scenario.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{mpsc, Arc};
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{
    cluster, h2_cluster, merge, route, tidegate, typed, Bootstrap, Listener,
};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::faults::Refused;
use tidegate_e2e::message::{Request, Response};
use tidegate_e2e::upstream::{Answer, Behaviour, Body, Upstream};

use super::modes;

/// Consecutive failures that trip every breaker here.
pub(crate) const FAILURES: u64 = 5;
/// Probes at the same time.
pub(crate) const PERMITS: u64 = 2;
/// How long Envoy waits for the upstream of the route `overlap`. Shorter than the lease of a probe, so that no probe is given up
/// while it is in flight.
pub(crate) const HANGING: Duration = Duration::from_secs(2);
/// Slow responses that trip the breakers of the listener `slow`.
pub(crate) const SLOW: u64 = 10;
/// Length of the ramp: four steps.
const RAMP: &str = "4s";
/// Maximum age of what all workers know.
pub(crate) const FLUSH: Duration = Duration::from_millis(100);
/// Time for which the upstream of `back` holds a failing request.
const HELD: Duration = Duration::from_millis(100);
/// Minimum open time of a circuit with the policy `long`.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Limit for anything that must happen, on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A running Envoy and its upstreams.
#[derive(Debug)]
pub(crate) struct Bench {
    // Fields are dropped in this order: Envoy ends before its upstreams.
    pub(crate) envoy: Envoy,
    pub(crate) upstream: Upstream,
    pub(crate) concurrency: u32,
    _refused: Refused,
}

/// A circuit that opens after a few failures and probes soon. The ratio never trips it.
pub(crate) fn settings() -> Value {
    json!({
        // These scenarios are about the circuit of a route, whatever part of it fails.
        "scope": "route",
        // Long enough to keep all outcomes while a busy machine stalls.
        "window": "5m",
        "min_requests": 1000,
        "consecutive": { "failures": FAILURES, "for": "0s" },
        // Longer than the upstream holds a failing request.
        "open": { "base": "1s", "max": "1s", "jitter": 0 },
        // The scenarios are about the circuit of a route, and let one path of it fail for all.
        "scope": "route",
        "probe": { "permits": PERMITS, "timeout": "3s" },
        "ramp": { "duration": RAMP },
    })
}

fn main_configuration() -> String {
    let long = json!({ "open": { "base": "60s", "max": "90s", "jitter": 0.5 } });
    json!({
        "breaker": settings(),
        // Longer than any open time.
        "retry": { "max": "15m" },
        "routes": [
            { "name": "long", "match": { "route": "long-*" }, "breaker": long },
            { "name": "team", "match": { "route": "team-*" },
              "breaker": merge(long.clone(), json!({ "group": "team" })) },
            // The defaults, except that the circuit stays open.
            { "name": "rare", "match": { "route": "rare" }, "breaker": {
                "window": "10s", "min_requests": 20, "consecutive": { "failures": 10, "for": "1s" },
                "open": { "base": "60s", "max": "60s" },
            } },
        ],
    })
    .to_string()
}

fn slow_configuration() -> String {
    let slow = json!({ "min_requests": SLOW, "failures": { "slow": "100ms" } });
    json!({ "breaker": merge(settings(), slow) }).to_string()
}

impl Bench {
    /// Starts Envoy and the upstreams.
    pub(crate) fn start(concurrency: u32) -> Bench {
        let refused = Refused::default();
        let upstream = Upstream::start(behaviours());
        let one_at_a_time =
            json!({ "circuit_breakers": { "thresholds": [{ "max_requests": 1 }] } });
        let clusters = vec![
            cluster("app", &[upstream.address()]),
            cluster("else", &[upstream.address()]),
            cluster("refused", &[refused.address()]),
            h2_cluster("h2", &[upstream.address()]),
            merge(cluster("narrow", &[upstream.address()]), one_at_a_time),
        ];
        let main = main_configuration();
        let listeners = vec![
            listener("main", "tidegate", &main),
            // Another configuration of the same plugin, and another plugin with the same
            // configuration.
            listener(
                "twin",
                "tidegate",
                &main.replacen('{', r#"{"brand":{"name":"Twin"},"#, 1),
            ),
            listener("stranger", "stranger", &main),
            listener("slow", "slow", &slow_configuration()),
            listener("modes", "modes", &modes::configuration(true)),
            listener("metadata", "metadata", &modes::configuration(false)),
        ];
        let mut bootstrap = Bootstrap::new(clusters, listeners);
        bootstrap.concurrency = concurrency;
        Bench {
            envoy: Envoy::start(&bootstrap),
            upstream,
            concurrency,
            _refused: refused,
        }
    }

    /// Returns the address of a listener.
    pub(crate) fn address(&self, listener: &str) -> SocketAddr {
        self.envoy.listener(listener)
    }

    /// Returns a client of the listener `main`. It has one connection, so it uses one worker.
    pub(crate) fn client(&self) -> Client {
        Client::new(Protocol::H1, self.address("main"))
    }

    /// Sends failing requests over one connection until the circuit of the route is open.
    pub(crate) fn trip(&self, path: &str) {
        trip(&self.client(), path);
    }

    /// Returns the states that the breaker with this key left and entered, from the log.
    pub(crate) fn events(&self, key: &str) -> Vec<(String, String)> {
        events(&self.envoy, key)
    }
}

/// Sends exactly [`FAILURES`] failing requests, after which the circuit of the route must be open.
pub(crate) fn trip(client: &Client, path: &str) {
    for n in 0..FAILURES {
        let answer = client.get(&Request::get(path));
        assert!(!is_rejected(&answer), "{path}: rejected after {n} failures");
        assert!(
            answer.status >= 500 || answer.broken.is_some(),
            "{path}: {answer:?}"
        );
    }
    // A client can have the response before the breaker has its outcome.
    wait_until(&format!("the circuit of {path} to be open"), || {
        is_rejected(&client.get(&Request::get(path))).then_some(())
    });
}

/// Returns the state changes of a breaker in the log of an Envoy.
pub(crate) fn events(envoy: &Envoy, key: &str) -> Vec<(String, String)> {
    let events = logged(envoy, "breaker").into_iter().filter_map(|event| {
        let text = |name: &str| event[name].as_str().map(str::to_owned);
        (event["route"] == key).then_some((text("from")?, text("to")?))
    });
    events.collect()
}

/// Returns the JSON lines that the filter has logged for this event, in order.
pub(crate) fn logged(envoy: &Envoy, event: &str) -> Vec<Value> {
    let begins = format!(r#"{{"event":"{event}""#);
    let log = envoy.log();
    let lines = log.lines().filter_map(|line| {
        let at = line.find(&begins)?;
        serde_json::from_str(&line[at..]).ok()
    });
    lines.collect()
}

/// Returns whether the filter rejected the request because a circuit is open.
pub(crate) fn is_rejected(answer: &Response) -> bool {
    answer.header("x-tidegate-page") == Some("circuit_open")
}

/// Polls until there is a value.
pub(crate) fn wait_until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(Instant::now() < end, "not in {LIMIT:?}: {what}");
        // Polling more often would take processor time from Envoy.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a point in time.
pub(crate) fn wait_for_time(at: Instant) {
    wait_until("a point in time", || (Instant::now() >= at).then_some(()));
}

/// Measures how late a sleeping thread wakes up at most. A machine that stalls delays everything,
/// which is no fault of the filter, so deadlines are extended by this time.
#[derive(Debug)]
pub(crate) struct Stall {
    worst: Arc<AtomicU64>,
    /// The thread ends when this is dropped.
    _end: mpsc::Sender<()>,
}

impl Stall {
    /// Starts to measure.
    pub(crate) fn watch() -> Self {
        const STEP: Duration = Duration::from_millis(1);
        let (_end, ended) = mpsc::channel();
        let worst = Arc::new(AtomicU64::new(0));
        let measured = worst.clone();
        std::thread::spawn(move || {
            while ended.try_recv() == Err(mpsc::TryRecvError::Empty) {
                let before = Instant::now();
                std::thread::sleep(STEP);
                let late = (before.elapsed() - STEP).as_micros();
                measured.fetch_max(u64::try_from(late).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        });
        Self { worst, _end }
    }

    /// Returns the longest delay since the start.
    pub(crate) fn worst(&self) -> Duration {
        Duration::from_micros(self.worst.load(Ordering::Relaxed))
    }
}

/// Returns the filter as a plugin with this name.
pub(crate) fn plugin(name: &str, configuration: &str) -> Value {
    let filter = tidegate(&tidegate_e2e::module(), Some(configuration));
    merge(
        filter,
        json!({ "typed_config": { "config": { "name": name } } }),
    )
}

fn listener(name: &str, plugin_name: &str, configuration: &str) -> Value {
    // A filter after Tidegate that answers instead of the upstream if a request asks for it.
    let fault = json!({
        "abort": { "header_abort": {}, "percentage": { "numerator": 100 } },
    });
    let fault = json!({
        "name": "envoy.filters.http.fault",
        "typed_config": typed("extensions.filters.http.fault.v3.HTTPFault", fault),
    });
    Listener::new(name)
        .filter(plugin(plugin_name, configuration))
        .filter(fault)
        .routes(routes())
        .json()
}

/// Returns a route for paths that begin with its name. The rest of the path selects what the
/// upstream does.
pub(crate) fn route_to(name: &str, cluster: &str) -> Value {
    merge(route(&format!("/{name}"), cluster), json!({ "name": name }))
}

fn routes() -> Vec<Value> {
    let routes = [
        ("long-dead", "refused"),
        ("long-neighbour", "refused"),
        ("long-failing", "app"),
        ("near", "app"),
        ("far", "else"),
        ("long-cut", "app"),
        ("long-h2-cut", "h2"),
        ("rare", "app"),
        ("back", "app"),
        ("lost", "app"),
        ("hammered", "app"),
        ("overlap", "app"),
        ("half", "app"),
        ("slow", "app"),
        ("long-innocent", "app"),
        ("long-narrow", "narrow"),
        ("long-shared", "app"),
        ("team-one", "app"),
        ("team-two", "app"),
        ("team-three", "else"),
        ("long-call-only", "h2"),
        ("long-call-late", "h2"),
        ("long-call-refused", "refused"),
        ("call-fine", "h2"),
    ];
    let mut routes: Vec<Value> = routes
        .iter()
        .map(|(name, cluster)| route_to(name, cluster))
        .collect();
    for route in &mut routes {
        let timeout = match route["name"].as_str() {
            Some("overlap") => HANGING,
            // A request that hangs, hangs.
            _ => Duration::ZERO,
        };
        let timeout = format!("{}s", timeout.as_secs());
        *route = merge(route.take(), json!({ "route": { "timeout": timeout } }));
    }
    routes.push(json!({
        "name": "direct", "match": { "prefix": "/direct" },
        "direct_response": { "status": 503, "body": { "inline_string": "closed on Mondays" } },
    }));
    routes.extend(modes::routes());
    routes
}

fn behaviours() -> Vec<(String, Behaviour)> {
    let down = || Answer::status(503).body("text/html", "<h1>down");
    let cut = || {
        Answer::status(200)
            .with(Body::Short(b"half".to_vec(), 1000))
            .cut()
    };
    let frame: &[&[u8]] = &[&[0, 0, 0, 0, 0]];
    let grpc = || Answer::status(200).header("content-type", "application/grpc");
    let all: Vec<(&str, Behaviour)> = vec![
        (
            "long-failing",
            down().after(Duration::from_millis(20)).into(),
        ),
        ("long-cut", cut().into()),
        ("long-h2-cut", cut().into()),
        ("rare", down().into()),
        ("back-down", down().into()),
        ("back", down().after(HELD).into()),
        ("lost-down", down().into()),
        ("lost-hang", Behaviour::Hang),
        ("hammered-down", down().into()),
        ("overlap-down", down().into()),
        ("overlap-hang", Behaviour::Hang),
        ("half-down", down().into()),
        (
            "slow",
            Answer::status(200)
                .body("text/plain", "at last")
                .after(Duration::from_millis(150))
                .into(),
        ),
        ("long-innocent-down", down().into()),
        ("long-innocent-429", Answer::status(429).into()),
        ("long-innocent-hang", Behaviour::Hang),
        (
            "long-innocent-stuck",
            Behaviour::Stuck(Answer::status(200).with(Body::Short(b"half".to_vec(), 1000))),
        ),
        ("long-narrow-down", down().into()),
        ("long-narrow-hang", Behaviour::Hang),
        ("long-shared", down().into()),
        ("team-one", down().into()),
        ("team-three", down().into()),
        (
            "long-call-only",
            grpc()
                .header("grpc-status", "14")
                .header("grpc-message", "no")
                .into(),
        ),
        (
            "long-call-late",
            grpc()
                .chunks("application/grpc", frame)
                .trailer("grpc-status", "4")
                .into(),
        ),
        (
            "call-fine",
            grpc()
                .chunks("application/grpc", frame)
                .trailer("grpc-status", "0")
                .into(),
        ),
        (
            "call-fine-unknown",
            grpc()
                .chunks("application/grpc", frame)
                .trailer("grpc-status", "2")
                .into(),
        ),
        (
            "call-fine-missing",
            grpc().header("grpc-status", "5").into(),
        ),
    ];
    let all = all.into_iter().map(|(name, does)| (name.to_owned(), does));
    all.chain(modes::behaviours()).collect()
}
