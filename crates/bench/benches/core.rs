//! Measures the decisions of the core, natively and with a host in memory: `scripts/bench.sh core`.
//!
//! The benchmarks call only what the module calls. The figures are not those of Envoy, which adds
//! its host calls; they show which part of the core a change makes slower.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::hint::black_box;
use std::iter::zip;
use std::rc::Rc;
use std::time::Duration;

use criterion::{BatchSize, Criterion};
use tidegate_core::breaker::{ClientId, Outcome, PathClass};
use tidegate_core::config::Config;
use tidegate_core::failure::Reason;
use tidegate_core::filter::{on_tick, BodyAction, Filter, RequestAction, ResponseAction};
use tidegate_core::filter_config::FilterConfig;
use tidegate_core::host::{HeaderMap, Host, HostError, MetricKind, MetricStore, SharedData};
use tidegate_core::http::headers::HeaderBlock;
use tidegate_core::policy::{RouteInfo, RoutePolicy};
use tidegate_core::rng::SplitMix64;
use tidegate_core::time::Timestamp;
use tidegate_core::worker::{Caller, CircuitId, Permit, RouteKey, Worker, MAX_ROUTES};

/// Failures are replaced, and no circuit opens.
const NO_BREAKER: &str = r#"{"breaker":{"mode":"disabled"}}"#;
/// The first failure opens the circuit for longer than a benchmark takes.
const ONE_FAILURE: &str = r#"{"breaker":{"consecutive":{"failures":1,"for":"0s"},
    "open":{"base":"10m","max":"10m"}}}"#;
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const POLICIES: usize = 256;
const ROUTES: usize = 10_000;
const TEMPLATE_BYTES: usize = 256 * 1024;
/// 2026-01-02T03:04:05Z.
const START: Timestamp = Timestamp::from_millis(1_767_323_045_000);
const STEP: Duration = Duration::from_millis(1);
/// Small enough that the pages of a batch fit in memory that is allocated already, as in a proxy.
const BATCH: BatchSize = BatchSize::NumIterations(16);

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    breaker(&mut criterion);
    policy(&mut criterion);
    failure(&mut criterion);
    rejection(&mut criterion);
    tick(&mut criterion);
    start(&mut criterion);
    criterion.final_summary();
}

/// Measures the decision alone: of a healthy request, and of one that an open circuit rejects.
fn breaker(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("breaker");
    let mut fixture = Fixture::new("{}");
    fixture.host.status = "200";
    group.bench_function("closed and quiet", |bencher| {
        bencher.iter(|| {
            let (mut filter, action) = fixture.begin();
            debug_assert_eq!(action, RequestAction::Continue);
            let action = fixture.respond(&mut filter);
            debug_assert_eq!(action, ResponseAction::Continue);
            let chunk = filter.on_response_body(black_box(1), true);
            debug_assert_eq!(chunk, BodyAction::Continue);
            fixture.end(&mut filter);
            black_box(filter)
        });
    });
    let mut fixture = Fixture::new(ONE_FAILURE);
    fixture.open_the_circuit();
    let (key, caller) = (fixture.key(), fixture.caller());
    group.bench_function("open", |bencher| {
        bencher.iter(|| {
            let (host, circuit) = (&mut fixture.host, circuit(black_box(&key)));
            let mut rng = SplitMix64::for_request(&[1], START);
            let worker = &mut fixture.worker;
            let decision = worker.try_acquire(host, circuit, &caller, false, START, &mut rng);
            debug_assert!(decision.is_err());
            decision
        });
    });
    group.finish();
}

/// Measures the choice of the policy, for requests of varying routes.
fn policy(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policy");
    let routes: Vec<RouteInfo> = (0..ROUTES).map(route).collect();
    let headers = request(BROWSER);
    for (name, config) in [
        ("none but the top level", "{}".to_owned()),
        (
            "of 256 by the name of the route",
            policies(&|n| format!(r#""route":"shop-{n}""#)),
        ),
        (
            "of 256 by a pattern for routes",
            policies(&|n| format!(r#""route":"*-{n}""#)),
        ),
        (
            "of 256 by the path",
            policies(&|n| format!(r#""path_prefix":"/{n}/""#)),
        ),
        (
            "of 256 by the host",
            policies(&|n| format!(r#""host":"shop-{n}.example""#)),
        ),
    ] {
        let config = compile(&config);
        let mut next = routes.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let route = next.next().unwrap_or(&routes[0]);
                RoutePolicy::find(&config, route, &headers)
            });
        });
    }
    group.finish();
}

/// Measures a whole request whose upstream answers 502.
fn failure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("failing exchange");
    for (name, accept) in formats() {
        let mut fixture = Fixture::new(NO_BREAKER);
        fixture.host.request = request(accept);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || (),
                |()| {
                    // Requests at the same time would be a crowd.
                    fixture.host.now = fixture.host.now.saturating_add(STEP);
                    let (mut filter, _) = fixture.begin();
                    let action = fixture.respond(&mut filter);
                    assert!(matches!(action, ResponseAction::Replace(_)));
                    (filter.on_response_body(1, true), action, filter)
                },
                BATCH,
            );
        });
    }
    group.finish();
}

/// Measures a whole request that an open circuit rejects.
fn rejection(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rejection");
    for (name, accept) in formats() {
        let mut fixture = Fixture::new(ONE_FAILURE);
        fixture.open_the_circuit();
        fixture.host.request = request(accept);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || (),
                |()| {
                    let (filter, action) = fixture.begin();
                    assert!(matches!(action, RequestAction::SendLocalReply(_)));
                    (action, filter)
                },
                BATCH,
            );
        });
    }
    group.finish();
}

/// Measures the tick of a worker, also with the most routes that have a circuit of their own.
fn tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick");
    for (name, failing) in [("nothing fails", 0), ("1,024 routes failed", MAX_ROUTES)] {
        let mut fixture = Fixture::new("{}");
        for number in 0..failing {
            let info = route(number);
            let policy = RoutePolicy::find(&fixture.config, &info, &fixture.host.request);
            fixture.fail(&policy.key);
        }
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut rng = SplitMix64::new(1);
                fixture.worker.tick(&mut fixture.host, START, &mut rng);
            });
        });
    }
    group.finish();
}

/// Measures the way from the text of a configuration to one that serves requests.
fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start");
    let paragraph = "<p class='x'>{{title}} &amp; {{message}}</p>\n";
    let head = "<!doctype html><html lang='{{lang}}'><title>{{title}}</title>";
    let html = head.to_owned() + &paragraph.repeat((TEMPLATE_BYTES - head.len()) / paragraph.len());
    let template = format!(r#"{{"templates":{{"shop":{{"html":{html:?}}}}}}}"#);
    let named = policies(&|n| format!(r#""route":"shop-{n}""#));
    for (name, config) in [
        ("no configuration", "{}"),
        ("a template of 256 KiB", &template),
        ("256 policies", &named),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| compile(config)));
    }
    group.finish();
}

/// A worker with its configuration and host.
struct Fixture {
    config: Rc<FilterConfig>,
    worker: Worker,
    host: Memory,
}

impl Fixture {
    fn new(config: &str) -> Self {
        let config = Rc::new(compile(config));
        let mut worker = config.worker("tidegate");
        let mut host = Memory {
            now: START,
            request: request(BROWSER),
            response: response(),
            status: "502",
            values: HashMap::new(),
            last_version: 0,
        };
        on_tick(&mut host, &mut worker);
        Self {
            config,
            worker,
            host,
        }
    }

    fn begin(&mut self) -> (Filter, RequestAction) {
        let config = Rc::clone(&self.config);
        Filter::on_request_headers(config, 1, &mut self.host, &mut self.worker, true)
    }

    fn respond(&mut self, filter: &mut Filter) -> ResponseAction {
        filter.on_response_headers(&mut self.host, &mut self.worker, false)
    }

    fn end(&mut self, filter: &mut Filter) {
        filter.on_log(&mut self.host, &mut self.worker);
    }

    fn key(&self) -> RouteKey {
        RoutePolicy::find(&self.config, &route(0), &self.host.request).key
    }

    fn caller(&self) -> Caller {
        let header = |name| self.host.request.get(name).unwrap_or_default();
        Caller {
            class: PathClass::of_request(header(":authority"), header(":path")),
            client: ClientId::UNKNOWN,
            is_upload: false,
            has_pass: false,
        }
    }

    fn fail(&mut self, key: &RouteKey) {
        let failed = Outcome::Failure(Reason::HttpResponseTimeout).into();
        let (caller, permit) = (self.caller(), Permit::default());
        let (host, mut rng) = (&mut self.host, SplitMix64::new(1));
        self.worker
            .record(host, circuit(key), &caller, permit, failed, START, &mut rng);
    }

    fn open_the_circuit(&mut self) {
        self.fail(&self.key());
        on_tick(&mut self.host, &mut self.worker);
        assert!(self.worker.must_track());
        let (_, action) = self.begin();
        assert!(matches!(action, RequestAction::SendLocalReply(_)));
    }
}

fn circuit(route: &RouteKey) -> CircuitId<'_> {
    CircuitId { route, policy: 0 }
}

/// A host in memory.
struct Memory {
    now: Timestamp,
    request: HeaderBlock,
    response: HeaderBlock,
    status: &'static str,
    values: HashMap<String, (Vec<u8>, u32)>,
    last_version: u32,
}

impl Host for Memory {
    fn now(&mut self) -> Result<Timestamp, HostError> {
        Ok(self.now)
    }

    fn headers(&mut self, map: HeaderMap) -> Result<Vec<u8>, HostError> {
        let headers = match map {
            HeaderMap::Request => &self.request,
            _ => &self.response,
        };
        Ok(headers.as_wire().to_vec())
    }

    fn header(&mut self, _map: HeaderMap, name: &str) -> Result<Vec<u8>, HostError> {
        match name {
            ":status" => Ok(self.status.into()),
            _ => Err(HostError::NotFound),
        }
    }

    fn attribute(&mut self, path: &str) -> Result<Vec<u8>, HostError> {
        match path {
            "response\0code_details" => Ok(b"via_upstream".to_vec()),
            "xds\0route_name" => Ok(b"shop-0".to_vec()),
            "xds\0cluster_name" => Ok(CLUSTER.to_vec()),
            _ => Err(HostError::NotFound),
        }
    }

    fn random(&mut self) -> Result<[u8; 32], HostError> {
        Ok([7; 32])
    }

    fn set_filter_state(&mut self, _name: &str, _value: &str) -> Result<(), HostError> {
        Ok(())
    }

    fn log(&mut self, _level: log::Level, _line: &str) {}
}

impl SharedData for Memory {
    fn shared_data(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        Ok(self.values.get(key).cloned())
    }

    fn compare_and_swap(
        &mut self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<(), HostError> {
        if let (Some((_, current)), Some(version)) = (self.values.get(key), version) {
            if *current != version {
                return Err(HostError::CasMismatch);
            }
        }
        self.last_version = self.last_version.wrapping_add(1);
        let entry = (value.to_vec(), self.last_version);
        self.values.insert(key.to_owned(), entry);
        Ok(())
    }
}

impl MetricStore for Memory {
    fn define_metric(&mut self, _kind: MetricKind, _name: &str) -> Result<u32, HostError> {
        Ok(0)
    }

    fn increment_metric(&mut self, _id: u32, _by: u64) {}

    fn record_metric(&mut self, _id: u32, _value: u64) {}
}

fn formats() -> [(&'static str, &'static str); 3] {
    [
        ("html", BROWSER),
        ("problem", "application/json"),
        ("text", "text/plain"),
    ]
}

fn compile(config: &str) -> FilterConfig {
    match Config::from_json(config.as_bytes()) {
        Ok(config) => FilterConfig::new(config),
        Err(errors) => panic!("{errors}"),
    }
}

/// Returns a configuration with the most policies; `matches` returns the `match` of each.
fn policies(matches: &dyn Fn(usize) -> String) -> String {
    let rule = |n| format!(r#"{{"name":"p{n}","match":{{{}}}}}"#, matches(n));
    let rules: Vec<String> = (0..POLICIES).map(rule).collect();
    format!(r#"{{"routes":[{}]}}"#, rules.join(","))
}

const CLUSTER: &[u8] = b"outbound|8080||basket.shop.svc.cluster.local";

/// Returns the route with this number. Only the first have a policy of their own.
fn route(number: usize) -> RouteInfo {
    RouteInfo {
        route: format!("shop-{number}").into_bytes(),
        virtual_host: b"shop.example:443".to_vec(),
        cluster: CLUSTER.to_vec(),
        metadata: HeaderBlock::default(),
    }
}

/// Returns the headers that a browser sends through a gateway.
fn request(accept: &str) -> HeaderBlock {
    let names = [
        ":authority",
        ":path",
        ":method",
        ":scheme",
        "user-agent",
        "accept",
        "accept-language",
        "accept-encoding",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-request-id",
        "cookie",
    ];
    let values = [
        "shop.example",
        "/255/basket?step=2",
        "GET",
        "https",
        "Mozilla/5.0 (X11; Linux x86_64)",
        accept,
        "de-DE,de;q=0.9,en;q=0.8",
        "gzip, deflate, br",
        "203.0.113.7",
        "https",
        "7d9b1a52-3c5e-4f0a-9c41-0d6a9f1e2b3c",
        "session=0123456789abcdef",
    ];
    HeaderBlock::from_pairs(&zip(names, values).collect::<Vec<_>>())
}

fn response() -> HeaderBlock {
    HeaderBlock::from_pairs(&[
        (":status", "502"),
        ("content-type", "text/html"),
        ("content-length", "28"),
        ("server", "backend/1.2"),
        ("x-envoy-upstream-service-time", "3"),
    ])
}
