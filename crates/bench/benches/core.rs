//! What the core's decisions cost, natively and without a host: `scripts/bench.sh core`.
//!
//! Only what the module itself calls is called here, built as the module is (`opt-level = "z"`). So
//! the figures are neither those of Envoy, which adds its calls, nor the best that the code could do;
//! they say where the time of a change went, and whether a budget of the core is held:
//!
//! | benchmark | budget |
//! | --- | --- |
//! | `breaker/closed and quiet`, `breaker/open` | 50 ns |
//! | `policy/...` | well under 1 µs |
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::hint::black_box;
use std::iter::zip;

use criterion::{BatchSize, Criterion};
use tidegate_core::breaker::bank::{Ending, Moment, Ticket, MAX_ROUTES};
use tidegate_core::breaker::{Admission, Bank, Outcome, Store, StoreError};
use tidegate_core::config::Config;
use tidegate_core::exchange::{Breakers, Closing, Exchange, Look, ResponseFacts, Verdict};
use tidegate_core::gate::{Gate, RouteFacts};
use tidegate_core::headers::HeaderBlock;
use tidegate_core::pace::Pacer;
use tidegate_core::reason::Reason;

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
/// Few enough that the pages of a batch stay in memory that is there already, as those of a proxy do.
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

/// The decision alone: all that a healthy request pays in the core, and what one of an open circuit
/// pays to be rejected.
fn breaker(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("breaker");
    let mut worker = Worker::new("{}");
    group.bench_function("closed and quiet", |bencher| {
        bencher.iter(|| {
            let mut exchange = Exchange::default();
            let (gate, breakers) = worker.parts();
            // Nobody looks into the headers, so none are made.
            let must_be_admitted = exchange.begin(HeaderBlock::default(), gate, &breakers);
            let look = exchange.saw_status(gate, breakers.pacer, black_box(200), false);
            let chunk = exchange.body(true);
            let closing = exchange.close(gate, breakers.bank);
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
    let mut worker = Worker::new(ONE_FAILURE);
    worker.open_the_circuit();
    let key = worker.gate.choose(&route(0), &request(BROWSER)).key;
    let at = moment(NOW_NS);
    group.bench_function("open", |bencher| {
        bencher.iter(|| {
            let admission = worker
                .bank
                .admit(&mut worker.store, black_box(&key), 0, false, at);
            debug_assert!(matches!(admission, Admission::Reject(_)));
            admission
        });
    });
    group.finish();
}

/// Which policy a request has, asked of ever other routes.
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

/// A whole exchange with an upstream that answers 502.
fn exchange(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("failing exchange");
    for (name, accept) in formats() {
        let mut worker = Worker::new("{}");
        let headers = request(accept);
        let mut facts = failure();
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || headers.clone(),
                |headers| {
                    let mut exchange = Exchange::default();
                    let (gate, mut breakers) = worker.parts();
                    exchange.begin(headers, gate, &breakers);
                    let look = exchange.saw_status(gate, breakers.pacer, 502, false);
                    assert_eq!(look, Look::Inspect);
                    // Else all that come at one moment would be a crowd.
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

/// A whole rejection while the circuit is open.
fn rejection(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rejection");
    for (name, accept) in formats() {
        let mut worker = Worker::new(ONE_FAILURE);
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

/// What a worker does twenty times a second, with as many routes as have a breaker of their own.
fn tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick");
    for (name, failing) in [("nothing fails", 0), ("1,024 routes failed", MAX_ROUTES)] {
        let mut worker = Worker::new("{}");
        let headers = request(BROWSER);
        let failed = Ending::from(Outcome::Failure(Reason::HttpResponseTimeout));
        for number in 0..failing {
            let key = worker.gate.choose(&route(number), &headers).key;
            let (bank, store) = (&mut worker.bank, &mut worker.store);
            bank.settle(store, &key, 0, Ticket::default(), failed, moment(NOW_NS));
        }
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                worker.bank.tick(&mut worker.store, moment(NOW_NS));
                worker.pacer.tick(moment(NOW_NS));
            });
        });
    }
    group.finish();
}

/// From the text of a configuration to what serves requests.
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

/// A worker of a proxy, alone.
struct Worker {
    gate: Gate,
    bank: Bank,
    pacer: Pacer,
    store: Memory,
}

impl Worker {
    fn new(config: &str) -> Self {
        let gate = gate(config);
        let mut bank = gate.bank("tidegate");
        let mut store = Memory::default();
        let mut pacer = Pacer::default();
        bank.tick(&mut store, moment(NOW_NS));
        pacer.tick(moment(NOW_NS));
        Self {
            gate,
            bank,
            pacer,
            store,
        }
    }

    fn parts(&mut self) -> (&Gate, Breakers<'_>) {
        let breakers = Breakers {
            bank: &mut self.bank,
            pacer: &mut self.pacer,
            store: &mut self.store,
        };
        (&self.gate, breakers)
    }

    fn open_the_circuit(&mut self) {
        let key = self.gate.choose(&route(0), &request(BROWSER)).key;
        let (ticket, at) = (Ticket::default(), moment(NOW_NS));
        let failed = Ending::from(Outcome::Failure(Reason::HttpResponseTimeout));
        let (bank, store) = (&mut self.bank, &mut self.store);
        bank.settle(store, &key, 0, ticket, failed, at);
        bank.tick(store, at);
        assert!(bank.is_watching());
        let admission = bank.admit(store, &key, 0, false, at);
        assert!(matches!(admission, Admission::Reject(_)), "{admission:?}");
    }
}

/// The shared data of a host.
#[derive(Default)]
struct Memory {
    values: HashMap<String, (Vec<u8>, u32)>,
    last: u32,
}

impl Store for Memory {
    fn get(&mut self, key: &str) -> Result<Option<(Vec<u8>, u32)>, StoreError> {
        Ok(self.values.get(key).cloned())
    }

    fn set(&mut self, key: &str, value: &[u8], number: Option<u32>) -> Result<(), StoreError> {
        if let (Some((_, current)), Some(number)) = (self.values.get(key), number) {
            if *current != number {
                return Err(StoreError::Changed);
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

/// As many policies as there can be; `matches` is the `match` of each.
fn policies(matches: &dyn Fn(usize) -> String) -> String {
    let rule = |n| format!(r#"{{"name":"p{n}","match":{{{}}}}}"#, matches(n));
    let rules: Vec<String> = (0..POLICIES).map(rule).collect();
    format!(r#"{{"routes":[{}]}}"#, rules.join(","))
}

/// Facts of the route with this number. Of all routes, some have a policy of their own.
fn route(number: usize) -> RouteFacts {
    RouteFacts {
        route: format!("shop-{number}").into_bytes(),
        virtual_host: b"shop.example:443".to_vec(),
        cluster: b"outbound|8080||basket.shop.svc.cluster.local".to_vec(),
        metadata: HeaderBlock::default(),
    }
}

/// What a browser sends by way of a gateway.
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
