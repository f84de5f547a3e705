//! Measures the decisions of the core, natively and without a host: `scripts/bench.sh core`.
//!
//! The benchmarks call only what the module calls. The figures are not those of Envoy, which adds
//! its host calls; they show which part of the core a change makes slower.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::hint::black_box;
use std::iter::zip;

use criterion::{BatchSize, Criterion};
use tidegate_core::breaker::Outcome;
use tidegate_core::config::Config;
use tidegate_core::exchange::{
    Breakers, Closing, Exchange, Look, Moment, ResponseFacts, Shared, Verdict,
};
use tidegate_core::gate::{Gate, RouteFacts};
use tidegate_core::headers::HeaderBlock;
use tidegate_core::host::{HostError, SharedData};
use tidegate_core::reason::Reason;
use tidegate_core::worker::{CircuitId, Permit, RouteKey, Worker, MAX_ROUTES};

/// The first failure opens the circuit for longer than a benchmark takes.
const ONE_FAILURE: &str = r#"{"breaker":{"consecutive":{"failures":1,"for":"0s"},
    "open":{"base":"10m","max":"10m"}}}"#;
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const POLICIES: usize = 256;
const ROUTES: usize = 10_000;
const TEMPLATE_BYTES: usize = 256 * 1024;
/// 2026-01-02T03:04:05Z.
const NOW_NS: u64 = 1_767_323_045_000_000_000;
const STEP_NS: u64 = 1_000_000;
/// Small enough that the pages of a batch fit in memory that is allocated already, as in a proxy.
const BATCH: BatchSize = BatchSize::NumIterations(16);

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    breaker(&mut criterion);
    policy(&mut criterion);
    exchange(&mut criterion);
    rejection(&mut criterion);
    tick(&mut criterion);
    start(&mut criterion);
    criterion.final_summary();
}

/// Measures the decision alone: of a healthy request, and of one that an open circuit rejects.
fn breaker(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("breaker");
    let mut worker = Fixture::new("{}");
    group.bench_function("closed and quiet", |bencher| {
        bencher.iter(|| {
            let mut exchange = Exchange::default();
            let (gate, breakers) = worker.parts();
            // The headers are not read, so they are empty.
            let must_be_admitted = exchange.begin(HeaderBlock::default(), gate, &breakers);
            let look = exchange.saw_status(gate, breakers.worker, black_box(200), false);
            let chunk = exchange.body(true);
            let closing = exchange.close(gate, breakers.worker);
            debug_assert!(!must_be_admitted && look == Look::Pass && chunk.is_none());
            debug_assert_eq!(closing, Closing::Nothing);
            (
                must_be_admitted,
                look,
                closing,
                black_box(exchange).can_settle(),
            )
        });
    });
    let mut worker = Fixture::new(ONE_FAILURE);
    worker.open_the_circuit();
    let key = worker.gate.choose(&route(0), &request(BROWSER)).key;
    group.bench_function("open", |bencher| {
        bencher.iter(|| {
            let circuit = circuit(black_box(&key));
            let (host, mut at) = (&mut worker.host, moment(NOW_NS));
            let decision = worker
                .worker
                .try_acquire(host, circuit, false, at.now, &mut at.rng);
            debug_assert!(decision.is_err());
            decision
        });
    });
    group.finish();
}

/// Measures the choice of the policy, for requests of varying routes.
fn policy(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policy");
    let routes: Vec<RouteFacts> = (0..ROUTES).map(route).collect();
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
        let gate = gate(&config);
        let mut next = routes.iter().cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| gate.choose(next.next().unwrap_or(&routes[0]), &headers));
        });
    }
    group.finish();
}

/// Measures a whole request whose upstream answers 502.
fn exchange(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("failing exchange");
    for (name, accept) in formats() {
        let mut worker = Fixture::new("{}");
        let headers = request(accept);
        let mut facts = failure();
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || headers.clone(),
                |headers| {
                    let mut exchange = Exchange::default();
                    let (gate, mut breakers) = worker.parts();
                    exchange.begin(headers, gate, &breakers);
                    let look = exchange.saw_status(gate, breakers.worker, 502, false);
                    assert_eq!(look, Look::Inspect);
                    // Requests at the same time would be a crowd.
                    facts.now_ns = facts.now_ns.map(|now_ns| now_ns + STEP_NS);
                    let verdict = exchange.decide(gate, &mut breakers, &facts);
                    assert!(matches!(verdict, Verdict::Rewrite(..)));
                    (exchange.body(true), verdict, exchange)
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
        let mut worker = Fixture::new(ONE_FAILURE);
        worker.open_the_circuit();
        let (headers, route) = (request(accept), route(0));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || headers.clone(),
                |headers| {
                    let mut exchange = Exchange::default();
                    let (gate, mut breakers) = worker.parts();
                    assert!(exchange.begin(headers, gate, &breakers));
                    let reply = exchange.admit(gate, &mut breakers, &route, moment(NOW_NS));
                    assert!(reply.is_some());
                    (reply, exchange)
                },
                BATCH,
            );
        });
    }
    group.finish();
}

/// Measures what a worker does twenty times a second, without failures and with the maximum number
/// of circuits.
fn tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick");
    for (name, failing) in [("nothing fails", 0), ("1,024 routes failed", MAX_ROUTES)] {
        let mut worker = Fixture::new("{}");
        let headers = request(BROWSER);
        for number in 0..failing {
            let key = worker.gate.choose(&route(number), &headers).key;
            worker.fail(&key);
        }
        group.bench_function(name, |bencher| bencher.iter(|| worker.tick()));
    }
    group.finish();
}

/// Measures the start of a worker, from the text of its configuration.
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
        group.bench_function(name, |bencher| bencher.iter(|| gate(config)));
    }
    group.finish();
}

/// The only worker of a proxy.
struct Fixture {
    gate: Gate,
    worker: Worker,
    host: FakeHost,
}

impl Fixture {
    fn new(config: &str) -> Self {
        let gate = gate(config);
        let worker = gate.worker("tidegate");
        let mut fixture = Self {
            gate,
            worker,
            host: FakeHost::default(),
        };
        fixture.tick();
        fixture
    }

    fn parts(&mut self) -> (&Gate, Breakers<'_>) {
        let breakers = Breakers {
            worker: &mut self.worker,
            store: Shared(&mut self.host),
        };
        (&self.gate, breakers)
    }

    fn tick(&mut self) {
        let mut at = moment(NOW_NS);
        self.worker.tick(&mut self.host, at.now, &mut at.rng);
    }

    fn fail(&mut self, key: &RouteKey) {
        let mut at = moment(NOW_NS);
        let (circuit, permit) = (circuit(key), Permit::default());
        let failed = Outcome::Failure(Reason::HttpResponseTimeout).into();
        let (host, rng) = (&mut self.host, &mut at.rng);
        self.worker
            .record(host, circuit, permit, failed, at.now, rng);
    }

    fn open_the_circuit(&mut self) {
        let key = self.gate.choose(&route(0), &request(BROWSER)).key;
        self.fail(&key);
        self.tick();
        assert!(self.worker.must_track());
        let mut at = moment(NOW_NS);
        let (circuit, host) = (circuit(&key), &mut self.host);
        let decision = self
            .worker
            .try_acquire(host, circuit, false, at.now, &mut at.rng);
        assert!(decision.is_err(), "{decision:?}");
    }
}

fn circuit(route: &RouteKey) -> CircuitId<'_> {
    CircuitId { route, policy: 0 }
}

/// The shared data of a host.
#[derive(Default)]
struct FakeHost {
    values: HashMap<String, (Vec<u8>, u32)>,
    last: u32,
}

impl SharedData for FakeHost {
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
        self.last = self.last.wrapping_add(1);
        self.values
            .insert(key.to_owned(), (value.to_vec(), self.last));
        Ok(())
    }
}

fn formats() -> [(&'static str, &'static str); 3] {
    [
        ("html", BROWSER),
        ("problem", "application/json"),
        ("text", "text/plain"),
    ]
}

fn gate(config: &str) -> Gate {
    match Config::from_json(config.as_bytes()) {
        Ok(config) => Gate::new(config),
        Err(errors) => panic!("{errors}"),
    }
}

/// Returns a configuration with the maximum number of policies; `matches` is the `match` of each.
fn policies(matches: &dyn Fn(usize) -> String) -> String {
    let rule = |n| format!(r#"{{"name":"p{n}","match":{{{}}}}}"#, matches(n));
    let rules: Vec<String> = (0..POLICIES).map(rule).collect();
    format!(r#"{{"routes":[{}]}}"#, rules.join(","))
}

/// Returns the route with this number. Some of the routes have a policy of their own.
fn route(number: usize) -> RouteFacts {
    RouteFacts {
        route: format!("shop-{number}").into_bytes(),
        virtual_host: b"shop.example:443".to_vec(),
        cluster: b"outbound|8080||basket.shop.svc.cluster.local".to_vec(),
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

fn failure() -> ResponseFacts {
    ResponseFacts {
        status: 502,
        end_of_stream: false,
        headers: HeaderBlock::from_pairs(&[
            (":status", "502"),
            ("content-type", "text/html"),
            ("content-length", "28"),
            ("server", "backend/1.2"),
            ("x-envoy-upstream-service-time", "3"),
        ]),
        details: b"via_upstream".to_vec(),
        flags: 0,
        now_ns: Some(NOW_NS),
        route: route(0),
    }
}

fn moment(now_ns: u64) -> Moment {
    Moment::new(now_ns, 1)
}
