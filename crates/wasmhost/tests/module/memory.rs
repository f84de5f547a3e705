//! Nothing that a request leaves behind may stay, however many there are and whatever they send.

use tidegate_wasmhost::Vm;

use super::{all_policies, stages, vm, POLICIES};

/// So many failures in a row would open the circuit.
const UNBROKEN: &str = r#"{"breaker":{"mode":"disabled"}}"#;

const ROUTES: usize = 10_000;
/// Failures between two ticks: 400 of a second. Each is told of at the next tick, and needs room until then.
const UNTOLD: usize = 20;
/// `MAX_ROUTES` of the core: those beyond share what there is of one.
const KEPT_ROUTES: usize = 1_024;
/// The budgets of the design: for a route that fails, in all; and for one worker, whatever the number of routes.
const ROUTE_BYTES: usize = 2 * 1024;
const WORKER_BYTES: usize = 4 * 1024 * 1024;

/// Memory may still grow while the allocator finds its working size.
const WARM_UP: usize = 2_000;
const REQUESTS: usize = 100_000;

#[test]
fn memory_is_flat_over_100_000_requests() {
    let stages = stages::all();
    let mut vm = vm("{}");
    let mut warm = 0;
    for i in 0..WARM_UP + REQUESTS {
        if i == WARM_UP {
            warm = vm.memory_bytes();
        }
        let stage = &stages[i % stages.len()];
        vm.exchange(&stage.request, &stage.response).unwrap();
        vm.tick(1).unwrap();
    }
    println!(
        "memory: {} KiB after {WARM_UP} requests and after {REQUESTS} more",
        warm / 1024
    );
    assert_eq!(vm.memory_bytes(), warm, "it grew");
}

/// Growth by the routes that fail: so much for each that is kept, and nothing for those beyond.
#[test]
fn a_route_needs_little_memory_and_those_beyond_the_limit_none() {
    for (policies, config) in [(0, "{}"), (POLICIES, &*all_policies())] {
        let mut vm = vm(config);
        let configured = vm.memory_bytes();
        // What the traffic itself needs is there then.
        let busy = fail(&mut vm, std::iter::repeat_n(0, WARM_UP));
        let kept = fail(&mut vm, 1..KEPT_ROUTES);
        // With the first of those beyond the limit, there is what they share.
        let full = fail(&mut vm, KEPT_ROUTES..KEPT_ROUTES + 1);
        let seen = fail(&mut vm, KEPT_ROUTES + 1..ROUTES);
        println!(
            "memory with {policies} policies: {} KiB, after {WARM_UP} pages {} KiB, with {KEPT_ROUTES} routes {} KiB ({} \
             bytes for each), with {ROUTES} {} KiB",
            configured / 1024,
            busy / 1024,
            kept / 1024,
            (kept - busy) / (KEPT_ROUTES - 1),
            seen / 1024
        );
        // The host gives whole pages.
        assert!(kept - busy <= ROUTE_BYTES * KEPT_ROUTES, "{policies}");
        assert_eq!(seen, full, "routes beyond the limit are kept");
        assert!(seen <= WORKER_BYTES);
    }
}

/// The memory after one failure of each of these routes.
fn fail(vm: &mut Vm, routes: impl Iterator<Item = usize>) -> usize {
    let stages = stages::all();
    let stage = stages
        .iter()
        .find(|stage| stage.name == "failure, JSON client");
    let stage = stage.unwrap();
    for (n, route) in routes.enumerate() {
        let mut request = stage.request.clone();
        request.route = format!("shop-{route}");
        request.cluster = "outbound|8080||basket.shop.svc.cluster.local".to_owned();
        let seen = vm.exchange(&request, &stage.response).unwrap();
        assert!(stages::is_page(&seen), "{route}");
        if n % UNTOLD == 0 {
            vm.tick(50).unwrap();
        }
    }
    vm.memory_bytes()
}

/// The bytes with which a client could kill the SDK's own way of reading headers, on every path.
#[test]
fn bytes_that_are_no_text_do_no_harm_10_000_times() {
    let bad: [&[u8]; 5] = [b"a\xffb", b"\xff", b"\xc3\x28", b"\x00", b"\xed\xa0\x80"];
    let names = [
        "x-foo",
        "accept",
        "accept-language",
        "user-agent",
        "x-request-id",
        ":path",
        "cookie",
    ];
    let stages = stages::all();
    let mut vm = vm(UNBROKEN);
    for i in 0..10_000 {
        let stage = &stages[i % stages.len()];
        let (value, name) = (bad[i % bad.len()], names[i % names.len()]);
        let request = stage.request.clone().header(name, value);
        let mut response = stage.response.clone();
        response = response.header("retry-after", value).header("x-bar", value);
        let seen = vm.exchange(&request, &response).unwrap();
        assert_eq!(
            stages::is_page(&seen),
            stage.replaced,
            "{}: {name}: {value:?}",
            stage.name
        );
    }
    assert_eq!(vm.take_misuse(), Vec::<String>::new());
}

/// Streams that are open at the same time are independent, and go when they are deleted.
#[test]
fn open_streams_do_not_mix() {
    let stages = stages::all();
    let mut vm = vm(UNBROKEN);
    let mut warm = 0;
    for round in 0..30 {
        let ids: Vec<_> = (0..200).map(|_| vm.open().unwrap()).collect();
        for (i, id) in ids.iter().enumerate() {
            let stage = &stages[i % stages.len()];
            let seen = vm
                .exchange_on(*id, &stage.request, &stage.response)
                .unwrap();
            assert_eq!(stages::is_page(&seen), stage.replaced, "{}", stage.name);
        }
        for id in ids.into_iter().rev() {
            vm.finish(id).unwrap();
        }
        if round == 9 {
            warm = vm.memory_bytes();
        }
    }
    assert_eq!(vm.memory_bytes(), warm, "it grew");
}
